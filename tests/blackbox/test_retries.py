"""Retries, timeouts, keys to the outside (rows EN-10 to EN-14, EN-26)."""

import json
import time
from datetime import datetime

from rows import rows
from support.case import Case, edge, node, step, workflow
from support.fh import FakeTarget, Reply


class Retries(Case):
    def gaps(self, path):
        """Seconds between the end of a call and the start of the next."""
        calls = self.fh.calls(path)
        return [b.at - a.ended for a, b in zip(calls, calls[1:])]

    def delays(self, id_, step_id):
        """Seconds that were decided to pass before each retry, to the millisecond."""
        retries = [e for e in self.events(id_) if e["kind"] == "node_retrying"
                   and e["node"] == step_id]
        return [round(e["data"]["due"] / 1000 - datetime.fromisoformat(e["time"]).timestamp(), 3)
                for e in retries]

    @rows("EN-10", "EN-26")
    def test_fixed_delay_and_constant_key(self):
        self.fh.script(self.path("a"), Reply(503), Reply(503), Reply(200))
        id_ = self.start(workflow([self.http("a", retry_on_fail=2, retry_delay_seconds=1)]))
        run = self.finished(id_)
        done = self.step_of(run, "a")
        self.assertEqual((run["status"], done["attempt"], done["max_attempts"]), ("success", 3, 3))
        gaps = self.gaps(self.path("a"))
        self.assertEqual(len(gaps), 2)
        for gap in gaps:
            self.assertTrue(0.95 <= gap <= 20, gaps)
        self.assertEqual(self.delays(id_, "a"), [1.0, 1.0])
        keys = {c.key for c in self.fh.calls(self.path("a"))}
        self.assertEqual(len(keys), 1)
        self.assertIn(id_, keys.pop())
        self.assertEqual(self.kinds(id_, "a").count("node_retrying"), 2)

    @rows("EN-26")
    def test_keys_differ_between_steps_iterations_and_runs(self):
        id_ = self.create(workflow(
            nodes=[node("loop", "FLOW", "LOOP", {"loop_type": "foreach", "items": [1, 2]}),
                   self.http_node("body"), self.http_node("after")],
            edges=[edge("loop:iteration", "body"), edge("body", "loop:loop_body"),
                   edge("loop:complete", "after")]))
        for _ in range(2):
            self.succeeds(id_)
        keys = [c.key for c in self.fh.calls() if c.path.startswith(self.path())]
        self.assertEqual(len(keys), 6)
        self.assertEqual(len(set(keys)), 6)
        self.assertNotIn(None, keys)

    @rows("EN-11")
    def test_strategies(self):
        bounds = {"fixed": [(0.3, 0.3), (0.3, 0.3), (0.3, 0.3)],
                  "exponential": [(0.3, 0.3), (0.6, 0.6), (1.0, 1.0)],
                  "exponential_jitter": [(0, 0.3), (0, 0.6), (0, 1.0)],
                  "random": [(0.3, 1.0)] * 3}
        ids = {}
        for name in bounds:
            self.fh.script(self.path(name), Reply(500), Reply(500), Reply(500), Reply())
            ids[name] = self.start(workflow([self.http(name, retry_policy={
                "max_attempts": 4, "strategy": name, "wait_min_seconds": 0.3,
                "wait_max_seconds": 1.0})]))
        for name, expected in bounds.items():
            with self.subTest(name):
                self.assertEqual(self.finished(ids[name])["status"], "success")
                for gap, (low, high) in zip(self.gaps(self.path(name)), expected):
                    self.assertTrue(low - 0.02 <= gap <= high + 20,
                                    (name, self.gaps(self.path(name))))
                decided = self.delays(ids[name], name)
                self.assertEqual(len(decided), 3)
                for delay, (low, high) in zip(decided, expected):
                    self.assertTrue(low - 0.001 <= delay <= high + 0.001, (name, decided))

    @rows("EN-12")
    def test_which_failures_are_retried(self):
        ids = {}
        table = {400: 1, 401: 1, 403: 1, 404: 1, 405: 1, 422: 1, 408: 3, 429: 3, 500: 3, 503: 3}
        for status in table:
            self.fh.script(self.path(str(status)), Reply(status))
            ids[status] = self.start(workflow([step("a", "http_request", parameters={
                "url": self.fh.url + self.path(str(status))},
                retry_policy={"max_attempts": 3, "strategy": "fixed", "wait_min_seconds": 0.1,
                              "wait_max_seconds": 0.1})]))
        for status, calls in table.items():
            with self.subTest(status):
                run = self.finished(ids[status])
                self.assertEqual(run["status"], "failed")
                self.assertEqual(self.fh.count(self.path(str(status))), calls)
                self.assertIn(str(status), json.dumps(self.step_of(run, "a")["error"]))

    @rows("EN-12")
    def test_retry_after_and_dropped_connections(self):
        self.fh.script(self.path("later"), Reply(429, headers={"Retry-After": "2"}), Reply())
        self.fh.script(self.path("drop"), Reply(drop=True), Reply())
        policy = {"max_attempts": 2, "strategy": "fixed", "wait_min_seconds": 0.1,
                  "wait_max_seconds": 0.1}
        run = self.succeeds(workflow([self.http("later", retry_policy=policy),
                                      self.http("drop", retry_policy=policy)]))
        self.assertGreaterEqual(self.gaps(self.path("later"))[0], 2)
        self.assertEqual(self.fh.count(self.path("drop")), 2)
        self.assertEqual(self.step_of(run, "drop")["attempt"], 2)

    @rows("EN-12")
    def test_refused_connections_are_retried_and_settings_are_not(self):
        policy = {"max_attempts": 3, "strategy": "fixed", "wait_min_seconds": 0,
                  "wait_max_seconds": 0}
        gone = FakeTarget()
        gone.close()
        mine, self.node = self.node, self.new_node("--http-allow", gone.address)
        try:
            for url, attempts in ((gone.url, 3), ("http://127.0.0.1:1/", 1), ("ftp://x/", 1)):
                with self.subTest(url):
                    run = self.run_to_end(workflow([step("a", "http_request", parameters={
                        "url": "{{ input.url }}"}, retry_policy=policy)]), {"url": url})
                    self.assertEqual((run["status"], self.step_of(run, "a")["attempt"]),
                                     ("failed", attempts))
        finally:
            self.node.close()
            self.node = mine

    @rows("EN-13")
    def test_step_timeout_ends_the_attempt(self):
        self.fh.script(self.path("slow"), Reply(delay=90))
        run = self.run_to_end(workflow([self.http("slow", timeout_seconds=1)]))
        self.assertEqual(run["status"], "failed")
        slow = self.step_of(run, "slow")
        self.assertEqual(slow["status"], "timed_out")
        self.assertTrue(0.9 <= slow["duration_seconds"] <= 20, slow)
        self.until(lambda: self.fh.calls(self.path("slow"))[0].closed_by_peer, 3,
                   "the connection was not closed")
        self.fh.script(self.path("again"), Reply(delay=90), Reply())
        run = self.succeeds(workflow([self.http("again", timeout_seconds=1, retry_on_fail=1,
                                                retry_delay_seconds=0)]))
        self.assertEqual(self.step_of(run, "again")["attempt"], 2)


class WorkflowTimeout(Case):
    flags = ("--test-clock",)

    @rows("EN-10")
    def test_status_is_retrying_until_the_delay_is_over(self):
        self.fh.script(self.path("a"), Reply(503), Reply())
        id_ = self.start(workflow([self.http("a", retry_on_fail=1, retry_delay_seconds=3000)],
                                  settings={"timeout_seconds": 86400}))
        self.until(lambda: self.statuses(self.execution(id_)).get("a") == "retrying")
        waiting = self.step_of(self.execution(id_), "a")
        self.assertEqual((waiting["attempt"], waiting["max_attempts"]), (1, 2))
        self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 2990}))
        time.sleep(0.3)
        self.assertEqual(self.fh.count(self.path("a")), 1)
        self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 11}))
        self.assertEqual(self.finished(id_)["status"], "success")
        self.assertEqual(self.fh.count(self.path("a")), 2)

    @rows("EN-14")
    def test_whole_run_times_out(self):
        self.fh.hold(self.path("slow"))
        id_ = self.start(workflow([self.http("slow", timeout_seconds=600), step("b", after="slow")],
                                  settings={"timeout_seconds": 60}))
        self.fh.wait_for(self.path("slow"))
        time.sleep(0.2)
        self.assertEqual(self.execution(id_)["status"], "running")
        self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 61}))
        run = self.finished(id_)
        self.assertEqual(run["status"], "timed_out")
        self.assertIn(self.step_of(run, "slow")["status"], ("cancelled", "timed_out"))
        self.until(lambda: self.fh.calls(self.path("slow"))[0].closed_by_peer, 3,
                   "the connection was not closed")
        self.fh.release(self.path("slow"))


class RetryDefaults(Case):
    env = {"TROUPE_RETRY_MAX_ATTEMPTS": "2", "TROUPE_RETRY_STRATEGY": "fixed",
           "TROUPE_RETRY_WAIT_MIN_MS": "100", "TROUPE_RETRY_WAIT_MAX_MS": "100"}

    @rows("EN-11")
    def test_default_from_the_environment(self):
        self.fh.script(self.path("a"), Reply(503), Reply())
        run = self.succeeds(workflow(nodes=[self.http_node("a")]))
        self.assertEqual(self.step_of(run, "a")["attempt"], 2)
