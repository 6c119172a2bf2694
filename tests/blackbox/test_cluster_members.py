"""Who belongs to a cluster: drained, removed, replaced, recovered, upgraded, split by roles."""

import json
import os
import shutil
import threading
import time

from rows import rows
from support.case import Case, step, workflow
from support.cluster import Cluster
from support.fh import FakeTarget, Reply
from support.node import free_port
from support.sse import EventStream

SMALL = ("--partitions", "4", "--cluster-election-timeout-ms", "300")


class MembersCase(Case):
    """A cluster a class; each test brings it into a state of its own."""

    own_node, size = True, 3

    def setUp(self):
        pass  # the class has its nodes

    def tearDown(self):
        self.last_log = "\n".join(node.log_tail(8) for node in self.cluster.nodes)

    @classmethod
    def setUpClass(cls):
        cls.fh = FakeTarget()
        cls.cluster = Cluster(cls.size, "--http-allow", cls.fh.address, *SMALL)

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()
        cls.fh.close()

    def command(self, at, *arguments, code=0):
        done = at.cli("cluster", *arguments, "--url", at.base)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def save(self, at, *steps):
        made = at.post("/workflows", workflow(list(steps) or [step("one", "echo", parameters={
            "v": "{{ input.n }}"})]))
        self.assertEqual(made.status, 201, made)
        return made.json["id"]

    def run_on(self, at, id_, n=0):
        done = at.post(f"/workflows/{id_}/execute?wait=10", {"input_data": {"n": n}},
                       headers={"Idempotency-Key": f"{id_}-{n}"})
        self.assertEqual((done.status, done.json.get("status")), (200, "success"), done)
        return done.json["execution_id"]

    def listed(self, at=None):
        return {one["node"]: one for one in self.cluster.status(at)["items"]}

    def health(self, node):
        answer = node.request("GET", "/health", root=True)
        return answer.status, answer.json["details"].get("cluster", {})

    def noted(self, node):
        with open(f"{node.data_dir}/cluster/node.json", encoding="utf-8") as file:
            return file.read()

    def wait_shut_out(self, node, code):
        self.cluster.wait(lambda: self.health(node)[1].get("code") == code, 15)
        status, why = self.health(node)
        self.assertEqual(status, 503)
        if code != "node_copied":  # that one may come to an end
            self.cluster.wait(lambda: code in self.noted(node))
        return why["message"]

    def refuses_to_start(self, node, *words):
        """Once it has noted that it is no member; a kill before that would only delay it."""
        node.start(ready=False)
        self.assertNotEqual(node.process.wait(20), 0)
        for word in words:
            self.assertIn(word, node.log_tail(5))

    def caught_up(self, at):
        return all(one["lag"] == 0 and one["connected"] for one in self.cluster.status(at)["items"])


class LostMajority(MembersCase):
    def test_a_survivor_goes_on_alone_and_others_join_it(self):
        lost, alone, also_lost = self.cluster.nodes  # the survivor has no key of the authority
        id_ = self.save(lost, step("slow", "http_request", parameters={
            "url": self.fh.url + "/slow", "method": "POST"}))
        echo = self.save(lost)
        done = [self.run_on(lost, echo, n) for n in range(5)]
        self.fh.script("/slow", Reply(delay=30), Reply())
        open_ = lost.post(f"/workflows/{id_}/execute", {}).json["execution_id"]
        self.cluster.wait(lambda: self.fh.count("/slow") == 1)
        self.cluster.wait(lambda: all(alone.get(f"/executions/{run}").status == 200
                                      for run in [*done, open_]))
        at = ("cluster", "recover", "--data-dir", alone.data_dir)
        refused = alone.cli(*at, "--yes")
        self.assertIn("another process has this data directory open", refused.stderr)
        for node in self.cluster.nodes:
            node.kill()

        looked = alone.cli(*at)
        self.assertEqual(looked.returncode, 4, looked.stderr)
        self.assertIn("run it again with --yes", looked.stderr)
        for word in ("LAST INDEX", "TERM", "control", r"[1-6] unfinished runs will go on", "are LOST"):
            self.assertRegex(looked.stdout, word)
        recovered = alone.cli(*at, "--yes")
        self.assertEqual(recovered.returncode, 0, recovered.stderr)
        self.assertIn("recovery 1", recovered.stdout)

        alone.start()
        self.cluster.wait(lambda: alone.get(f"/executions/{open_}").json["status"] == "success")
        for run in done:
            self.assertEqual(alone.get(f"/executions/{run}").json["status"], "success")
        self.run_on(alone, echo, 100)
        self.cluster.wait(lambda: list(self.listed(alone)) == [2])
        status = self.cluster.status(alone)
        self.assertEqual(status["recovery"], 1)
        self.assertEqual({tuple(p["voters"]) for p in status["partitions"]}, {(2,)})

        lost.start(ready=False)  # its log may say something else
        self.assertIn("recovered without it", self.wait_shut_out(lost, "left_behind"))
        self.assertEqual(lost.get("/executions").status, 503)
        lost.kill()
        self.refuses_to_start(lost, "left_behind", "recovered without it")

        joined = self.cluster.join(by=alone)
        self.cluster.wait(lambda: all(p["voters"] == [2, 4] or p["voters"] == [4, 2]
                                      for p in self.cluster.status(alone)["partitions"]))
        self.cluster.wait(lambda: all(joined.get(f"/executions/{run}").status == 200 for run in done))
        self.run_on(joined, echo, 101)


class Rolling(MembersCase):
    def leads(self, at):
        return sorted(one["leads"] for one in self.listed(at).values())

    @rows("OP-07")
    def test_a_rolling_restart_without_an_error_at_any_client(self):
        nodes = self.cluster.nodes
        id_ = self.save(nodes[0])
        self.cluster.wait(lambda: all(n.get(f"/workflows/{id_}").status == 200 for n in nodes))
        away, stop, answers, wrong = set(), threading.Event(), [], []

        def client(number):
            for n in range(1_000_000):
                at = [node for node in nodes if node not in away]
                node = at[n % len(at)]
                busy[number] = node
                if node in away:
                    continue
                try:
                    got = node.post(f"/workflows/{id_}/execute", {"input_data": {"n": n}},
                                    headers={"Idempotency-Key": f"{number}-{n}"})
                    (answers if got.status == 202 else wrong).append(got)
                except OSError as why:
                    wrong.append(why)
                busy[number] = None
                if stop.wait(0.005):
                    return

        busy = [None, None]
        threads = [threading.Thread(target=client, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        try:
            for node in nodes:
                number = str(self.cluster.number(node))
                by = next(other for other in nodes if other is not node)
                self.assertIn("leads nothing", self.command(node, "drain", number))
                # The others hear of the new leaders with the next heartbeat.
                self.cluster.wait(lambda: self.listed(by)[int(number)]["leads"] == 0, 1)
                self.assertTrue(self.listed(by)[int(number)]["draining"])
                self.run_on(node, id_, f"drained-{number}")  # it serves all the same
                away.add(node)
                self.cluster.wait(lambda: node not in busy, 10)
                self.assertEqual(node.terminate(), 0)
                node.start()
                self.cluster.wait(lambda: self.caught_up(by))
                away.discard(node)
                self.command(by, "drain", number, "--off")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])
        self.assertGreater(len(answers), 50)
        self.cluster.wait(lambda: self.leads(nodes[0]) == [1, 2, 2], 20)  # shared out again
        for got in answers[-20:]:
            run = got.json["execution_id"]
            self.cluster.wait(lambda: nodes[0].get(f"/executions/{run}").json["status"] == "success")


class Leaving(MembersCase):
    @rows("OP-07")
    def test_dead_nodes_are_replaced_and_living_ones_told(self):
        a, b, c = self.cluster.nodes
        id_ = self.save(a)
        c.kill()
        self.assertIn("out of the cluster", self.command(a, "remove", "3"))
        self.command(a, "remove", "3", code=4)
        self.assertEqual(list(self.listed(a)), [1, 2])
        d = self.cluster.join()
        self.cluster.wait(lambda: all(sorted(p["voters"]) == [1, 2, 4]
                                      for p in self.cluster.status(a)["partitions"]))
        c.start(ready=False)  # it does not know yet
        self.assertIn("was removed", self.wait_shut_out(c, "node_removed"))
        c.kill()
        self.refuses_to_start(c, "node_removed", "was removed")

        self.assertIn("out of the cluster", self.command(d, "remove", "2"))  # alive, and leads some
        self.assertIn("was removed", self.wait_shut_out(b, "node_removed"))
        self.assertEqual(b.get("/workflows").status, 503)
        self.assertEqual(b.terminate(), 0)
        self.refuses_to_start(b, "node_removed")
        self.assertEqual({tuple(sorted(p["voters"])) for p in self.cluster.status(a)["partitions"]},
                         {(1, 4)})
        self.run_on(a, id_, 1)
        self.run_on(d, id_, 2)
        d.kill()
        self.assertIn("they need a majority", self.command(a, "remove", "1", code=4))


class AnyoneLetsIn(MembersCase):
    @rows("OP-07")
    def test_a_member_lets_others_in_when_the_founder_is_lost(self):
        founder, second, _ = self.cluster.nodes
        self.cluster.wait(lambda: os.path.exists(f"{second.data_dir}/cluster/authority-key.pem"))
        self.assertEqual(os.stat(f"{second.data_dir}/cluster/authority-key.pem").st_mode & 0o077, 0)
        founder.kill()
        self.cluster.wait(lambda: second.cli("cluster", "invite", "--url",
                                             second.base).returncode == 0)
        newcomer = self.cluster.join(by=second)
        self.cluster.wait(lambda: newcomer.get("/system/nodes").status == 200)
        again = self.command(second, "invite", "--json")
        self.assertIn("troupe1.", again)


class SameNumber(MembersCase):
    def description(self, data_dir, change):
        path = os.path.join(data_dir, "cluster", "node.json")
        with open(path) as file:
            found = json.load(file)
        change(found)
        with open(path, "w") as file:
            json.dump(found, file)

    def test_a_copied_directory_is_refused_and_the_cluster_goes_on(self):
        a, _, c = self.cluster.nodes
        id_ = self.save(a)
        c.terminate()
        copy = self.cluster.join_later()
        shutil.copytree(c.data_dir, copy.data_dir)
        self.description(copy.data_dir, lambda d: d["listen"].update(port=free_port()))
        c.start()
        self.cluster.wait(lambda: self.caught_up(a))
        try:
            copy.start(ready=False)
            self.wait_shut_out(copy, "node_copied")
            self.assertTrue(self.listed(a)[3]["connected"])
            self.run_on(a, id_, 1)
            time.sleep(1)  # the others have noted the life of the first
            c.kill()  # the number is free now, but not for an old copy
            time.sleep(1)
            self.assertIn("old copy", self.wait_shut_out(copy, "node_copied"))
            self.assertFalse(self.listed(a)[3]["connected"])
            self.run_on(a, id_, 2)
        finally:
            copy.kill()
        c.start()
        self.cluster.wait(lambda: self.caught_up(a))

    def test_a_number_does_not_come_back_without_its_data(self):
        a, b, c = self.cluster.nodes
        b.kill()
        shutil.move(b.data_dir, b.data_dir + "-lost")
        b.start()  # alone: a new data directory, into which the old number is copied
        b.kill()
        shutil.copytree(b.data_dir + "-lost/cluster", b.data_dir + "/cluster")
        self.refuses_to_start(b, "data_lost", "cannot be used again")
        # Without its own notes the others know.
        self.description(b.data_dir, lambda d: (d.pop("store"), d.pop("lives")))
        b.start(ready=False)
        self.assertIn("has lost its data", self.wait_shut_out(b, "data_lost"))
        b.kill()
        self.command(a, "remove", "2")
        d = self.cluster.join()
        self.cluster.wait(lambda: all(sorted(p["voters"]) == [1, 3, 4]
                                      for p in self.cluster.status(a)["partitions"]))
        self.assertEqual(d.request("GET", "/health/ready", root=True).status, 200)


class Levels(MembersCase):
    def restart_as(self, node, release):
        node.terminate()
        node.flags = [*self.cluster.flags, "--test-release", str(release)]
        node.start()

    def test_the_feature_level_is_that_of_the_oldest_until_finalized(self):
        a, b, c = self.cluster.nodes
        self.assertEqual(self.cluster.status(a)["feature_level"], 1)
        self.assertIn("already", self.command(a, "finalize"))
        self.restart_as(b, 2)
        self.cluster.wait(lambda: self.caught_up(b))  # a neighbouring release is accepted
        self.restart_as(a, 2)
        self.cluster.wait(lambda: self.listed(b)[1]["feature_level"] == 2 and self.caught_up(b))
        self.assertEqual(self.cluster.status(a)["feature_level"], 1)
        refused = self.command(a, "finalize", code=4)
        self.assertIn("node 3 knows 1", refused)
        b.terminate()
        b.flags = [*self.cluster.flags, "--test-release", "3"]
        b.start(ready=False)  # not with release 1
        self.cluster.wait(lambda: "Releases 3 and 1 do not work together" in
                          self.listed(c)[2]["refused"] and
                          "Releases 1 and 3 do not work together" in self.listed(b)[3]["refused"])
        self.restart_as(b, 2)
        self.restart_as(c, 2)
        self.cluster.wait(lambda: self.caught_up(a) and self.listed(a)[3]["feature_level"] == 2)
        self.assertIn("feature level 2 (was 1)", self.command(a, "finalize"))
        self.cluster.wait(lambda: all(self.cluster.status(n)["feature_level"] == 2
                                      for n in (a, b, c)))
        c.terminate()
        c.flags = list(self.cluster.flags)
        self.refuses_to_start(c, "data_dir_newer", "feature level 2")
        joining = self.cluster.join_later()
        token = json.loads(self.command(a, "invite", "--json"))["token"]
        late = joining.cli("cluster", "join", a.base, "--token", token, "--data-dir",
                           joining.data_dir, "--cluster-host", "127.0.0.1")
        self.assertIn("The cluster is at feature level 2", late.stderr)


class Roles(MembersCase):
    size = 1

    @rows("OP-06")
    def test_an_engine_and_a_gateway_work_together(self):
        engine = self.cluster.nodes[0]
        gateway = self.cluster.join(flags=("--roles", "gateway"))
        self.cluster.wait(lambda: all(p["voters"] == [1] and p["learners"] == [2]
                                      for p in self.cluster.status(gateway)["partitions"]))
        engine.terminate()
        engine.flags += ["--roles", "engine"]
        engine.start()
        refused = engine.get("/workflows")
        self.assertEqual((refused.status, refused.json["code"]), (503, "not_a_gateway"))
        self.assertEqual(engine.request("GET", "/metrics", root=True).status, 200)
        self.cluster.wait(lambda: self.listed(gateway)[1]["roles"] == "engine")
        listed = self.listed(gateway)
        self.assertEqual((listed[1]["roles"], listed[2]["roles"]), ("engine", "gateway"))
        self.assertEqual((listed[1]["leads"], listed[2]["leads"]), (5, 0))

        id_ = self.save(gateway, step("one", "http_request", parameters={
            "url": self.fh.url + "/one", "method": "POST"}))
        self.fh.script("/one", Reply(delay=0.3), Reply())
        started = gateway.post(f"/workflows/{id_}/execute", {})
        self.assertEqual(started.status, 202, started)
        run = started.json["execution_id"]
        kinds = [event.json["kind"] for event in EventStream(gateway, f"/executions/{run}/stream")]
        self.assertEqual(kinds[-1], "execution_finished")
        self.run_on(gateway, id_, 1)
        self.assertEqual(gateway.get("/executions").json["total_count"], 2)
