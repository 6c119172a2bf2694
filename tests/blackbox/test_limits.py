"""How much runs at once, and in which order the rest waits (rows EN-31, EN-32, EN-05, OP-11)."""

import threading
import time

from rows import rows
from support.case import Case, step, workflow


class Limits(Case):
    flags = ("--max-concurrent-executions", "3")

    def hold_all(self, names):
        for name in names:
            self.fh.hold(self.path(name))

    def held(self, names):
        return [n for n in names if self.fh.count(self.path(n))]

    def prove_limit(self, names, limit):
        """All are held: exactly `limit` of them come; each that ends lets the next one come."""
        self.until(lambda: len(self.held(names)) >= limit, why="the first calls do not come")
        time.sleep(0.4)
        self.assertEqual(len(self.held(names)), limit)
        for ended in range(len(names)):
            self.fh.release(self.path(names[ended]))
            want = min(limit + ended + 1, len(names))
            self.until(lambda: len(self.held(names)) >= want, why="no further call comes")
        self.assertEqual(self.fh.overlap(self.path()), limit)

    @rows("EN-31")
    def test_limit_of_a_workflow_and_first_come_first_served(self):
        names = [f"w{n}" for n in range(5)]
        self.hold_all(names)
        id_ = self.create(workflow([step("a", "http_request", parameters={
            "url": self.fh.url + self.path("w{{ input.n }}")})],
            settings={"max_concurrent_executions": 2}))
        runs = [self.start(id_, {"n": n}) for n in range(5)]
        self.assertEqual(self.execution(runs[4])["status"], "queued")
        self.prove_limit(names, 2)
        for run in runs:
            self.assertEqual(self.finished(run)["status"], "success")
        self.assertEqual([self.fh.count(self.path(n)) for n in names], [1] * 5)
        first = [self.fh.calls(self.path(n))[0].at for n in names]
        self.assertEqual(first[2:], sorted(first[2:]))

    @rows("EN-31", "OP-11")
    def test_limit_of_the_node(self):
        names = [f"w{n}" for n in range(6)]
        self.hold_all(names)
        runs = [self.start(workflow([self.http(n)])) for n in names]
        self.prove_limit(names, 3)
        for run in runs:
            self.assertEqual(self.finished(run)["status"], "success")


class CallsPerHost(Case):
    env = {"TROUPE_ATTEMPTS_PER_HOST_MAX": "1"}

    @rows("OP-11")
    def test_one_call_a_host_at_a_time(self):
        self.succeeds(workflow([self.http(f"s{n}") for n in range(6)]))
        self.assertEqual(sum(self.fh.count(self.path(f"s{n}")) for n in range(6)), 6)
        self.assertEqual(self.fh.overlap(self.path()), 1)


class CallsInAll(Case):
    env = {"TROUPE_ATTEMPTS_RUNNING_MAX": "2"}

    @rows("OP-11")
    def test_calls_in_flight_are_capped(self):
        names = [f"s{n}" for n in range(4)]
        for name in names:
            self.fh.hold(self.path(name))
        run = self.start(workflow([self.http(name) for name in names]))
        self.until(lambda: sum(self.fh.count(self.path(n)) for n in names) == 2)
        time.sleep(0.4)
        self.assertEqual(sum(self.fh.count(self.path(n)) for n in names), 2)
        for name in names:
            self.fh.release(self.path(name))
        self.assertEqual(self.finished(run)["status"], "success")
        self.assertEqual(self.fh.overlap(self.path()), 2)


class Serial(Case):
    env = {"TROUPE_MAX_CONCURRENT_EXECUTIONS": "1"}

    @rows("EN-32", "OP-11")
    def test_high_priority_starts_first_and_one_at_a_time(self):
        self.fh.hold(self.path("block"))
        block = self.start(workflow([self.http("block")]))
        self.fh.wait_for(self.path("block"))
        id_ = self.create(workflow([step("a", "http_request", parameters={
            "url": self.fh.url + self.path("{{ input.who }}")})]))
        runs = [self.start(id_, {"who": f"low{n}"}, priority="low") for n in range(3)]
        runs.append(self.start(id_, {"who": "normal"}))
        runs.append(self.start(id_, {"who": "high"}, priority="high"))
        self.assertEqual(self.execution(runs[-1])["status"], "queued")
        self.fh.release(self.path("block"))
        for run in [block] + runs:
            self.assertEqual(self.finished(run)["status"], "success")
        order = ["block", "high", "normal", "low0", "low1", "low2"]
        at = [self.fh.calls(self.path(name))[0].at for name in order]
        self.assertEqual(at, sorted(at))
        self.assertEqual(self.fh.overlap(self.path()), 1)


class Concurrency(Case):
    @rows("EN-05")
    def test_many_clients_at_once(self):
        id_ = self.create(workflow([step("a", parameters={"n": "{{ input.n }}"})]))
        wrong, lock = [], threading.Lock()

        def client(first):
            for n in range(first, first + 25):
                run = self.node.post(f"/workflows/{id_}/execute?wait=60", {"input_data": {"n": n}})
                if run.status != 200 or run.json["steps"][0]["output"] != {"n": n}:
                    with lock:
                        wrong.append((n, repr(run)))

        threads = [threading.Thread(target=client, args=(t * 100,)) for t in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(len(self.items(f"/executions?workflow_id={id_}")), 200)
