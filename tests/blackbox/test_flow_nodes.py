"""The nodes that steer a run: IF, SWITCH, FILTER, LOOP, MERGE, WAIT (rows NT-19 to NT-24)."""

import time

from rows import rows
from support.case import Case, edge, node, set_variable, workflow
from support.fh import Reply


def echo(id_, **parameters):
    return node(id_, "SKILL", parameters={"skill_type": "echo", "parameters": parameters})


class FlowNodes(Case):
    weight = 2

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
        names = [f"i{n}" for n in range(5)]
        for n, name in enumerate(names):
            self.fh.script(self.path(name), Reply(json_body={"n": n}))
            self.fh.hold(self.path(name))
        body = node("body", "ACTION", "HTTP_REQUEST", {
            "url": self.fh.url + self.path("i{{ $json }}")})
        id_ = self.start(self.loop({"loop_type": "foreach", "items": [0, 1, 2, 3, 4],
                                    "parallel_execution": True}, body))
        for name in names:
            self.fh.wait_for(self.path(name))
        for name in reversed(names):
            self.fh.release(self.path(name))
        run = self.finished(id_)
        self.assertEqual([r["body"]["n"] for r in run["output"]["r"]], [0, 1, 2, 3, 4])
        self.assertEqual(self.fh.overlap(self.path()), 5)

    @rows("NT-22")
    def test_batch_size_limits_what_runs_at_once(self):
        for n in range(6):
            self.fh.script(self.path(f"i{n}"), Reply(json_body={"n": n}, delay=0.2))
        body = node("body", "ACTION", "HTTP_REQUEST", {
            "url": self.fh.url + self.path("i{{ $json }}")})
        run = self.succeeds(self.loop({"loop_type": "foreach", "items": list(range(6)),
                                       "parallel_execution": True, "batch_size": 2}, body))
        self.assertEqual([r["body"]["n"] for r in run["output"]["r"]], list(range(6)))
        self.assertEqual(self.fh.overlap(self.path()), 2)

    @rows("NT-22")
    def test_nested_loops(self):
        run = self.succeeds(workflow(
            nodes=[node("outer", "FLOW", "LOOP", {"loop_type": "foreach", "items": [[1, 2], [3]]}),
                   node("inner", "FLOW", "LOOP", {"loop_type": "foreach", "items": "{{ $json }}"}),
                   echo("body", v="{{ $json }}"),
                   node("o", "OUTPUT", parameters={"name": "r", "value": "{{ $json }}"})],
            edges=[edge("outer:iteration", "inner"), edge("inner:iteration", "body"),
                   edge("body", "inner:loop_body"), edge("inner:complete", "outer:loop_body"),
                   edge("outer:complete", "o")]))
        self.assertEqual(run["output"]["r"], [[{"v": 1}, {"v": 2}], [{"v": 3}]])
        self.assertEqual([s["iteration"] for s in self.steps_of(run, "body")], ["0/0", "0/1", "1/0"])

    @rows("NT-22")
    def test_a_failing_body_fails_the_loop_unless_it_is_handled(self):
        self.fh.script(self.path("bad"), Reply(404))
        parameters = {"loop_type": "foreach", "items": [1, 2]}
        run = self.run_to_end(self.loop(parameters, self.http_node("bad")))
        self.assertEqual(run["status"], "failed")
        self.assertEqual(self.step_of(run, "loop")["error"]["code"], "loop_body_failed")
        run = self.run_to_end(self.loop(parameters, self.http_node("bad", on_error="fallback",
                                                                   fallback={"value": "instead"})))
        self.assertEqual((run["status"], run["output"]["r"]), ("success", ["instead", "instead"]))

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
                    None), 40, "merge does not end")
                self.assertGreaterEqual(time.monotonic() - started, 0.95)
                self.assertEqual(merged["status"] == "success", status == "success", merged)
                self.node.post(f"/executions/{id_}/cancel")

    @rows("NT-23")
    def test_merge_of_the_first_that_comes(self):
        self.fh.hold(self.path("slow"))
        id_ = self.start(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"), echo("quick", x=1), self.http_node("slow"),
                   node("m", "FLOW", "MERGE", {"merge_type": "concat", "wait_for_all": False}),
                   node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json }}"})],
            edges=[edge("t", "quick"), edge("t", "slow"), edge("quick", "m"), edge("slow", "m"),
                   edge("m", "o")]))
        self.until(lambda: self.statuses(self.execution(id_)).get("o") == "success")
        self.assertEqual(self.statuses(self.execution(id_))["slow"], "running")
        self.fh.release(self.path("slow"))
        run = self.finished(id_)
        self.assertEqual((run["status"], run["output"]["o"]), ("success", [{"x": 1}]))
        self.assertEqual(self.kinds(id_, "m").count("node_completed"), 1)

    @rows("NT-23")
    def test_merge_without_a_timeout_waits_for_all_and_not_for_dead_branches(self):
        run = self.succeeds(workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"), node("i", "FLOW", "IF", {"condition": "true"}),
                   echo("yes", x="yes"), echo("no", x="no"), self.http_node("slow"),
                   node("m", "FLOW", "MERGE", {"merge_type": "concat"}),
                   node("o", "OUTPUT", parameters={"name": "o", "value": "{{ len($json) }}"})],
            edges=[edge("t", "i"), edge("t", "slow"), edge("i:true", "yes"), edge("i:false", "no"),
                   edge("yes", "m"), edge("no", "m"), edge("slow", "m"), edge("m", "o")]))
        self.assertEqual(run["output"]["o"], 2)
        self.assertEqual(self.step_of(run, "no")["status"], "skipped")

    @rows("NT-24")
    def test_wait_until_time(self):
        soon = time.time() + 2
        text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon))
        self.succeeds(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "until_time", "wait_until": text})]))
        self.assertGreaterEqual(time.time(), int(soon))

    def gate(self, **condition):
        """c waits until vars.ready, which is set when signal `go` comes."""
        return workflow(
            nodes=[node("t", "TRIGGER", "MANUAL"),
                   node("c", "FLOW", "WAIT", {"wait_type": "until_condition",
                                              "condition": "vars.ready == true",
                                              "check_interval_seconds": 1, **condition}),
                   node("s", "FLOW", "WAIT", {"wait_type": "for_signal", "signal_name": "go"}),
                   set_variable("v", "ready", True),
                   node("met", "OUTPUT", parameters={"name": "met", "value": True}),
                   node("late", "OUTPUT", parameters={"name": "late", "value": True})],
            edges=[edge("t", "c"), edge("t", "s"), edge("s", "v"), edge("c", "met"),
                   edge("c:timeout", "late")])

    @rows("NT-24")
    def test_wait_until_condition_polls(self):
        id_ = self.start(self.gate(), vars={"ready": False})
        self.becomes(id_, "waiting")
        time.sleep(1.5)
        self.assertEqual(self.statuses(self.execution(id_))["c"], "waiting")
        self.ok(self.node.post(f"/executions/{id_}/signals/go"))
        run = self.finished(id_)
        self.assertEqual((run["status"], run["output"].get("met"), run["output"].get("late")),
                         ("success", True, None))

    @rows("NT-24")
    def test_wait_until_condition_has_a_longest_wait(self):
        id_ = self.start(self.gate(max_wait=2), vars={"ready": False})
        self.until(lambda: self.statuses(self.execution(id_)).get("late") == "success")
        self.ok(self.node.post(f"/executions/{id_}/signals/go"))
        run = self.finished(id_)
        self.assertEqual((run["output"].get("met"), run["output"]["late"]), (None, True))
        self.assertGreaterEqual(self.step_of(run, "c")["duration_seconds"], 1.9)

    @rows("NT-24")
    def test_wait_for_a_signal(self):
        definition = workflow(nodes=[
            node("w", "FLOW", "WAIT", {"wait_type": "for_signal", "signal_name": "go"}),
            node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json }}"})],
            edges=[edge("w", "o")])
        waiting = self.start(definition)
        self.becomes(waiting, "waiting")
        self.ok(self.node.post(f"/executions/{waiting}/signals/other", {"data": {"n": 0}}))
        time.sleep(0.2)
        self.assertEqual(self.execution(waiting)["status"], "waiting")
        self.ok(self.node.post(f"/executions/{waiting}/signals/go", {"data": {"n": 1}}))
        run = self.finished(waiting)
        self.assertEqual((run["status"], run["output"]["o"]), ("success", {"n": 1}))
        self.problem(self.node.post(f"/executions/{waiting}/signals/go"), 409)

        run = self.succeeds(workflow(nodes=[
            node("w", "FLOW", "WAIT", {"wait_type": "for_signal", "signal_name": "x", "max_wait": 1}),
            node("m", "OUTPUT", parameters={"name": "main", "value": True}),
            node("t", "OUTPUT", parameters={"name": "late", "value": True})],
            edges=[edge("w", "m"), edge("w:timeout", "t")]))
        self.assertEqual((run["output"].get("late"), run["output"].get("main")), (True, None))


class WaitSurvives(Case):
    own_node = True

    @rows("NT-24")
    def test_wait_goes_on_over_a_kill(self):
        id_ = self.start(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "fixed_delay", "duration_seconds": 7})]))
        started = time.monotonic()
        self.becomes(id_, "waiting")
        time.sleep(max(0, started + 5 - time.monotonic()))
        self.node.restart()
        run = self.finished(id_)
        took = time.monotonic() - started
        self.assertEqual(run["status"], "success")
        self.assertGreaterEqual(took, 6.8)
        self.assertLess(took, 11.5)  # begun anew at the restart it would be more than 12

    @rows("NT-24")
    def test_a_signal_that_comes_before_a_kill_is_not_lost(self):
        id_ = self.start(workflow(nodes=[
            node("a", "FLOW", "WAIT", {"wait_type": "for_signal", "signal_name": "first"}),
            node("b", "FLOW", "WAIT", {"wait_type": "for_signal", "signal_name": "second"}),
            node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json }}"})],
            edges=[edge("a", "b"), edge("b", "o")]))
        self.becomes(id_, "waiting")
        self.ok(self.node.post(f"/executions/{id_}/signals/second", {"data": {"n": 2}}))
        self.node.restart()
        self.ok(self.node.post(f"/executions/{id_}/signals/first"))
        run = self.finished(id_)
        self.assertEqual((run["status"], run["output"]["o"]), ("success", {"n": 2}))
