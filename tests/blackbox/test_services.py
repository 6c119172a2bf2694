"""A check for each service of a node, on its own path and port, that can fail (row OP-02)."""

import http.client
import signal

from rows import rows
from support.case import Case, node, one_node, step, workflow
from support.cluster import Cluster
from support.node import free_port
from support.ws import Refused, WebSocket

SERVICES = ("gateway", "websocket", "executor", "scheduler", "store", "notification")


class Services(Case):
    flags = ("--test-faults", "--test-clock", "--retention-sweep-ms", "200")

    def health(self, name):
        return self.node.get(f"/system/services/{name}/health")

    def fault(self, **body):
        self.ok(self.node.post("/system/faults", body))

    def statuses_of(self, node=None):
        found = {name: (node or self.node).get(f"/system/services/{name}/health")
                 for name in SERVICES}
        return {name: answer.status for name, answer in found.items()}

    @rows("OP-02")
    def test_six_checks(self):
        self.until(lambda: set(self.statuses_of().values()) == {200})
        for name in SERVICES:
            body = self.ok(self.health(name), 200).json
            self.assertEqual((body["service"], body["status"]), (name, "healthy"))
        self.assertEqual({s["name"] for s in self.items("/system/services")}, set(SERVICES))
        self.problem(self.health("moon"), 404)

    @rows("OP-02", "OP-12")
    def test_a_stopped_scheduler_fails_its_check_only_and_timers_wait(self):
        self.fault(kind="stop", actor="scheduler")
        id_ = self.start(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "fixed_delay", "duration_seconds": 1})]))
        self.until(lambda: all(each.get("/system/services/scheduler/health").status == 503
                               for each in self.nodes), 10, "the check does not fail")
        self.assertIn("reason", self.health("scheduler").json["details"])
        others = {name: self.health(name).status for name in SERVICES if name != "scheduler"}
        self.assertEqual(set(others.values()), {200}, others)
        self.assertEqual(self.execution(id_)["status"], "waiting")
        self.succeeds(workflow([step("others_go_on")]))
        self.fault(kind="resume", actor="scheduler")
        self.assertEqual(self.finished(id_)["status"], "success")
        self.until(lambda: set(self.statuses_of().values()) == {200})

    @rows("OP-02")
    def test_stopped_sockets(self):
        self.fault(kind="stop", actor="websocket")
        self.assertEqual(self.health("websocket").status, 503)
        with self.assertRaises(Refused) as refused:
            WebSocket(self.node.port)
        self.assertEqual(refused.exception.status, 503)
        self.fault(kind="resume", actor="websocket")
        self.assertEqual(self.health("websocket").status, 200)
        WebSocket(self.node.port).close()

    @rows("OP-02")
    def test_a_partition_that_hangs_fails_the_executor(self):
        self.fault(kind="delay", actor="partition:1", milliseconds=6000)
        self.until(lambda: any(each.get("/system/services/executor/health").status == 503
                               for each in self.nodes), 10, "the check does not fail")
        self.until(lambda: set(self.statuses_of().values()) == {200})

    @rows("OP-02")
    def test_nobody_looks_for_what_is_to_be_told(self):
        self.fault(kind="stop", actor="notification")
        self.assertEqual(self.health("notification").status, 503)
        self.fault(kind="resume", actor="notification")
        self.until(lambda: self.health("notification").status == 200)


class ServicesOfAProcess(Case):
    own_node = True
    flags = ("--retention-sweep-ms", "200")

    def start_again(self, *more):
        self.assertEqual(self.node.terminate(), 0)
        self.node.flags = [*self.node.flags, *more]
        self.node.start(ready=False)
        self.until(self.lives, why="it does not live")

    def lives(self):
        try:
            return all(each.request("GET", "/health/live", root=True).status == 200
                       for each in self.nodes)
        except OSError:
            return False

    @rows("OP-02")
    def test_a_full_disk_fails_the_store(self):
        self.start_again("--disk-reserve-bytes", str(1 << 60))
        self.problem(self.node.post("/workflows", workflow([step("a")])), 507)
        for each in self.nodes:
            self.until(lambda: each.get("/system/services/store/health").status == 503)
            self.assertEqual(each.get("/system/services/websocket/health").status, 200)

    @rows("OP-02")
    @one_node("in a cluster a node hands over what it runs, and waits for nothing")
    def test_a_node_that_stops_fails_its_checks(self):
        self.fh.hold(self.path("a"))
        self.start(workflow([self.http("a")]))
        self.fh.wait_for(self.path("a"))
        leads = [n for n in self.nodes if "\ntroupe_steps_running 1" in
                 n.request("GET", "/metrics", root=True).text]
        self.assertEqual(len(leads), 1)
        self.assertEqual(leads[0].get("/system/services/gateway/health").status, 200)
        leads[0].process.send_signal(signal.SIGTERM)
        self.until(lambda: leads[0].get("/system/services/gateway/health").status == 503)
        self.fh.release(self.path("a"))
        self.assertEqual(leads[0].process.wait(60), 0)


class ServicesOfACluster(Case):
    own_node = True

    def setUp(self):
        self.cluster = Cluster(3)
        self.node = self.cluster.nodes[0]

    def tearDown(self):
        self.cluster.close()

    def check(self, name, status):
        path = f"/system/services/{name}/health"
        self.until(lambda: self.node.get(path).status == status, 20, f"{name} is not {status}")

    @rows("OP-02")
    def test_without_a_majority(self):
        self.check("gateway", 200)
        for other in self.cluster.nodes[1:]:
            other.kill()
        self.check("gateway", 503)
        for other in self.cluster.nodes[1:]:
            other.start(ready=False)
        self.check("gateway", 200)
        self.check("executor", 200)


@one_node("a port of one process")
class HealthPort(Case):
    port = free_port()
    flags = ("--password", "sesame", "--health-port", str(port), "--test-faults")

    def ask(self, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    @rows("OP-02")
    def test_health_only_and_without_a_password(self):
        for path in ("/health", "/health/live", "/health/ready",
                     *(f"/health/{name}" for name in SERVICES)):
            self.assertEqual(self.ask(path), 200, path)
        for path in ("/health/moon", "/api/v1/workflows", "/metrics", "/", "/health/store/x"):
            self.assertEqual(self.ask(path), 404, path)
        self.assertEqual(self.ask("/health", "POST"), 404)
        self.ok(self.node.post("/system/faults", {"kind": "stop", "actor": "scheduler"},
                               headers={"Authorization": "Bearer sesame"}))
        self.until(lambda: self.ask("/health/scheduler") == 503, 10)
        self.assertEqual(self.ask("/health/executor"), 200)
