"""cluster: chain10 on three nodes of this machine; kill -9 of a leader under load; idle cost."""

import contextlib
import os
import statistics
import tempfile
import threading
import time

from definitions import chain
from harness import cpu_seconds, create, executing, median_of, wait_until
from support.cluster import Cluster

CONNECTIONS = (3, 126, 510)  # a third of them at each node
IDLE_PARTITIONS = (16, 64)


def cluster(harness):
    with _three_nodes(harness) as nodes:
        workflow_id = _create_everywhere(nodes)
        points = {str(n): _point(harness, nodes, workflow_id, n) for n in CONNECTIONS}
        out = {"connections": points, "failover": _failovers(harness, nodes, workflow_id)}
    return {**out, "idle": {str(n): _idle(harness, n) for n in IDLE_PARTITIONS}}


@contextlib.contextmanager
def _three_nodes(harness, *flags):
    nodes = Cluster(3, *flags, binary=harness.binary,
                    folder=tempfile.mkdtemp(dir=harness.scratch))
    try:
        yield nodes
    finally:
        nodes.close()


def _create_everywhere(nodes):
    workflow_id = create(nodes.nodes[0], chain(10))
    nodes.wait(lambda: all(n.get(f"/workflows/{workflow_id}").status == 200 for n in nodes.nodes))
    return workflow_id


# Runs a second


def _point(harness, nodes, workflow_id, connections):
    point = median_of([_sample(harness, nodes, workflow_id, connections)
                       for _ in range(harness.repeats)])
    print(f"    {connections:5} connections {point['runs_per_s']:10.0f} runs/s  "
          f"p50 {point['p50_ms']:.2f} ms  p99 {point['p99_ms']:.2f} ms  "
          f"{point['cpu_us_per_step']:.1f} µs a step and cluster")
    return point


def _sample(harness, nodes, workflow_id, connections):
    """One load generator a node. p50 and p99 are those of the worst of the three."""
    reports = [None] * len(nodes.nodes)

    def drive(i, node):
        reports[i] = harness.load(node.port, **executing(workflow_id),
                                  connections=connections // len(nodes.nodes),
                                  seconds=harness.seconds, warmup=harness.warmup)

    before = sum(map(cpu_seconds, nodes.nodes))
    _all_at_once([lambda i=i, n=n: drive(i, n) for i, n in enumerate(nodes.nodes)])
    spent = sum(map(cpu_seconds, nodes.nodes)) - before
    runs = sum(r["ok"] * (harness.seconds + harness.warmup) / max(r["seconds"], 0.001)
               for r in reports)
    return {"runs_per_s": sum(r["per_s"] for r in reports),
            "p50_ms": max(r["p50_ms"] for r in reports),
            "p99_ms": max(r["p99_ms"] for r in reports),
            "cpu_us_per_step": spent * 1e6 / max(1, runs * 10),
            "not_200": sum(count for r in reports for status, count in r["by_status"].items()
                           if status != "200")}


def _all_at_once(tasks):
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# Fail-over


def _failovers(harness, nodes, workflow_id):
    count = 3 if harness.quick else 9
    kills = [_kill_a_leader(harness, nodes, workflow_id, n) for n in range(count)]
    gaps = [kill["gap_ms"] for kill in kills]
    out = {"gap_p50_ms": round(statistics.median(gaps), 1), "gap_max_ms": round(max(gaps), 1),
           "kills": len(kills), "acknowledged": sum(kill["acknowledged"] for kill in kills),
           "lost": sum(kill["lost"] for kill in kills)}
    print(f"    {out}")
    return out


def _kill_a_leader(harness, nodes, workflow_id, n):
    """The gap is the longest that a request took which a client repeats with its key."""
    victim = nodes.nodes[n % len(nodes.nodes)]
    wait_until(lambda: _leads(nodes, victim), 30, pause=0.1)
    others = [node for node in nodes.nodes if node is not victim]
    until = time.monotonic() + 5
    load = [harness.start_load(node.port, **executing(workflow_id), connections=16, seconds=5,
                               warmup=0) for node in others]
    killed, done = [], []
    clients = [lambda i=i: _client(others[i % 2], workflow_id, f"kill-{os.getpid()}-{n}-{i}", until,
                                   done) for i in range(16)]

    def kill():
        time.sleep(1.5)
        victim.kill()
        killed.append(time.monotonic())

    _all_at_once([kill, *clients])
    for process in load:
        process.wait()
    lost = sum(others[0].get(f"/executions/{run}").json.get("status") != "success"
               for _, _, run in done)
    victim.start()
    nodes.wait_whole()
    took = [ended - asked for asked, ended, _ in done if ended > killed[0]]
    return {"gap_ms": max(took) * 1000, "acknowledged": len(done), "lost": lost}


def _leads(nodes, node):
    """It leads its share of the partitions again."""
    led = [p["leader"] for p in nodes.status()["partitions"]].count(nodes.number(node))
    return led >= len(nodes.status()["partitions"]) // 3


def _client(node, workflow_id, name, until, done):
    number = 0
    while (asked := time.monotonic()) < until:
        number += 1
        run = None
        while run is None and time.monotonic() < until + 30:
            try:
                answer = node.post(f"/workflows/{workflow_id}/execute?wait=10",
                                   {"input_data": {"n": number}},
                                   headers={"Idempotency-Key": f"{name}-{number}"})
                run = answer.json["execution_id"] if answer.status == 200 else None
            except OSError:
                pass
            if run is None:
                time.sleep(0.02)
        done.append((asked, time.monotonic(), run))


# Idle


def _idle(harness, partitions):
    with _three_nodes(harness, "--partitions", str(partitions)) as nodes:
        time.sleep(8)  # leaderships spread
        before, seconds = [cpu_seconds(n) for n in nodes.nodes], (5 if harness.quick else 30)
        time.sleep(seconds)
        spent = [cpu_seconds(n) - b for n, b in zip(nodes.nodes, before)]
        out = {"cpu_percent": round(100 * max(spent) / seconds, 2),
               "rss_bytes": max(n.rss_bytes() for n in nodes.nodes)}
    print(f"    {partitions} partitions, idle: {out}")
    return out
