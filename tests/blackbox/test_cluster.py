"""Three nodes: each serves everybody, and one may go at any moment."""

import threading
from http.client import HTTPException

from rows import rows
from support.case import Case, step, workflow
from support.cluster import Cluster
from support.fh import FakeTarget, Reply


class ThreeNodes(Case):
    @classmethod
    def setUpClass(cls):
        cls.fh = FakeTarget()
        cls.cluster = Cluster(3, "--http-allow", cls.fh.address)
        cls.node = cls.cluster.nodes[0]

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()
        cls.fh.close()

    def save(self, node, definition):
        made = node.post("/workflows", definition)
        self.assertEqual(made.status, 201, made)
        return made.json["id"]

    def test_every_node_serves_every_request(self):
        a, b, c = self.cluster.nodes
        chain = workflow([step("one", "echo", parameters={"v": "{{ input.n }}"}),
                          step("two", "http_request", ["one"], parameters={
                              "url": self.fh.url + "/every", "method": "POST"})])
        id_ = self.save(b, chain)
        for node in (a, b, c):
            self.cluster.wait(lambda n=node: n.get(f"/workflows/{id_}").status == 200, 5)
        for i, node in enumerate((a, b, c, a, b, c)):
            run = node.post(f"/workflows/{id_}/execute?wait=10", {"input_data": {"n": i}},
                            headers={"Idempotency-Key": f"every-{i}"})
            self.assertEqual(run.status, 200, run)
            self.assertEqual(run.json["status"], "success")
            for other in (a, b, c):
                seen = other.get(f"/executions/{run.json['execution_id']}")
                self.assertEqual((seen.status, seen.json["status"]), (200, "success"), seen)
                again = other.post(f"/workflows/{id_}/execute", {"input_data": {"n": i}},
                                   headers={"Idempotency-Key": f"every-{i}"})
                self.assertEqual(again.json["execution_id"], run.json["execution_id"])
        self.assertEqual(self.fh.count("/every"), 6)

    @rows("OP-07")
    def test_members_are_listed(self):
        for node in self.cluster.nodes:
            status = self.cluster.status(node)
            self.assertEqual([one["node"] for one in status["items"]], [1, 2, 3])
            self.assertTrue(all(one["connected"] for one in status["items"]))

    @rows("EN-41")
    def test_runs_of_a_killed_node_go_on_elsewhere(self):
        a, b, c = self.cluster.nodes
        id_ = self.save(a, workflow([
            step("wait", "http_request", parameters={"url": self.fh.url + "/slow/{{ input.n }}",
                                                     "method": "POST"}),
            step("last", "http_request", ["wait"], parameters={
                "url": self.fh.url + "/end/{{ input.n }}", "method": "POST"})]))
        self.cluster.wait(lambda: all(n.get(f"/workflows/{id_}").status == 200 for n in (a, b, c)), 5)
        starts = []
        for n in range(30):
            self.fh.script(f"/slow/{n}", Reply(delay=0.7))
            node = (a, b, c)[n % 3]
            run = node.post(f"/workflows/{id_}/execute", {"input_data": {"n": n}})
            self.assertEqual(run.status, 202, run)
            starts.append(run.json["execution_id"])
        c.kill()
        self.cluster.wait(lambda: all(
            a.get(f"/executions/{run}").json.get("status") == "success" for run in starts), 60)
        for n in range(30):  # what the kill cut off is done again, what was finished is not
            self.assertIn(self.fh.count(f"/slow/{n}"), (1, 2))
            self.assertIn(self.fh.count(f"/end/{n}"), (1, 2))
        self.assertEqual(sum(self.fh.count(f"/slow/{n}") > 1 for n in range(0, 30, 3)), 0)
        c.start()
        self.cluster.wait(lambda: all(
            c.get(f"/executions/{run}").json.get("status") == "success" for run in starts), 30)
        self.cluster.wait_whole()


class OneThatStarts(Case):
    """Whoever asks while a node of a cluster starts gets an answer or none; the node lives."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(1)
        cls.node = cls.cluster.nodes[0]

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    def ask(self, until):
        while not until.is_set():
            try:
                self.node.get("/system/nodes", timeout=5)
            except (OSError, HTTPException):
                pass

    def test_a_node_that_is_asked_while_it_starts_lives(self):
        until = threading.Event()
        asking = [threading.Thread(target=self.ask, args=(until,)) for _ in range(6)]
        for one in asking:
            one.start()
        try:
            for _ in range(12):
                self.node.restart()
        finally:
            until.set()
            for one in asking:
                one.join()
        self.assertTrue(self.node.alive())
