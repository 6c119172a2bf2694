#!/usr/bin/env python3
"""The main job: a workflow over real files that survives a SIGKILL, shown step by step.

Nothing is simulated: the node is the real binary, the calls go to a real HTTP service of this
process, which counts each idempotency key, and the node is killed while a call is under way.
"""

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DATA = os.path.join(ROOT, ".troupe", "data")
LOG = os.path.join(ROOT, ".troupe", "node.log")
FILES = {"licence": os.path.join(ROOT, "LICENSE"), "system": "/etc/os-release",
         "packages": os.path.join(ROOT, "dev-packages.txt")}
EXAMPLES = ("chain.yaml", "approval.yaml", "loop.json", "word-report.yaml")

TERMINAL = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
STARTED = time.monotonic()


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if TERMINAL else text


def say(text, code="0"):
    print(f"{paint('2', f'{time.monotonic() - STARTED:6.2f} s')}  {paint(code, text)}", flush=True)


class Wrong(Exception):
    """What did not hold."""


class Service:
    """Counts words over HTTP; counts its own calls by path and idempotency key."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls = []  # (path, idempotency key, answered status)
        self.held = threading.Event()  # calls of /count/packages wait for it
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = service.serve(self.path, self.headers.get("Idempotency-Key"), body)
                data = json.dumps(answer).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True  # the node was killed: nobody hears the answer

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, path, key, body):
        with self.lock:
            number = 1 + sum(1 for p, _, _ in self.calls if p == path)
            status = 503 if path == "/count/system" and number == 1 else 200
            self.calls.append((path, key, status))
        if status != 200:
            return status, {"error": "come back later"}
        if path == "/count/packages":
            self.held.wait(30)
        if path.startswith("/count/"):
            return 200, {"words": len(body["text"].split())}
        return 200, {"total": sum(body["words"])} if path == "/total" else {"published": True}

    def count(self, path):
        with self.lock:
            return sum(1 for p, _, _ in self.calls if p == path)

    def keys(self, path):
        with self.lock:
            return {k for p, k, _ in self.calls if p == path}


class Server:
    """The node under the job."""

    def __init__(self, binary, port, allow, data=DATA, log=LOG):
        self.binary, self.port, self.allow, self.process = binary, port, allow, None
        self.data, self.log = data, log
        self.url = f"http://127.0.0.1:{port}"

    def start(self):
        began = time.monotonic()
        log = open(self.log, "ab")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data-dir", self.data, "--host", "127.0.0.1", "--port",
             str(self.port), "--http-allow", self.allow],
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        log.close()
        while time.monotonic() - began < 15:
            if self.process.poll() is not None:
                raise Wrong(f"the node ended with {self.process.returncode}; see {self.log}")
            try:
                if self.ask("GET", "/health/ready")[0] == 200:
                    return time.monotonic() - began
            except OSError:
                time.sleep(0.01)
        raise Wrong(f"the node is not ready after 15 s; see {self.log}")

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def get(self, path):
        status, body = self.ask("GET", "/api/v1" + path)
        if status != 200:
            raise Wrong(f"GET {path} gave {status}: {body}")
        return body

    def command(self, *arguments):
        done = subprocess.run([self.binary, *arguments, "--url", self.url], capture_output=True,
                              text=True, timeout=20)
        if done.returncode != 0:
            raise Wrong(f"troupe {' '.join(arguments)} ended with {done.returncode}: "
                        f"{(done.stderr or done.stdout).strip()}")
        return done.stdout.strip()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def until(ask, what, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = ask()
        if found:
            return found
        time.sleep(0.02)
    raise Wrong(f"{what} did not happen within {seconds} s")


def check(holds, what):
    if not holds:
        raise Wrong(what)
    say("  ok: " + what, "32")


def start_run(node, service):
    for name in EXAMPLES:
        node.command("apply", os.path.join(ROOT, "examples", name))
    say(f"applied {len(EXAMPLES)} workflows with `troupe apply`")
    found = [w for w in node.get("/workflows?query=word-report")["items"]
             if w["name"] == "word-report"]
    check(len(found) == 1, "the workflow word-report is stored")
    data = {"service": f"http://{service.address}"}
    for name, path in FILES.items():
        with open(path, encoding="utf-8") as file:
            data[name] = file.read()
        say(f"  input {name}: {path}, {len(data[name])} characters")
    status, body = node.ask("POST", f"/api/v1/workflows/{found[0]['id']}/execute",
                            {"input_data": data})
    if status != 202:
        raise Wrong(f"start gave {status}: {body}")
    say(f"run {body['execution_id']} started", "1")
    return body["execution_id"], data


def statuses(node, run):
    return {s["step_id"]: s["status"] for s in node.get(f"/executions/{run}")["steps"]}


def job(node, service):
    say(f"node ready after {node.start() * 1000:.0f} ms: {node.url}", "1")
    run, data = start_run(node, service)
    until(lambda: statuses(node, run).get("licence") == "success"
          and statuses(node, run).get("system") == "success"
          and service.count("/count/packages") == 1, "the middle of the run")
    say("in the middle: two branches are done (one after a 503), the third call is under way")
    node.process.send_signal(signal.SIGKILL)
    node.process.wait()
    say("SIGKILL: the node is dead", "1;31")
    service.held.set()
    say(f"restarted, ready after {node.start() * 1000:.0f} ms; nobody asks for a recovery", "1")

    def review():
        found = [r for r in node.get("/reviews/pending")["items"] if r["execution_id"] == run]
        return found[0] if found else None

    pending = until(review, "the review")
    say(f"the run waits for a person: {pending['message']}")
    node.command("review", "approve", pending["review_id"])
    say("approved with `troupe review approve`")
    done = until(lambda: (lambda r: r if r.get("completed_at") else None)(
        node.get(f"/executions/{run}")), "the end of the run")
    verify(node, service, run, done, data)
    return run


def verify(node, service, run, done, data):
    check(done["status"] == "success", f"the run is complete: {done['status']}")
    words = sum(len(data[name].split()) for name in FILES)
    check(done["output"]["words"] == words, f"the result is right: {words} words")
    expected = {"/count/licence": 1, "/count/system": 2, "/total": 1, "/publish": 1}
    for path, count in expected.items():
        check(service.count(path) == count, f"{path} was called {count} time(s)"
              + (" (503, then the retry)" if count == 2 else ""))
    again = service.count("/count/packages")
    check(1 <= again <= 2, f"/count/packages, cut off by the kill, was called {again} time(s)")
    for path in [*expected, "/count/packages"]:
        check(len(service.keys(path)) == 1 and None not in service.keys(path),
              f"{path}: one idempotency key for all attempts")
    recorded = {}
    for event in node.get(f"/executions/{run}/events?limit=500")["items"]:
        if event["kind"] == "node_completed":
            recorded[event["node"]] = recorded.get(event["node"], 0) + 1
    check(all(n == 1 for n in recorded.values()) and len(recorded) >= 8,
          f"each of {len(recorded)} nodes has exactly one recorded result")


def next_steps(node, run):
    print(f"""
{paint('1', 'The node is still serving.')} Open or try:
  {node.url}/                               the front page
  {node.url}/docs                           the API
  {node.url}/api/v1/executions/{run}
  {node.binary} config
  curl -s {node.url}/api/v1/executions/{run}/events
  curl -s {node.url}/metrics
Press Ctrl-C to stop it; the data stays in .troupe/data until the next ./dev run.""", flush=True)


def free_port(wanted):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--troupe", default=os.path.join(ROOT, "build", "release", "troupe"))
    parser.add_argument("--port", type=int, default=7070, help="another is taken when it is busy")
    parser.add_argument("--exit", action="store_true", help="stop the node at the end")
    options = parser.parse_args()
    binary = os.path.abspath(options.troupe)
    if not os.path.exists(binary):
        print(f"{binary} is not there: run ./dev build troupe", file=sys.stderr)
        return 1
    shutil.rmtree(DATA, ignore_errors=True)
    os.makedirs(DATA, exist_ok=True)
    open(LOG, "w").close()
    service = Service()
    node = Server(binary, free_port(options.port), service.address)
    try:
        run = job(node, service)
        say(f"all held, in {time.monotonic() - STARTED:.1f} s", "1;32")
        if not options.exit:
            next_steps(node, run)
            node.process.wait()
        return 0
    except (Wrong, OSError, KeyError, subprocess.TimeoutExpired) as why:
        say(f"FAILED: {why}", "1;31")
        with open(LOG, encoding="utf-8", errors="replace") as log:
            print("".join(log.readlines()[-15:]), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
        return 0
    finally:
        node.stop()


if __name__ == "__main__":
    sys.exit(main())
