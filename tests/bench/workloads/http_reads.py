"""http: small reads of a node, next to a bare server that sends the same bytes."""

import contextlib
import json
import statistics
import subprocess

from definitions import chain
from harness import create, median_of, run_once


def http(harness):
    with harness.node() as node:
        run = run_once(node, create(node, chain(10)))["id"]
        size = len(node.get(f"/executions/{run}").body)
        with _bare_server(harness, size) as bare_port:
            ends = {"health": (node.port, "/health"),
                    "get_run": (node.port, f"/api/v1/executions/{run}"),
                    "bare": (bare_port, "/")}
            rounds = [{name: _sample(harness, *end) for name, end in ends.items()}
                      for _ in range(harness.repeats)]
    out = {name: median_of([one[name] for one in rounds]) for name in ends}
    out["body_bytes"] = size
    out["ratio"] = statistics.median(
        one["get_run"]["requests_per_s"] / one["bare"]["requests_per_s"] for one in rounds)
    print(f"    {json.dumps(out)[:400]}")
    return out


def _sample(harness, port, path):
    report = harness.load(port, method="GET", path=path, connections=128, seconds=harness.seconds,
                          warmup=harness.warmup)
    return {"requests_per_s": report["per_s"], "p50_ms": report["p50_ms"],
            "p99_ms": report["p99_ms"]}


@contextlib.contextmanager
def _bare_server(harness, size):
    """Its port."""
    with subprocess.Popen([harness.tool, "hello", "0", str(size)], stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()
