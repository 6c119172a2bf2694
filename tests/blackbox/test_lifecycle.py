"""Cancel, pause, retry, single nodes, dry runs (rows EN-21 to EN-30)."""

import json
import time

from rows import rows
from support.case import Case, edge, node, step, workflow
from support.fh import Reply
from support.worker import StubWorker


class Lifecycle(Case):
    @rows("EN-21")
    def test_cancel_aborts_the_call(self):
        self.fh.script(self.path("slow"), Reply(delay=90))
        id_ = self.start(workflow([self.http("slow"), self.http("never", after="slow")]))
        call = self.fh.wait_for(self.path("slow"))[0]
        asked = time.monotonic()  # nobody answers the call for 90 s
        self.ok(self.node.post(f"/executions/{id_}/cancel"))
        run = self.finished(id_)
        self.assertEqual(run["status"], "cancelled")
        self.assertLess(time.monotonic() - asked, 15)
        self.until(lambda: call.closed_by_peer, 40, "the connection was not closed")
        self.assertEqual(self.step_of(run, "slow")["status"], "cancelled")
        self.problem(self.node.post(f"/executions/{id_}/cancel"), 409)
        self.problem(self.node.post("/executions/01890000-0000-7000-8000-000000000000/cancel"), 404)
        self.assertEqual(self.fh.count(self.path("never")), 0)

    @rows("EN-21")
    def test_cancel_ends_timers_reviews_and_late_results(self):
        worker = StubWorker(self.node, "late_answer")
        id_ = self.start(workflow(nodes=[
            node("s", "SKILL", parameters={"skill_type": "late_answer"}),
            node("w", "FLOW", "WAIT", {"wait_type": "fixed_delay", "duration_seconds": 900}),
            node("h", "HUMAN_IN_THE_LOOP", "APP", {"notification_type": "approval",
                                                   "message": "ok?"})]))
        task = worker.task()
        self.review_of(id_)
        self.ok(self.node.post(f"/executions/{id_}/cancel"))
        self.assertEqual(self.finished(id_)["status"], "cancelled")
        self.problem(worker.complete(task, {"too": "late"}), 410)
        run = self.execution(id_)
        self.assertEqual(run["status"], "cancelled")
        self.assertNotIn("too", json.dumps(run))
        self.assertNotIn(id_, [r["execution_id"] for r in self.items("/reviews/pending")])

    @rows("EN-22")
    def test_pause_lets_running_steps_end(self):
        self.fh.hold(self.path("a"))
        id_ = self.start(workflow([self.http("a"), self.http("b", after="a")]))
        self.fh.wait_for(self.path("a"))
        self.ok(self.node.post(f"/executions/{id_}/pause"))
        self.fh.release(self.path("a"))
        self.until(lambda: self.statuses(self.execution(id_)).get("a") == "success")
        time.sleep(0.3)
        self.assertEqual(self.execution(id_)["status"], "paused")
        self.assertEqual(self.fh.count(self.path("b")), 0)
        self.ok(self.node.post(f"/executions/{id_}/resume"))
        self.assertEqual(self.finished(id_)["status"], "success")
        self.assertEqual([self.fh.count(self.path(n)) for n in "ab"], [1, 1])

    @rows("EN-23")
    def test_forbidden_transitions(self):
        done = self.succeeds(workflow([step("a")]))["id"]
        for action in ("cancel", "pause", "resume"):
            self.problem(self.node.post(f"/executions/{done}/{action}"), 409)
        waiting = self.start(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "fixed_delay", "duration_seconds": 900})]))
        self.becomes(waiting, "waiting")
        self.problem(self.node.post(f"/executions/{waiting}/resume"), 409)
        self.problem(self.node.post(f"/executions/{waiting}/retry", {"from": "failed"}), 409)
        self.ok(self.node.post(f"/executions/{waiting}/pause"))
        self.problem(self.node.post(f"/executions/{waiting}/pause"), 409)
        self.ok(self.node.post(f"/executions/{waiting}/cancel"))
        self.assertEqual(self.finished(waiting)["status"], "cancelled")
        self.assertEqual(self.execution(done)["status"], "success")
        for action in ("cancel", "pause", "resume"):
            self.problem(self.node.post(f"/executions/{waiting}/{action}"), 409)
        queued = self.start(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "for_signal", "signal_name": "s"})]))
        self.becomes(queued, "waiting")
        self.problem(self.node.delete(f"/executions/{queued}"), 409)
        self.ok(self.node.post(f"/executions/{queued}/cancel"))
        self.assertEqual(self.finished(queued)["status"], "cancelled")

    @rows("EN-23", "EN-28")
    def test_retry_from_the_failed_step(self):
        self.fh.script(self.path("c"), Reply(404), Reply(200, {"fixed": True}))
        id_ = self.start(workflow([self.http("a"), self.http("b", after="a"),
                                   self.http("c", after="b")]))
        run = self.finished(id_)
        self.assertEqual((run["status"], run["attempt"]), ("partial", 1))
        self.ok(self.node.post(f"/executions/{id_}/retry", {"from": "failed"}))
        run = self.until(lambda: (lambda r: r if r["status"] == "success" else None)(
            self.execution(id_)), 40, "retry does not succeed")
        self.assertEqual(run["attempt"], 2)
        self.assertEqual([self.fh.count(self.path(n)) for n in "abc"], [1, 1, 2])
        self.assertIn("node_failed", self.kinds(id_, "c"))
        events = self.events(id_)
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))

    @rows("EN-28")
    def test_retry_from_a_node_with_new_input(self):
        definition = workflow([self.http("a"), step("b", "http_request", "a", {
            "method": "POST", "url": self.fh.url + self.path("b"), "body": {"n": "{{ input.n }}"}})])
        self.fh.script(self.path("b"), Reply(404), Reply())
        id_ = self.start(definition, {"n": 1})
        self.assertEqual(self.finished(id_)["status"], "partial")
        self.ok(self.node.post(f"/executions/{id_}/retry", {"from": "b", "input": {"n": 2}}))
        self.until(lambda: self.execution(id_)["status"] == "success")
        calls = self.fh.calls(self.path("b"))
        self.assertEqual([c.json["n"] for c in calls], [1, 2])
        self.assertNotEqual(calls[0].key, calls[1].key)
        self.assertEqual(self.fh.count(self.path("a")), 1)

    @rows("EN-28")
    def test_retry_with_other_parameters(self):
        self.fh.script(self.path("bad"), Reply(404))
        id_ = self.run_to_end(workflow([self.http("a"), self.http("bad", after="a")]))["id"]
        good = {"url": self.fh.url + self.path("good")}
        self.ok(self.node.post(f"/executions/{id_}/retry", {"from": "failed",
                                                            "parameters": {"bad": good}}))
        self.becomes(id_, "success")
        self.assertEqual([self.fh.count(self.path(n)) for n in ("a", "bad", "good")], [1, 1, 1])
        self.problem(self.node.post(f"/executions/{id_}/retry", {"from": "no_such_node"}), 422)

    @rows("EN-27")
    def test_same_key_same_run(self):
        id_ = self.create(workflow([self.http("a")]))
        headers = {"Idempotency-Key": "key-" + self.id()}
        first = self.start(id_, {"n": 1}, headers=headers)
        again = self.node.post(f"/workflows/{id_}/execute", {"input_data": {"n": 1}},
                               headers=headers)
        self.assertEqual(self.ok(again, 200, 202).json["execution_id"], first)
        self.problem(self.node.post(f"/workflows/{id_}/execute", {"input_data": {"n": 2}},
                                    headers=headers), 422)
        self.finished(first)
        self.assertEqual(len(self.items(f"/executions?workflow_id={id_}")), 1)
        self.assertEqual(self.fh.count(self.path("a")), 1)

    @rows("EN-29")
    def test_one_node_and_start_from_node(self):
        id_ = self.create(workflow([self.http("a"), self.http("b", after="a", parameters={
            "body": {"n": "{{ steps.a.output.body.n }}", "x": "plain"}}),
            self.http("c", after="b")]))
        before = self.succeeds(id_)
        alone = self.ok(self.node.post(f"/workflows/{id_}/nodes/b/execute", {
            "use_previous_results": True, "previous_execution_id": before["id"],
            "override_parameters": {"body": {"n": "{{ steps.a.output.body.n }}", "x": "changed"}}}),
            200, 202)
        self.until(lambda: self.fh.count(self.path("b")) == 2, why="node b did not run alone")
        self.assertEqual(self.fh.calls(self.path("b"))[1].json, {"n": 1, "x": "changed"})
        self.assertIn("status", alone.json)
        self.assertEqual([self.fh.count(self.path(n)) for n in "ac"], [1, 1])
        run = self.succeeds(id_, start_from_node="b", previous_execution_id=before["id"])
        self.assertEqual([self.fh.count(self.path(n)) for n in "abc"], [1, 3, 2])
        self.assertEqual(self.step_of(run, "c")["status"], "success")

    @rows("EN-30")
    def test_dry_run_has_no_effects(self):
        run = self.succeeds(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"), self.http_node("a"), self.http_node("b"),
                   node("i", "FLOW", "IF", {"condition": "input.n == 1"}),
                   node("o", "OUTPUT", parameters={"name": "yes", "value": True})],
            edges=[edge("t", "a"), edge("a", "b"), edge("b", "i"), edge("i:true", "o")]),
            {"n": 1}, dry_run=True)
        self.assertEqual(self.fh.count(self.path("a")) + self.fh.count(self.path("b")), 0)
        self.assertIs(run["output"]["yes"], True)
        self.assertEqual(self.step_of(run, "b")["status"], "success")

    @rows("EN-30")
    def test_dry_run_answers_with_pins_and_stubs(self):
        worker = StubWorker(self.node, "never_asked")
        child = self.create(workflow([self.http("inner")]))
        run = self.succeeds(workflow(
            nodes=[self.http_node("stub", dry_output={"body": {"k": 9}}), self.http_node("pinned"),
                   node("skill", "SKILL", parameters={"skill_type": "never_asked"}),
                   node("sub", "SUBWORKFLOW", parameters={"workflow_id": child}),
                   node("o", "OUTPUT", parameters={
                       "name": "k", "value": "{{ $node['stub'].output.body.k }}"})],
            edges=[edge("stub", "pinned"), edge("pinned", "skill"), edge("skill", "sub"),
                   edge("sub", "o")], pin_data={"pinned": {"p": 1}}), dry_run=True)
        self.assertIs(run["dry_run"], True)
        self.assertEqual((run["output"]["k"], self.output_of(run, "pinned")), (9, {"p": 1}))
        self.assertEqual(worker.poll(wait=0), [])
        self.assertEqual([self.fh.count(self.path(n)) for n in ("stub", "pinned", "inner")],
                         [0, 0, 0])


class KeysLive(Case):
    own_node = True
    flags = ("--test-clock", "--retention-sweep-ms", "200")

    @rows("EN-27")
    def test_a_key_holds_for_a_day_and_over_a_kill(self):
        id_ = self.create(workflow([step("a")]))
        headers = {"Idempotency-Key": "of yesterday"}
        first = self.start(id_, {"n": 1}, headers=headers)
        self.finished(first)
        self.node.restart()
        self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 23 * 3600 + 3000}))
        time.sleep(0.6)  # a few sweeps
        again = self.node.post(f"/workflows/{id_}/execute", {"input_data": {"n": 1}}, headers=headers)
        self.assertEqual(self.ok(again).json["execution_id"], first)
