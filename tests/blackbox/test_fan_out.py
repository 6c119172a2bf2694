"""Five hundred subscribers and one that does not read (row RT-07)."""

import time

from rows import rows
from support.case import Case, step, workflow
from support.ws import Closed, WebSocket


class FanOut(Case):
    weight = 30
    many = 500

    def finished_of(self, socket, runs):
        """Reads until the ends of all these runs were seen."""
        left = set(runs)
        while left:
            data = socket.receive(60).get("data")
            if isinstance(data, dict) and data.get("kind") == "execution_finished":
                left.discard(data["execution_id"])

    @rows("RT-07")
    def test_five_hundred_subscribers_and_one_that_does_not_read(self):
        small = self.create(workflow([step("a"), step("b", after="a")]))
        large = self.create(workflow([step(f"s{n}", parameters={"text": "{{ input.t }}"},
                                           after=f"s{n - 1}" if n else ()) for n in range(20)]))
        sockets = [WebSocket(self.node.port, timeout=60) for _ in range(self.many - 1)]
        slow = WebSocket(self.node.port, buffer=4096, timeout=60)
        try:
            for socket in [*sockets, slow]:
                socket.call("subscribe_workflow", workflow_id=small)
            for socket in [*sockets, slow]:
                self.assertTrue(socket.receive(60)["success"])
            slow.call("subscribe_workflow", workflow_id=large)
            quick = sockets[:5]
            for socket in quick:
                socket.call("subscribe_workflow", workflow_id=large)
            first = self.took(lambda: self.succeeds(small))
            for socket in sockets:
                self.finished_of(socket, [first[1]["id"]])
            # More than a queue holds; who keeps up gets all of it, run by run.
            runs = []
            for _ in range(14):
                runs.append(self.took(lambda: self.succeeds(large, {"t": "x" * 20_000})))
                for socket in quick:
                    self.finished_of(socket, [runs[-1][1]["id"]])
            self.assertLess(max(seconds for seconds, _ in runs), 30)  # nobody waits for the slow one
            last = self.succeeds(small)
            for socket in sockets:
                self.finished_of(socket, [last["id"]])
            with self.assertRaises(Closed) as closed:
                while True:
                    slow.receive(60)
            self.assertEqual(closed.exception.code, 1013)
        finally:
            for socket in [*sockets, slow]:
                socket.socket.close()
        self.until(lambda: "\ntroupe_websockets_open 0\n" in self.node.request(
            "GET", "/metrics", root=True).text)

    def took(self, work):
        started = time.monotonic()
        result = work()
        return time.monotonic() - started, result
