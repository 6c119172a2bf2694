"""After the last fault: every node serves, every run ends, and the nodes are read and judged."""

import threading
import time

import histories
import registers
from bites import blind
from checker import Evidence, check

OPEN = ("pending", "queued", "running", "waiting")
SERVES_WITHIN, ENDS_WITHIN = 10.0, 30.0


class TermWatch(threading.Thread):
    """Asks every node for terms and leaders, five times a second."""

    def __init__(self, cluster, terms):
        super().__init__(daemon=True)
        self.cluster, self.terms, self.stopping = cluster, terms, threading.Event()

    def run(self):
        while not self.stopping.wait(0.2):
            for node in self.cluster.nodes:
                try:
                    answer = node.get("/system/nodes", timeout=1)
                    if answer.status == 200:
                        self.terms.take(node.number, answer.json["partitions"])
                except (OSError, ValueError, KeyError):
                    pass

    def end(self):
        self.stopping.set()
        self.join(10)


def serves(cluster, workflow):
    """Seconds until each node has taken a start and shown a run; findings for those too late."""
    since, slowest, found = time.monotonic(), 0.0, []
    for node in cluster.nodes:
        why = None
        while True:
            try:
                made = node.post(f"/workflows/{workflow}/execute",
                                 {"input_data": {"n": f"alive-{node.number}", "seconds": 0}},
                                 headers={"Idempotency-Key": f"alive-{node.number}"}, timeout=5)
                why = f"start: {made}"
                if made.status in (200, 202):
                    seen = node.get(f"/executions/{made.json['execution_id']}", timeout=5)
                    why = f"get: {seen}"
                    if seen.status == 200:
                        break
            except OSError as error:
                why = repr(error)
            if time.monotonic() - since > ENDS_WITHIN:
                break
            time.sleep(0.05)
        took = time.monotonic() - since
        slowest = max(slowest, took)
        if took > SERVES_WITHIN:
            found.append(("liveness", f"node {node.number}",
                          f"did not serve within {SERVES_WITHIN} s of the last fault ({took:.1f} "
                          f"s); last {why}"))
    return slowest, found


def _open(node):
    """Runs that have not ended, as a node lists them."""
    found = []
    for status in OPEN:
        answer = node.get(f"/executions?status={status}&limit=500", timeout=10)
        if answer.status != 200:
            raise OSError(f"{answer}")
        found += answer.json["items"]
    return found


def _help(node, item):
    """What a run that waits for somebody needs, when no client did it."""
    run, kind = item["id"], item.get("workflow_name")
    if kind == "endless":
        node.post(f"/executions/{run}/cancel", timeout=5)
    elif kind == "signalled":
        node.post(f"/executions/{run}/signals/go", {"n": "late"}, timeout=5)
    elif kind == "asking":
        node.post("/reviews/action", {"reviews": [{"review_id": f"{run}.1", "approved": True}]},
                  timeout=5)


def everything_ends(cluster, record):
    """Seconds until no node lists an open run; findings for those that stay.

    A signal, decision or cancellation that was acknowledged is not given again: the run must end
    by itself.
    """
    since, helped, left = time.monotonic(), {}, []
    given = {done.run for op in ("signal", "review", "cancel") for done in record.of(op)}
    while time.monotonic() - since < ENDS_WITHIN:
        try:
            node = cluster.nodes[int(time.monotonic() * 10) % len(cluster.nodes)]
            for item in _open(node):
                again = helped.get(item["id"], 0) + 2 < time.monotonic()
                if item["id"] not in given and again:
                    helped[item["id"]] = time.monotonic()
                    _help(node, item)
            left = [(one.number, item) for one in cluster.nodes for item in _open(one)]
            if not left:
                break
        except (OSError, ValueError) as why:
            left = [(0, {"id": "", "status": repr(why)})]
        time.sleep(0.1)
    return time.monotonic() - since, [
        ("not terminal", item["id"], f"{item.get('workflow_name')} is {item['status']} at node "
                                     f"{number} {ENDS_WITHIN} s after the last fault")
        for number, item in left[:200]]


def same_answers(cluster, record, most=40):
    """Findings for runs that two nodes show differently, the newest and those with large values."""
    starts = record.of("start")
    chosen = starts[-most:] + [one for one in starts if one.kind == "large"][-most:]
    found = []
    for done in chosen:
        shown = {}
        for node in cluster.nodes:
            for path in ("", "/events?limit=500"):
                answer = node.get(f"/executions/{done.run}{path}")
                shown.setdefault(path, set()).add((answer.status, answer.body))
        found += [("answers", done.run, f"nodes show {path or 'it'} differently: "
                                        f"{[str(one)[:200] for one in answers]}")
                  for path, answers in shown.items() if len(answers) > 1]
    return found


def judge(cluster, record, target, terms, workflow, say, skews=()):
    """(figures, findings). The clients have stopped and every fault is healed; stops the nodes."""
    found, figures = [], {}
    figures["serves_seconds"], more = serves(cluster, workflow)
    found += more
    figures["ends_seconds"], more = everything_ends(cluster, record)
    found += more
    try:
        cluster.wait(cluster.everybody_caught_up, 20)
    except AssertionError:
        told = [cluster.status(node)["partitions"] for node in cluster.nodes]
        apart = [same for same in zip(*told)
                 if len({(p["leader"], p["term"], p["applied"]) for p in same}) > 1]
        found.append(("liveness", "cluster", f"nodes did not come level: {apart[:3]}"))
    found += same_answers(cluster, record)
    found += registers.check(record, registers.Registers(cluster, record))
    statuses = cluster.stop()
    if any(statuses):
        found.append(("stop", "cluster", f"SIGTERM ended the nodes with {statuses}"))
    say(f"  reading the histories of {len(cluster.nodes)} nodes")
    runs, first = histories.read(cluster.nodes[0])
    digests = {cluster.nodes[0].number: first}
    for node in cluster.nodes[1:]:
        digests[node.number] = histories.digests(node)
    figures["runs"] = len(runs)
    figures["events"] = sum(len(run.events) for run in runs.values())
    figures["interrupted"] = sum(count for run in runs.values()
                                 for place, count in run.counts.items()
                                 if place[0] == "attempt_interrupted")
    for node in cluster.nodes:
        verified, redecided, wrong = histories.checked(node)
        found += [("offline", f"node {node.number}", words) for words in wrong]
        if not wrong and not verified == redecided == len(digests[node.number]):
            found.append(("offline", f"node {node.number}",
                          f"{len(digests[node.number])} histories, {verified} verified, "
                          f"{redecided} decided again"))
    evidence = Evidence(record, runs, digests, target.calls(), terms, skews)
    found += check(evidence) + blind(evidence)
    figures["term_samples"] = terms.samples
    return figures, found


def explain(found, say, most=12):
    """The first findings of each check."""
    by_check = {}
    for check_, what, words in found:
        by_check.setdefault(check_, []).append(f"{what}: {words}")
    for check_, lines in by_check.items():
        say(f"  FAIL {check_}: {len(lines)}")
        for line in lines[:most]:
            say(f"    {line}")


