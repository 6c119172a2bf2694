"""The HTTP target of the steps: keeps every call with its times, and answers as its path says."""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

LIMITED_SECONDS = 0.06
LARGE_BYTES = 100_000


class Call:
    __slots__ = ("path", "key", "n", "at", "ended")

    def __init__(self, path, key, n):
        self.path, self.key, self.n = path, key, n
        self.at, self.ended = time.monotonic(), None


class Target:
    """Thread-safe. Everything answers 200, but the first call for a number at

    /flaky answers 500, /dropped is executed and its connection dropped, /fails answers 400. /large
    answers more than fits into an event.
    """

    def __init__(self, host="127.0.0.1"):
        self._lock, self._calls, self._seen = threading.Lock(), [], Counter()
        target = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def do_POST(self):
                target._answer(self)

        class Server(ThreadingTCPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 256

            def handle_error(self, *_):
                pass

        self._server = Server((host, 0), Handler)
        self.address = f"{host}:{self._server.server_address[1]}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def calls(self):
        with self._lock:
            return list(self._calls)

    def _answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        call = Call(handler.path, handler.headers.get("Idempotency-Key"), json.loads(body)["n"])
        with self._lock:
            self._calls.append(call)
            self._seen[(call.path, call.n)] += 1
            first = self._seen[(call.path, call.n)] == 1
        if call.path == "/limited":
            time.sleep(LIMITED_SECONDS)
        call.ended = time.monotonic()
        if call.path == "/dropped" and first:
            handler.close_connection = True
            return
        status = {"/flaky": 500, "/fails": 400}.get(call.path, 200) if first else 200
        answer = b'{"ok": true}'
        if call.path == "/large":
            answer = json.dumps({"n": call.n, "pad": call.n[-1] * LARGE_BYTES}).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(answer)))
            handler.end_headers()
            handler.wfile.write(answer)
        except OSError:
            handler.close_connection = True
