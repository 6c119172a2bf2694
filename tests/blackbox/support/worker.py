"""A bare worker for tests: every message of the worker protocol under the test's own control."""


class StubWorker:
    def __init__(self, node, skill, effect="io", schema=None):
        self.node, self.skill = node, skill
        answer = node.post("/skill-providers", {
            "name": f"provider of {skill}",
            "skills": [{"skill_type": skill, "description": f"test skill {skill}",
                        "parameters_schema": schema or {"type": "object"}, "effect": effect}]})
        assert answer.status in (200, 201), answer
        self.id, self.token = answer.json["id"], answer.json["token"]
        self.heartbeat_seconds = answer.json["heartbeat_seconds"]
        self._headers = {"Authorization": f"Bearer {self.token}"}

    def post(self, tail, body, timeout=60):
        """Sent with the node's own token where one is set, else with the provider's."""
        headers = None if self.node.token else self._headers
        return self.node.post(f"/skill-providers/{self.id}/{tail}", body, headers=headers,
                              timeout=timeout)

    def poll(self, wait=5, most=1):
        answer = self.post("poll", {"max_tasks": most, "wait_seconds": wait})
        assert answer.status == 200, answer
        return answer.json["tasks"]

    def task(self, wait=20):
        tasks = self.poll(wait)
        assert len(tasks) == 1, f"wanted one task, got {tasks}"
        return tasks[0]

    def complete(self, task, output):
        return self.post(f"tasks/{task['task_id']}/complete",
                         {"token": task["token"], "output": output})

    def fail(self, task, message, retryable, code=None):
        error = {"message": message, "retryable": retryable}
        if code:
            error["code"] = code
        return self.post(f"tasks/{task['task_id']}/fail", {"token": task["token"], "error": error})

    def heartbeat(self, task, progress=None):
        body = {"token": task["token"]}
        if progress is not None:
            body["progress"] = progress
        return self.post(f"tasks/{task['task_id']}/heartbeat", body)

    def remove(self):
        return self.node.delete(f"/skill-providers/{self.id}")
