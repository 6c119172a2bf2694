"""What can be known of runs afterwards (rows EN-34 to EN-38)."""

import hashlib
import json
import time

from rows import rows
from support.case import Case, edge, node, set_variable, step, workflow
from support.fh import Reply
from support.worker import StubWorker

ZEROS = "00" * 32


class History(Case):
    @rows("EN-34")
    def test_lists(self):
        self.fh.script(self.path("bad"), Reply(404))
        good, bad = self.create(workflow([step("a")])), self.create(workflow([self.http("bad")]))
        runs = [self.run_to_end(good)["id"] for _ in range(3)]
        failed = self.run_to_end(bad)["id"]
        listed = [r["id"] for r in self.items(f"/executions?workflow_id={good}")]
        self.assertEqual(listed, runs[::-1])
        for word in ("failed", "ERROR"):
            self.assertEqual([r["id"] for r in self.items(
                f"/executions?status={word}&workflow_id={bad}")], [failed])
        self.assertEqual(self.items(f"/executions?status=failed&workflow_id={good}"), [])
        self.assertEqual([r["id"] for r in self.items(
            f"/executions?status=COMPLETED&workflow_id={good}")], runs[::-1])
        alias = self.ok(self.node.get(f"/workflows/executions?workflow_id={good}&limit=2"), 200).json
        self.assertEqual((len(alias["items"]), alias["total_count"], alias["has_more"]), (2, 3, True))
        paged = [r["id"] for r in self.items(f"/executions?workflow_id={good}", limit=1)]
        self.assertEqual(paged, runs[::-1])

    @rows("EN-34")
    def test_lists_by_trigger_and_time(self):
        id_ = self.create(workflow([step("a")]))
        first = self.run_to_end(id_)
        time.sleep(0.05)
        second = self.run_to_end(id_, trigger_type="api")
        self.assertGreater(second["created_at"], first["created_at"])

        def listed(query):
            return [r["id"] for r in self.items(f"/executions?workflow_id={id_}&{query}")]

        self.assertEqual(listed("trigger_type=api"), [second["id"]])
        self.assertEqual(listed("trigger_type=manual"), [first["id"]])
        self.assertEqual(listed("trigger_type=schedule"), [])
        self.assertEqual(listed(f"created_from={second['created_at']}"), [second["id"]])
        self.assertEqual(listed(f"created_to={first['created_at']}"), [first["id"]])
        self.problem(self.node.get("/executions?status=nonsense"), 422)
        self.problem(self.node.get("/executions?created_from=yesterday"), 422)

    @rows("EN-35")
    def test_stats(self):
        self.fh.script(self.path("a"), Reply(), Reply(), Reply(), Reply(404))
        id_ = self.create(workflow([self.http("a")]))
        took = [self.run_to_end(id_)["duration_seconds"] for _ in range(4)]
        stats = self.until(lambda: (lambda s: s if s["total"] == 4 else None)(
            self.ok(self.node.get(f"/workflows/{id_}/stats"), 200).json))
        self.assertEqual((stats["by_status"]["success"], stats["by_status"]["failed"]), (3, 1))
        self.assertAlmostEqual(stats["success_rate"], 0.75)
        self.assertAlmostEqual(stats["avg_duration"], sum(took) / 4, delta=0.002)
        overview = self.ok(self.node.get("/workflows/stats/overview"), 200).json
        self.assertGreaterEqual(overview["total"], 4)
        self.assertEqual(sum(overview["by_status"].values()), overview["total"])
        self.assertTrue(0 < overview["success_rate"] < 1)

    @rows("EN-36")
    def test_event_log(self):
        self.fh.script(self.path("a"), Reply(503), Reply())
        run = self.succeeds(workflow([self.http("a", retry_on_fail=1, retry_delay_seconds=0),
                                      step("b", after="a")]))
        events = self.events(run["id"])
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        for event in events:
            self.assertTrue(event["time"] and event["kind"])
            self.assertRegex(event["hash"], r"^[0-9a-f]{64}$")
        self.assertEqual(len({e["hash"] for e in events}), len(events))
        times = [e["time"] for e in events]
        self.assertEqual(times, sorted(times))
        kinds = [e["kind"] for e in events]
        self.assertEqual((kinds[0], kinds[-1]), ("execution_started", "execution_finished"))
        of_a = [(e["kind"], e.get("attempt")) for e in events if e.get("node") == "a"]
        self.assertEqual([k for k in of_a if k[0].startswith("node_")],
                         [("node_scheduled", 1), ("node_retrying", 1), ("node_scheduled", 2),
                          ("node_completed", 2)])
        self.assertEqual(self.items(f"/executions/{run['id']}/events", limit=2), events)
        self.assertEqual(self.items(f"/executions/{run['id']}/events?since=3"), events[3:])
        for verb in ("PUT", "PATCH", "DELETE", "POST"):
            self.problem(self.node.request(verb, f"/executions/{run['id']}/events", {}), 405)

    def kinds_of_runs(self):
        """Ended runs of every kind: retried, failed, partial, cancelled, looped, reviewed, nested."""
        self.fh.script(self.path("flaky"), Reply(503), Reply())
        self.fh.script(self.path("bad"), Reply(404))
        child = self.create(workflow([step("c", parameters={"n": "{{ input.n }}"})]))
        loop = workflow(
            nodes=[node("loop", "FLOW", "LOOP", {"loop_type": "foreach", "items": [3, 1, 2],
                                                 "parallel_execution": True}),
                   node("body", "SKILL", parameters={"skill_type": "echo", "parameters": {
                       "v": "{{ $json * 1.5 }}"}}),
                   node("sub", "SUBWORKFLOW", parameters={"workflow_id": child,
                                                          "input": {"n": "{{ $json }}"}})],
            edges=[edge("loop:iteration", "body"), edge("body", "loop:loop_body"),
                   edge("loop:complete", "sub")])
        ids = [self.start(workflow([self.http("flaky", retry_on_fail=1, retry_delay_seconds=0)])),
               self.start(workflow(nodes=[set_variable("s", "x", 1.1)])),
               self.start(workflow([self.http("bad"), step("n", after="bad")])),
               self.start(workflow([self.http("bad", continue_on_fail=True), step("b", after="bad"),
                                    step("off", condition="false")])), self.start(loop)]
        waits = self.start(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "for_signal", "signal_name": "s"})]))
        self.becomes(waits, "waiting")
        self.ok(self.node.post(f"/executions/{waits}/cancel"))
        asks = self.start(workflow(nodes=[node("h", "HUMAN_IN_THE_LOOP", "APP", {
            "notification_type": "approval", "message": "?"})]))
        review = self.review_of(asks)
        self.ok(self.node.post("/reviews/action", {"reviews": [
            {"review_id": review["review_id"], "approved": True, "message": "fine"}]}))
        self.fh.script(self.path("once"), Reply(404), Reply())
        again = self.run_to_end(workflow([self.http("once")]))["id"]
        self.ok(self.node.post(f"/executions/{again}/retry", {"from": "failed"}))
        self.becomes(again, "success")
        return [self.finished(i) for i in [*ids, waits, asks, again]]

    @rows("EN-37")
    def test_replay_of_every_kind_of_run_equals_live(self):
        runs = self.kinds_of_runs()
        self.assertLessEqual({"success", "failed", "partial", "cancelled"},
                             {r["status"] for r in runs})
        calls = len(self.fh.calls())
        for run in runs:
            answer = self.ok(self.node.post(f"/executions/{run['id']}/replay"), 200).json
            self.assertIs(answer["equal"], True, answer)
            self.assertEqual(answer["status"], run["status"])
            self.assertEqual(self.execution(run["id"]), run)
        self.assertEqual(len(self.fh.calls()), calls)

    @rows("EN-38")
    def test_report(self):
        self.fh.script(self.path("bad"), Reply(404))
        run = self.run_to_end(workflow([
            step("one", parameters={"x": "{{ input.n }}"}),
            self.http("bad", after="one", continue_on_fail=True),
            step("three", after="bad", parameters={"y": 2})]), {"n": 5})
        report = self.ok(self.node.get(f"/executions/{run['id']}/report"), 200).json
        done = [e["node"] for e in self.events(run["id"])
                if e["kind"] in ("node_completed", "node_failed")]
        path = [p if isinstance(p, str) else p.get("step_id") or p.get("node")
                for p in report["execution_path"]]
        self.assertEqual((path, done), (["one", "bad", "three"], ["one", "bad", "three"]))
        for part in ("execution_summary", "node_inputs", "performance_metrics", "errors"):
            self.assertTrue(report[part], part)
        self.assertIn("partial", json.dumps(report["execution_summary"]))
        self.assertIn('"x": 5', json.dumps(report["node_inputs"]))
        self.assertIn("404", json.dumps(report["errors"]))
        self.assertIn("bad", json.dumps(report["errors"]))

    @rows("EN-38")
    def test_log_lines_of_a_step_by_level(self):
        worker = StubWorker(self.node, "talks")
        id_ = self.start(workflow([step("a", "talks")]))
        task = worker.task()
        self.ok(worker.post(f"tasks/{task['task_id']}/complete", {
            "token": task["token"], "output": {}, "logs": [
                {"level": "info", "message": "all is well"},
                {"level": "error", "message": "nothing is well"}]}))
        self.finished(id_)
        lines = self.items(f"/executions/{id_}/logs")
        self.assertEqual([(l["node"], l["level"], l["message"]) for l in lines],
                         [("a", "info", "all is well"), ("a", "error", "nothing is well")])
        self.assertEqual([l["message"] for l in self.items(f"/executions/{id_}/logs?level=error")],
                         ["nothing is well"])


class Chain(Case):
    own_node = True

    @rows("EN-36", "EN-37", "OP-13")
    def test_exported_events_carry_the_hashes_that_the_api_shows(self):
        run = self.succeeds(workflow([self.http("a"), step("b", after="a", parameters={
            "text": "Grüße", "n": 1.0})]))
        shown = self.events(run["id"])
        self.assertEqual(self.node.terminate(), 0)
        done = self.node.cli("log", "export", run["id"], "--data-dir", self.node.data_dir)
        self.assertEqual(done.returncode, 0, done)
        last, hashes = bytes.fromhex(ZEROS), []
        for line in done.stdout.splitlines():
            head = f'{{"execution_id":"{run["id"]}","event":'
            self.assertTrue(line.startswith(head) and line.endswith("}"), line)
            last = hashlib.sha256(last + line[len(head):-1].encode()).digest()
            hashes.append(last.hex())
        self.assertEqual(hashes, [e["hash"] for e in shown])
        again = self.node.cli("replay", "--redecide", "--data-dir", self.node.data_dir)
        self.assertEqual(again.returncode, 0, again)
        self.assertRegex(again.stdout, r"^ok: 1 runs, \d+ events, 0 different")
