"""Node types, one by one (rows NT)."""

import json
import time

from rows import rows
from support.case import Case, edge, node, set_variable, step, workflow
from support.fh import Reply

GROUPS = {"TRIGGER", "AI_AGENT", "ACTION", "EXTERNAL_ACTION", "FLOW", "HUMAN_IN_THE_LOOP", "TOOL",
          "MEMORY"}


def echo(id_, **parameters):
    return node(id_, "SKILL", parameters={"skill_type": "echo", "parameters": parameters})


class Catalogue(Case):
    @rows("NT-01")
    def test_catalogue_and_spec(self):
        text = self.ok(self.node.get("/node-types"), 200).text
        for group in GROUPS:
            self.assertIn(f'"{group}"', text)
        spec = self.ok(self.node.get("/node-types/FLOW/IF/spec"), 200).json
        flat = json.dumps(spec)
        for port in ("true", "false", "error"):
            self.assertIn(f'"{port}"', flat)
        parameters = {p["name"]: p for p in spec["parameters"]}
        self.assertIs(parameters["condition"]["required"], True)
        self.problem(self.node.get("/node-types/FLOW/NOPE/spec"), 404)

    def transform(self, kind, rule, value, expected=200, **more):
        answer = self.node.post("/node-types/ACTION/DATA_TRANSFORMATION/execute", {
            "parameters": {"transformation_type": kind, "transformation_rule": rule, **more},
            "input": value})
        self.ok(answer, expected)
        return answer.json["output"]["main"][0] if expected == 200 else answer

    @rows("NT-02")
    def test_one_type_runs_without_a_workflow(self):
        self.assertEqual(self.transform("sort", "item", [3, 1, 2]), [1, 2, 3])
        self.problem(self.node.post("/node-types/ACTION/NOPE/execute", {"input": 1}), 404)
        output = self.ok(self.node.post("/node-types/FLOW/IF/execute", {
            "parameters": {"condition": "1 > 2"}, "input": {"a": 1}}), 200).json["output"]
        self.assertEqual(output["false"], [{"a": 1}])
        self.assertFalse(output.get("true"))

    @rows("NT-14")
    def test_transformations(self):
        people = [{"n": "Ann", "age": 30, "t": "x"}, {"n": "Bob", "age": 20, "t": "y"},
                  {"n": "Cid", "age": 40, "t": "x"}]
        cases = [
            ("filter", "item.age > 25", [people[0], people[2]]),
            ("map", "item.n", ["Ann", "Bob", "Cid"]),
            ("map", "index", [0, 1, 2]),
            ("sort", "item.age", [people[1], people[0], people[2]]),
            ("custom", "len(items)", 3),
        ]
        for kind, rule, expected in cases:
            with self.subTest(kind=kind, rule=rule):
                self.assertEqual(self.transform(kind, rule, people), expected)
        self.assertEqual(self.transform("reduce", "acc + item.age", people, initial=0), 90)
        self.assertEqual(self.transform("sort", "item.age", people, descending=True)[0]["n"], "Cid")
        grouped = self.transform("group", "item.t", people)
        self.assertIn("Bob", json.dumps(grouped["y"]))
        self.assertEqual(len(grouped["x"]), 2)
        total = self.transform("aggregate", {"sum": "item.age", "count": True}, people)
        self.assertEqual((total["sum"], total["count"]), (90, 3))
        joined = self.transform("join", {"items": [{"who": "Ann", "city": "Rome"}], "key": "n",
                                         "other_key": "who"}, people)
        self.assertEqual([j["city"] for j in joined if j["n"] == "Ann"], ["Rome"])

    @rows("NT-14")
    def test_transformation_errors(self):
        mixed = [1, "x", 3]
        self.assertEqual(self.transform("map", "item + 1", mixed, error_handling="skip"), [2, 4])
        self.assertEqual(self.transform("map", "item + 1", mixed, error_handling="default_value",
                                        default_value=-1), [2, -1, 4])
        run = self.run_to_end(workflow(nodes=[node("d", "ACTION", "DATA_TRANSFORMATION", {
            "transformation_type": "map", "transformation_rule": "item + 1", "items": mixed})]))
        self.assertEqual(run["status"], "failed")

    @rows("NT-33")
    def test_data_mapping(self):
        cases = [
            ({"type": "direct"}, {"a": 1}, {"a": 1}),
            ({"type": "field_mapping", "fields": [
                {"source": "a.b", "target": "x"},
                {"source": "n", "target": "text", "transform": {
                    "type": "string_format", "format": "n={value}"}},
                {"source": "list", "target": "first", "transform": {
                    "type": "json_path", "path": "$[0]"}},
                {"source": "n", "target": "big", "transform": {
                    "type": "condition", "condition": "value > 3", "then": "yes", "else": "no"}},
                {"source": "s", "target": "upper", "transform": {
                    "type": "function", "function": "upper"}}]},
             {"a": {"b": 1}, "n": 5, "list": [9, 8], "s": "abc"},
             {"x": 1, "text": "n=5", "first": 9, "big": "yes", "upper": "ABC"}),
            ({"type": "template", "template": {"greeting": "Hello {{ name }}", "n": "{{ n }}"}},
             {"name": "Ann", "n": 3}, {"greeting": "Hello Ann", "n": 3}),
        ]
        for mapping, data, expected in cases:
            with self.subTest(mapping["type"]):
                got = self.ok(self.node.post("/data-mapping/test", {
                    "mapping": mapping, "data": data}), 200).json
                self.assertEqual(got["output"], expected)


class Nodes(Case):
    @rows("NT-03")
    def test_manual_trigger_gives_the_input(self):
        data = {"a": [1, {"b": None}], "text": "Grüße"}
        run = self.succeeds(workflow(nodes=[node("t", "TRIGGER", "MANUAL")]), data)
        self.assertEqual(self.output_of(run, "t"), data)

    @rows("NT-12")
    def test_http_request_is_sent_as_configured(self):
        cases = {"none": ({"type": "none"}, None, None),
                 "bearer": ({"type": "bearer", "token": "tok"}, "authorization", "Bearer tok"),
                 "basic": ({"type": "basic", "username": "u", "password": "p"}, "authorization",
                           "Basic dTpw"),
                 "api_key": ({"type": "api_key", "header": "X-Key", "value": "k"}, "x-key", "k")}
        for name, (auth, header, value) in cases.items():
            with self.subTest(name):
                self.fh.script(self.path(name), Reply(201, {"hi": "there"}, headers={"X-A": "1"}))
                run = self.succeeds(workflow([step("c", "http_request", parameters={
                    "method": "PUT", "url": self.fh.url + self.path(name), "auth": auth,
                    "query": {"q": "a b&c", "n": 1}, "headers": {"X-Custom": "{{ input.h }}"},
                    "body": {"list": [1, 2.5, None]}})]), {"h": "from input"})
                call = self.fh.calls(self.path(name))[0]
                self.assertEqual((call.method, call.json), ("PUT", {"list": [1, 2.5, None]}))
                self.assertEqual(call.query, {"q": ["a b&c"], "n": ["1"]})
                self.assertEqual(call.headers["x-custom"], "from input")
                self.assertIn("application/json", call.headers["content-type"])
                if header:
                    self.assertEqual(call.headers[header], value)
                output = self.output_of(run, "c")
                self.assertEqual((output["status"], output["body"]), (201, {"hi": "there"}))
                lower = {k.lower(): v for k, v in output["headers"].items()}
                self.assertEqual(lower["x-a"], "1")

    @rows("NT-12")
    def test_http_answers(self):
        self.fh.script(self.path("text"), Reply(body="plain", headers={"Content-Type": "text/plain"}))
        self.fh.script(self.path("from"), Reply(302, headers={"Location": self.path("to")}))
        self.fh.script(self.path("to"), Reply(json_body={"arrived": True}))
        self.fh.script(self.path("big"), Reply(size=300_000))
        self.fh.script(self.path("teapot"), Reply(418))

        def call(name, **parameters):
            return self.run_to_end(workflow([step("c", "http_request", parameters={
                "url": self.fh.url + self.path(name), **parameters})]))

        self.assertEqual(self.output_of(call("text"), "c")["body"], "plain")
        self.assertEqual(self.output_of(call("from"), "c")["body"], {"arrived": True})
        stay = call("from", follow_redirects=False, allowed_statuses=[302])
        self.assertEqual(self.output_of(stay, "c")["status"], 302)
        self.assertEqual(call("big", max_response_bytes=1000)["status"], "failed")
        self.assertEqual(call("big")["status"], "success")
        self.assertEqual(call("teapot")["status"], "failed")
        self.assertEqual(call("teapot", allowed_statuses=[418])["status"], "success")

    @rows("NT-12", "EN-18")
    def test_http_500_leaves_by_the_error_port(self):
        self.fh.script(self.path("bad"), Reply(500, {"why": "broken"}))
        run = self.succeeds(workflow(
            nodes=[self.http_node("bad", on_error="error_output"),
                   node("o", "OUTPUT", parameters={"name": "e", "value": "{{ $json }}"}),
                   self.http_node("never")],
            edges=[edge("bad:error", "o"), edge("bad", "never")]))
        error = run["output"]["e"]
        self.assertEqual((error["status"], error["node"]), (500, "bad"))
        self.assertTrue(error["error"] and error["code"])
        self.assertEqual(self.fh.count(self.path("never")), 0)

    @rows("NT-19")
    def test_if_ports(self):
        definition = workflow(
            nodes=[node("i", "FLOW", "IF", {"condition": "input.n + 1 > 5"}, on_error="error_output"),
                   *[node(p, "OUTPUT", parameters={"name": p, "value": True})
                     for p in ("yes", "no", "err")]],
            edges=[edge("i:true", "yes"), edge("i:false", "no"), edge("i:error", "err")])
        id_ = self.create(definition)
        for n, port in ((5, "yes"), (1, "no"), ("word", "err")):
            with self.subTest(n):
                run = self.succeeds(id_, {"n": n})
                taken = {k for k in ("yes", "no", "err") if run["output"].get(k) is True}
                self.assertEqual(taken, {port})

    @rows("NT-20")
    def test_switch_takes_the_case_or_the_default(self):
        id_ = self.create(workflow(
            nodes=[node("s", "FLOW", "SWITCH", {"switch_expression": "input.k", "cases": {
                       "a": "first", "2": "second"}, "default_case": "default"}),
                   *[node(p, "OUTPUT", parameters={"name": p, "value": True})
                     for p in ("one", "two", "other")]],
            edges=[edge("s:first", "one"), edge("s:second", "two"), edge("s:default", "other")]))
        for key, port in (("a", "one"), (2, "two"), ("zzz", "other"), (None, "other")):
            with self.subTest(key):
                run = self.succeeds(id_, {"k": key})
                self.assertEqual({k for k in ("one", "two", "other") if run["output"].get(k)},
                                 {port})

    @rows("NT-21")
    def test_filter_splits_a_list(self):
        for mode in ("include", "exclude"):
            with self.subTest(mode):
                run = self.succeeds(workflow(
                    nodes=[node("f", "FLOW", "FILTER", {"filter_expression": "item % 5 < 2",
                                                        "mode": mode, "items": "{{ input.l }}"}),
                           node("m", "OUTPUT", parameters={"name": "m", "value": "{{ $json }}"}),
                           node("x", "OUTPUT", parameters={"name": "x", "value": "{{ $json }}"})],
                    edges=[edge("f", "m"), edge("f:excluded", "x")]), {"l": list(range(10))})
                hits, others = [0, 1, 5, 6], [2, 3, 4, 7, 8, 9]
                expected = (hits, others) if mode == "include" else (others, hits)
                self.assertEqual((run["output"]["m"], run["output"]["x"]), expected)

    def loop(self, parameters, body, **more):
        return workflow(nodes=[node("loop", "FLOW", "LOOP", parameters, **more), body,
                               node("o", "OUTPUT", parameters={"name": "r", "value": "{{ $json }}"})],
                        edges=[edge("loop:iteration", body["id"]), edge(body["id"], "loop:loop_body"),
                               edge("loop:complete", "o")])

    @rows("NT-22")
    def test_loop_foreach_in_order_and_in_parallel(self):
        for parallel in (False, True):
            with self.subTest(parallel=parallel):
                run = self.succeeds(self.loop(
                    {"loop_type": "foreach", "items": "{{ input.l }}",
                     "parallel_execution": parallel}, echo("body", got="{{ $json }}")),
                    {"l": [5, 4, 3, 2, 1]})
                self.assertEqual(run["output"]["r"], [{"got": n} for n in (5, 4, 3, 2, 1)])
                bodies = self.steps_of(run, "body")
                self.assertEqual(sorted(str(b["iteration"]) for b in bodies), list("01234"))

    @rows("NT-22")
    def test_parallel_loop_overlaps_and_keeps_order(self):
        for n in range(5):
            self.fh.script(self.path(f"i{n}"), Reply(json_body={"n": n}, delay=0.5 - n * 0.1))
        body = node("body", "ACTION", "HTTP_REQUEST", {
            "url": self.fh.url + self.path("i{{ $json }}")})
        run = self.succeeds(self.loop({"loop_type": "foreach", "items": [0, 1, 2, 3, 4],
                                       "parallel_execution": True}, body))
        self.assertEqual([r["body"]["n"] for r in run["output"]["r"]], [0, 1, 2, 3, 4])
        self.assertGreaterEqual(self.fh.overlap(self.path()), 3)

    @rows("NT-22")
    def test_loop_for_while_and_cap(self):
        run = self.succeeds(self.loop({"loop_type": "for", "count": 4}, echo("body", x=1)))
        self.assertEqual(run["output"]["r"], [{"x": 1}] * 4)
        counting = set_variable("body", "n", "{{ vars.n + 1 }}")
        run = self.succeeds(self.loop({"loop_type": "while", "condition": "vars.n < 3"}, counting),
                            vars={"n": 0})
        self.assertEqual(len(run["output"]["r"]), 3)
        run = self.succeeds(self.loop({"loop_type": "until", "condition": "vars.n >= 2"}, counting),
                            vars={"n": 0})
        self.assertEqual(len(run["output"]["r"]), 2)
        run = self.run_to_end(self.loop({"loop_type": "while", "condition": "true",
                                         "max_iterations": 10}, echo("body", x=1)))
        self.assertIn(run["status"], ("failed", "partial"))
        self.assertEqual(self.step_of(run, "loop")["status"], "failed")
        self.assertEqual(len(self.steps_of(run, "body")), 10)

    @rows("NT-23")
    def test_merge_types(self):
        def merged(kind, left, right, **more):
            run = self.succeeds(workflow(
                nodes=[node("t", "TRIGGER", "MANUAL"),
                       *[node(i, "ACTION", "DATA_TRANSFORMATION", {
                           "transformation_type": "custom", "transformation_rule": "items",
                           "items": v}) for i, v in (("l", left), ("r", right))],
                       node("m", "FLOW", "MERGE", {"merge_type": kind, **more}),
                       node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json }}"})],
                edges=[edge("t", "l"), edge("t", "r"), edge("l", "m"), edge("r", "m"),
                       edge("m", "o")]))
            return run["output"]["o"]

        self.assertEqual(merged("concat", [1, 2], [2, 3]), [1, 2, 2, 3])
        self.assertEqual(merged("union", [1, 2], [2, 3]), [1, 2, 3])
        self.assertEqual(merged("intersection", [1, 2], [2, 3]), [2])
        joined = merged("join", [{"k": 1, "a": "x"}], [{"k": 1, "b": "y"}, {"k": 2}], join_key="k")
        self.assertIn({"k": 1, "a": "x", "b": "y"}, joined)

    @rows("NT-23")
    def test_merge_timeout(self):
        for action, status in (("continue", "success"), ("fail", "failed")):
            with self.subTest(action):
                started = time.monotonic()
                id_ = self.start(workflow(
                    nodes=[node("t", "TRIGGER", "MANUAL"), echo("quick", x=1),
                           node("never", "FLOW", "WAIT", {"wait_type": "for_signal",
                                                          "signal_name": "no", "max_wait": 600}),
                           node("m", "FLOW", "MERGE", {"merge_type": "concat", "timeout": 1,
                                                       "on_timeout": action})],
                    edges=[edge("t", "quick"), edge("t", "never"), edge("quick", "m"),
                           edge("never", "m")]))
                merged = self.until(lambda: next(
                    (s for s in self.execution(id_)["steps"]
                     if s["step_id"] == "m" and s["status"] in ("success", "failed", "timed_out")),
                    None), 10, "merge does not end")
                self.assertGreaterEqual(time.monotonic() - started, 0.95)
                self.assertEqual(merged["status"] == "success", status == "success", merged)
                self.node.post(f"/executions/{id_}/cancel")

    @rows("NT-24")
    def test_wait_until_time_condition_and_signal(self):
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        run = self.succeeds(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "until_time", "wait_until": soon})]))
        self.assertGreaterEqual(run["duration_seconds"], 0.9)

        waiting = self.start(workflow(nodes=[
            node("w", "FLOW", "WAIT", {"wait_type": "for_signal", "signal_name": "go"}),
            node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json }}"})],
            edges=[edge("w", "o")]))
        self.becomes(waiting, "waiting")
        self.ok(self.node.post(f"/executions/{waiting}/signals/go", {"data": {"n": 1}}))
        run = self.finished(waiting)
        self.assertEqual(run["status"], "success")
        self.assertIn("1", json.dumps(run["output"]["o"]))

        run = self.succeeds(workflow(nodes=[
            node("w", "FLOW", "WAIT", {"wait_type": "for_signal", "signal_name": "x", "max_wait": 1}),
            node("m", "OUTPUT", parameters={"name": "main", "value": True}),
            node("t", "OUTPUT", parameters={"name": "late", "value": True})],
            edges=[edge("w", "m"), edge("w:timeout", "t")]))
        self.assertIs(run["output"].get("late"), True)
        self.assertIsNot(run["output"].get("main"), True)

    @rows("NT-31", "NT-32")
    def test_outputs_and_notes(self):
        run = self.succeeds(workflow(nodes=[
            node("t", "TRIGGER", "MANUAL"), node("note", "NOTE", parameters={"text": "why"}),
            node("a", "OUTPUT", parameters={"name": "first", "value": "{{ input.x }}"}),
            node("b", "OUTPUT", parameters={"name": "second", "value": [1, 2]})],
            edges=[edge("t", "a"), edge("t", "b")]), {"x": {"y": 1}})
        self.assertEqual((run["output"]["first"], run["output"]["second"]), ({"y": 1}, [1, 2]))
        self.assertEqual(self.steps_of(run, "note"), [])
        stored = self.node.get(f"/workflows/{run['workflow_id']}").json
        self.assertIn("note", [n["id"] for n in stored["nodes"]])

    @rows("NT-30")
    def test_skill_node_runs_a_registered_skill(self):
        from support.worker import StubWorker
        worker = StubWorker(self.node, "reverse_words")
        id_ = self.start(workflow(
            nodes=[node("s", "SKILL", parameters={"skill_type": "reverse_words",
                                                  "parameters": {"text": "{{ input.t }}"}}),
                   node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json.text }}"})],
            edges=[edge("s", "o")]), {"t": "one two"})
        task = worker.task()
        self.assertEqual((task["skill_type"], task["parameters"]),
                         ("reverse_words", {"text": "one two"}))
        self.ok(worker.complete(task, {"text": "two one"}))
        run = self.finished(id_)
        self.assertEqual((run["status"], run["output"]["o"]), ("success", "two one"))


class WaitSurvives(Case):
    own_node = True

    @rows("NT-24")
    def test_wait_goes_on_over_a_kill(self):
        id_ = self.start(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "fixed_delay", "duration_seconds": 3})]))
        started = time.monotonic()
        self.becomes(id_, "waiting")
        time.sleep(1)
        self.node.restart()
        run = self.finished(id_, 10)
        took = time.monotonic() - started
        self.assertEqual(run["status"], "success")
        self.assertGreaterEqual(took, 2.9)
        self.assertLess(took, 4.5)
