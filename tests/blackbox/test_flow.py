"""Starting, order, parallelism, conditions, expressions, final status (rows EN)."""

import json
import threading
import time

from rows import rows
from support.case import Case, edge, node, set_variable, step, workflow
from support.fh import Reply
from support.sse import EventStream

EXPRESSIONS = [
    ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("7 // 2", 3), ("-7 // 2", -4), ("-7 % 3", 2),
    ("7 / 2", 3.5), ("2 - 5", -3), ("1 < 2", True), ("2 <= 1", False), ("1 == 1.0", True),
    ("true == 1", True), ("'a' != 'b'", True), ("'a' + 'b'", "ab"), ("[1] + [2]", [1, 2]),
    ("'ell' in 'hello'", True), ("3 in [1, 2]", False), ("3 not in [1, 2]", True),
    ("'a' in {'a': 1}", True), ("true and false", False), ("true or false", True),
    ("not true", False), ("1 if true else 2", 1), ("1 if 0 else 2", 2), ("input.a.b", 5),
    ("input['a']['b']", 5), ("input.list[0]", 10), ("input.list[-1]", 30), ("input.missing", None),
    ("input.missing | default('x')", "x"), ("input.nothing | default('x')", None),
    ("input.items", [1]), ("len(input.list)", 3), ("len('äö')", 2), ("any([false, true])", True),
    ("all([true, false])", False), ("str(5)", "5"), ("int('7')", 7), ("float('1.5')", 1.5),
    ("bool('')", False), ("abs(-3)", 3), ("min([3, 1])", 1), ("max([3, 1])", 3),
    ("sum([1, 2, 3])", 6), ("round(2.5)", 2), ("round(3.5)", 4), ("[1, 'a', null]", [1, "a", None]),
    ("{'k': 1 + 1}", {"k": 2}), ("'x' if input.a.b > 4 and len(input.list) == 3 else 'y'", "x"),
]

REFUSED = ["__import__('os')", "open('/etc/passwd')", "input.__class__", "lambda: 1", "eval('1')",
           "[x for x in input.list]", "os.environ", "import os", "exec('1')"]


def echo(id_, **parameters):
    return node(id_, "SKILL", parameters={"skill_type": "echo", "parameters": parameters})


class Starting(Case):
    @rows("EN-01")
    def test_start_answers_at_once_and_outlives_its_client(self):
        self.fh.script(self.path("slow"), Reply(delay=3))
        id_ = self.create(workflow([self.http("slow")]))
        started = time.monotonic()
        answer = self.ok(self.node.post(f"/workflows/{id_}/execute", {"input_data": {}}), 202)
        self.assertLess(time.monotonic() - started, 0.2)
        self.assertIn(answer.json["status"], ("pending", "queued", "running"))
        first = answer.json["execution_id"]

        body = b'{"input_data": {"from": "the vanished"}}'
        with self.connect() as s:
            s.sendall(f"POST /api/v1/workflows/{id_}/execute?wait=20 HTTP/1.1\r\nHost: t\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                      .encode() + body)
            self.fh.wait_for(self.path("slow"), 2)
        runs = self.items(f"/workflows/{id_}/executions")
        self.assertEqual(len(runs), 2)
        for run in runs:
            self.assertEqual(self.finished(run["id"])["status"], "success")
        self.assertIn(first, [r["id"] for r in runs])

    @rows("EN-02")
    def test_wait_and_stream(self):
        self.fh.script(self.path("s"), Reply(delay=2.5))
        quick, slow = self.create(workflow([step("a")])), self.create(workflow([self.http("s")]))
        done = self.ok(self.node.post(f"/workflows/{quick}/execute?wait=10", {}), 200).json
        self.assertEqual(done["status"], "success")
        started = time.monotonic()
        late = self.ok(self.node.post(f"/workflows/{slow}/execute?wait=1", {}), 202).json
        self.assertTrue(0.8 < time.monotonic() - started < 2.4)
        self.assertEqual(self.finished(late["execution_id"])["status"], "success")
        stream = EventStream(self.node, f"/workflows/{quick}/execute", method="POST",
                             body={"input_data": {}})
        self.assertEqual(stream.status, 200)
        kinds = [e.json.get("kind", e.kind) for e in stream]
        self.assertEqual((kinds[0], kinds[-1]), ("execution_started", "execution_finished"))
        self.assertIn("node_completed", kinds)

    @rows("EN-03")
    def test_execution_record(self):
        run = self.run_to_end(workflow([
            step("ok", parameters={"x": 1}), self.http("bad", continue_on_fail=True,
                                                       parameters={"allowed_statuses": []}),
            step("off", condition="false"), step("ok2")]), {"in": 1})
        self.fh.script(self.path("bad"), Reply(404))
        run = self.run_to_end(run["workflow_id"], {"in": 1})
        for key in ("id", "workflow_id", "workflow_version", "status", "trigger_type",
                    "triggered_by", "input", "output", "error", "started_at", "completed_at",
                    "duration_seconds", "success_rate", "attempt", "parent_execution_id",
                    "trace_id", "usage", "created_source_ids", "created_note_ids", "steps"):
            self.assertIn(key, run)
        self.assertEqual((run["status"], run["trigger_type"]), ("partial", "manual"))
        self.assertEqual(run["input"], {"in": 1})
        self.assertAlmostEqual(run["success_rate"], 2 / 4)
        for key in ("step_id", "type", "status", "attempt", "max_attempts", "started_at",
                    "completed_at", "duration_seconds", "output", "error"):
            self.assertIn(key, run["steps"][0])
        self.assertGreaterEqual(run["completed_at"], run["started_at"])
        self.assertIn("404", json.dumps(self.step_of(run, "bad")["error"]))

    @rows("EN-33")
    def test_created_ids_are_a_list_without_doubles(self):
        from support.worker import StubWorker
        worker = StubWorker(self.node, "makes_sources")
        id_ = self.start(workflow([step("a", "makes_sources"), step("b", "makes_sources", "a")]))
        made = {"created_source_ids": ["s1", "s2"], "created_note_ids": ["n1"]}
        for _ in range(2):
            self.ok(worker.complete(worker.task(), made))
        run = self.finished(id_)
        self.assertEqual(run["status"], "success")
        self.assertEqual(sorted(run["created_source_ids"]), ["s1", "s2"])
        self.assertEqual(run["created_note_ids"], ["n1"])


class Order(Case):
    @rows("EN-04")
    def test_diamond_order(self):
        run = self.succeeds(workflow([self.http("d", after=("b", "c")), self.http("b", after="a"),
                                      self.http("c", after="a"), self.http("a")]))
        at = {n: self.fh.calls(self.path(n))[0] for n in "abcd"}
        self.assertTrue(at["a"].ended <= min(at["b"].at, at["c"].at))
        self.assertTrue(max(at["b"].ended, at["c"].ended) <= at["d"].at)
        order = [e["node"] for e in self.events(run["id"]) if e["kind"] == "node_completed"]
        self.assertEqual((order[0], order[-1], sorted(order)), ("a", "d", list("abcd")))

    @rows("EN-05")
    def test_independent_steps_overlap_up_to_the_limit(self):
        for n in range(5):
            self.fh.script(self.path(f"s{n}"), Reply(delay=1))
        steps = [self.http(f"s{n}") for n in range(5)]
        run = self.succeeds(workflow(steps))
        self.assertLess(run["duration_seconds"], 2)
        self.assertEqual(self.fh.overlap(self.path()), 5)
        for n in range(5):
            self.fh.script(self.path(f"t{n}"), Reply(delay=1))
        limited = [self.http(f"t{n}") for n in range(5)]
        run = self.succeeds(workflow(limited, settings={"max_parallel_steps": 2}))
        self.assertEqual(self.fh.overlap(self.path("t")), 2)
        self.assertTrue(2.8 < run["duration_seconds"] < 4.5, run["duration_seconds"])

    @rows("EN-06")
    def test_node_fires_once_for_all_live_inputs(self):
        run = self.succeeds(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"), self.http_node("a"), self.http_node("b"),
                   self.http_node("j"), node("loop", "FLOW", "LOOP", {
                       "loop_type": "foreach", "items": "{{ input.values }}"}),
                   self.http_node("each")],
            edges=[edge("t", "a"), edge("t", "b"), edge("a", "j"), edge("b", "j"),
                   edge("t", "loop"), edge("loop:iteration", "each"),
                   edge("each", "loop:loop_body")]), {"values": [1, 2, 3]})
        self.assertEqual(run["status"], "success")
        self.assertEqual(self.fh.count(self.path("j")), 1)
        self.assertEqual(self.fh.count(self.path("each")), 3)
        self.assertGreaterEqual(self.fh.calls(self.path("j"))[0].at,
                                max(self.fh.calls(self.path(n))[0].ended for n in "ab"))

    @rows("EN-07")
    def test_conditions(self):
        id_ = self.create(workflow([
            step("a", parameters={"n": "{{ input.n }}"}),
            self.http("c", after="a", condition="steps.a.output.n > 5"),
            step("d", after="c", parameters={"saw": "{{ steps.c.output.skipped }}"})]))
        run = self.succeeds(id_, {"n": 9})
        self.assertEqual(self.fh.count(self.path("c")), 1)
        run = self.succeeds(id_, {"n": 1})
        skipped = self.step_of(run, "c")
        self.assertEqual(skipped["status"], "skipped")
        self.assertEqual(skipped["output"]["skipped"], True)
        self.assertTrue(skipped["output"]["reason"])
        self.assertEqual(self.output_of(run, "d"), {"saw": True})
        run = self.succeeds(id_, {"n": "word"})
        self.assertEqual(self.step_of(run, "c")["status"], "skipped")
        self.assertIn("warning", json.dumps(self.events(run["id"])))
        self.assertEqual(self.fh.count(self.path("c")), 1)


class Language(Case):
    @rows("EN-08")
    def test_expressions(self):
        data = {"a": {"b": 5}, "list": [10, 20, 30], "nothing": None, "items": [1]}
        run = self.succeeds(workflow([step("e", parameters={
            f"e{n}": "{{ %s }}" % text for n, (text, _) in enumerate(EXPRESSIONS)})]), data)
        output = self.output_of(run, "e")
        wrong = [(text, output[f"e{n}"], expected) for n, (text, expected) in enumerate(EXPRESSIONS)
                 if output[f"e{n}"] != expected or (type(output[f"e{n}"]) is not type(expected))]
        self.assertEqual(wrong, [])
        self.assertGreaterEqual(len(EXPRESSIONS), 40)

    @rows("EN-08", "SE-11")
    def test_refused_expressions(self):
        for text in REFUSED:
            with self.subTest(text):
                answer = self.node.post("/workflows", workflow([step("a", condition=text)]))
                if answer.status == 422:
                    continue
                id_ = self.ok(answer, 201).json["id"]
                run = self.run_to_end(id_)
                self.assertEqual(self.step_of(run, "a")["status"], "skipped", text)

    @rows("EN-09")
    def test_templates(self):
        run = self.succeeds(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"),
                   echo("e", whole="{{ input.list }}", text="n={{ input.n }}, l={{ input.list }}",
                        nested={"deep": [{"x": "{{ input.n }}"}, "plain"]}, gone="{{ input.no }}",
                        in_text="[{{ input.no }}]", fallback="{{ input.no | default(3) }}",
                        flag="is {{ input.flag }}", double="{{ input.d }}!",
                        json="{{ $json.n }}", alias="{{ $input.n }}",
                        other="{{ $node['t'].output.n }}", two="{{ input.n }}{{ input.n }}")],
            edges=[edge("t", "e")]),
            {"list": [1, "a"], "n": 4, "flag": True, "d": 2.0})
        self.assertEqual(self.output_of(run, "e"), {
            "whole": [1, "a"], "text": 'n=4, l=[1,"a"]', "nested": {"deep": [{"x": 4}, "plain"]},
            "gone": None, "in_text": "[]", "fallback": 3, "flag": "is true", "double": "2.0!",
            "json": 4, "alias": 4, "other": 4, "two": "44"})

    @rows("SE-11")
    def test_budgets_end_runaway_expressions(self):
        bombs = ["'" + "x" * 1000 + "' * 1000000", "len('a' * 100000000000)",
                 "[" * 80 + "]" * 80, "(" * 200 + "1" + ")" * 200, "9" * 400 + " * 2"]
        grow = "input.s"
        for _ in range(12):
            grow = f"({grow} + {grow})"
        bombs.append(f"len({grow})")
        for text in bombs:
            with self.subTest(text[:40]):
                started = time.monotonic()
                answer = self.node.post("/workflows", workflow([
                    step("a", parameters={"x": "{{ %s }}" % text})]))
                if answer.status != 422:
                    run = self.run_to_end(self.ok(answer, 201).json["id"],
                                          {"s": "y" * 100_000})
                    self.assertEqual(run["status"], "failed")
                self.assertLess(time.monotonic() - started, 1)
        self.assertEqual(self.node.request("GET", "/health", root=True).status, 200)


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

    @rows("EN-16")
    def test_blocked_steps_never_run(self):
        run = self.outcome([self.http("bad"), self.http("b", after="bad"),
                            self.http("c", after="b", continue_on_fail=True)])
        self.assertEqual(run["status"], "failed")
        for name in "bc":
            blocked = self.step_of(run, name)
            self.assertEqual(blocked["status"], "failed")
            self.assertIn("dependencies cannot be satisfied", json.dumps(blocked["error"]))
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
            ("all skipped", [step("a", **off), step("b", **off)], "success"),
            ("failure and skip", [self.http("bad"), step("a", **off)], "failed"),
        ]
        for name, steps, status in table:
            with self.subTest(name):
                self.assertEqual(self.outcome(steps)["status"], status, name)

    @rows("EN-18")
    def test_error_port_handles_the_failure(self):
        self.fh.script(self.path("bad"), Reply(500))
        run = self.run_to_end(workflow(
            nodes=[self.http_node("bad", on_error="error_output"), self.http_node("rescue")],
            edges=[edge("bad:error", "rescue")]))
        self.assertEqual(run["status"], "success")
        self.assertEqual(self.fh.count(self.path("rescue")), 1)

    @rows("EN-19")
    def test_fallback_value(self):
        self.fh.script(self.path("bad"), Reply(404))
        run = self.run_to_end(workflow(
            nodes=[self.http_node("bad", on_error="fallback", fallback={"value": {"from": "plan B"}}),
                   node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json }}"})],
            edges=[edge("bad", "o")]))
        self.assertEqual(run["status"], "success")
        self.assertEqual(run["output"]["o"], {"from": "plan B"})
        self.assertIn("fallback", json.dumps(self.events(run["id"])))
        self.assertEqual(self.fh.count(self.path("bad")), 1)

    @rows("EN-20")
    def test_skill_that_is_gone(self):
        from support.worker import StubWorker
        worker = StubWorker(self.node, "short_lived")
        id_ = self.create(workflow([step("a", "short_lived")]))
        self.ok(worker.remove(), 200, 204)
        run = self.run_to_end(id_)
        self.assertEqual(run["status"], "failed")
        self.assertIn("short_lived", json.dumps(self.step_of(run, "a")["error"]))
        self.problem(self.node.post("/workflows", workflow([step("a", "never_was")])), 422)


class Limits(Case):
    flags = ("--max-concurrent-executions", "3")

    @rows("EN-31")
    def test_limit_of_a_workflow(self):
        for n in range(5):
            self.fh.script(self.path(f"w{n}"), Reply(delay=0.4))
        id_ = self.create(workflow([step("a", "http_request", parameters={
            "url": self.fh.url + self.path("w{{ input.n }}")})],
            settings={"max_concurrent_executions": 2}))
        runs = [self.start(id_, {"n": n}) for n in range(5)]
        for run in runs:
            self.assertEqual(self.finished(run)["status"], "success")
        self.assertEqual(self.fh.overlap(self.path("w")), 2)
        self.assertEqual(sum(self.fh.count(self.path(f"w{n}")) for n in range(5)), 5)

    @rows("EN-31", "OP-11")
    def test_limit_of_the_node(self):
        ids = []
        for n in range(6):
            self.fh.script(self.path(f"w{n}"), Reply(delay=0.4))
            ids.append(self.start(workflow([self.http(f"w{n}")])))
        for run in ids:
            self.assertEqual(self.finished(run)["status"], "success")
        self.assertLessEqual(self.fh.overlap(self.path("w")), 3)
        self.assertGreaterEqual(self.fh.overlap(self.path("w")), 2)


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
        runs.append(self.start(id_, {"who": "high"}, priority="high"))
        self.assertEqual(self.execution(runs[-1])["status"], "queued")
        self.fh.release(self.path("block"))
        for run in [block] + runs:
            self.assertEqual(self.finished(run)["status"], "success")
        high = self.fh.calls(self.path("high"))[0].at
        for n in range(3):
            self.assertLess(high, self.fh.calls(self.path(f"low{n}"))[0].at)
        self.assertEqual(self.fh.overlap(self.path()), 1)


class History(Case):
    @rows("EN-34")
    def test_lists(self):
        self.fh.script(self.path("bad"), Reply(404))
        good, bad = self.create(workflow([step("a")])), self.create(workflow([self.http("bad")]))
        runs = [self.run_to_end(good)["id"] for _ in range(3)]
        failed = self.run_to_end(bad)["id"]
        listed = [r["id"] for r in self.items(f"/executions?workflow_id={good}")]
        self.assertEqual(listed, runs[::-1])
        self.assertEqual([r["id"] for r in self.items(
            f"/executions?status=failed&workflow_id={bad}")], [failed])
        self.assertEqual(self.items(f"/executions?status=failed&workflow_id={good}"), [])
        self.assertEqual([r["id"] for r in self.items(
            f"/executions?status=ERROR&workflow_id={bad}")], [failed])
        alias = self.ok(self.node.get(f"/workflows/executions?workflow_id={good}&limit=2"), 200).json
        self.assertEqual((len(alias["items"]), alias["total_count"], alias["has_more"]), (2, 3, True))
        self.assertEqual(len(self.items(f"/executions?workflow_id={good}", limit=1)), 3)

    @rows("EN-35")
    def test_stats(self):
        self.fh.script(self.path("a"), Reply(), Reply(), Reply(), Reply(404))
        id_ = self.create(workflow([self.http("a")]))
        for _ in range(4):
            self.run_to_end(id_)
        stats = self.until(lambda: (lambda s: s if s["total"] == 4 else None)(
            self.ok(self.node.get(f"/workflows/{id_}/stats"), 200).json))
        self.assertEqual(stats["by_status"]["success"], 3)
        self.assertEqual(stats["by_status"]["failed"], 1)
        self.assertAlmostEqual(stats["success_rate"], 0.75)
        self.assertGreater(stats["avg_duration"], 0)
        overview = self.ok(self.node.get("/workflows/stats/overview"), 200).json
        self.assertGreaterEqual(overview["total"], 4)

    @rows("EN-36")
    def test_event_log(self):
        run = self.succeeds(workflow([self.http("a"), step("b", after="a")]))
        events = self.events(run["id"])
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        for event in events:
            self.assertTrue(event["time"] and event["kind"] and event["hash"])
        kinds = [e["kind"] for e in events]
        self.assertEqual((kinds[0], kinds[-1]), ("execution_started", "execution_finished"))
        of_a = [e["kind"] for e in events if e.get("node") == "a"]
        self.assertLess(of_a.index("node_scheduled"), of_a.index("node_completed"))
        small = self.items(f"/executions/{run['id']}/events", limit=2)
        self.assertEqual(small, events)
        self.assertEqual(self.events(run["id"]), events)

    @rows("EN-37")
    def test_replay_equals_live(self):
        self.fh.script(self.path("a"), Reply(503), Reply())
        runs = [self.succeeds(workflow([self.http("a", retry_on_fail=1, retry_delay_seconds=0)])),
                self.succeeds(workflow(nodes=[set_variable("s", "x", 1.1)]))]
        calls = len(self.fh.calls())
        for run in runs:
            answer = self.ok(self.node.post(f"/executions/{run['id']}/replay"), 200).json
            self.assertIs(answer["equal"], True, answer)
            self.assertEqual(answer["status"], run["status"])
        self.assertEqual(len(self.fh.calls()), calls)

    @rows("EN-38")
    def test_report_and_logs_mask_secrets(self):
        marker = "very-secret-marker-4711"
        run = self.succeeds(workflow([
            self.http("a", parameters={"auth": {"type": "bearer", "token": marker}}),
            step("b", after="a", parameters={"x": 1})]))
        self.assertEqual(self.fh.calls(self.path("a"))[0].headers["authorization"],
                         f"Bearer {marker}")
        report = self.ok(self.node.get(f"/executions/{run['id']}/report"), 200)
        order = [e["node"] for e in self.events(run["id"]) if e["kind"] == "node_completed"]
        path = [p if isinstance(p, str) else p.get("step_id") or p.get("node")
                for p in report.json["execution_path"]]
        self.assertEqual([p for p in path if p in order], order)
        self.assertIn("execution_summary", report.json)
        for place in ("report", "logs", "events", ""):
            text = self.ok(self.node.get(f"/executions/{run['id']}/{place}".rstrip("/")), 200).text
            self.assertNotIn(marker, text, place)
        self.assertNotIn(marker, self.node.log_text())


class Concurrency(Case):
    @rows("EN-05")
    def test_many_clients_at_once(self):
        id_ = self.create(workflow([step("a", parameters={"n": "{{ input.n }}"})]))
        wrong, lock = [], threading.Lock()

        def client(first):
            for n in range(first, first + 25):
                run = self.node.post(f"/workflows/{id_}/execute?wait=20", {"input_data": {"n": n}})
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
