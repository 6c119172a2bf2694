"""Server-sent events and WebSocket (rows RT)."""

import time

from rows import rows
from support.case import Case, node, step, workflow
from support.fh import Reply
from support.sse import EventStream
from support.ws import Closed, Refused, WebSocket




def event_of(message):
    """The event inside a WebSocket message, or None."""
    data = message.get("data")
    return data if isinstance(data, dict) and "seq" in data else None


class ServerSentEvents(Case):
    def collect(self, id_, last=None):
        stream = EventStream(self.node, f"/executions/{id_}/stream", last)
        self.assertEqual(stream.status, 200)
        return [e for e in stream if e.json.get("seq") is not None]

    @rows("RT-01", "RT-04")
    def test_late_subscriber_gets_all_and_the_stream_ends(self):
        id_ = self.succeeds(workflow([self.http("a"), step("b", after="a")]))["id"]
        got = self.collect(id_)
        stored = self.events(id_)
        self.assertEqual([e.json["seq"] for e in got], [e["seq"] for e in stored])
        self.assertEqual([e.json["kind"] for e in got], [e["kind"] for e in stored])
        self.assertEqual([int(e.id) for e in got], [e["seq"] for e in stored])
        self.assertEqual(got[-1].json["kind"], "execution_finished")

    @rows("RT-01")
    def test_cut_and_resume_has_no_gap_and_no_double(self):
        self.fh.hold(self.path("b"))
        id_ = self.start(workflow([self.http("a"), self.http("b", after="a"),
                                   self.http("c", after="b")]))
        first = EventStream(self.node, f"/executions/{id_}/stream")
        seen = []
        for event in first:
            if event.json.get("seq") is not None:
                seen.append(event.json["seq"])
                if event.json["kind"] == "node_completed":
                    break
        first.close()
        self.fh.release(self.path("b"))
        self.finished(id_)
        seen += [e.json["seq"] for e in self.collect(id_, last=seen[-1])]
        self.assertEqual(seen, [e["seq"] for e in self.events(id_)])

    @rows("RT-04")
    def test_kinds_of_a_rich_run(self):
        self.fh.script(self.path("flaky"), Reply(503), Reply())
        self.fh.script(self.path("bad"), Reply(404))
        id_ = self.start(workflow([
            self.http("flaky", retry_on_fail=1, retry_delay_seconds=0),
            self.http("bad", after="flaky", continue_on_fail=True),
            step("off", after="bad", condition="false")]))
        self.finished(id_)
        kinds = set(self.kinds(id_))
        for kind in ("execution_started", "node_scheduled", "node_retrying", "node_completed",
                     "node_failed", "node_skipped", "execution_finished"):
            self.assertIn(kind, kinds)
        paused = self.start(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "for_signal", "signal_name": "s"})]))
        self.becomes(paused, "waiting")
        for action in ("pause", "resume"):
            self.ok(self.node.post(f"/executions/{paused}/{action}"))
        self.ok(self.node.post(f"/executions/{paused}/cancel"))
        run = self.finished(paused)
        kinds = self.kinds(run["id"])
        self.assertIn("execution_paused", kinds)
        self.assertIn("execution_resumed", kinds)
        self.assertIn("cancelled", str(self.events(run["id"])[-1]))

    @rows("RT-04")
    def test_live_stream_asks_for_input(self):
        id_ = self.start(workflow(nodes=[node("h", "HUMAN_IN_THE_LOOP", "APP", {
            "notification_type": "approval", "message": "?"})]))
        review = self.review_of(id_)
        stream = EventStream(self.node, f"/executions/{id_}/stream")
        kinds, decided = [], False
        for event in stream:
            kinds.append(event.json.get("kind", event.kind))
            if not decided and kinds[-1] in ("review_opened", "user_input_required"):
                decided = True
                self.ok(self.node.post("/reviews/action", {"reviews": [
                    {"review_id": review["review_id"], "approved": True}]}))
        self.assertIn("review_decided", kinds)
        self.assertEqual(kinds[-1], "execution_finished")


class Sockets(Case):
    weight = 3

    @rows("RT-02")
    def test_subscribe_heartbeat_and_bad_json(self):
        socket = WebSocket(self.node.port)
        socket.call("heartbeat")
        self.assertIn("pong", str(socket.receive()))
        socket.send_text("{not json")
        answer = socket.receive()
        self.assertFalse(answer.get("success", False))
        self.assertTrue(answer["error"])
        socket.call("no_such_method")
        self.assertTrue(socket.receive()["error"])
        id_ = self.start(workflow([step("a")]))
        socket.call("subscribe_execution", execution_id=id_)
        got = socket.until(lambda m: (event_of(m) or {}).get("kind") == "execution_finished")
        seqs = [event_of(m)["seq"] for m in got if event_of(m)]
        self.assertEqual(seqs, [e["seq"] for e in self.events(id_)])
        socket.call("subscribe_execution", execution_id="01890000-0000-7000-8000-000000000000")
        self.assertTrue(socket.until(lambda m: m.get("error"))[-1]["error"])
        socket.close()

    @rows("RT-02")
    def test_subscribe_to_a_workflow(self):
        id_ = self.create(workflow([step("a")]))
        socket = WebSocket(self.node.port)
        socket.call("subscribe_workflow", workflow_id=id_)
        self.assertTrue(socket.receive().get("success"))
        runs = {self.start(id_) for _ in range(3)}
        finished = set()
        while finished != runs:
            message = socket.receive()
            if (event_of(message) or {}).get("kind") == "execution_finished":
                text = str(message)
                finished |= {r for r in runs if r in text}
        socket.call("unsubscribe", workflow_id=id_)
        self.assertTrue(socket.until(lambda m: m.get("success"))[-1]["success"])
        self.run_to_end(id_)
        with self.assertRaises(TimeoutError):
            socket.until(lambda m: event_of(m) is not None, timeout=0.7)
        socket.close()

    @rows("RT-06")
    def test_resubscribe_with_since(self):
        self.fh.hold(self.path("b"))
        id_ = self.start(workflow([self.http("a"), self.http("b", after="a"), step("c", after="b")]))
        self.fh.wait_for(self.path("b"))
        first = WebSocket(self.node.port)
        first.call("subscribe_execution", execution_id=id_)
        got = first.until(lambda m: (event_of(m) or {}).get("kind") == "node_completed")
        seen = [event_of(m)["seq"] for m in got if event_of(m)]
        first.socket.close()
        self.fh.release(self.path("b"))
        self.finished(id_)
        second = WebSocket(self.node.port)
        second.call("subscribe_execution", execution_id=id_, since=seen[-1])
        got = second.until(lambda m: (event_of(m) or {}).get("kind") == "execution_finished")
        seen += [event_of(m)["seq"] for m in got if event_of(m)]
        self.assertEqual(seen, [e["seq"] for e in self.events(id_)])
        second.close()

    @rows("RT-07")
    def test_many_subscribers_and_a_slow_one(self):
        id_ = self.create(workflow([step(f"s{n}", parameters={"text": "{{ input.t }}"},
                                         after=f"s{n - 1}" if n else ()) for n in range(20)]))
        slow = WebSocket(self.node.port, buffer=4096)
        slow.call("subscribe_workflow", workflow_id=id_)
        many = [WebSocket(self.node.port) for _ in range(100)]
        for socket in many:
            socket.call("subscribe_workflow", workflow_id=id_)
        for socket in many:
            self.assertTrue(socket.receive()["success"])
        # Who keeps up gets all: a run's events fit into a connection's queue, all of them do not.
        started = time.monotonic()
        for _ in range(12):
            self.succeeds(id_, {"t": "x" * 20_000})
            for socket in many[:5]:
                socket.until(lambda m: (event_of(m) or {}).get("kind") == "execution_finished")
        self.assertLess(time.monotonic() - started, 20)
        with self.assertRaises((Closed, ConnectionError)) as closed:
            for _ in range(100_000):
                slow.receive(10)
        if isinstance(closed.exception, Closed):
            self.assertIn(closed.exception.code, (1006, 1008, 1013))
        for socket in many:
            socket.close()
        self.assertEqual(self.node.request("GET", "/health", root=True).status, 200)


class SocketsWithPassword(Case):
    flags = ("--password", "sesame")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node.token = "sesame"

    @rows("RT-02")
    def test_close_codes(self):
        ok = WebSocket(self.node.port, token="sesame")
        ok.call("heartbeat")
        self.assertIn("pong", str(ok.receive()))
        ok.close()
        for token, codes in ((None, (4001,)), ("wrong", (4002, 4003))):
            with self.subTest(token):
                try:
                    socket = WebSocket(self.node.port, token=token)
                    socket.call("heartbeat")
                    with self.assertRaises(Closed) as closed:
                        socket.receive()
                    self.assertIn(closed.exception.code, codes)
                except Refused as refused:
                    self.assertEqual(refused.status, 401)
