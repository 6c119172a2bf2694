"""Does the checker bite? Each of its checks is given forged evidence and must object."""

import copy

import checker
from histories import Event


def _with(evidence, **changed):
    other = copy.copy(evidence)
    for name, value in changed.items():
        setattr(other, name, value)
    return other


def _without_an_acknowledged_run(evidence):
    gone = evidence.record.of("start")[-1].run
    return checker.acknowledged(_with(evidence, runs={
        id_: run for id_, run in evidence.runs.items() if id_ != gone}))


def _changed(evidence, kind, change):
    """Evidence with a copy of one run of a kind, changed."""
    run = next(r for r in evidence.runs.values() if r.workflow == kind and not r.parent
               and r.status == "success")
    other = copy.copy(run)
    other.events, other.counts = list(run.events), run.counts.copy()
    change(other)
    return _with(evidence, runs={**evidence.runs, other.id: other})


def _a_key_with_two_runs(evidence):
    def double(run):
        run.id += "-again"
    return checker.one_run_a_key(_changed(evidence, "chain", double))


def _a_step_done_twice(evidence):
    def repeat(run):
        run.counts[("node_completed", "effect", None)] += 1
    return checker.nothing_twice(_changed(evidence, "chain", repeat))


def _a_call_too_many(evidence):
    call = next(c for c in evidence.calls if c.path == "/effect")
    return checker.calls(_with(evidence, calls=evidence.calls + [call] * 20))


def _a_copy_that_differs(evidence):
    node = max(evidence.digests)
    mine = dict(evidence.digests[node])
    mine[next(iter(mine))] = b"another"
    return checker.same_everywhere(_with(evidence, digests={**evidence.digests, node: mine}))


def _a_read_that_went_back(evidence):
    """The last read of a run is followed by one that saw only its first event."""
    read = next(o for o in reversed(evidence.record.of("get"))
                if o.value == "success" and o.run in evidence.runs)
    stale = copy.copy(read)
    stale.op, stale.value = "events", 1
    stale.tries = [[1, read.returned + 1, read.returned + 2, 200]]
    record = copy.copy(evidence.record)
    record.operations = [*evidence.record.operations, stale]
    return checker.linear(_with(evidence, record=record))


def _one_over_the_limit(evidence):
    """The limited workflow with all its runs begun at the first one's start."""
    limited = [r for r in evidence.runs.values() if r.workflow == "limited"]
    if len(limited) <= 2 * checker.LIMIT:
        raise ValueError("too few")
    first = min(r.events[0].time for r in limited)
    runs = {}
    for run in limited:
        other = copy.copy(run)
        other.events = [e._replace(time=first) if e.kind in ("execution_started",
                                                             "execution_admitted") else e
                        for e in run.events]
        runs[run.id] = other
    return checker.limit(_with(evidence, runs=runs, skews=[]))


def _an_early_timer(evidence):
    def early(run):
        fired = run.of("timer_fired")[0]
        run.events[fired.seq - 1] = Event(*fired)._replace(time=fired.data["due"] - 500)
    return checker.timers(_changed(evidence, "timer", early))


def _a_run_without_an_end(evidence):
    def cut(run):
        run.status = None
    return checker.ends(_changed(evidence, "chain", cut))


def _two_leaders(_):
    terms = checker.Terms()
    for node in (1, 2):
        terms.take(node, [{"partition": 3, "term": 7, "leader": node}])
    return terms.wrong


CONTROLS = (_without_an_acknowledged_run, _a_key_with_two_runs, _a_step_done_twice,
            _a_call_too_many, _a_copy_that_differs, _a_read_that_went_back, _one_over_the_limit,
            _an_early_timer, _a_run_without_an_end, _two_leaders)


def blind(evidence):
    """Findings: one for each forgery that the checker did not object to."""
    found = []
    for forge in CONTROLS:
        try:
            seen = forge(evidence)
        except (StopIteration, IndexError, ValueError):
            continue  # the load was too short to have what is forged
        if not seen:
            found.append(("blind", forge.__name__.strip("_"), "was not noticed"))
    return found
