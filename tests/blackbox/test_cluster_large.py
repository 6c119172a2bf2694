"""Large values in a cluster: nobody else has to wait for them, and nobody loses the lead over them."""

import threading
import time

from support.case import Case, step, workflow
from support.cluster import Cluster
from support.fh import FakeTarget, Reply

VALUES, MEBIBYTES = 12, 4
TERM_CHANGES_MAX = 3  # a machine that runs other tests beside this one may stand still for a moment


class LargeValues(Case):
    @classmethod
    def setUpClass(cls):
        cls.fh = FakeTarget()
        cls.cluster = Cluster(3, "--http-allow", cls.fh.address)
        cls.node = cls.cluster.nodes[0]

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()
        cls.fh.close()

    def save(self, definition):
        made = self.node.post("/workflows", definition)
        self.assertEqual(made.status, 201, made)
        id_ = made.json["id"]
        self.cluster.wait(lambda: all(n.get(f"/workflows/{id_}").status == 200
                                      for n in self.cluster.nodes))
        return id_

    def run_keyed(self, workflow_id, number):
        """Until it is a success, as a client would."""
        node, until = self.cluster.nodes[number % 3], time.monotonic() + 60
        while time.monotonic() < until:
            run = node.post(f"/workflows/{workflow_id}/execute?wait=20",
                            {"input_data": {"n": number}},
                            headers={"Idempotency-Key": f"{workflow_id}-{number}"})
            if run.status == 200 and run.json["status"] == "success":
                return run.json
            time.sleep(0.05)
        raise AssertionError(f"no success: {run.status} {run.text[:500]}")

    def test_small_runs_go_on_beside_them(self):
        large = self.save(workflow([step("one", "http_request", parameters={
            "url": self.fh.url + "/large/{{ input.n }}"})]))
        small = self.save(workflow([step("one", "echo", parameters={"v": "{{ input.n }}"})]))
        for n in range(VALUES):
            self.fh.script(f"/large/{n}", Reply(json_body={"v": f"{n}" + "x" * (MEBIBYTES << 20)}))
        self.cluster.wait(self.leads_are_spread)
        before, ended, runs, latencies = self.terms(), threading.Event(), {}, []

        def small_ones(number):
            while not ended.is_set():
                began = time.monotonic()
                self.run_keyed(small, number)
                latencies.append(time.monotonic() - began)
                number += 3

        def large_ones(first):
            for n in range(first, VALUES, 3):
                runs[n] = self.run_keyed(large, n)["execution_id"]

        others = [threading.Thread(target=small_ones, args=(i,)) for i in range(3)]
        writers = [threading.Thread(target=large_ones, args=(i,)) for i in range(3)]
        for thread in others + writers:
            thread.start()
        for thread in writers:
            thread.join()
        ended.set()
        for thread in others:
            thread.join()
        self.assertEqual(sorted(runs), list(range(VALUES)))
        changes = sum(a != b for a, b in zip(before, self.terms()))
        self.assertLessEqual(changes, TERM_CHANGES_MAX)
        self.assertLess(sorted(latencies)[len(latencies) // 2], 1.0)
        # Each replica has them whole, also the ones that did not lead.
        self.cluster.nodes[0].kill()
        for n, run in runs.items():
            seen = self.cluster.nodes[1].get(f"/executions/{run}", timeout=60)
            self.assertEqual(seen.status, 200, seen.text[:300])
            self.assertIn(f'"{n}xxxx', seen.text)
            self.assertGreater(len(seen.text), MEBIBYTES << 20)

    def leads_are_spread(self):
        leaders = [one["leader"] for one in self.cluster.status()["partitions"]]
        return all(leaders.count(n) >= 5 for n in (1, 2, 3))

    def terms(self):
        return [one["term"] for one in self.cluster.status()["partitions"]]
