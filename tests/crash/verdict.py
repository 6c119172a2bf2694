"""What is wrong with a node's histories, given what it had acknowledged."""

import json
import re
import subprocess
import time
from collections import Counter, defaultdict

from load import approve

OPEN = ("pending", "queued", "running", "waiting")
EXPECTED = {"quick": "success", "called": "success", "sleeping": "success", "asking": "success"}


class History:
    """One run as `troupe log export` prints it."""

    def __init__(self):
        self.seqs, self.done, self.interrupted = 0, Counter(), Counter()
        self.status = self.number = self.gap = None
        self.finished = 0

    def take(self, event):
        self.seqs += 1
        if event["seq"] != self.seqs:
            self.gap = self.gap or event["seq"]
        kind, place = event["kind"], (event.get("node"), event.get("iteration"))
        if kind == "execution_started":
            self.number = event["data"]["input"]["n"]
        elif kind == "node_completed":
            self.done[place] += 1
        elif kind == "attempt_interrupted":
            self.interrupted[event["node"]] += 1
        elif kind == "execution_finished":
            self.finished += 1
            self.status = event["data"]["status"]


class Verdict:
    """Figures, and the problems behind them as (run or command, words)."""

    def __init__(self):
        self.lost, self.repeated, self.unfinished, self.wrong = [], [], [], []
        self.verified = self.redecided = 0

    def problems(self):
        return self.lost + self.repeated + self.unfinished + self.wrong


def settle(node, load, seconds=10):
    """Ends what waits for somebody, then waits until nothing is open; how many runs are left."""
    decided, deadline = set(), time.monotonic() + seconds
    while True:
        left = [item for status in OPEN for item in
                node.get(f"/executions?status={status}&limit=200").json["items"]]
        for item in left:
            name = item.get("workflow_name")
            if item["id"] in decided or name not in ("endless", "asking"):
                continue
            # A cancellation that was acknowledged needs no second one.
            if name == "endless" and item["id"] not in load.cancelled:
                if node.post(f"/executions/{item['id']}/cancel").status == 200:
                    decided.add(item["id"])
            elif name == "asking" and item["id"] not in load.approved and approve(node, item["id"]):
                decided.add(item["id"])
            deadline = max(deadline, time.monotonic() + 2)
        if not left or time.monotonic() > deadline:
            return len(left)
        time.sleep(0.05)


def histories(node):
    """{run: History} of everything in the data directory of a stopped node."""
    found = defaultdict(History)
    export = subprocess.Popen([node.binary, "log", "export", "--data-dir", node.data_dir],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in export.stdout:
        record = json.loads(line)
        found[record["execution_id"]].take(record["event"])
    if export.wait() != 0:
        raise AssertionError(f"log export: {export.stderr.read().decode()}")
    return found


def judge(node, load, fh):
    """Settles the running node, asks it, stops it and reads every history. It is stopped after."""
    verdict = Verdict()
    settle(node, load)
    _ask(node, load, verdict)
    status = node.terminate()
    if status != 0:
        verdict.wrong.append(("node", f"SIGTERM ended it with {status}"))
    found = histories(node)
    for run in load.runs:
        if run not in found:
            verdict.lost.append((run, "not in the log"))
    calls = defaultdict(list)
    for call in fh.calls("/effect"):
        calls[str(call.json["n"])].append(call.key)
    for run, history in found.items():
        _look(run, history, calls.get(str(history.number), []), load, verdict)
    verdict.verified = _offline(node, ["log", "verify"], r"ok: (\d+) runs", verdict)
    verdict.redecided = _offline(node, ["replay", "--redecide"],
                                 r"ok: (\d+) runs, \d+ events, 0 different", verdict)
    if not verdict.verified == verdict.redecided == len(found):
        verdict.wrong.append(("log", f"{len(found)} histories, {verdict.verified} verified, "
                                     f"{verdict.redecided} decided again"))
    return verdict


def _ask(node, load, verdict):
    """What only the API can tell: documents, keys, decided reviews."""
    for id_ in load.documents:
        if node.get(f"/workflows/{id_}").status != 200:
            verdict.lost.append((id_, "workflow is gone"))
    for key, run in load.keyed.items():
        again = node.post(f"/workflows/{load.workflows['sleeping']}/execute",
                          {"input_data": {"n": key}}, headers={"Idempotency-Key": key})
        if again.status not in (200, 202) or again.json["execution_id"] != run:
            verdict.repeated.append((run, f"its key started another run: {again}"))
    for run in load.approved:
        reviews = node.get(f"/executions/{run}/reviews").json["items"]
        if [r["status"] for r in reviews] != ["approved"]:
            verdict.lost.append((run, "an acknowledged approval"))


def _look(run, history, keys, load, verdict):
    kind = load.runs.get(run)
    if history.gap or history.finished > 1 or max(history.done.values(), default=0) > 1:
        verdict.repeated.append((run, f"gap at {history.gap}, finished {history.finished} times, "
                                      f"{dict(history.done)}"))
    # Each attempt after the first is owed to an interruption that the history tells of; so a
    # finished step was not called again. All attempts carry one key.
    if len(keys) > 1 + history.interrupted["effect"] or len(set(keys)) > 1 or None in keys:
        verdict.repeated.append((run, f"{len(keys)} calls with {len(set(keys))} keys, "
                                      f"{history.interrupted['effect']} interruptions"))
    if history.status is None:
        verdict.unfinished.append((run, "has not ended"))
    elif history.status == "success" and history.done[("effect", None)] and not keys:
        verdict.wrong.append((run, "success without its call"))
    elif run in load.cancelled and history.status != "cancelled":
        verdict.lost.append((run, f"an acknowledged cancellation; {history.status}"))
    elif kind in EXPECTED and history.status != EXPECTED[kind]:
        verdict.wrong.append((run, f"{kind} ended {history.status}"))


def _offline(node, command, pattern, verdict):
    done = node.cli(*command, "--data-dir", node.data_dir, timeout=600)
    said = re.search(pattern, done.stdout)
    if done.returncode != 0 or not said:
        verdict.wrong.append((" ".join(command), (done.stdout + done.stderr).strip()[:500]))
        return 0
    return int(said[1])
