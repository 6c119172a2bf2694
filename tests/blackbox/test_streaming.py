"""Server-sent events and WebSocket (rows RT)."""

import threading

from rows import rows
from support.case import Case, node, step, workflow
from support.fh import Reply
from support.sse import EventStream
from support.worker import StubWorker
from support.ws import Closed, WebSocket


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
        id_ = self.create(workflow(nodes=[node("h", "HUMAN_IN_THE_LOOP", "APP", {
            "notification_type": "approval", "title": "T", "message": "?"})]))
        stream = EventStream(self.node, f"/workflows/{id_}/execute", method="POST",
                             body={"input_data": {}})
        kinds, asked = [], None
        for event in stream:
            kinds.append(event.kind)
            if event.kind == "user_input_required":
                asked = event.json
                self.assertNotIn("seq", asked)  # it is no event: nobody gets it again
                self.ok(self.node.post("/reviews/action", {"reviews": [
                    {"review_id": asked["review_id"], "approved": True}]}))
        self.assertEqual(asked["node"], "h")
        self.assertLess(kinds.index("review_opened"), kinds.index("review_decided"))
        self.assertEqual(kinds[-1], "execution_finished")

    @rows("RT-04")
    def test_progress_of_a_worker_reaches_who_listens(self):
        worker = StubWorker(self.node, "tells_progress")
        id_ = self.start(workflow([step("a", "tells_progress")]))
        task = worker.task()
        stream = EventStream(self.node, f"/executions/{id_}/stream")
        told = None
        for event in stream:
            if event.kind == "node_scheduled":
                self.ok(worker.heartbeat(task, {"percent": 40}))
            elif event.kind == "progress":
                told = event.json
                self.ok(worker.complete(task, {}))
        self.assertEqual((told["node"], told["progress"]), ("a", {"percent": 40}))
        self.assertNotIn("progress", self.kinds(id_))


class Silence(Case):
    @rows("RT-01")
    def test_a_silent_stream_is_kept_alive_by_comments(self):
        id_ = self.start(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "for_signal", "signal_name": "s"})]))
        stream = EventStream(self.node, f"/executions/{id_}/stream", timeout=60)

        def listen():
            for _ in stream:
                pass

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        self.until(lambda: stream.comments > 0, 60, "no comment comes")
        self.ok(self.node.post(f"/executions/{id_}/signals/s"))
        thread.join(40)
        self.assertFalse(thread.is_alive(), "the stream does not end with the run")


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

    @rows("RT-02")
    def test_many_channels_on_one_socket(self):
        self.fh.hold(self.path("a"))
        runs = [self.start(workflow([self.http("a"), step("b", after="a")])) for _ in range(3)]
        socket = WebSocket(self.node.port)
        for run in runs:
            socket.call("subscribe_execution", execution_id=run)
        granted = []
        while sum(m["method"] == "subscribe_execution" for m in granted) < 3:
            granted.append(socket.receive())
        socket.call("unsubscribe", execution_id=runs[2])
        granted += socket.until(lambda m: m["method"] == "unsubscribe")
        self.fh.release(self.path("a"))
        for run in runs:
            self.finished(run)
        socket.call("heartbeat")
        seen = {run: [] for run in runs}
        for message in granted + self.all_until_quiet(socket, runs[:2]):
            event = event_of(message)
            if event:
                self.assertEqual(message["channel"], "execution:" + event["execution_id"])
                seen[event["execution_id"]].append(event["seq"])
        for run in runs[:2]:
            self.assertEqual(seen[run], [e["seq"] for e in self.events(run)])
        self.assertLess(len(seen[runs[2]]), len(self.events(runs[2])))
        socket.close()

    def all_until_quiet(self, socket, runs):
        ended, seen = set(), []
        while ended != set(runs):
            seen.append(socket.receive())
            event = event_of(seen[-1])
            if event and event["kind"] == "execution_finished":
                ended.add(event["execution_id"])
        return seen


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
                socket = WebSocket(self.node.port, token=token)
                with self.assertRaises(Closed) as closed:
                    socket.receive()
                self.assertIn(closed.exception.code, codes)
                socket.close()
        by_query = WebSocket(self.node.port, "/ws?token=sesame")
        by_query.call("heartbeat")
        self.assertEqual(by_query.receive()["data"], "pong")
        by_query.close()
