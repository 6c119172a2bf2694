"""What is refused when a definition is saved (rows WM-12, WM-16)."""

from rows import rows
from support.case import Case, edge, node, set_variable, step, workflow


class Validation(Case):
    CASES = {
        "duplicate id": (workflow([step("a"), step("a")]), "a"),
        "reserved id": (workflow([step("execution")]), "execution"),
        "id form": (workflow([step("9 lives")]), "9 lives"),
        "unknown type": (workflow([step("a", "no_such_skill")]), "a"),
        "undefined dependency": (workflow([step("a", after="ghost")]), "a"),
        "self edge": (workflow([step("a", after="a")]), "a"),
        "missing parameter": (workflow([step("a", "http_request")]), "a"),
        "typed parameter": (workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "fixed_delay", "duration_seconds": "soon"})]), "w"),
        "enumeration": (workflow(nodes=[node("w", "FLOW", "WAIT", {"wait_type": "nap"})]), "w"),
        "bad expression": (workflow([step("a", condition="1 +")]), "a"),
        "bad template": (workflow([step("a", parameters={"x": "{{ 1 + }}"})]), "a"),
        "duplicate name": (workflow(nodes=[set_variable("a", "x", 1, name="N"),
                                           set_variable("b", "x", 1, name="N")]), "b"),
        "unknown port": (workflow(nodes=[node("i", "FLOW", "IF", {"condition": "true"}),
                                         set_variable("s", "x", 1)],
                                  edges=[edge("i:maybe", "s")]), "i"),
        "undefined endpoint": (workflow(nodes=[set_variable("s", "x", 1)],
                                        edges=[edge("s", "ghost")]), "ghost"),
        "unknown connection type": (workflow(
            nodes=[set_variable("a", "x", 1), set_variable("b", "x", 1)],
            edges=[edge("a", "b", type="ai_wish")]), "a"),
        "unknown subtype": (workflow(nodes=[node("odd", "FLOW", "TELEPORT")]), "odd"),
        "bad index": (workflow(nodes=[set_variable("a", "x", 1), set_variable("b", "x", 1)],
                               edges=[edge("a", "b", index=-1)]), "a"),
    }

    @rows("WM-12")
    def test_each_rule_names_the_node(self):
        for rule, (definition, culprit) in self.CASES.items():
            with self.subTest(rule):
                body = self.problem(self.node.post("/workflows", definition), 422)
                self.assertTrue(body["node_errors"], body)
                self.assertIn(culprit, str(body["node_errors"]))

    @rows("WM-12")
    def test_cycle_is_reported_as_a_path(self):
        body = self.problem(self.node.post("/workflows", workflow(
            [step("a", after="b"), step("b", after="a")])), 422)
        text = str(body)
        self.assertTrue("a -> b -> a" in text or "b -> a -> b" in text, text)
        longer = self.problem(self.node.post("/workflows", workflow(
            [step("a", after="c"), step("b", after="a"), step("c", after="b"),
             step("d", after="c")])), 422)
        self.assertRegex(str(longer), r"a -> [bc] -> [bc] -> a|b -> [ac] -> [ac] -> b|"
                                      r"c -> [ab] -> [ab] -> c")
        self.assertNotIn("-> d", str(longer))

    @rows("WM-12")
    def test_draft_is_stored_and_refuses_to_run(self):
        id_ = self.ok(self.node.post("/workflows?draft=true", workflow(
            [step("a", after="ghost")])), 200, 201).json["id"]
        self.assertEqual(self.node.get(f"/workflows/{id_}").json["steps"][0]["step_id"], "a")
        self.problem(self.node.post(f"/workflows/{id_}/execute", {"input_data": {}}), 422)
        self.ok(self.node.patch(f"/workflows/{id_}", {"steps": [step("a")]}))
        self.succeeds(id_)


class OtherLimits(Case):
    flags = ("--nodes-max", "5", "--definition-bytes-max", "4096")

    @rows("WM-16")
    def test_limit_of_bytes_is_configurable(self):
        def sized(size):
            return workflow([step("a", parameters={"x": "y" * size})])
        for path in ("/workflows", "/workflows/validate"):
            with self.subTest(path):
                self.ok(self.node.post(path, sized(3_000)), 200, 201)
                self.problem(self.node.post(path, sized(4_100)), 413)
        for size, status in ((3_000, 201), (4_100, 413)):  # YAML is counted the same way
            yaml = b"name: y\nsteps:\n- {step_id: a, skill_type: echo, parameters: {x: %s}}" % (
                b"y" * size)
            answer = self.node.post("/workflows", yaml, headers={"Content-Type": "application/yaml"})
            self.assertEqual(answer.status, status, answer.text)

    @rows("WM-16")
    def test_limit_of_nodes_is_configurable(self):
        self.ok(self.node.post("/workflows", workflow([step(f"s{n}") for n in range(5)])), 201)
        self.problem(self.node.post("/workflows", workflow([step(f"s{n}") for n in range(6)])), 422)
