"""Mixed load on one node, and what was acknowledged while it ran."""

import http.client
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "blackbox"))

from support.case import edge, node, step, workflow  # noqa: E402
from support.fh import FakeTarget  # noqa: E402, F401 (tests take both from here)
from support.node import Node  # noqa: E402, F401

BODY = '{"input_data": {"n": {n}}}'


def definitions(fh):
    """{kind of run: definition}. Every effect sends the run's number."""
    effect = {"method": "POST", "url": fh.url + "/effect", "body": {"n": "{{ input.n }}"}}
    call = node("effect", "ACTION", "HTTP_REQUEST", effect)

    def sleep(seconds):
        return node("sleep", "FLOW", "WAIT", {"wait_type": "fixed_delay",
                                              "duration_seconds": seconds})

    ask = node("ask", "HUMAN_IN_THE_LOOP", "APP", {"notification_type": "approval",
                                                   "title": "?", "message": "go on?"})
    return {
        "quick": workflow([step("first", parameters={"n": "{{ input.n }}"}),
                           step("last", after="first")], name="quick"),
        "called": workflow([step("first", parameters={"n": "{{ input.n }}"}),
                            step("effect", "http_request", "first", effect),
                            step("last", after="effect",
                                 parameters={"n": "{{ steps.first.output.n }}"})], name="called"),
        "sleeping": workflow(nodes=[sleep(0.05), call], edges=[edge("sleep", "effect")],
                             name="sleeping"),
        "endless": workflow(nodes=[sleep(36_000)], name="endless"),
        "asking": workflow(nodes=[ask, call], edges=[edge("ask:approved", "effect")],
                           name="asking"),
    }


class Load:
    """One load generator a plain kind of run, and one client that does a little of everything.

    What the node acknowledged is in `runs` (id: kind), `cancelled`, `approved`, `documents` and
    `keyed`; the generators write theirs to files, with fsync, before they go on.
    """

    def __init__(self, target, tool, fh):
        self.node, self.tool = target, tool
        self.folder = tempfile.TemporaryDirectory(prefix="troupe-acknowledged-")
        self.runs, self.keyed = {}, {}
        self.cancelled, self.approved, self.documents = set(), set(), set()
        self.workflows = {kind: target.post("/workflows", what).json["id"]
                          for kind, what in definitions(fh).items()}
        self._numbers = itertools.count(1)
        self._generators, self._client, self._stop = [], None, threading.Event()
        self._first = 0

    def close(self):
        self.folder.cleanup()

    def begin(self):
        self._stop.clear()
        self._first += 10_000_000
        self._generators = [
            subprocess.Popen(
                [self.tool, "run", "--port", str(self.node.port), "--path",
                 f"/api/v1/workflows/{self.workflows[kind]}/execute", "--body", BODY,
                 "--connections", str(connections), "--seconds", "60", "--warmup", "0",
                 "--record", self._record(kind), "--first", str(self._first + offset)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for kind, connections, offset in (("quick", 6, 0), ("called", 4, 5_000_000))]
        self._client = threading.Thread(target=self._work, daemon=True)
        self._client.start()

    def end(self):
        self._stop.set()
        for generator in self._generators:
            generator.kill()
            generator.wait()
        self._client.join(15)
        for kind in ("quick", "called"):
            if os.path.exists(self._record(kind)):
                with open(self._record(kind)) as file:
                    self.runs.update((line.strip(), kind) for line in file if line.endswith("\n"))

    def wait_for_first(self, seconds=5):
        """Waits until something was acknowledged since `begin`, or the node is gone."""
        before = self._recorded(), len(self.runs)
        deadline = time.monotonic() + seconds
        while (time.monotonic() < deadline and self.node.alive()
               and (self._recorded(), len(self.runs)) == before):
            time.sleep(0.002)

    def acknowledged(self):
        return (len(self.runs) + len(self.cancelled) + len(self.approved) + len(self.documents)
                + len(self.keyed))

    def _record(self, kind):
        return os.path.join(self.folder.name, kind)

    def _recorded(self):
        return sum(os.path.getsize(self._record(kind)) for kind in ("quick", "called")
                   if os.path.exists(self._record(kind)))

    # The client: every method is one command, remembered only when it was acknowledged.

    def _work(self):
        for command in itertools.cycle((self._sleeping, self._cancelled, self._keyed,
                                        self._approved, self._document)):
            if self._stop.is_set():
                return
            try:
                command()
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)

    def _start(self, kind, **more):
        answer = self.node.post(f"/workflows/{self.workflows[kind]}/execute",
                                {"input_data": {"n": f"{kind}-{next(self._numbers)}"}},
                                timeout=5, **more)
        if answer.status != 202:
            return None
        id_ = answer.json["execution_id"]
        self.runs[id_] = kind
        return id_

    def _sleeping(self):
        self._start("sleeping")

    def _cancelled(self):
        id_ = self._start("endless")
        if id_ and self.node.post(f"/executions/{id_}/cancel", timeout=5).status == 200:
            self.cancelled.add(id_)

    def _keyed(self):
        key = f"key-{next(self._numbers)}"
        answer = self.node.post(f"/workflows/{self.workflows['sleeping']}/execute",
                                {"input_data": {"n": key}}, headers={"Idempotency-Key": key},
                                timeout=5)
        if answer.status == 202:
            self.runs[answer.json["execution_id"]] = "sleeping"
            self.keyed[key] = answer.json["execution_id"]

    def _approved(self):
        id_ = self._start("asking")
        deadline = time.monotonic() + 1
        while id_ and not self._stop.is_set() and time.monotonic() < deadline:
            if approve(self.node, id_):
                self.approved.add(id_)
                return

    def _document(self):
        answer = self.node.post("/workflows", workflow(
            [step("a")], name=f"document {next(self._numbers)}"), timeout=5)
        if answer.status == 201:
            self.documents.add(answer.json["id"])


def approve(target, run):
    """Approves the open review of a run; whether there was one and the node took it."""
    reviews = target.get(f"/executions/{run}/reviews", timeout=5)
    waiting = ([r for r in reviews.json["items"] if r["status"] == "pending"]
               if reviews.status == 200 else [])
    return bool(waiting) and target.post("/reviews/action", {"reviews": [
        {"review_id": waiting[0]["review_id"], "approved": True}]}, timeout=5).status == 200
