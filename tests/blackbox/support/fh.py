"""FH: a real HTTP target on loopback that counts calls and answers as its script says."""

import json
import os
import select
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from urllib.parse import parse_qs, urlsplit


class Call:
    """One request as it arrived. `at` and `ended` are monotonic seconds; a call has ended when its
    answer begins to leave, so that nothing the peer does because of the answer can come earlier."""

    def __init__(self, method, path, query, headers, body):
        self.method, self.path, self.query = method, path, query
        self.headers, self.body = headers, body
        self.at, self.ended = time.monotonic(), None
        self.closed_by_peer = False
        self.key = headers.get("idempotency-key")

    @property
    def json(self):
        return json.loads(self.body)


class Reply:
    """What to answer: after `delay` seconds, or a dropped connection after executing (`drop`)."""

    def __init__(self, status=200, json_body=None, body=None, headers=None, delay=0.0, drop=False,
                 size=None, chunk_delay=0.0):
        self.status, self.delay, self.drop, self.chunk_delay = status, delay, drop, chunk_delay
        self.headers = dict(headers or {})
        if size is not None:
            body = b"x" * size
        if body is None:
            body = json.dumps({"ok": True} if json_body is None else json_body).encode()
            self.headers.setdefault("Content-Type", "application/json")
        self.body = body if isinstance(body, bytes) else body.encode()


class FakeTarget:
    """Thread-safe. Unscripted paths answer {"ok": true, "n": which call of that path it was}."""

    def __init__(self):
        self._lock = threading.Condition()
        self._calls, self._counts, self._scripts = [], Counter(), {}
        self._gates = {}
        target = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def _serve(self):
                target._answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

        class Server(ThreadingTCPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 256

            def handle_error(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.socket = self._wrapped(self._server.socket)
        self.port = self._server.server_address[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _wrapped(self, listening):
        return listening

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def script(self, path, *replies):
        """The n-th call of `path` gets the n-th reply; the last one repeats."""
        with self._lock:
            self._scripts[path] = list(replies)

    def hold(self, path):
        """Calls of `path` are executed but not answered until `release(path)`."""
        with self._lock:
            self._gates[path] = threading.Event()

    def release(self, path):
        with self._lock:
            gate = self._gates.pop(path, None)
        if gate:
            gate.set()

    def calls(self, path=None, key=None):
        with self._lock:
            return [c for c in self._calls
                    if (path is None or c.path == path) and (key is None or c.key == key)]

    def count(self, path=None):
        return len(self.calls(path))

    def wait_for(self, path, number=1, timeout=30.0):
        """The calls of `path` as soon as there are `number` of them."""
        deadline = time.monotonic() + timeout
        with self._lock:
            while True:
                found = [c for c in self._calls if c.path == path]
                if len(found) >= number:
                    return found
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(
                        f"{path} was called {len(found)} times in {timeout} s, wanted {number}")
                self._lock.wait(left)

    def overlap(self, prefix):
        """The largest number of calls under `prefix` that were open at once."""
        marks = []
        for call in self.calls():
            if call.path.startswith(prefix):
                marks += [(call.at, 1), (call.ended or time.monotonic(), -1)]
        most = open_now = 0
        for _, change in sorted(marks, key=lambda m: (m[0], m[1])):
            open_now += change
            most = max(most, open_now)
        return most

    def _answer(self, handler):
        split = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length) if length else b""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        call = Call(handler.command, split.path, parse_qs(split.query), headers, body)
        with self._lock:
            self._calls.append(call)
            self._counts[call.path] += 1
            number = self._counts[call.path]
            script = self._scripts.get(call.path)
            gate = self._gates.get(call.path)
            self._lock.notify_all()
        reply = script[min(number, len(script)) - 1] if script else Reply(
            json_body={"ok": True, "n": number})
        try:
            self._send(handler, call, reply, gate)
        except OSError:
            call.closed_by_peer = True
            handler.close_connection = True
        finally:
            call.ended = call.ended or time.monotonic()

    def _wait(self, handler, call, seconds, gate=None):
        """Waits; sees at once when the peer closes. False when it did."""
        deadline = time.monotonic() + seconds
        while (gate is not None and not gate.is_set()) or time.monotonic() < deadline:
            left = 0.05 if gate is not None else min(0.05, max(0.0, deadline - time.monotonic()))
            readable, _, _ = select.select([handler.connection], [], [], left)
            if readable and not handler.connection.recv(1, socket.MSG_PEEK):
                call.closed_by_peer = True
                handler.close_connection = True
                return False
            if readable:
                time.sleep(0.02)
        return True

    def _send(self, handler, call, reply, gate):
        if not self._wait(handler, call, reply.delay, gate):
            return
        if not reply.chunk_delay:
            call.ended = time.monotonic()
        if reply.drop:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        if handler.command == "HEAD":
            return
        if not reply.chunk_delay:
            handler.wfile.write(reply.body)
            return
        for at in range(0, len(reply.body), 16):
            handler.wfile.write(reply.body[at:at + 16])
            handler.wfile.flush()
            if not self._wait(handler, call, reply.chunk_delay):
                return


class SecureTarget(FakeTarget):
    """FH behind TLS, with a certificate that nobody has signed. `folder` gets the key."""

    def __init__(self, folder):
        self._certificate = os.path.join(folder, "certificate.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "30", "-subj", "/CN=127.0.0.1", "-addext",
             "subjectAltName=IP:127.0.0.1", "-keyout", self._certificate, "-out",
             self._certificate + ".public"], check=True, capture_output=True)
        super().__init__()

    def _wrapped(self, listening):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate + ".public", self._certificate)
        return context.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)
