"""The histories of a cluster, read from the data directories of its stopped nodes."""

import hashlib
import json
import re
import subprocess
from collections import Counter, namedtuple

Event = namedtuple("Event", "seq time kind node iteration attempt data")
KEPT = ("signal_received", "review_decided", "timer_set", "timer_fired", "execution_finished",
        "child_started", "child_finished")


class Run:
    """One run as `troupe log export` prints it; of most kinds of events the data is left out."""

    def __init__(self, id_):
        self.id, self.events, self.gap = id_, [], None
        self.workflow = self.n = self.parent = self.status = None
        self.counts = Counter()  # of (kind, node, iteration)
        self.queued = False

    def take(self, event):
        kind, data = event["kind"], event.get("data") or {}
        if event["seq"] != len(self.events) + 1:
            self.gap = self.gap or event["seq"]
        self.events.append(Event(event["seq"], event["time"], kind, event.get("node"),
                                 event.get("iteration"), event.get("attempt"),
                                 data if kind in KEPT else None))
        self.counts[(kind, event.get("node"), event.get("iteration"))] += 1
        if kind == "execution_started":
            self.workflow, self.n = data["workflow_name"], data["input"].get("n")
            self.parent, self.queued = data.get("parent"), bool(data.get("queued"))
        elif kind == "execution_finished":
            self.status = data["status"]
        elif kind == "execution_retried":
            self.status = None

    def of(self, kind):
        return [event for event in self.events if event.kind == kind]

    def number_of(self, kind, node=None, iteration=None):
        return self.counts[(kind, node, iteration)]


def _lines(node):
    export = subprocess.Popen([node.binary, "log", "export", "--data-dir", node.data_dir],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    yield from export.stdout
    if export.wait() != 0:
        raise AssertionError(f"log export of node {node.number}: "
                             f"{export.stderr.read().decode()[:500]}")


def read(node):
    """({run: Run}, {run: digest of its lines}) of a stopped node."""
    runs, digests = {}, {}
    for line in _lines(node):
        record = json.loads(line)
        id_ = record["execution_id"]
        if id_ not in runs:
            runs[id_], digests[id_] = Run(id_), hashlib.sha256()
        runs[id_].take(record["event"])
        digests[id_].update(line)
    return runs, {id_: one.digest() for id_, one in digests.items()}


def digests(node):
    """{run: digest of its lines}, without reading what they say."""
    found = {}
    for line in _lines(node):
        id_ = line[line.index(b":") + 2:][:36].strip(b'"').decode()
        if id_ not in found:
            found[id_] = hashlib.sha256()
        found[id_].update(line)
    return {id_: one.digest() for id_, one in found.items()}


def checked(node):
    """(runs verified, runs decided anew, what the commands found wrong) of a stopped node."""
    counts, wrong = [], []
    for command, pattern in ((["log", "verify"], r"ok: (\d+) runs"),
                             (["replay", "--redecide"],
                              r"ok: (\d+) runs, \d+ events, 0 different")):
        done = node.cli(*command, "--data-dir", node.data_dir, timeout=1800)
        said = re.search(pattern, done.stdout)
        counts.append(int(said[1]) if said else 0)
        if done.returncode != 0 or not said:
            wrong.append(f"{' '.join(command)} on node {node.number} ended with "
                         f"{done.returncode}: {(done.stdout + done.stderr).strip()[:600]}")
    return (*counts, wrong)
