"""One real `troupe serve` process on a data directory of its own."""

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

BINARY = os.environ.get("TROUPE_BINARY", "build/release/troupe")


_given, _given_lock = set(), threading.Lock()


def free_port():
    """A port below the range from which the system takes ports by itself: nobody takes it while a
    node is down between two lives."""
    while True:
        port = random.randrange(11_000, 32_000)
        with socket.socket() as s, _given_lock:
            try:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port not in _given:
                _given.add(port)
                return port


class Answer:
    """Status, headers (names in lower case), raw bytes; `.json` parses them."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {}
        for name, value in headers:
            self.headers.setdefault(name.lower(), value)

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.text[:400]}>"


class Node:
    def __init__(self, *flags, env=None, data_dir=None, start=True, binary=None):
        self.binary = os.path.abspath(binary or BINARY)
        self.flags, self.env = list(flags), dict(env or {})
        self.own_dir = data_dir is None
        self.data_dir = data_dir or tempfile.mkdtemp(prefix="troupe-test-")
        self.log_path = self.data_dir.rstrip("/") + ".log"
        self.host, self.port, self.process, self.token = "127.0.0.1", free_port(), None, None
        self.wrapper = []  # words before the binary, such as a tracer's
        self._lock = threading.Lock()
        if start:
            self.start()

    # Life

    def start(self, ready=True, timeout=40):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
        environment.update(self.env)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, self.binary, "serve", "--data-dir", self.data_dir, "--host", self.host,
                 "--port", str(self.port), *self.flags],
                stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True)
        if ready:
            self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout=40):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(
                    f"the node ended with {self.process.returncode}:\n{self.log_tail()}")
            try:
                if self.request("GET", "/health/ready", root=True, timeout=10).status == 200:
                    return
            except OSError:
                pass
            except http.client.HTTPException:
                pass
            time.sleep(0.02)
        raise AssertionError(f"not ready within {timeout} s:\n{self.log_tail()}")

    def kill(self):
        """SIGKILL, and waits for the end."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait(30)

    def restart(self):
        self.kill()
        return self.start()

    def terminate(self, timeout=60):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def close(self):
        self.kill()
        if self.own_dir:
            shutil.rmtree(self.data_dir, ignore_errors=True)
            if os.path.exists(self.log_path):
                os.unlink(self.log_path)

    # Looking

    def log_text(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def log_tail(self, lines=30):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def rss_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def disk_bytes(self):
        total = 0
        for folder, _, names in os.walk(self.data_dir):
            for name in names:
                try:
                    total += os.stat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    pass
        return total

    def cli(self, *arguments, timeout=60, env=None):
        """Runs `troupe ARGUMENTS…`; a CompletedProcess with text output."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
        environment.update(env or {})
        return subprocess.run([self.binary, *arguments], capture_output=True, text=True,
                              timeout=timeout, env=environment)

    # HTTP

    @property
    def base(self):
        return f"http://{self.host}:{self.port}"

    def request(self, method, path, body=None, headers=None, root=False, timeout=60):
        """One request on a fresh connection. `body`: bytes as they are, anything else as JSON."""
        send = dict(headers or {})
        if self.token and "Authorization" not in send:
            send["Authorization"] = f"Bearer {self.token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            send.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path if root else "/api/v1" + path, body=body, headers=send)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.request("PUT", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.request("PATCH", path, body, **more)

    def delete(self, path, body=None, **more):
        return self.request("DELETE", path, body, **more)

    def raw(self, data, timeout=20.0, until_close=True):
        """Sends bytes on a bare socket and gives back all that came until the peer closed."""
        with socket.create_connection((self.host, self.port), timeout=timeout) as s:
            s.sendall(data)
            got = b""
            try:
                while True:
                    part = s.recv(65536)
                    if not part:
                        break
                    got += part
                    if not until_close and b"\r\n\r\n" in got:
                        break
            except (socket.timeout, ConnectionError):
                pass
            return got
