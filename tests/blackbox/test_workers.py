"""Skills, external workers and jobs (rows SK, AP-09)."""

import json
import threading
import time

from rows import rows
from support.case import Case, step, workflow
from support.fh import Reply
from support.worker import StubWorker
from support.ws import WebSocket


class Workers(Case):
    @rows("SK-01", "SK-12")
    def test_registered_skills_are_listed(self):
        worker = StubWorker(self.node, "listed_skill", schema={
            "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
        self.assertGreater(worker.heartbeat_seconds, 0)
        skills = {s["skill_type"]: s for s in self.items("/skills/available")}
        self.assertIn("echo", skills)
        self.assertIn("http_request", skills)
        mine = skills["listed_skill"]
        self.assertEqual(mine["parameters_schema"]["required"], ["n"])
        self.assertTrue(mine["description"] and "name" in mine)
        clash = self.node.post("/skill-providers", {"name": "other", "skills": [
            {"skill_type": "echo", "description": "", "parameters_schema": {}, "effect": "io"}]})
        self.problem(clash, 409)
        self.ok(worker.remove(), 200, 204)
        self.assertNotIn("listed_skill", [s["skill_type"] for s in self.items("/skills/available")])

    @rows("SK-12")
    def test_task_life(self):
        worker = StubWorker(self.node, "full_life")
        id_ = self.start(workflow([step("a", "full_life", parameters={"x": "{{ input.x }}"},
                                        retry_on_fail=2, retry_delay_seconds=0)]), {"x": [1]})
        task = worker.task()
        for key in ("task_id", "token", "execution_id", "step_id", "attempt", "idempotency_key",
                    "skill_type", "parameters", "deadline"):
            self.assertIn(key, task)
        self.assertEqual((task["execution_id"], task["step_id"], task["attempt"],
                          task["parameters"]), (id_, "a", 1, {"x": [1]}))
        self.ok(worker.heartbeat(task, {"percent": 50}))
        self.ok(worker.fail(task, "not now", True, "busy"))
        again = worker.task()
        self.assertEqual(again["attempt"], 2)
        self.assertEqual(again["idempotency_key"], task["idempotency_key"])
        self.problem(worker.complete(task, {"late": True}), 410)
        self.problem(worker.heartbeat(task), 410)
        self.ok(worker.complete(again, {"done": True}))
        run = self.finished(id_)
        self.assertEqual(self.output_of(run, "a"), {"done": True})

    @rows("SK-12", "EN-12")
    def test_permanent_failure_is_not_retried(self):
        worker = StubWorker(self.node, "permanent")
        id_ = self.start(workflow([step("a", "permanent", retry_on_fail=3, retry_delay_seconds=0)]))
        self.ok(worker.fail(worker.task(), "bad parameter", False, "bad"))
        run = self.finished(id_)
        self.assertEqual(self.step_of(run, "a")["attempt"], 1)
        self.assertIn("bad parameter", json.dumps(self.step_of(run, "a")["error"]))
        self.assertEqual(worker.poll(wait=0), [])

    @rows("SK-12")
    def test_batches(self):
        worker = StubWorker(self.node, "batched")
        id_ = self.start(workflow([step(f"s{n}", "batched", parameters={"n": n})
                                   for n in range(6)]))
        tasks = []
        while len(tasks) < 6:
            got = worker.poll(wait=5, most=10)
            self.assertTrue(got, f"only {len(tasks)} of 6 tasks came")
            tasks += got
        answer = self.ok(worker.post("results", {"results": [
            {"task_id": t["task_id"], "token": t["token"], "output": {"n": t["parameters"]["n"]}}
            for t in tasks]}), 200)
        self.assertTrue(answer)
        run = self.finished(id_)
        self.assertEqual([self.output_of(run, f"s{n}") for n in range(6)],
                         [{"n": n} for n in range(6)])

    @rows("SK-12")
    def test_long_poll_waits_and_wakes(self):
        worker = StubWorker(self.node, "wakes")
        started = time.monotonic()
        self.assertEqual(worker.poll(wait=1), [])
        self.assertGreater(time.monotonic() - started, 0.8)
        got = []
        thread = threading.Thread(target=lambda: got.extend(worker.poll(wait=50)))
        thread.start()
        time.sleep(0.3)
        started = time.monotonic()
        id_ = self.start(workflow([step("a", "wakes")]))
        thread.join(60)
        self.assertLess(time.monotonic() - started, 20)
        self.assertEqual([t["execution_id"] for t in got], [id_])
        self.ok(worker.complete(got[0], {}))
        self.finished(id_)
        self.problem(self.node.post("/skill-providers/nobody/poll", {"max_tasks": 1}), 404)

    @rows("SK-12")
    def test_worker_over_websocket(self):
        worker = StubWorker(self.node, "by_socket")
        socket = WebSocket(self.node.port, "/ws/worker", token=worker.token)
        socket.call("poll", worker_id=worker.id, max_tasks=1, wait_seconds=10)
        id_ = self.start(workflow([step("a", "by_socket")]))
        message = socket.until(lambda m: m.get("data", {}).get("tasks"))[-1]
        task = message["data"]["tasks"][0]
        socket.call("complete", worker_id=worker.id, task_id=task["task_id"], token=task["token"],
                    output={"ws": 1})
        self.assertEqual(self.output_of(self.finished(id_), "a"), {"ws": 1})
        socket.close()

    @rows("SK-12")
    def test_whole_life_over_one_websocket(self):
        socket = WebSocket(self.node.port, "/ws/worker")
        socket.call("register", name="by socket", skills=[{
            "skill_type": "socket_only", "description": "", "parameters_schema": {}, "effect": "io"}])
        made = socket.until(lambda m: m["method"] == "register")[-1]
        self.assertTrue(made["success"] and made["data"]["id"])
        self.assertIn("socket_only", [s["skill_type"] for s in self.items("/skills/available")])
        id_ = self.start(workflow([step("a", "socket_only", retry_on_fail=1, retry_delay_seconds=0)]))
        for word, more in (("fail", {"error": {"message": "not yet", "retryable": True}}),
                           ("complete", {"output": {"at": "last"}})):
            socket.call("poll", max_tasks=1, wait_seconds=30)
            task = socket.until(lambda m: (m.get("data") or {}).get("tasks"))[-1]["data"]["tasks"][0]
            socket.call("heartbeat", task_id=task["task_id"], token=task["token"])
            socket.call(word, task_id=task["task_id"], token=task["token"], **more)
            self.assertTrue(socket.until(lambda m: m["method"] == word)[-1]["success"])
        self.assertEqual(self.output_of(self.finished(id_), "a"), {"at": "last"})
        socket.close()

    @rows("SK-03")
    def test_instances_are_stored_and_changed(self):
        made = self.ok(self.node.post("/skills/instances", {
            "name": "one", "skill_type": "echo", "description": "d", "parameters": {"a": 1},
            "schedule": "0 9 * * 1", "target_notebook_id": "n"}), 201).json
        path = f"/skills/instances/{made['id']}"
        self.assertEqual(self.ok(self.node.get(path), 200).json, made)
        self.assertIs(made["enabled"], True)
        changed = self.ok(self.node.patch(path, {"name": "two"}), 200).json
        self.assertEqual((changed["name"], changed["parameters"]), ("two", {"a": 1}))
        self.problem(self.node.post("/skills/instances", {"name": "x", "skill_type": "no_such"}),
                     400)
        self.ok(self.node.delete(path), 204)
        self.problem(self.node.get(path), 404)
        self.problem(self.node.post(path + "/execute", {}), 404)

    @rows("SK-03", "SK-04")
    def test_skill_instances_and_executions(self):
        made = self.ok(self.node.post("/skills/instances", {
            "name": "my echo", "skill_type": "echo", "parameters": {"a": 1}}), 200, 201).json
        started = self.ok(self.node.post(f"/skills/instances/{made['id']}/execute", {
            "parameters": {"b": 2}})).json
        for key in ("execution_id", "status", "message"):
            self.assertIn(key, started)

        def done(id_):
            found = self.ok(self.node.get(f"/skills/executions/{id_}"), 200).json
            return found if found["status"] in ("success", "failed", "cancelled") else None

        record = self.until(lambda: done(started["execution_id"]))
        self.assertEqual((record["status"], record["output"]), ("success", {"a": 1, "b": 2}))
        adhoc = self.ok(self.node.post("/skills/execute", {
            "skill_type": "echo", "parameters": {"x": 1}})).json
        self.assertEqual(self.until(lambda: done(adhoc["execution_id"]))["output"], {"x": 1})
        self.assertIn(started["execution_id"], [e["id"] for e in self.items(
            f"/skills/executions?skill_instance_id={made['id']}")])
        self.ok(self.node.patch(f"/skills/instances/{made['id']}", {"enabled": False}))
        self.problem(self.node.post(f"/skills/instances/{made['id']}/execute", {}), 400)
        self.problem(self.node.post("/skills/execute", {"skill_type": "http_request",
                                                        "parameters": {"url": 5}}), 422)
        self.fh.script(self.path("slow"), Reply(delay=90))
        slow = self.ok(self.node.post("/skills/execute", {"skill_type": "http_request", "parameters": {
            "url": self.fh.url + self.path("slow")}})).json["execution_id"]
        call = self.fh.wait_for(self.path("slow"))[0]
        self.ok(self.node.post(f"/skills/executions/{slow}/cancel"))
        self.assertEqual(self.until(lambda: done(slow), 40)["status"], "cancelled")
        self.until(lambda: call.closed_by_peer, 40, "the call was not aborted")

    @rows("AP-09")
    def test_jobs(self):
        registry = self.ok(self.node.get("/commands/registry"), 200).json
        self.assertTrue(registry["items"])
        self.fh.script(self.path("slow"), Reply(delay=90))
        job = self.ok(self.node.post("/commands/jobs", {"command": "skill", "input": {
            "skill_type": "http_request",
            "parameters": {"url": self.fh.url + self.path("slow")}}})).json
        self.fh.wait_for(self.path("slow"))
        found = self.ok(self.node.get(f"/commands/jobs/{job['id']}"), 200).json
        self.assertEqual(found["status"], "running")
        self.assertIsNone(found["progress"])
        self.assertIn(job["id"], [j["id"] for j in self.items("/commands/jobs?status=running")])
        self.ok(self.node.delete(f"/commands/jobs/{job['id']}"))
        self.until(lambda: self.node.get(f"/commands/jobs/{job['id']}").json["status"]
                   == "cancelled", 40, "job is not cancelled")
        self.assertNotIn(job["id"], [j["id"] for j in self.items("/commands/jobs?status=running")])
        self.problem(self.node.delete(f"/commands/jobs/{job['id']}"), 409)
        self.problem(self.node.get("/commands/jobs/01890000-0000-7000-8000-000000000000"), 404)
        self.problem(self.node.post("/commands/jobs", {"command": "no_such_command"}), 404)

    @rows("AP-09")
    def test_job_tells_its_progress_and_its_result(self):
        worker = StubWorker(self.node, "reports")
        job = self.ok(self.node.post("/commands/jobs", {
            "app": "tests", "command": "reports", "input": {"n": 1}})).json
        self.assertEqual(job["status"], "submitted")
        task = worker.task()
        self.assertEqual(task["parameters"], {"n": 1})
        for percent in (10, 60):
            self.ok(worker.heartbeat(task, {"percent": percent}))
            self.until(lambda: self.node.get(f"/commands/jobs/{job['job_id']}").json["progress"]
                       == {"percent": percent}, why="no progress is told")
        self.ok(worker.complete(task, {"done": 1}))
        found = self.until(lambda: (lambda j: j if j["status"] == "success" else None)(
            self.node.get(f"/commands/jobs/{job['job_id']}").json))
        self.assertEqual((found["result"], found["command"], found["error_message"]),
                         ({"done": 1}, "reports", None))
        self.assertIn("reports", [c["command"] for c in self.items("/commands/registry")])


class WorkerCrash(Case):
    own_node = True
    flags = ("--worker-heartbeat-ms", "1000")

    @rows("SK-12")
    def test_node_is_killed_mid_step(self):
        worker = StubWorker(self.node, "survivor")
        id_ = self.start(workflow([step("a", "survivor"), step("b", after="a")]))
        old = worker.task()
        self.node.restart()
        fresh = StubWorker(self.node, "survivor")
        task = fresh.task()
        self.assertEqual(task["idempotency_key"], old["idempotency_key"])
        self.assertNotEqual(task["token"], old["token"])
        self.problem(fresh.complete(old, {"stale": True}), 410)
        self.ok(fresh.complete(task, {"done": 1}))
        run = self.finished(id_)
        self.assertEqual((run["status"], self.output_of(run, "a")), ("success", {"done": 1}))

    @rows("SK-12")
    def test_silent_worker_is_removed_and_its_step_goes_elsewhere(self):
        silent = StubWorker(self.node, "goes_silent")
        id_ = self.start(workflow([step("a", "goes_silent")]))
        silent.task()
        self.assertLessEqual(silent.heartbeat_seconds, 15)
        other = None
        deadline = time.monotonic() + 3 * silent.heartbeat_seconds + 10
        while time.monotonic() < deadline and other is None:
            answer = self.node.post("/skill-providers", {"name": "second", "skills": [
                {"skill_type": "goes_silent", "description": "", "parameters_schema": {},
                 "effect": "io"}]})
            if answer.status in (200, 201):
                other = answer.json
            else:
                time.sleep(0.5)
        self.assertIsNotNone(other, "the silent worker is still registered")
        got = []
        while time.monotonic() < deadline and not got:
            got = self.node.post(f"/skill-providers/{other['id']}/poll",
                                 {"max_tasks": 1, "wait_seconds": 2},
                                 headers={"Authorization": f"Bearer {other['token']}"}).json["tasks"]
        self.assertTrue(got, "the step was not driven again")
        self.ok(self.node.post(f"/skill-providers/{other['id']}/tasks/{got[0]['task_id']}/complete",
                               {"token": got[0]["token"], "output": {}},
                               headers={"Authorization": f"Bearer {other['token']}"}))
        self.assertEqual(self.finished(id_)["status"], "success")
