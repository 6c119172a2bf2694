"""Starting, order, parallelism, conditions, final status (rows EN-01 to EN-07, EN-15 to EN-20)."""

import json
import time

from rows import rows
from support.case import Case, edge, node, step, workflow
from support.fh import Reply
from support.sse import EventStream
from support.worker import StubWorker


def echo(id_, **parameters):
    return node(id_, "SKILL", parameters={"skill_type": "echo", "parameters": parameters})


class Starting(Case):
    @rows("EN-01")
    def test_start_answers_at_once_and_outlives_its_client(self):
        self.fh.hold(self.path("slow"))
        id_ = self.create(workflow([self.http("slow")]))
        took, runs = [], []
        for _ in range(5):
            started = time.monotonic()
            answer = self.ok(self.node.post(f"/workflows/{id_}/execute", {"input_data": {}}), 202)
            took.append(time.monotonic() - started)
            self.assertIn(answer.json["status"], ("pending", "queued", "running"))
            runs.append(answer.json["execution_id"])
        self.assertLess(min(took), 0.2)  # the best of five: the machine may be busy
        self.assertLess(max(took), 5)

        body = b'{"input_data": {"from": "the vanished"}}'
        with self.connect() as s:
            s.sendall(f"POST /api/v1/workflows/{id_}/execute?wait=20 HTTP/1.1\r\nHost: t\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                      .encode() + body)
            self.fh.wait_for(self.path("slow"), 6)
        time.sleep(0.2)
        self.fh.release(self.path("slow"))
        found = [r["id"] for r in self.items(f"/workflows/{id_}/executions")]
        self.assertEqual((len(found), set(found) > set(runs)), (6, True))
        for run in found:
            self.assertEqual(self.finished(run)["status"], "success")
        self.assertEqual(self.fh.count(self.path("slow")), 6)

    @rows("EN-02")
    def test_wait_and_stream(self):
        quick, slow = self.create(workflow([step("a")])), self.create(workflow([self.http("s")]))
        done = self.ok(self.node.post(f"/workflows/{quick}/execute?wait=30", {}), 200).json
        self.assertEqual((done["status"], done["steps"][0]["status"]), ("success", "success"))
        self.fh.hold(self.path("s"))
        started = time.monotonic()
        late = self.ok(self.node.post(f"/workflows/{slow}/execute?wait=1", {}), 202).json
        self.assertGreater(time.monotonic() - started, 0.8)
        self.assertEqual(self.execution(late["execution_id"])["status"], "running")
        self.fh.release(self.path("s"))
        self.assertEqual(self.finished(late["execution_id"])["status"], "success")
        self.problem(self.node.post(f"/workflows/{quick}/execute?wait=soon", {}), 422)
        stream = EventStream(self.node, f"/workflows/{quick}/execute", method="POST",
                             body={"input_data": {}})
        self.assertEqual(stream.status, 200)
        kinds = [e.json.get("kind", e.kind) for e in stream]
        self.assertEqual((kinds[0], kinds[-1]), ("execution_started", "execution_finished"))
        self.assertIn("node_completed", kinds)

    @rows("EN-03")
    def test_execution_record(self):
        self.fh.script(self.path("bad"), Reply(404))
        run = self.run_to_end(workflow([
            step("ok", parameters={"x": 1}), self.http("bad", continue_on_fail=True),
            step("off", condition="false"), step("ok2")],
            output_mapping={"x": "{{ steps.ok.output.x }}"}), {"in": 1}, triggered_by="somebody")
        for key in ("id", "workflow_id", "workflow_version", "status", "trigger_type",
                    "triggered_by", "input", "output", "error", "started_at", "completed_at",
                    "duration_seconds", "success_rate", "attempt", "parent_execution_id",
                    "trace_id", "usage", "created_source_ids", "created_note_ids", "steps"):
            self.assertIn(key, run)
        self.assertEqual((run["status"], run["trigger_type"], run["triggered_by"], run["attempt"]),
                         ("partial", "manual", "somebody", 1))
        self.assertEqual((run["input"], run["output"]["x"]), ({"in": 1}, 1))
        self.assertAlmostEqual(run["success_rate"], 2 / 4)
        for key in ("step_id", "type", "status", "attempt", "max_attempts", "started_at",
                    "completed_at", "duration_seconds", "output", "error"):
            self.assertIn(key, run["steps"][0])
        self.assertEqual(self.statuses(run), {"ok": "success", "bad": "failed", "off": "skipped",
                                              "ok2": "success"})
        self.assertGreaterEqual(run["completed_at"], run["started_at"])
        self.assertGreater(run["duration_seconds"], 0)
        self.assertEqual(self.step_of(run, "bad")["error"]["code"], "http_status")
        self.assertIn("404", self.step_of(run, "bad")["error"]["message"])

    @rows("EN-33")
    def test_created_ids_are_a_list_without_doubles(self):
        worker = StubWorker(self.node, "makes_sources")
        id_ = self.start(workflow([step("a", "makes_sources"), step("b", "makes_sources", "a")]))
        self.ok(worker.complete(worker.task(), {"created_source_ids": ["s1", "s2"],
                                                "created_note_ids": ["n1"]}))
        self.ok(worker.complete(worker.task(), {"created_source_ids": ["s2", "s3"]}))
        run = self.finished(id_)
        self.assertEqual(run["status"], "success")
        self.assertEqual((run["created_source_ids"], run["created_note_ids"]),
                         (["s1", "s2", "s3"], ["n1"]))
        self.assertEqual((run["output"]["sources_created"], run["output"]["notes_created"]),
                         (["s1", "s2", "s3"], ["n1"]))
        made = {e["node"]: e["data"] for e in self.events(id_) if e["kind"] == "node_completed"}
        self.assertEqual((made["a"]["created_source_ids"], made["a"]["created_note_ids"]),
                         (["s1", "s2"], ["n1"]))
        self.assertEqual(made["b"]["created_source_ids"], ["s2", "s3"])


class Order(Case):
    @rows("EN-04")
    def test_diamond_order(self):
        run = self.succeeds(workflow([self.http("d", after=("b", "c")), self.http("b", after="a"),
                                      self.http("c", after="a"), self.http("a")]))
        at = {n: self.fh.calls(self.path(n))[0] for n in "abcd"}
        self.assertLessEqual(at["a"].ended, min(at["b"].at, at["c"].at))
        self.assertLessEqual(max(at["b"].ended, at["c"].ended), at["d"].at)
        order = [e["node"] for e in self.events(run["id"]) if e["kind"] == "node_completed"]
        self.assertEqual((order[0], order[-1], sorted(order)), ("a", "d", list("abcd")))

    @rows("EN-05")
    def test_independent_steps_overlap_up_to_the_limit(self):
        names = [f"s{n}" for n in range(5)]
        for name in names:
            self.fh.hold(self.path(name))
        id_ = self.start(workflow([self.http(name) for name in names]))
        for name in names:  # nobody is answered before all have come: they overlap
            self.fh.wait_for(self.path(name))
        for name in names:
            self.fh.release(self.path(name))
        self.assertEqual(self.finished(id_)["status"], "success")
        self.assertEqual(self.fh.overlap(self.path("s")), 5)
        for n in range(5):
            self.fh.script(self.path(f"t{n}"), Reply(delay=0.6))
        limited = [self.http(f"t{n}") for n in range(5)]
        run = self.succeeds(workflow(limited, settings={"max_parallel_steps": 2}))
        self.assertEqual(self.fh.overlap(self.path("t")), 2)
        self.assertGreater(run["duration_seconds"], 1.7)  # three rounds

    @rows("EN-06")
    def test_node_fires_once_for_all_live_inputs(self):
        run = self.succeeds(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"), self.http_node("a"), self.http_node("b"),
                   self.http_node("j")],
            edges=[edge("t", "a"), edge("t", "b"), edge("a", "j"), edge("b", "j")]))
        self.assertEqual(self.fh.count(self.path("j")), 1)
        self.assertGreaterEqual(self.fh.calls(self.path("j"))[0].at,
                                max(self.fh.calls(self.path(n))[0].ended for n in "ab"))
        self.assertEqual(len(self.steps_of(run, "j")), 1)

    @rows("EN-06")
    def test_each_emitted_value_fires_what_follows_once(self):
        run = self.succeeds(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"),
                   node("emit", "ACTION", "DATA_TRANSFORMATION", {
                       "transformation_type": "map", "transformation_rule": "item * 2",
                       "items": "{{ input.values }}"}, streaming=True),
                   self.http_node("each", parameters={"body": {"got": "{{ $json }}"}})],
            edges=[edge("t", "emit"), edge("emit", "each")]), {"values": [1, 2, 3]})
        self.assertEqual(sorted(c.json["got"] for c in self.fh.calls(self.path("each"))), [2, 4, 6])
        self.assertEqual(sorted(s["iteration"] for s in self.steps_of(run, "each")),
                         ["0", "1", "2"])
        self.assertEqual(self.kinds(run["id"], "emit").count("value_emitted"), 3)

    @rows("EN-06", "WM-11")
    def test_the_value_of_a_static_edge_is_used_again_and_again(self):
        run = self.succeeds(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"), self.http_node("once"),
                   node("loop", "FLOW", "LOOP", {"loop_type": "foreach", "items": [1, 2, 3]}),
                   node("pair", "FLOW", "MERGE", {"merge_type": "concat"}),
                   node("o", "OUTPUT", parameters={"name": "r", "value": "{{ $json }}"})],
            edges=[edge("t", "once"), edge("t", "loop"), edge("loop:iteration", "pair"),
                   edge("once", "pair", is_static=True, mapping={
                       "type": "FIELD_MAPPING", "fields": [{"source": "body.n", "target": "n"}]}),
                   edge("pair", "loop:loop_body"), edge("loop:complete", "o")]))
        self.assertEqual(run["output"]["r"], [[1, {"n": 1}], [2, {"n": 1}], [3, {"n": 1}]])
        self.assertEqual(self.fh.count(self.path("once")), 1)

    @rows("EN-07")
    def test_conditions(self):
        id_ = self.create(workflow([
            step("a", parameters={"n": "{{ input.n }}"}),
            self.http("c", after="a", condition="steps.a.output.n > 5"),
            step("d", after="c", parameters={"saw": "{{ steps.c.output.skipped }}"})]))
        run = self.succeeds(id_, {"n": 9})
        self.assertEqual((self.fh.count(self.path("c")), self.output_of(run, "d")),
                         (1, {"saw": None}))
        run = self.succeeds(id_, {"n": 1})
        skipped = self.step_of(run, "c")
        self.assertEqual((skipped["status"], skipped["output"]),
                         ("skipped", {"skipped": True, "reason": "Condition not met"}))
        self.assertEqual(self.output_of(run, "d"), {"saw": True})
        self.assertNotIn("warning", self.skip_of(run, "c"))
        run = self.succeeds(id_, {"n": "word"})
        self.assertEqual(self.statuses(run), {"a": "success", "c": "skipped", "d": "success"})
        self.assertIn("could not be evaluated", self.skip_of(run, "c")["warning"])
        self.assertEqual(self.fh.count(self.path("c")), 1)

    def skip_of(self, run, step_id):
        return next(e["data"] for e in self.events(run["id"])
                    if e["kind"] == "node_skipped" and e["node"] == step_id)


class FinalStatus(Case):
    def outcome(self, steps, **more):
        self.fh.script(self.path("bad"), Reply(404))
        return self.run_to_end(workflow(steps, **more))

    @rows("EN-15")
    def test_continue_on_fail(self):
        run = self.outcome([self.http("bad", continue_on_fail=True),
                            step("b", after="bad", parameters={"got": "{{ steps.bad.output }}"})])
        self.assertEqual(run["status"], "partial")
        self.assertEqual(self.statuses(run), {"bad": "failed", "b": "success"})
        self.assertEqual(self.output_of(run, "b"), {"got": None})
        other = self.outcome([self.http("bad"), step("b", after="bad", continue_on_fail=True)])
        self.assertEqual(self.statuses(other), {"bad": "failed", "b": "failed"})

    @rows("EN-15")
    def test_error_policy_of_the_workflow(self):
        for policy, status in (("continue", "success"), ("stop", "failed")):
            with self.subTest(policy):
                run = self.outcome([self.http("bad"), step("b", after="bad"), step("c")],
                                   settings={"error_policy": policy})
                self.assertEqual((run["status"], self.statuses(run)),
                                 ("partial", {"bad": "failed", "b": status, "c": "success"}))

    @rows("EN-16")
    def test_blocked_steps_never_run(self):
        run = self.outcome([self.http("bad"), self.http("b", after="bad"),
                            self.http("c", after="b", continue_on_fail=True)])
        self.assertEqual(run["status"], "failed")
        for name in "bc":
            blocked = self.step_of(run, name)
            self.assertEqual((blocked["status"], blocked["attempt"]), ("failed", 0))
            self.assertIn("dependencies cannot be satisfied", blocked["error"]["message"])
            self.assertEqual(self.fh.count(self.path(name)), 0)

    @rows("EN-17")
    def test_table_of_final_statuses(self):
        off = {"condition": "false"}
        table = [
            ("all ok", [step("a"), step("b", after="a")], "success"),
            ("one continued failure", [step("a"), self.http("bad", continue_on_fail=True)],
             "partial"),
            ("one failure beside success", [step("a"), self.http("bad")], "partial"),
            ("only failures", [self.http("bad")], "failed"),
            ("only continued failures", [self.http("bad", continue_on_fail=True)], "failed"),
            ("all skipped", [step("a", **off), step("b", **off)], "success"),
            ("success and skip", [step("a"), step("b", **off)], "success"),
            ("failure and skip", [self.http("bad"), step("a", **off)], "failed"),
        ]
        for name, steps, status in table:
            with self.subTest(name):
                self.assertEqual(self.outcome(steps)["status"], status, name)

    @rows("EN-18")
    def test_error_port_handles_the_failure(self):
        self.fh.script(self.path("bad"), Reply(500))
        run = self.run_to_end(workflow(
            nodes=[self.http_node("bad", on_error="error_output"),
                   self.http_node("rescue", parameters={"body": "{{ $json }}"}),
                   self.http_node("regular")],
            edges=[edge("bad:error", "rescue"), edge("bad", "regular")]))
        self.assertEqual(run["status"], "success")
        sent = self.fh.calls(self.path("rescue"))[0].json
        self.assertLessEqual({"error", "code", "node"}, set(sent))
        self.assertEqual((sent["node"], sent["status"], sent["code"]), ("bad", 500, "http_status"))
        self.assertEqual(self.fh.count(self.path("regular")), 0)

    @rows("EN-19")
    def test_fallback_value(self):
        self.fh.script(self.path("bad"), Reply(503))
        run = self.run_to_end(workflow(
            nodes=[self.http_node("bad", on_error="fallback", fallback={"value": {"from": "plan B"}},
                                  retry_on_fail=1, retry_delay_seconds=0),
                   node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json }}"})],
            edges=[edge("bad", "o")]))
        self.assertEqual((run["status"], run["output"]["o"]), ("success", {"from": "plan B"}))
        done = [e for e in self.events(run["id"]) if e["kind"] == "node_completed"
                and e["node"] == "bad"]
        self.assertIs(done[0]["data"]["fallback"], True)
        self.assertEqual(self.fh.count(self.path("bad")), 2)

    @rows("EN-19")
    def test_fallback_node_is_used_once_after_the_last_attempt(self):
        self.fh.script(self.path("bad"), Reply(503))
        run = self.run_to_end(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"),
                   self.http_node("bad", on_error="fallback", fallback={"node": "plan_b"},
                                  retry_on_fail=1, retry_delay_seconds=0),
                   self.http_node("plan_b"),
                   node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json.body.n }}"})],
            edges=[edge("t", "bad"), edge("bad", "o")]))
        self.assertEqual((run["status"], run["output"]["o"]), ("success", 1))
        self.assertEqual([self.fh.count(self.path(n)) for n in ("bad", "plan_b")], [2, 1])
        self.assertIn("fallback", json.dumps(self.events(run["id"])))

    @rows("EN-20")
    def test_skill_that_is_gone(self):
        worker = StubWorker(self.node, "short_lived")
        id_ = self.create(workflow([step("a", "short_lived")]))
        self.ok(worker.remove(), 200, 204)
        run = self.run_to_end(id_)
        self.assertEqual(run["status"], "failed")
        self.assertIn("short_lived", self.step_of(run, "a")["error"]["message"])
        self.problem(self.node.post("/workflows", workflow([step("a", "never_was")])), 422)
