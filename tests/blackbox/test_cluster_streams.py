"""Who follows a run on one node sees what another node runs (row RT-09)."""

import threading

from rows import rows
from support.case import Case, step, workflow
from support.cluster import Cluster
from support.fh import FakeTarget, Reply
from support.sse import EventStream
from support.ws import Closed, WebSocket

STEPS = 6


class StreamsOfACluster(Case):
    own_node = True

    def setUp(self):
        self.fh = FakeTarget()
        self.cluster = Cluster(3, "--http-allow", self.fh.address, "--cluster-rebalance-ms", "200")
        self.a, self.b, self.c = self.cluster.nodes
        self.node = self.a
        self.cluster.wait(lambda: all(
            p["leader"] == n % 3 + 1 for n, p in enumerate(self.cluster.status()["partitions"])))

    def tearDown(self):
        self.cluster.close()
        self.fh.close()

    def start_on(self, node):
        """A run of some seconds, led by `node`."""
        chain = workflow([self.http(f"s{n}", after=f"s{n - 1}" if n else ())
                          for n in range(STEPS)])
        for n in range(STEPS):
            self.fh.script(self.path(f"s{n}"), Reply(delay=0.25))
        made = self.ok(node.post("/workflows", chain), 201)
        run = self.ok(node.post(f"/workflows/{made.json['id']}/execute", {}, headers={
            "Troupe-Position": made.headers["troupe-position"]}), 202)
        partition = int(run.headers["troupe-position"].split(":")[0])
        self.assertIs(self.cluster.leader(partition), node)
        return run.json["execution_id"]

    def follow(self, node, id_, after=0):
        """Both kinds of streams, each read by a thread of its own into a list."""
        events, socket_events = [], []
        stream = EventStream(node, f"/executions/{id_}/stream", after or None, timeout=60)
        self.assertEqual(stream.status, 200)
        socket = WebSocket(node.port, timeout=60)
        socket.call("subscribe_execution", execution_id=id_, since=after)

        def read_stream():
            try:
                for event in stream:
                    if event.json.get("seq") is not None:
                        self.assertEqual(int(event.id), event.json["seq"])
                        events.append(event.json)
            except OSError:
                pass  # its node was killed

        def read_socket():
            try:
                while not socket_events or socket_events[-1]["kind"] != "execution_finished":
                    event = socket.receive(60).get("data") or {}
                    if event.get("seq") is not None:
                        socket_events.append(event)
            except (OSError, Closed):
                pass

        threads = [threading.Thread(target=each, daemon=True) for each in (read_stream, read_socket)]
        for thread in threads:
            thread.start()
        return events, socket_events, threads

    def assert_whole(self, id_, node, *told):
        """Each has every event of the history once, in its order."""
        self.finished(id_, 60)
        history = [e["seq"] for e in self.ok(node.get(
            f"/executions/{id_}/events?limit=500"), 200).json["items"]]
        self.assertEqual(history, list(range(1, len(history) + 1)))
        for events in told:
            self.assertEqual([e["seq"] for e in events], history)
            self.assertEqual(events[-1]["kind"], "execution_finished")

    def half_done(self):
        self.fh.wait_for(self.path("s2"))

    @rows("RT-09", "RT-01", "RT-02")
    def test_from_start_to_end(self):
        id_ = self.start_on(self.b)
        events, socket_events, threads = self.follow(self.a, id_)
        for thread in threads:
            thread.join(60)
        self.assert_whole(id_, self.b, events, socket_events)
        self.assertEqual([self.fh.count(self.path(f"s{n}")) for n in range(STEPS)], [1] * STEPS)

    @rows("RT-09", "EN-41")
    def test_the_leader_is_killed_in_the_middle(self):
        id_ = self.start_on(self.b)
        events, socket_events, threads = self.follow(self.a, id_)
        self.half_done()
        self.b.kill()
        for thread in threads:
            thread.join(60)
        self.assert_whole(id_, self.c, events, socket_events)
        self.assertIn("attempt_interrupted", [e["kind"] for e in events])

    @rows("RT-09", "RT-06")
    def test_the_subscribers_node_is_killed_and_it_goes_on_at_another(self):
        id_ = self.start_on(self.b)
        events, socket_events, threads = self.follow(self.a, id_)
        self.half_done()
        self.node = self.c
        self.a.kill()
        for thread in threads:
            thread.join(60)
        self.assertNotIn("execution_finished", [e["kind"] for e in events + socket_events])
        self.assertTrue(events and socket_events)
        # Each goes on behind what it has: they need not have the same.
        more, _, first = self.follow(self.c, id_, events[-1]["seq"])
        _, socket_more, second = self.follow(self.c, id_, socket_events[-1]["seq"])
        for thread in first + second:
            thread.join(60)
        self.assert_whole(id_, self.b, events + more, socket_events + socket_more)
