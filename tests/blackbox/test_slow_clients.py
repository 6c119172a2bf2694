"""Clients that send or read slowly disturb nobody (row AP-10)."""

import socket
import threading
import time

from rows import rows
from support.case import Case, step, workflow

HEAD = b"POST /api/v1/workflows HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"


def percentile_99(times):
    return sorted(times)[int(len(times) * 0.99)]


class SlowClients(Case):
    weight = 5
    flags = ("--header-timeout-ms", "4000", "--body-timeout-ms", "3000",
             "--write-timeout-ms", "2000")

    def health_times(self, count):
        times = []
        for _ in range(count):
            started = time.monotonic()
            self.assertEqual(self.node.request("GET", "/health", root=True).status, 200)
            times.append(time.monotonic() - started)
        return times

    @rows("AP-10")
    def test_five_hundred_slow_connections_do_not_block_others(self):
        calm = percentile_99(self.health_times(100))
        slow = [self.connect(60) for _ in range(500)]
        stop = threading.Event()

        def drip():  # a third idle, a third in the head, a third in the body, a byte now and then
            for n, s in enumerate(slow):
                s.sendall((b"", HEAD[:-6], HEAD + b"Content-Length: 900\r\n\r\n{")[n % 3])
            while not stop.wait(0.5):
                for n, s in enumerate(slow):
                    try:
                        s.sendall(b"" if n % 3 == 0 else b"x" if n % 3 == 1 else b" ")
                    except OSError:
                        pass  # its time was over

        thread = threading.Thread(target=drip)
        thread.start()
        id_ = self.create(workflow([step("a")]))
        busy = percentile_99(self.health_times(300))
        self.succeeds(id_)
        stop.set()
        thread.join()
        print(f"  500 slow connections: p99 of /health {busy * 1000:.0f} ms, "
              f"{calm * 1000:.0f} ms without")
        self.assertLess(busy, 2.5)  # the promise is 250 ms, on a machine with nothing else to do
        for kind in (1, 2):
            answer = b""
            try:
                slow[kind].settimeout(60)
                answer = slow[kind].recv(4096)
            except OSError:
                pass
            self.assertTrue(answer == b"" or b" 408 " in answer.split(b"\r\n")[0], answer[:80])
        for s in slow:
            s.close()

    @rows("AP-10")
    def test_slow_heads_and_bodies_are_told_408(self):
        for sent in (HEAD[:-6], HEAD + b"Content-Length: 1000\r\n\r\n{\"name\""):
            with self.subTest(sent[-20:]):
                started = time.monotonic()
                got = self.node.raw(sent, timeout=60)
                self.assertIn(b" 408 ", got.split(b"\r\n")[0])
                self.assertGreater(time.monotonic() - started, 1.5)

    def connections(self):
        text = self.node.request("GET", "/metrics", root=True).text
        return int(text.split("\ntroupe_connections_open ")[1].split("\n")[0])

    @rows("AP-10")
    def test_slow_reader_is_dropped(self):
        id_ = self.create(workflow([step("a", parameters={"x": "y" * 900_000})]))
        own = len(self.nodes)  # the question itself is a connection with each
        self.until(lambda: self.connections() == own)
        greedy = socket.socket()
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        greedy.connect(("127.0.0.1", self.node.port))
        greedy.sendall(f"GET /api/v1/workflows/{id_} HTTP/1.1\r\nHost: t\r\n\r\n".encode() * 20)
        self.until(lambda: self.connections() == own + 1)
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(
            self.node.get(f"/workflows/{id_}").status)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(answers, [200] * 8)
        self.until(lambda: self.connections() == own, 60, "the slow reader keeps its connection")
        greedy.close()
