"""Definitions: storing, changing, validating, versions, import and export (rows WM)."""

import uuid

from rows import rows
from support.case import Case, edge, node, set_variable, step, workflow


class Definitions(Case):
    @rows("WM-01", "WM-02")
    def test_create_both_forms_and_read_back(self):
        first = self.ok(self.node.post("/workflows", workflow([step("a")])), 201).json
        second = self.ok(self.node.post("/workflows", workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"), set_variable("s", "x", 1)],
            edges=[edge("t", "s")])), 201).json
        self.assertNotEqual(first["id"], second["id"])
        stored = self.node.get(f"/workflows/{first['id']}").json
        self.assertEqual(stored["version"], 1)
        self.assertIs(stored["enabled"], True)
        self.assertTrue(stored["created"] and stored["updated"])
        only = stored["steps"][0]
        self.assertEqual((only["step_id"], only["skill_type"]), ("a", "echo"))
        self.assertEqual((only["retry_on_fail"], only["retry_delay_seconds"],
                          only["continue_on_fail"]), (0, 5, False))
        graph = self.node.get(f"/workflows/{second['id']}").json
        self.assertEqual([n["id"] for n in graph["nodes"]], ["t", "s"])
        self.assertEqual(graph["edges"][0]["source"], "t")
        normal = self.node.get(f"/workflows/{first['id']}?view=graph").json
        self.assertEqual([n["id"] for n in normal["nodes"] if n["id"] == "a"], ["a"])
        self.assertEqual((stored, graph), (first, second))
        self.assertEqual([(n["disabled"], n["type_version"]) for n in graph["nodes"]],
                         [(False, 1), (False, 1)])
        missing = self.problem(self.node.get(f"/workflows/{uuid.uuid4()}"), 404)
        self.assertTrue(missing["detail"])

    @rows("WM-03", "AP-01")
    def test_list_filters_and_pages(self):
        tag = uuid.uuid4().hex
        ids = [self.create(workflow([step("a")], name=f"Number {n} of {tag}", tags=[tag],
                                    enabled=n != 4)) for n in range(5)]
        listed = self.node.get(f"/workflows?tags={tag}").json
        self.assertEqual(sorted(w["id"] for w in listed["items"]), sorted(ids))
        self.assertEqual((listed["total_count"], listed["has_more"]), (5, False))
        on = self.node.get(f"/workflows?tags={tag}&enabled_only=true").json["items"]
        self.assertEqual(sorted(w["id"] for w in on), sorted(ids[:4]))
        named = self.node.get(f"/workflows?query=Number%202%20of%20{tag}").json["items"]
        self.assertEqual([w["id"] for w in named], [ids[2]])
        mine = self.create(workflow([step("a")], target_notebook_id=tag, user_id=tag, enabled=False))
        for key in ("notebook_id", "user_id"):
            self.assertEqual([w["id"] for w in self.items(f"/workflows?{key}={tag}")], [mine])
            self.assertEqual(self.items(f"/workflows?{key}={uuid.uuid4()}"), [])
        self.assertEqual(self.items(f"/workflows?user_id={tag}&active_only=true"), [])
        pages, seen, cursor = 0, [], ""
        while True:
            page = self.node.get(f"/workflows?tags={tag}&limit=2{cursor}").json
            seen += [w["id"] for w in page["items"]]
            pages += 1
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        self.assertEqual((pages, sorted(seen)), (3, sorted(ids)))
        self.problem(self.node.get("/workflows?limit=501"), 422)

    @rows("WM-04")
    def test_patch_changes_only_what_is_sent(self):
        id_ = self.create(workflow([step("a")], description="keep", tags=["t"],
                                   schedule="0 9 * * 1"))
        self.ok(self.node.patch(f"/workflows/{id_}", {"name": "new"}), 200)
        now = self.node.get(f"/workflows/{id_}").json
        self.assertEqual((now["name"], now["description"], now["tags"]), ("new", "keep", ["t"]))
        self.assertEqual(now["schedule"], "0 9 * * 1")
        self.ok(self.node.patch(f"/workflows/{id_}", {"steps": [step("b"), step("c", after="b")]}))
        now = self.node.get(f"/workflows/{id_}").json
        self.assertEqual([s["step_id"] for s in now["steps"]], ["b", "c"])
        self.assertEqual(now["description"], "keep")
        self.ok(self.node.patch(f"/workflows/{id_}", {"schedule": None}))
        now = self.node.get(f"/workflows/{id_}").json
        self.assertIsNone(now.get("schedule"))
        self.assertEqual((now["name"], now["version"]), ("new", 4))
        self.ok(self.node.patch(f"/workflows/{id_}", {"description": None}))
        self.assertIsNone(self.node.get(f"/workflows/{id_}").json.get("description"))
        self.problem(self.node.patch(f"/workflows/{id_}", {"steps": [step("a", after="ghost")]}), 422)
        self.assertEqual([s["step_id"] for s in self.node.get(f"/workflows/{id_}").json["steps"]],
                         ["b", "c"])

    @rows("WM-05")
    def test_put_replaces(self):
        id_ = self.create(workflow([step("a", retry_on_fail=3)], description="old", tags=["x"],
                                   enabled=False, schedule="0 9 * * 1"))
        self.ok(self.node.put(f"/workflows/{id_}", workflow([step("a")], name="put")), 200)
        now = self.node.get(f"/workflows/{id_}").json
        self.assertEqual((now["name"], now["version"]), ("put", 2))
        self.assertFalse(now.get("description") or now.get("schedule"))
        self.assertEqual((now["enabled"], now["steps"][0]["retry_on_fail"]), (True, 0))
        self.assertEqual(now.get("tags") or [], [])

    @rows("WM-06")
    def test_delete_cancels_runs_and_keeps_history(self):
        id_ = self.create(workflow([step("a")], schedule="0 9 * * 1"))
        done = self.run_to_end(id_)
        slow = self.create(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "fixed_delay", "duration_seconds": 600})]))
        waiting = self.start(slow)
        self.becomes(waiting, "waiting")
        for each in (id_, slow):
            self.ok(self.node.delete(f"/workflows/{each}"), 200, 204)
            self.problem(self.node.get(f"/workflows/{each}"), 404)
        self.assertEqual(self.finished(waiting)["status"], "cancelled")
        self.assertEqual(self.execution(done["id"])["status"], "success")
        self.problem(self.node.post(f"/workflows/{id_}/execute", {}), 404)

    @rows("WM-07")
    def test_duplicate(self):
        steps = [step("a", parameters={"x": 1})]
        id_ = self.create(workflow(steps, name="Origin", schedule="0 9 * * 1",
                                   input_schema={"n": {"type": "integer", "default": 1}},
                                   output_mapping={"o": "{{ steps.a.output.x }}"}))
        copy = self.ok(self.node.post(f"/workflows/{id_}/duplicate"), 200, 201).json
        copy = self.node.get(f"/workflows/{copy['id']}").json
        origin = self.node.get(f"/workflows/{id_}").json
        self.assertNotEqual(copy["id"], id_)
        self.assertEqual(copy["name"], "Origin Copy")
        self.assertIs(copy["enabled"], False)
        self.assertIsNone(copy.get("schedule"))
        self.assertEqual(copy["steps"], origin["steps"])
        for key in ("output_mapping", "input_schema"):
            self.assertEqual(copy[key], origin[key])
        self.assertEqual((origin["name"], origin["enabled"], origin["schedule"]),
                         ("Origin", True, "0 9 * * 1"))

    @rows("WM-08")
    def test_disabled_workflow_runs_nothing(self):
        id_ = self.create(workflow([self.http("a")], schedule="0 9 * * 1"))
        self.ok(self.node.post(f"/workflows/{id_}/disable"))
        run = self.run_to_end(id_)
        self.assertEqual(run["status"], "cancelled")
        self.assertIn("Workflow is disabled", str(run["error"]))
        self.assertEqual(self.fh.count(self.path("a")), 0)
        self.ok(self.node.post(f"/workflows/{id_}/enable"))
        self.succeeds(id_)
        self.assertEqual(self.fh.count(self.path("a")), 1)

    @rows("WM-09")
    def test_step_model_round_trip(self):
        full = {"step_id": "b", "skill_type": "echo", "name": "B", "description": "all fields",
                "parameters": {"deep": {"list": [1, 2.5, None, True, "x"]}}, "depends_on": ["a"],
                "condition": "input.go == true", "retry_on_fail": 2, "retry_delay_seconds": 7,
                "continue_on_fail": True, "timeout_seconds": 9,
                "retry_policy": {"max_attempts": 3, "strategy": "exponential_jitter",
                                 "wait_min_seconds": 1, "wait_max_seconds": 8}}
        id_ = self.create(workflow([step("a"), full]))
        stored = self.node.get(f"/workflows/{id_}").json["steps"][1]
        self.assertEqual({k: stored.get(k) for k in full}, full)

    @rows("WM-10")
    def test_node_model_round_trip_and_disabled_node(self):
        full = {"id": "n", "name": "A name", "type": "ACTION", "subtype": "SET_VARIABLE",
                "type_version": 1, "parameters": {"name": "v", "value": 1}, "disabled": True,
                "on_error": "continue", "notes": "why", "position": {"x": 10, "y": -2.5},
                "credentials": {"service": {"id": "c1", "name": "by reference"}},
                "retry_policy": {"max_attempts": 2, "strategy": "fixed", "wait_min_seconds": 1,
                                 "wait_max_seconds": 1}}
        id_ = self.create(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"), full,
                   node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json }}"})],
            edges=[edge("t", "n"), edge("n", "o")]))
        stored = self.node.get(f"/workflows/{id_}").json["nodes"][1]
        self.assertEqual({k: stored.get(k) for k in full}, full)
        run = self.succeeds(id_, {"passes": "through"})
        self.assertEqual(run["output"]["o"], {"passes": "through"})

    @rows("WM-11")
    def test_only_the_taken_branch_runs(self):
        run = self.succeeds(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"),
                   node("check", "FLOW", "IF", {"condition": "input.n > 5"}),
                   self.http_node("yes"), self.http_node("also"), self.http_node("no")],
            edges=[edge("t", "check"), edge("check:true", "yes"), edge("check:true", "also"),
                   edge("check:false", "no")]), {"n": 7})
        self.assertEqual([self.fh.count(self.path(p)) for p in ("yes", "also", "no")], [1, 1, 0])
        self.assertEqual(self.step_of(run, "no")["status"], "skipped")

    @rows("WM-11")
    def test_connection_types_ports_and_order(self):
        types = ["main", "ai_agent", "ai_chain", "ai_document", "ai_embedding", "ai_language_model",
                 "ai_memory", "ai_output_parser", "ai_retriever", "ai_reranker", "ai_text_splitter",
                 "ai_tool", "ai_vector_store"]
        nodes = [node("t", "TRIGGER", "MANUAL"), set_variable("s", "x", 1)]
        for each in types:
            with self.subTest(each):
                id_ = self.create(workflow(nodes=nodes, edges=[edge("t", "s", type=each, index=2)]))
                stored = self.node.get(f"/workflows/{id_}").json["edges"][0]
                self.assertEqual((stored["type"], stored["index"], stored["source_port"],
                                  stored["target_port"]), (each, 2, "main", "main"))
        run = self.succeeds(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"),
                   *[node(n, "SKILL", parameters={"skill_type": "echo", "parameters": {"n": n}})
                     for n in "abc"],
                   node("m", "FLOW", "MERGE", {"merge_type": "concat"}),
                   node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json }}"})],
            edges=[edge("t", "a"), edge("t", "b"), edge("t", "c"), edge("a", "m", index=2),
                   edge("b", "m", index=0), edge("c", "m", index=1), edge("m", "o")]))
        self.assertEqual([v["n"] for v in run["output"]["o"]], ["b", "c", "a"])

    @rows("WM-11")
    def test_connections_by_name_survive_a_rename(self):
        definition = workflow(nodes=[node("a", "TRIGGER", "MANUAL", name="First"),
                                     node("b", "OUTPUT", name="Second", parameters={"name": "o"})])
        definition["connections"] = {"First": {"main": [[
            {"node": "Second", "type": "main", "index": 0}]]}}
        del definition["edges"]
        id_ = self.create(definition)
        self.assertEqual(self.succeeds(id_, {"x": 1})["output"]["o"], {"x": 1})
        graph = self.node.get(f"/workflows/{id_}?view=graph").json
        self.assertEqual([(e["source"], e["target"]) for e in graph["edges"]], [("a", "b")])

    @rows("WM-13")
    def test_validate_stores_nothing(self):
        name = uuid.uuid4().hex
        bad = self.ok(self.node.post("/workflows/validate", workflow(
            [step("a", after="missing")], name=name)), 200).json
        self.assertIs(bad["valid"], False)
        self.assertTrue(bad["errors"])
        self.assertIn("warnings", bad)
        good = self.ok(self.node.post("/workflows/validate", workflow([step("a")], name=name))).json
        self.assertIs(good["valid"], True)
        self.assertEqual(good["errors"], [])
        self.assertEqual(self.node.get(f"/workflows?query={name}").json["total_count"], 0)
        ports = self.ok(self.node.post("/connections/validate", {
            "nodes": [node("i", "FLOW", "IF", {"condition": "true"}), set_variable("s", "x", 1)],
            "edges": [edge("i:nowhere", "s")]}), 200).json
        self.assertIs(ports["valid"], False)

    @rows("WM-14")
    def test_input_schema_is_enforced_before_the_run(self):
        schema = {"name": {"type": "string", "required": True},
                  "count": {"type": "integer", "default": 3, "minimum": 1, "maximum": 5},
                  "kind": {"type": "string", "enum": ["a", "b"]},
                  "tags": {"type": "array", "items": {"type": "string"}}}
        id_ = self.create(workflow([step("a", parameters={"c": "{{ input.count }}"})],
                                   input_schema=schema))
        for bad in ({}, {"name": 1}, {"name": "x", "count": 6}, {"name": "x", "count": 0},
                    {"name": "x", "kind": "c"}, {"name": "x", "tags": [1]}):
            with self.subTest(bad):
                self.problem(self.node.post(f"/workflows/{id_}/execute", {"input_data": bad}), 422)
        self.assertEqual(self.items(f"/executions?workflow_id={id_}"), [])
        run = self.succeeds(id_, {"name": "x", "kind": "b", "tags": ["t"]})
        self.assertEqual(self.output_of(run, "a"), {"c": 3})

    @rows("WM-15")
    def test_output_mapping_keeps_types(self):
        run = self.succeeds(workflow(
            [step("a", parameters={"list": [1, {"b": 2}], "n": 5})],
            output_mapping={"list": "{{ steps.a.output.list }}", "gone": "{{ steps.a.output.no }}",
                            "text": "n={{ steps.a.output.n }}"}))
        self.assertEqual(run["output"]["list"], [1, {"b": 2}])
        self.assertIn("gone", run["output"])
        self.assertIsNone(run["output"]["gone"])
        self.assertEqual(run["output"]["text"], "n=5")
        self.assertEqual(run["output"]["steps"]["a"]["status"], "success")

    @rows("WM-16")
    def test_settings_and_limits(self):
        settings = {"timezone": "Europe/Berlin", "timeout_seconds": 600, "error_policy": "continue",
                    "max_parallel_steps": 2, "save_manual_executions": True,
                    "save_execution_progress": False}
        id_ = self.create(workflow([step("a")], settings=settings))
        stored = self.node.get(f"/workflows/{id_}").json["settings"]
        self.assertEqual({k: stored[k] for k in settings}, settings)
        for bad in ({"timezone": "Mars/Olympus"}, {"timeout_seconds": 86401},
                    {"timeout_seconds": 59}, {"error_policy": "shrug"},
                    {"timeout_seconds": "long"}):
            with self.subTest(bad):
                self.problem(self.node.post("/workflows", workflow([step("a")], settings=bad)), 422)
        self.problem(self.node.post("/workflows", workflow(
            [step(f"s{n}") for n in range(1001)])), 422)
        self.ok(self.node.post("/workflows", workflow([step(f"s{n}") for n in range(1000)])), 201)
        self.ok(self.node.post("/workflows", workflow(
            [step("a", parameters={"x": "y" * (9 << 20)})])), 201)
        try:
            answer = self.node.post("/workflows", workflow(
                [step("a", parameters={"x": "y" * (11 << 20)})]))
        except (BrokenPipeError, ConnectionResetError):
            return  # refused while the body was being sent; test_api proves the answer
        self.problem(answer, 413)

    @rows("WM-20")
    def test_variables(self):
        run = self.succeeds(workflow(
            nodes=[set_variable("s", "colour", "{{ vars.base + 'ish' }}"),
                   node("e", "SKILL", parameters={"skill_type": "echo", "parameters": {
                       "colour": "{{ vars.colour }}", "base": "{{ vars.base }}"}}),
                   node("i", "FLOW", "IF", {"condition": "vars.colour == 'blueish'"}),
                   node("o", "OUTPUT", parameters={"name": "ok", "value": True})],
            edges=[edge("s", "e"), edge("e", "i"), edge("i:true", "o")]), vars={"base": "blue"})
        self.assertEqual(self.output_of(run, "e"), {"colour": "blueish", "base": "blue"})
        self.assertIs(run["output"]["ok"], True)

    @rows("WM-21")
    def test_pinned_node_does_not_execute(self):
        definition = workflow(
            nodes=[self.http_node("call"), node("o", "OUTPUT", parameters={
                "name": "o", "value": "{{ $json.pinned }}"})],
            edges=[edge("call", "o")], pin_data={"call": {"pinned": 7}},
            static_data={"since": "yesterday"})
        id_ = self.create(definition)
        run = self.succeeds(id_)
        self.assertEqual(run["output"]["o"], 7)
        self.assertEqual(self.fh.count(self.path("call")), 0)
        self.succeeds(id_, trigger_type="api")  # pins are for manual runs only
        self.assertEqual(self.fh.count(self.path("call")), 1)
        self.assertEqual(self.node.get(f"/workflows/{id_}").json["static_data"],
                         {"since": "yesterday"})
        self.ok(self.node.patch(f"/workflows/{id_}", {"pin_data": {}}))
        self.succeeds(id_)
        self.assertEqual(self.fh.count(self.path("call")), 2)
