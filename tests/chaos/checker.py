"""What is wrong, given what clients were told, all histories, the target's calls and the terms.

Nothing of the product is used here. A finding is (check, run or key, words).
"""

from collections import Counter, defaultdict

from record import OK
from workload import ENDS, LIMIT

CALLS = ("effect", "again")
ROUNDING_MS = 5


class Evidence:
    """`runs` {id: Run}; `digests` {node: {id: digest}}; `calls` of the target; `terms` Terms;
    `skews` [(from, to, seconds)]: when some node's clock was wrong, wall-clock seconds."""

    def __init__(self, record, runs, digests, calls, terms, skews=()):
        self.record, self.runs, self.digests = record, runs, digests
        self.calls, self.terms, self.skews = calls, terms, list(skews)

    def skewed(self, begin, end):
        """Whether a clock was wrong in [begin, end], wall-clock seconds by a clock that may be."""
        return any(begin - abs(off) <= until and end + abs(off) >= since
                   for since, until, off in self.skews)


class Terms:
    """Leaders as nodes tell of them: terms never decrease, and a term has one leader."""

    def __init__(self):
        self.leaders, self.newest, self.wrong, self.samples = {}, {}, [], 0

    def take(self, node, partitions):
        self.samples += 1
        for one in partitions:
            partition, term, leader = one["partition"], one["term"], one["leader"]
            if not leader:
                continue
            if term < self.newest.get((node, partition), 0):
                self.wrong.append(("terms", f"partition {partition}",
                                   f"node {node} went from term {self.newest[(node, partition)]} "
                                   f"back to {term}"))
            self.newest[(node, partition)] = term
            # A follower may still name the leader of the term before; who leads knows it.
            known = self.leaders.setdefault((partition, term), leader) if leader == node else node
            if known != node:
                self.wrong.append(("terms", f"partition {partition}",
                                   f"term {term} has two leaders, {known} and {node}"))


def check(evidence):
    """All findings."""
    found = []
    for one in (acknowledged, one_run_a_key, nothing_twice, calls, same_everywhere, linear,
                limit, timers, ends):
        found += one(evidence)
    found += evidence.terms.wrong
    found += [("answers", "", words) for words in evidence.record.strange]
    return found


def acknowledged(evidence):
    """(1) Whatever was acknowledged is in the histories, once."""
    runs, record, found = evidence.runs, evidence.record, []
    for done in record.of("start"):
        if done.run not in runs:
            found.append(("lost", done.run, "acknowledged, and in no log: " + done.words()))
        elif runs[done.run].n != done.n or runs[done.run].workflow != done.kind:
            found.append(("lost", done.run, "is another run than was started: " + done.words()))
    for done in record.of("signal"):
        run = runs.get(done.run)
        times = run and sum(e.data.get("message_id") == done.key for e in run.of("signal_received"))
        if times != 1:
            found.append(("lost", done.run, f"a signal is there {times} times: {done.words()}"))
    for done in record.of("review"):
        run = runs.get(done.run)
        said = run and [e.data["decision"] for e in run.of("review_decided")]
        if said != [done.value]:
            found.append(("lost", done.run, f"decided {done.value}, recorded {said}: "
                                            f"{done.words()}"))
    for done in record.of("cancel"):
        run = runs.get(done.run)
        if not run or run.status != "cancelled":
            found.append(("lost", done.run, f"a cancellation; it ended {run and run.status}: "
                                            f"{done.words()}"))
    for done in record.of("retry"):
        run = runs.get(done.run)
        if not run or run.number_of("execution_retried") != 1:
            found.append(("lost", done.run, "a retry: " + done.words()))
    return found


def one_run_a_key(evidence):
    """(2) A key, and a parent's step, has one run, whether or not it was acknowledged."""
    found, numbers, children = [], defaultdict(list), defaultdict(list)
    for done in evidence.record.operations:
        if len(done.ids) > 1:
            found.append(("doubled", done.key, f"answers named {sorted(done.ids)}"))
    for run in evidence.runs.values():
        (children if run.parent else numbers)[run.n].append(run.id)
    for what, names in (("key", numbers), ("parent", children)):
        found += [("doubled", n, f"one {what} has the runs {ids}")
                  for n, ids in names.items() if len(ids) > 1]
    return found


def nothing_twice(evidence):
    """(3, 4) A history has no gap and no second completion, and ends once."""
    found = []
    for run in evidence.runs.values():
        if run.gap:
            found.append(("history", run.id, f"has a gap at {run.gap}"))
        twice = {place: count for place, count in run.counts.items()
                 if count > 1 and place[0] in ("node_completed", "execution_started",
                                               "child_started", "child_finished",
                                               "review_opened", "review_decided")}
        if twice:
            found.append(("history", run.id, f"{run.workflow}: twice {twice}"))
        finished = run.number_of("execution_finished")
        if finished > 1 + run.number_of("execution_retried"):
            found.append(("history", run.id, f"finished {finished} times"))
    return found


def calls(evidence):
    """(3) A call is owed to a scheduled attempt, one each, and all attempts carry one key."""
    found, by_step = [], Counter(call.key for call in evidence.calls)
    for key, count in by_step.items():
        id_, _, step = (key or "").partition("/")
        run = evidence.runs.get(id_)
        if not run:
            found.append(("calls", key, "called for a run that is in no log"))
            continue
        owed = run.number_of("node_scheduled", step)
        if count > owed:
            found.append(("calls", id_, f"{run.workflow}: {count} calls of {step}, {owed} owed"))
    for run in evidence.runs.values():
        for step in CALLS:
            if run.number_of("node_completed", step) and not by_step[f"{run.id}/{step}"]:
                found.append(("calls", run.id, f"{step} completed, never called"))
    return found


def same_everywhere(evidence):
    """(4) Every node has the same histories, byte by byte."""
    found, all_digests = [], evidence.digests
    first = min(all_digests)
    for node, mine in all_digests.items():
        for id_ in set(mine) ^ set(all_digests[first]):
            found.append(("copies", id_, f"is on one of the nodes {first} and {node} only"))
        for id_ in set(mine) & set(all_digests[first]):
            if mine[id_] != all_digests[first][id_]:
                found.append(("copies", id_, f"differs between the nodes {first} and {node}"))
    return found


def bounds(done, run):
    """(lowest, highest) length of the history that an acknowledged operation can have seen."""
    if done.op == "events":
        return done.value, done.value
    ended = [e.seq for e in run.of("execution_finished")]
    again = [e.seq for e in run.of("execution_retried")] if run else []
    whole = len(run.events)
    if done.op == "get":
        status = done.value
        fits = [e.seq for e in run.of("execution_finished") if e.data["status"] == status]
        if fits:
            return fits[0], (again[0] - 1 if again and again[0] > fits[0] and fits[-1] == fits[0]
                             else whole)
        # Still open: before its end, or between a retry and the end after it.
        if not ended:
            return 1, whole
        return 1, ended[-1] - 1
    place = {"start": run.of("execution_started"),
             "signal": [e for e in run.of("signal_received")
                        if e.data.get("message_id") == done.key],
             "review": run.of("review_decided"), "cancel": run.of("execution_finished"),
             "retry": run.of("execution_retried")}[done.op]
    return (place[-1].seq if place else 1), whole


def linear(evidence):
    """(5) A run is a register that only grows: whoever looks after an answer sees at least that.

    Each acknowledged operation saw a history of some length within bounds; with real time as the
    order, an operation that began after another had returned may not have seen less.
    """
    found, by_run = [], defaultdict(list)
    for done in evidence.record.operations:
        run = evidence.runs.get(done.run)
        if done.outcome == OK and run:
            by_run[done.run].append((done, *bounds(done, run)))
        elif (run and done.op in ("get", "events") and done.tries
              and done.tries[-1][3] in (404, 410)):
            by_run[done.run].append((done, 0, 0))
    for id_, seen in by_run.items():
        marks = sorted([(one[0].tries[-1][1] if one[0].op in ("get", "events")
                         else one[0].invoked, 1, i) for i, one in enumerate(seen)]
                       + [(one[0].returned, 0, i) for i, one in enumerate(seen)])
        least, because = 0, None
        for _, begins, i in marks:
            done, low, high = seen[i]
            if begins and high < least:
                found.append(("order", id_, f"{done.op} at node {done.tries[-1][0]} saw "
                                            f"{done.value} (at most event {high}) after "
                                            f"{because.op} at node {because.tries[-1][0]} had "
                                            f"seen event {least}, "
                                            f"{done.tries[-1][1] - because.returned:.3f} s "
                                            "earlier"))
            elif not begins and low > least:
                least, because = low, done
    return found


def limit(evidence):
    """(6) Never more runs of the limited workflow at once than it allows, by its histories."""
    marks = []
    for run in evidence.runs.values():
        if run.workflow != "limited":
            continue
        begin = run.of("execution_admitted") if run.queued else run.of("execution_started")
        end = run.of("execution_finished")
        if begin and end and not evidence.skewed(begin[0].time / 1000, end[-1].time / 1000):
            marks += [(begin[0].time, 1, run.id), (end[-1].time, -1, run.id)]
    running, most, worst = set(), 0, None
    for at, change, id_ in sorted(marks, key=lambda m: (m[0], m[1])):
        (running.add if change > 0 else running.discard)(id_)
        if len(running) > most:
            most, worst = len(running), (at, sorted(running))
    if most > LIMIT:
        return [("limit", "limited", f"{most} at once, {LIMIT} allowed: at {worst[0]} {worst[1]}")]
    return []


def timers(evidence):
    """(7) No timer fires twice or early, nor is a run's call earlier than its wait allows."""
    found, started = [], {}
    for done in evidence.record.of("start"):
        started[done.run] = done
    first = {}
    for call in evidence.calls:
        first.setdefault(call.key, call)
    for run in evidence.runs.values():
        fired = run.of("timer_fired")
        for id_, count in Counter(e.data["timer"] for e in fired).items():
            if count > 1:
                found.append(("timers", run.id, f"timer {id_} fired {count} times"))
        for event in fired:
            if event.time + ROUNDING_MS < event.data["due"]:
                found.append(("timers", run.id, f"timer {event.data['timer']} fired "
                                                f"{event.data['due'] - event.time} ms early"))
        call, start = first.get(f"{run.id}/effect"), started.get(run.id)
        if run.workflow != "timer" or not call or not start:
            continue
        early = start.value - (call.at - start.invoked)
        if early > ROUNDING_MS / 1000 and not evidence.skewed(run.events[0].time / 1000,
                                                              run.events[-1].time / 1000):
            found.append(("timers", run.id, f"went on {early:.3f} s early"))
    return found


def ends(evidence):
    """Every run has ended, as its kind does."""
    found = []
    for run in evidence.runs.values():
        if run.status is None:
            found.append(("not terminal", run.id, f"{run.workflow}, {len(run.events)} events, "
                                                  f"the last {run.events[-1].kind}"))
        elif run.workflow in ENDS and run.status not in ENDS[run.workflow]:
            found.append(("ends", run.id, f"{run.workflow} ended {run.status}"))
    return found
