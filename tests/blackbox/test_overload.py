"""More work than the node has memory for: refused with words, never by dying (R15)."""

import http.client
import json
import os
import re
import subprocess
import threading
import time

from support.case import Case, one_node, step, workflow
from support.node import BINARY
from support.worker import StubWorker

MIB = 1 << 20
CAP = 64 * MIB
LONG = os.environ.get("TROUPE_LONG") == "1"


class Flood:
    """Connections that send starts with large bodies, one after another, until stopped."""

    def __init__(self, node, path, connections, body_bytes):
        self.node, self.path = node, path
        text = "x" * (body_bytes - 100)
        self.body = json.dumps({"input_data": {"text": text}}).encode()
        self.stopping, self.lock = threading.Event(), threading.Lock()
        self.accepted, self.refused, self.odd, self.resets = [], [], [], 0
        self.threads = [threading.Thread(target=self._send, daemon=True)
                        for _ in range(connections)]

    def run(self, seconds):
        for thread in self.threads:
            thread.start()
        time.sleep(seconds)
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        return self

    def _send(self):
        connection = None
        while not self.stopping.is_set():
            connection = connection or http.client.HTTPConnection("127.0.0.1", self.node.port,
                                                                  timeout=60)
            try:
                connection.request("POST", self.path, body=self.body,
                                   headers={"Content-Type": "application/json"})
                answer = connection.getresponse()
                self._note(answer.status, dict(answer.getheaders()), answer.read())
                closes = answer.getheader("Connection") == "close"
            except (OSError, http.client.HTTPException):
                # The refusal came while the body was still on its way.
                closes = True
                with self.lock:
                    self.resets += 1
            if closes:
                connection.close()
                connection = None

    def _note(self, status, headers, body):
        found = json.loads(body)
        with self.lock:
            if status == 202:
                self.accepted.append(found["execution_id"])
            elif status in (429, 503):
                self.refused.append((status, found["code"], headers.get("Retry-After")))
            else:
                self.odd.append((status, found))


@one_node("the memory of one process under its cap")
class Overload(Case):
    flags = ("--memory-bytes-max", str(CAP))
    own_node, weight, time_limit = True, 8, 400.0

    def memory_peak(self):
        with open(f"/proc/{self.node.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) * 1024

    def metrics(self):
        text = self.ok(self.node.request("GET", "/metrics", root=True), 200).text
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
                for line in text.splitlines() if line and not line.startswith("#")}

    def used(self, *kinds):
        found = self.metrics()
        return sum(v for k, v in found.items() if k.startswith("troupe_memory_budget_used_bytes")
                   and (not kinds or any(f'"{kind}"' in k for kind in kinds)))

    def watch(self, stop, run, seen):
        """What must go on whatever happens: health, metrics, reads, cancels."""
        while not stop.is_set():
            began = time.monotonic()
            statuses = [self.node.request("GET", "/health", root=True).status,
                        self.node.request("GET", "/metrics", root=True).status,
                        self.node.get(f"/executions/{run}").status,
                        self.node.post(f"/executions/{run}/cancel").status]
            seen.append((statuses, time.monotonic() - began))
            time.sleep(0.1)

    def accepts_again(self, id_):
        began = time.monotonic()
        self.until(lambda: self.node.post(f"/workflows/{id_}/execute", {}).status == 202, 5,
                   "no start is accepted after the flood", self.metrics)
        return time.monotonic() - began

    def test_a_flood_of_large_starts_is_refused_and_memory_stays_within_its_budget(self):
        id_ = self.create(workflow([step("a", parameters={"n": "{{ input.text }}"})]))
        path = f"/api/v1/workflows/{id_}/execute"
        # A load that the node takes: the store's own buffers fill, which are no part of the budget.
        calm = Flood(self.node, path, 4, MIB).run(4)
        self.assertEqual([calm.odd, calm.refused, calm.resets], [[], [], 0])
        self.assertTrue(calm.accepted)
        for run in calm.accepted:
            self.assertEqual(self.finished(run)["status"], "success")
        baseline = self.memory_peak()

        stop, seen = threading.Event(), []
        watcher = threading.Thread(target=self.watch, args=(stop, calm.accepted[0], seen))
        watcher.start()
        flood = Flood(self.node, path, 96, MIB).run(6)
        again = self.accepts_again(id_)
        stop.set()
        watcher.join(60)

        peak = self.memory_peak()
        print(f"overload: {len(calm.accepted)} calm, {len(flood.accepted)} accepted, "
              f"{len(flood.refused)} refused, {flood.resets} resets, baseline "
              f"{baseline / MIB:.0f} MiB, peak {peak / MIB:.0f} MiB, again in {again:.2f} s, budget "
              f"high {self.metrics()['troupe_memory_budget_high_total_bytes'] / MIB:.0f} MiB")
        self.assertTrue(self.node.alive(), self.node.log_tail())
        self.assertEqual(flood.odd, [])
        self.assertTrue(flood.refused)
        for status, code, wait in flood.refused:
            self.assertIn((status, code), [(429, "over_capacity"), (429, "overloaded"),
                                           (503, "over_capacity")])
            self.assertGreaterEqual(int(wait), 1)
        self.assertTrue(flood.accepted)
        for statuses, _ in seen:
            self.assertEqual(statuses[:3], [200, 200, 200])
            self.assertEqual(statuses[3], 409)  # it has ended: refused by the run, not at the door
        self.assertLess(max(seconds for _, seconds in seen), 10)
        self.assertLess(peak, baseline + CAP)
        # More is counted than is held: what was admitted counts ahead for what becomes of it.
        self.assertLess(self.metrics()["troupe_memory_budget_high_total_bytes"], 2.5 * CAP)
        for run in flood.accepted:
            self.assertEqual(self.finished(run)["status"], "success")
        self.until(lambda: self.used() < 0.1 * MIB, 10, "bytes are still counted", self.metrics)
        found = self.metrics()
        self.assertEqual(found["troupe_memory_budget_bytes"], CAP)
        self.assertGreater(found["troupe_memory_budget_high_total_bytes"], 0.8 * CAP)
        self.assertGreaterEqual(found["troupe_over_capacity_refused_total"],
                                len([r for r in flood.refused if r[0] == 429]))

    def test_tasks_that_nobody_takes_stop_new_work_until_somebody_does(self):
        worker = StubWorker(self.node, "heavy")
        id_ = self.create(workflow([step("a", "heavy", parameters={"t": "{{ input.t }}"})]))
        body = {"input_data": {"t": "x" * (2 * MIB)}}
        runs, refused = [], None
        for _ in range(60):
            answer = self.node.post(f"/workflows/{id_}/execute", body)
            if answer.status == 429:
                refused = answer
                break
            runs.append(self.ok(answer, 202).json["execution_id"])
            time.sleep(0.02)
        self.assertIsNotNone(refused, self.metrics())
        self.problem(refused, 429, "over_capacity")
        self.assertEqual(refused.headers["retry-after"], "1")
        self.assertGreater(self.used("tasks"), 10 * MIB)
        self.problem(self.node.post(f"/executions/{runs[0]}/signals/s", {}), 429, "over_capacity")
        # Outcomes are never refused, large ones neither.
        while len(runs) > 0:
            for task in worker.poll(wait=5, most=10):
                self.ok(worker.complete(task, {"t": "y" * MIB}), 200)
            runs = [run for run in runs if self.execution(run)["status"] != "success"]
        self.until(lambda: self.used() < 0.1 * MIB, 10, "bytes are still counted", self.metrics)
        self.accepts_again(id_)


class LongOverload(Overload):
    """R15: ten times saturation for a minute (TROUPE_LONG=1)."""

    time_limit = 400.0

    def tool(self, *arguments):
        binary = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "tests", "troupe_load")
        done = subprocess.run([binary, "run", "--port", str(self.node.port),
                               *map(str, arguments)], capture_output=True, text=True)
        return json.loads(done.stdout)

    def ended(self):
        return sum(v for k, v in self.metrics().items()
                   if k.startswith("troupe_executions_ended_total"))

    def rate(self, connections, seconds, path, first):
        before, began = self.ended(), time.monotonic()
        report = self.tool("--path", path, "--body", '{"input_data": {"n": {n}}}', "--connections",
                           connections, "--seconds", seconds, "--warmup", 0, "--first", first)
        return (self.ended() - before) / (time.monotonic() - began), report

    def ten_times_saturation(self):
        id_ = self.create(workflow([step(f"s{n}", after=f"s{n - 1}" if n else (),
                                         parameters={"n": "{{ input.n }}"}) for n in range(10)]))
        path = f"/api/v1/workflows/{id_}/execute"
        text = self.create(workflow([step("a", parameters={"n": "{{ input.text }}"})]))
        Flood(self.node, f"/api/v1/workflows/{text}/execute", 4, MIB).run(4)  # fills the store's
        self.rate(128, 5, path + "?wait=60", 0)                               # own buffers
        peak, _ = self.rate(128, 15, path + "?wait=60", 10 ** 8)
        baseline = self.memory_peak()
        goodput, report = self.rate(1280, 60, path, 2 * 10 ** 8)
        again = self.accepts_again(id_)
        self.until(lambda: self.metrics()["troupe_executions_live"] == 0, 60, "runs do not end",
                   self.metrics)
        found, memory = self.metrics(), self.memory_peak()
        print(f"R15: peak {peak:.0f} runs/s, goodput {goodput:.0f} runs/s, answers "
              f"{report['by_status']}, baseline {baseline / MIB:.0f} MiB, most "
              f"{memory / MIB:.0f} MiB, budget high "
              f"{found['troupe_memory_budget_high_total_bytes'] / MIB:.0f} MiB, accepts again "
              f"after {again:.2f} s")
        self.assertTrue(self.node.alive())
        self.assertLessEqual(set(report["by_status"]), {"202", "429", "503"})
        self.assertEqual(found["troupe_executions_started_total"], self.ended())
        self.assertLess(memory, baseline + CAP)
        self.assertGreaterEqual(goodput, 0.8 * peak)

    if LONG:
        test_ten_times_saturation = ten_times_saturation
