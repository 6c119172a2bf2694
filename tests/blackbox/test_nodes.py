"""Node types, one by one (rows NT)."""

import json
import tempfile

from rows import rows
from support.case import Case, edge, node, step, workflow
from support.fh import Reply, SecureTarget

GROUPS = {"TRIGGER", "AI_AGENT", "ACTION", "EXTERNAL_ACTION", "FLOW", "HUMAN_IN_THE_LOOP", "TOOL",
          "MEMORY"}


def echo(id_, **parameters):
    return node(id_, "SKILL", parameters={"skill_type": "echo", "parameters": parameters})


class Catalogue(Case):
    @rows("NT-01")
    def test_catalogue_and_spec(self):
        spec = self.spec("FLOW", "IF")
        self.assertEqual(spec["outputs"], ["true", "false", "error"])
        self.assertIs(self.parameter(spec, "condition")["required"], True)
        wait = self.spec("FLOW", "WAIT")
        self.assertEqual(self.parameter(wait, "wait_type")["enum"], [
            "fixed_delay", "until_time", "until_condition", "for_signal"])
        loop = self.spec("FLOW", "LOOP")
        self.assertEqual(self.parameter(loop, "max_iterations")["default"], 1000)
        self.assertEqual(self.parameter(loop, "max_iterations")["minimum"], 1)
        listed = {g["type"]: g["node_types"] for g in self.items("/node-types")}
        self.assertLessEqual(GROUPS, set(listed))
        self.assertEqual(sorted(t["subtype"] for t in listed["FLOW"]),
                         ["FILTER", "IF", "LOOP", "MERGE", "SWITCH", "WAIT"])
        self.assertEqual([g["type"] for g in self.items("/node-types?category=FLOW")], ["FLOW"])
        for each in [t for group in listed.values() for t in group]:
            with self.subTest(f"{each['type']}/{each['subtype']}"):
                spec = self.spec(each["type"], each["subtype"])
                self.assertEqual(spec, each)
                for key in ("description", "parameters", "inputs", "outputs", "ui_type", "cost"):
                    self.assertIn(key, spec)
                for parameter in spec["parameters"]:
                    self.assertLessEqual({"name", "type", "required"}, set(parameter))
        self.problem(self.node.get("/node-types/FLOW/NOPE/spec"), 404)

    def spec(self, type_, subtype):
        return self.ok(self.node.get(f"/node-types/{type_}/{subtype}/spec"), 200).json

    def parameter(self, spec, name):
        return next(p for p in spec["parameters"] if p["name"] == name)

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
                    "type": "function", "function": "upper"}},
                {"source": "s", "target": "group", "transform": {
                    "type": "regex", "pattern": "a(.)"}},
                {"source": "s", "target": "none", "default": "-", "transform": {
                    "type": "regex", "pattern": "[0-9]+"}}]},
             {"a": {"b": 1}, "n": 5, "list": [9, 8], "s": "abc"},
             {"x": 1, "text": "n=5", "first": 9, "big": "yes", "upper": "ABC", "group": "b",
              "none": "-"}),
            ({"type": "template", "template": {"greeting": "Hello {{ name }}", "n": "{{ n }}"}},
             {"name": "Ann", "n": 3}, {"greeting": "Hello Ann", "n": 3}),
        ]
        for mapping, data, expected in cases:
            with self.subTest(mapping["type"]):
                got = self.ok(self.node.post("/data-mapping/test", {
                    "mapping": mapping, "data": data}), 200).json
                self.assertEqual(got["output"], expected)
        refused = self.problem(self.node.post("/data-mapping/test", {
            "mapping": {"type": "field_mapping", "fields": [
                {"source": "a", "target": "b",
                 "transform": {"type": "regex", "pattern": "(a+"}}]},
            "data": {"a": "a"}}), 422)
        self.assertEqual(refused["code"], "regex_invalid")
        self.assertIn("b", refused["detail"])
        slow = self.ok(self.node.post("/data-mapping/test", {
            "mapping": {"type": "field_mapping", "fields": [
                {"source": "a", "target": "b",
                 "transform": {"type": "regex", "pattern": "(a+)+$"}}]},
            "data": {"a": "a" * 100_000 + "b"}}, timeout=5), 200)  # linear, whatever the pattern
        self.assertEqual(slow.json["output"], {"b": None})

    @rows("NT-33")
    def test_mapping_on_a_connection(self):
        run = self.succeeds(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"),
                   *[node(n, "OUTPUT", parameters={"name": n, "value": "{{ $json }}"})
                     for n in ("same", "fields", "made", "text")]],
            edges=[edge("t", "same", mapping={"type": "DIRECT"}),
                   edge("t", "fields", mapping={
                       "type": "FIELD_MAPPING", "static": {"k": 1}, "fields": [
                       {"source": "a.b", "target": "x.y"},
                       {"source": "gone", "target": "z", "default": 7},
                       {"source": "list", "target": "last", "transform": {
                           "type": "JSON_PATH", "path": "$[-1]"}}]}),
                   edge("t", "made", mapping={"type": "TRANSFORM",
                                              "expression": "len($json.list)"}),
                   edge("t", "text", mapping={"type": "TEMPLATE",
                                              "template": "b is {{ $json.a.b }}"})]),
            {"a": {"b": 4}, "list": [1, 2, 3]})
        self.assertEqual(run["output"]["same"], {"a": {"b": 4}, "list": [1, 2, 3]})
        self.assertEqual(run["output"]["fields"], {"k": 1, "x": {"y": 4}, "z": 7, "last": 3})
        self.assertEqual((run["output"]["made"], run["output"]["text"]), (3, "b is 4"))


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
        self.fh.script(self.path("round"), Reply(302, headers={"Location": self.path("round")}))
        self.assertEqual(call("round")["status"], "failed")
        self.assertLess(self.fh.count(self.path("round")), 30)
        self.fh.script(self.path("slow"), Reply(delay=60))
        slow = call("slow", timeout_seconds=1)
        self.assertEqual(slow["status"], "failed")
        self.assertLess(slow["duration_seconds"], 30)

    @rows("NT-12")
    def test_certificates_are_checked(self):
        with tempfile.TemporaryDirectory() as folder:
            secure = SecureTarget(folder)
            other = self.new_node("--http-allow", secure.address)
            mine, self.node = self.node, other
            try:
                for verify, status in ((True, "failed"), (False, "success")):
                    run = self.run_to_end(workflow([step("c", "http_request", parameters={
                        "url": f"https://{secure.address}/x", "verify_tls": verify})]))
                    self.assertEqual(run["status"], status, json.dumps(run)[:1500])
                self.assertEqual(secure.count("/x"), 1)
            finally:
                self.node = mine
                other.close()
                secure.close()

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
