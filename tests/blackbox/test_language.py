"""Expressions, templates and their budgets (rows EN-08, EN-09, SE-11)."""

import time

from rows import rows
from support.case import Case, edge, node, step, workflow

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
    ("isinstance(input.a, dict)", True), ("isinstance(5, str)", False), ("list((1, 2))", [1, 2]),
    ("dict([['a', 1]])", {"a": 1}), ("set([1, 1, 2])", [1, 2]), ("tuple([1])", [1]),
    ("1 < 2 < 3", True), ("{'k': [1, {'z': 2}]}['k'][1].z", 2), ("'%' in '5 %'", True),
]

REFUSED = ["__import__('os')", "open('/etc/passwd')", "input.__class__", "lambda: 1", "eval('1')",
           "[x for x in input.list]", "os.environ", "import os", "exec('1')"]


def echo(id_, **parameters):
    return node(id_, "SKILL", parameters={"skill_type": "echo", "parameters": parameters})


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
                self.assertLess(time.monotonic() - started, 8)  # without a budget: minutes
        self.assertEqual(self.node.request("GET", "/health", root=True).status, 200)

    @rows("EN-09")
    def test_a_type_error_in_a_template_fails_the_step(self):
        run = self.run_to_end(workflow([step("a", parameters={"x": "{{ input.n + 'text' }}"}),
                                        step("b", parameters={"x": "{{ input.none | default(1) }}"})]),
                              {"n": 1, "none": None})
        self.assertEqual((run["status"], self.statuses(run)),
                         ("partial", {"a": "failed", "b": "success"}))
        self.assertEqual(self.step_of(run, "a")["error"]["code"], "expression_type")
        self.assertEqual(self.output_of(run, "b"), {"x": None})

    @rows("EN-08")
    def test_expressions_see_steps_by_dot_and_by_bracket(self):
        run = self.succeeds(workflow([
            step("a", parameters={"items": [1, 2], "n": 7}),
            step("b", after="a", condition="steps.a.status == 'success' and "
                 "len(steps['a']['output']['items']) > 0 and input.word in ['x', 'y']"),
            step("c", after="a", condition="steps.a.output.n < 7 or not isinstance(input.word, str)"),
            step("d", condition="steps.later.output.n > 1"),
            step("later", after="d", parameters={"n": 2})]), {"word": "x"})
        self.assertEqual(self.statuses(run), {"a": "success", "b": "success", "c": "skipped",
                                              "d": "skipped", "later": "success"})
