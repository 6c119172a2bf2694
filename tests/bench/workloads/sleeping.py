"""timers and suspended: many runs that sleep durably, how late they wake and what they cost."""

import time

from definitions import sleeper
from harness import count_runs, create, drop_page_cache, executing, start_ms, wait_until

NAP_SECONDS = 5
MONTH_SECONDS = 30 * 86400


def timers(harness):
    return _each(harness, (1000, 5000) if harness.quick else (5000, 100_000), _timers_of)


def suspended(harness):
    return _each(harness, (10_000,) if harness.quick else (10_000, 1_000_000), _suspended_of)


def _each(harness, counts, measure):
    out = {}
    for count in counts:
        with harness.node("--max-concurrent-executions", "0") as node:
            out[str(count)] = measure(harness, node, count)
        print(f"    {count}: {out[str(count)]}")
    return out


def _start_many(harness, node, seconds, count):
    """Starts runs that sleep; the id of their workflow."""
    workflow_id = create(node, sleeper(seconds))
    harness.load(node.port, **executing(workflow_id, wait=False), connections=64, count=count,
                 warmup=0)
    return workflow_id


def _timers_of(harness, node, count):
    workflow_id = _start_many(harness, node, NAP_SECONDS, count)
    rss = node.rss_bytes()
    wait_until(lambda: count_runs(node, workflow_id=workflow_id, status="success") >= count,
               120, pause=0.2)
    late = _lateness_ms(node, workflow_id)
    if not late:
        return {"p99_ms": None, "finished": 0, "reason": "no run finished in 120 s"}
    return {"p50_ms": late[len(late) // 2], "p99_ms": late[len(late) * 99 // 100],
            "max_ms": late[-1], "early": sum(ms < 0 for ms in late), "finished": len(late),
            "rss_bytes": rss}


def _lateness_ms(node, workflow_id):
    """How much longer than asked each finished run slept, sorted (from timestamps of the API)."""
    late, cursor = [], ""
    while True:
        page = node.get(f"/executions?workflow_id={workflow_id}&limit=500{cursor}").json
        late += [(run["duration_seconds"] - NAP_SECONDS) * 1000 for run in page["items"]
                 if run["status"] == "success"]
        if not page["has_more"]:
            return sorted(late)
        cursor = f"&cursor={page['next_cursor']}"


def _suspended_of(harness, node, count):
    """What the runs add to an empty node, after a restart with a cold page cache."""
    node.terminate(30)
    empty_disk = node.disk_bytes()
    node.start()
    time.sleep(1)
    empty_rss = node.rss_bytes()
    _start_many(harness, node, MONTH_SECONDS, count)
    node.terminate(120)
    node.cli("compact", "--data-dir", node.data_dir, timeout=900)
    disk = node.disk_bytes() - empty_disk
    drop_page_cache()
    ready_ms = start_ms(node, timeout=120)
    time.sleep(2)
    rss = node.rss_bytes()
    return {"rss_bytes_per_run": (rss - empty_rss) / count, "rss_bytes": rss,
            "disk_bytes_per_run": disk / count, "start_ms": ready_ms}
