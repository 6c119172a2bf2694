"""Versions, import and export, workflows inside of workflows (rows WM-17 to WM-19)."""

import uuid

from rows import rows
from support.case import Case, edge, node, step, workflow
from support.fh import Reply


class Versions(Case):
    @rows("WM-17")
    def test_run_stays_on_its_version(self):
        def version(text):
            return workflow([self.http("gate"), step("b", after="gate", parameters={"v": text})])

        id_ = self.create(version("one"))
        self.fh.hold(self.path("gate"))
        old = self.start(id_)
        self.fh.wait_for(self.path("gate"))
        self.ok(self.node.put(f"/workflows/{id_}", version("two")))
        self.fh.release(self.path("gate"))
        run = self.finished(old)
        self.assertEqual((run["workflow_version"], self.output_of(run, "b")), (1, {"v": "one"}))
        run = self.succeeds(id_)
        self.assertEqual((run["workflow_version"], self.output_of(run, "b")), (2, {"v": "two"}))
        self.assertEqual(sorted(v["version"] for v in self.items(f"/workflows/{id_}/versions")),
                         [1, 2])
        self.assertIn("one", str(self.node.get(f"/workflows/{id_}/versions/1").json))
        changes = self.ok(self.node.get(f"/workflows/{id_}/versions/1/diff/2"), 200).text
        self.assertTrue("one" in changes and "two" in changes, changes)
        self.ok(self.node.post(f"/workflows/{id_}/versions/1/activate"))
        self.assertEqual(self.output_of(self.succeeds(id_), "b"), {"v": "one"})

    @rows("WM-18")
    def test_export_has_no_secrets_and_import_runs(self):
        marker = "hunter2-" + uuid.uuid4().hex
        id_ = self.create(workflow([
            self.http("a", parameters={"auth": {"type": "bearer", "token": marker}}),
            self.http("h", parameters={"headers": {"Authorization": marker, "X-Api-Key": marker},
                                       "body": {"password": marker}}),
            step("b", parameters={"x": 1})], name="to export", user_id="somebody"))
        text = self.ok(self.node.get(f"/workflows/{id_}/export"), 200).text
        self.assertNotIn(marker, text)
        for key in ("user_id", '"id"', "webhook"):
            self.assertNotIn(key, text)
        plain = self.create(workflow([step("b", parameters={"x": 1})], name="portable"))
        exported = self.node.get(f"/workflows/{plain}/export").json
        new = self.ok(self.node.post("/workflows/import", exported), 200, 201).json["id"]
        self.assertNotEqual(new, plain)
        self.assertEqual(self.output_of(self.succeeds(new), "b"), {"x": 1})

    @rows("WM-19")
    def test_sub_workflow(self):
        child = self.create(workflow([self.http("c"), step("e", after="c", parameters={
            "twice": "{{ input.n * 2 }}"})], output_mapping={"r": "{{ steps.e.output.twice }}"}))
        parent = workflow(nodes=[
            node("sub", "SUBWORKFLOW", parameters={"workflow_id": child,
                                                   "input": {"n": "{{ input.n }}"}}),
            node("o", "OUTPUT", parameters={"name": "r", "value": "{{ $json.r }}"})],
            edges=[edge("sub", "o")])
        run = self.succeeds(parent, {"n": 21})
        self.assertEqual(run["output"]["r"], 42)
        # In a cluster the child may be of another partition, whose list is a moment behind.
        children = self.until(lambda: self.items(f"/executions/{run['id']}/children"))
        self.assertEqual([c["workflow_id"] for c in children], [child])
        self.assertEqual(self.execution(children[0]["id"])["parent_execution_id"], run["id"])

        self.fh.hold(self.path("c"))
        slow = self.start(parent, {"n": 1})
        self.fh.wait_for(self.path("c"), 2)
        self.ok(self.node.post(f"/executions/{slow}/cancel"))
        self.assertEqual(self.finished(slow)["status"], "cancelled")
        kid = self.until(lambda: self.items(f"/executions/{slow}/children"))[0]["id"]
        self.assertEqual(self.finished(kid)["status"], "cancelled")
        self.fh.release(self.path("c"))

    @rows("WM-19")
    def test_sub_workflow_failure_reaches_the_parent_and_depth_is_limited(self):
        child = self.create(workflow([step("bad", "http_request", parameters={
            "url": self.fh.url + self.path("bad"), "allowed_statuses": []}, retry_on_fail=0)]))
        self.fh.script(self.path("bad"), Reply(404))
        run = self.run_to_end(workflow(nodes=[
            node("sub", "SUBWORKFLOW", parameters={"workflow_id": child})]))
        self.assertEqual((run["status"], run["error"]["node"]), ("failed", "sub"))
        self.assertIn("404", self.step_of(run, "sub")["error"]["message"])
        loop = self.create(workflow([step("a")]))
        self.ok(self.node.put(f"/workflows/{loop}", workflow(nodes=[
            node("again", "SUBWORKFLOW", parameters={"workflow_id": loop})])))
        run = self.run_to_end(loop)
        self.assertEqual(run["status"], "failed")
        self.assertLess(len(self.items(f"/executions?workflow_id={loop}")), 100)

    @rows("WM-19")
    def test_a_child_runs_the_version_that_is_pinned(self):
        def version(text):
            return workflow([step("a", parameters={"v": text})],
                            output_mapping={"v": "{{ steps.a.output.v }}"})

        child = self.create(version("one"))
        self.ok(self.node.put(f"/workflows/{child}", version("two")))
        for pin, text in (({}, "two"), ({"version": 1}, "one")):
            run = self.succeeds(workflow(nodes=[
                node("sub", "SUBWORKFLOW", parameters={"workflow_id": child, **pin}),
                node("o", "OUTPUT", parameters={"name": "v", "value": "{{ $json.v }}"})],
                edges=[edge("sub", "o")]))
            self.assertEqual(run["output"]["v"], text)
