"""recover: SIGKILL under load; how soon the node works again, and whether it kept its word."""

import time
from collections import Counter
from contextlib import closing

from definitions import chain_with_effect
from harness import count_runs, create, executing, median_of, ms_since, start_ms, wait_until
from support.case import TERMINAL
from support.fh import FakeTarget


def recover(harness):
    samples = [_recover_once(harness) for _ in range(harness.repeats)]
    totals = {key: sum(sample.pop(key) for sample in samples)
              for key in ("lost", "repeated_finished_steps")}
    return {**median_of(samples), **totals}


def _recover_once(harness):
    with closing(FakeTarget()) as fh, harness.node("--http-allow", fh.address) as node:
        workflow_id = create(node, chain_with_effect(10, 4, fh.url + "/effect"))
        acknowledged = _kill_under_load(harness, node, workflow_id)
        answered = {call.key for call in fh.calls("/effect") if call.ended}
        started = time.monotonic()
        ready_ms = start_ms(node, timeout=60)
        first_completion_ms = _first_completion_ms(node, started)
        lost = sum(_final_status(node, run) != "success" for run in acknowledged)
        return {"ready_ms": ready_ms, "first_completion_ms": first_completion_ms,
                "acknowledged": len(acknowledged), "lost": lost,
                "repeated_finished_steps": _repeated(fh, answered)}


def _kill_under_load(harness, node, workflow_id):
    """The ids of the runs that the client was told of, from its own file."""
    record = node.data_dir + ".acknowledged"
    load = harness.start_load(node.port, **executing(workflow_id, wait=False), connections=64,
                              seconds=30, warmup=0, record=record)
    time.sleep(1.5)
    node.kill()
    load.kill()
    load.wait()
    with open(record) as file:
        return [line.strip() for line in file if line.endswith("\n")]


def _first_completion_ms(node, started):
    """From `started` until one more run has finished, or none is left to finish."""
    finished = count_runs(node, status="success")
    wait_until(lambda: count_runs(node, status="success") > finished
               or not count_runs(node, status="running"), 10, pause=0.002)
    return ms_since(started)


def _final_status(node, run):
    """How a run ended, or stands after 10 s; None: the node does not know it."""
    deadline = time.monotonic() + 10
    while True:
        answer = node.get(f"/executions/{run}")
        status = answer.json["status"] if answer.status == 200 else None
        if status is None or status in TERMINAL or time.monotonic() > deadline:
            return status
        time.sleep(0.02)


def _repeated(fh, answered):
    """One call more is the attempt that was cut off: its outcome was not recorded."""
    calls = Counter(call.key for call in fh.calls("/effect"))
    return sum(calls[key] > 2 for key in answered)
