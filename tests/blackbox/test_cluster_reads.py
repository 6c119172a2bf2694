"""What a node of a cluster says of one execution is never older than what any node has said."""

import http.client
import json
import os
import signal
import threading

from support.case import Case, node, workflow
from support.cluster import Cluster

WAITS = workflow(nodes=[node("w", "FLOW", "WAIT", {"wait_type": "fixed_delay",
                                                   "duration_seconds": 3600})])


class ReadsOfAFormerLeader(Case):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(3)
        cls.node = cls.cluster.nodes[0]

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    def started(self, at):
        """A run that sleeps, and the node that leads its partition."""
        made = at.post("/workflows", WAITS)
        self.assertEqual(made.status, 201, made)
        run = at.post(f"/workflows/{made.json['id']}/execute", {"input_data": {}})
        self.assertEqual(run.status, 202, run)
        id_ = run.json["execution_id"]
        partition = int(id_.replace("-", "")[13:16], 16)
        return id_, self.cluster.leader(partition), partition

    def test_a_leader_that_was_stopped_says_nothing_old(self):
        for round_ in range(4):
            with self.subTest(round=round_):
                self.stop_write_and_read()

    def stop_write_and_read(self):
        run, old, partition = self.started(self.cluster.nodes[0])
        others = [node for node in self.cluster.nodes if node is not old]
        self.assertNotEqual(old.get(f"/executions/{run}").json["status"], "cancelled")
        answers = []
        os.kill(old.process.pid, signal.SIGSTOP)
        try:
            # These are in its sockets before it goes on, as are answers of followers of its term.
            readers = [threading.Thread(target=self.read, args=(old, run, answers))
                       for _ in range(16)]
            for reader in readers:
                reader.start()
            self.cluster.wait(lambda: self.leads_elsewhere(others, partition, old), 20)
            # The new leader may just be found: 503 says that trying again is right.
            self.cluster.wait(lambda: others[0].post(f"/executions/{run}/cancel",
                                                     {}).status == 200, 20)
            self.assertEqual(others[1].get(f"/executions/{run}").json["status"], "cancelled")
        finally:
            os.kill(old.process.pid, signal.SIGCONT)
        late = [threading.Thread(target=self.read, args=(old, run, answers)) for _ in range(16)]
        for reader in late:
            reader.start()
        for reader in readers + late:
            reader.join(30)
        self.assertEqual(len(answers), 32)
        # Those that were asked before the write may say either, but this node answers after it.
        self.assertEqual([a for a in answers if a not in ("cancelled", 503)], [])
        self.assertIn("cancelled", answers)
        self.cluster.wait_whole()

    def leads_elsewhere(self, others, partition, old):
        leader = self.cluster.status(others[0])["partitions"][partition]["leader"]
        return leader and self.cluster.nodes[leader - 1] is not old

    @staticmethod
    def read(at, run, answers):
        connection = http.client.HTTPConnection("127.0.0.1", at.port, timeout=30)
        connection.request("GET", f"/api/v1/executions/{run}")
        answer = connection.getresponse()
        body = answer.read()
        answers.append(answer.status if answer.status != 200 else
                       json.loads(body)["status"])
        connection.close()
