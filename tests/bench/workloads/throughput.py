"""single, chain10, fan10, pure10, worker10: runs a second at rising numbers of connections."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time

from definitions import chain, fan, pure
from harness import (ROOT, count_runs, cpu_seconds, create, executing, median_of, run_once,
                     wait_until)

CONNECTIONS = (1, 16, 128, 1024)
WORKER = os.path.join(ROOT, "tests", "bench", "echo_worker.js")


def single(harness):
    return _sweep(harness, chain(1), 1)


def chain10(harness):
    return {**_sweep(harness, chain(10), 10), "proof": _prove_durable(harness)}


def fan10(harness):
    return _sweep(harness, fan(10), 11)


def pure10(harness):
    return _sweep(harness, pure(10), 10)


def worker10(harness):
    return _sweep(harness, chain(10, "bench_echo"), 10, beside=_echo_worker)


def _sweep(harness, definition, steps, beside=contextlib.nullcontext):
    """`steps` is how many a run has; `beside(node)` surrounds the load."""
    with harness.node() as node:
        with beside(node):
            workflow_id = create(node, definition)
            points = {str(n): _point(harness, node, workflow_id, n, steps) for n in CONNECTIONS}
        return {"connections": points, **_after_sweep(node, workflow_id)}


def _point(harness, node, workflow_id, connections, steps):
    point = median_of([_sample(harness, node, workflow_id, connections, steps)
                       for _ in range(harness.repeats)])
    point["client_marked"] = point["client_cpu_share"] > 0.25
    print(f"    {connections:5} connections {point['runs_per_s']:10.0f} runs/s  "
          f"p50 {point['p50_ms']:.2f} ms  p99 {point['p99_ms']:.2f} ms  "
          f"{point['cpu_us_per_step']:.1f} µs a step"
          + ("  (client over 25 % of a core)" if point["client_marked"] else ""))
    return point


def _sample(harness, node, workflow_id, connections, steps):
    """Closed-loop execute-and-wait."""
    before = cpu_seconds(node)
    report = harness.load(node.port, **executing(workflow_id), connections=connections,
                          seconds=harness.seconds, warmup=harness.warmup)
    spent, seconds = cpu_seconds(node) - before, max(report["seconds"], 0.001)
    # The report leaves out the warm-up, the processor time does not.
    runs = report["ok"] * (harness.seconds + harness.warmup) / seconds
    return {"runs_per_s": report["per_s"], "steps_per_s": report["per_s"] * steps,
            "p50_ms": report["p50_ms"], "p99_ms": report["p99_ms"],
            "cpu_us_per_step": spent * 1e6 / max(1, runs * steps),
            "not_200": sum(count for status, count in report["by_status"].items()
                           if status != "200"),
            "client_cpu_share": report["cpu_seconds"] / seconds}


def _after_sweep(node, workflow_id):
    """Disk a run after compaction; the log must verify."""
    runs = count_runs(node, workflow_id=workflow_id)
    node.terminate(60)
    verified = node.cli("log", "verify", "--data-dir", node.data_dir, timeout=600)
    node.cli("compact", "--data-dir", node.data_dir, timeout=600)
    return {"runs": runs, "disk_bytes_per_run": node.disk_bytes() / max(1, runs),
            "log_verify": verified.returncode == 0}


def _prove_durable(harness):
    """At least 11 turns a run in /events, at least 11 syncs a run seen by strace."""
    if not shutil.which("strace"):
        return {"holds": None, "reason": "strace is missing: ./dev setup"}
    with harness.node() as node:
        workflow_id = create(node, chain(10))
        run = run_once(node, workflow_id)
        events = node.get(f"/executions/{run['id']}/events?limit=500").json["items"]
        summary = os.path.join(harness.scratch, "strace.txt")
        tracer = subprocess.Popen(["strace", "-f", "-c", "-e", "trace=fdatasync,fsync", "-o",
                                   summary, "-p", str(node.process.pid)],
                                  stderr=subprocess.DEVNULL)
        time.sleep(1)
        runs = harness.load(node.port, **executing(workflow_id), count=50, warmup=0)["ok"]
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)
    syncs = _syncs_in(summary)
    return {"completions": sum(event["kind"] == "node_completed" for event in events),
            "events": len(events), "syncs_per_run": syncs / max(1, runs),
            "holds": syncs >= 11 * runs}


def _syncs_in(summary):
    """The column "calls" of strace -c."""
    with open(summary) as file:
        return sum(int(row[1]) for row in re.finditer(
            r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+).*(?:fdatasync|fsync)$", file.read(), re.M))


@contextlib.contextmanager
def _echo_worker(node):
    process = subprocess.Popen(["node", WORKER, node.base], stderr=subprocess.DEVNULL)
    try:
        if not wait_until(lambda: "bench_echo" in node.get("/skills/available?limit=500").text,
                          10, pause=0.05):
            raise RuntimeError("the worker does not register")
        yield
        process.terminate()
        process.wait(20)
    finally:
        process.kill()
        process.wait()
