"""history and replay: one long run after a restart; all histories folded and decided again."""

import time

from definitions import chain, loop_then_signal
from harness import (count_events, count_runs, create, drop_page_cache, executing, ms_since,
                     wait_until)


def history(harness):
    out = {}
    for events in (1000, 10_000) if harness.quick else (1000, 100_000, 1_000_000):
        with harness.node() as node:
            out[str(events)] = _history_of(node, events)
        print(f"    {events}: {out[str(events)]}")
    return out


def _history_of(node, events):
    """A round of the loop is two events."""
    id_ = create(node, loop_then_signal(events // 2))
    run = node.post(f"/workflows/{id_}/execute", {"input_data": {}}).json["execution_id"]
    if not wait_until(lambda: count_runs(node, status="waiting", workflow_id=id_), 900, pause=0.2):
        return {"load_ms": None, "reason": "the history was not made in 900 s"}
    node.terminate(60)
    drop_page_cache()
    node.start(timeout=60)
    started = time.monotonic()
    node.post(f"/executions/{run}/signals/go", {"data": {}}, timeout=120)
    load_ms = ms_since(started)
    wait_until(lambda: count_runs(node, status="success", workflow_id=id_), 60, pause=0.002)
    return {"load_ms": load_ms, "next_step_ms": ms_since(started), "rss_bytes": node.rss_bytes(),
            "events": count_events(node, run)}


def replay(harness):
    with harness.node() as node:
        id_ = create(node, chain(10))
        harness.load(node.port, **executing(id_), connections=64, seconds=harness.seconds * 2,
                     warmup=0)
        run = node.get("/executions?limit=1").json["items"][0]["id"]
        events = count_runs(node, workflow_id=id_) * count_events(node, run)
        node.terminate(60)
        out = {"events": events}
        for mode in ("fold", "decide"):
            started = time.monotonic()
            done = node.cli("replay", "--all", "--mode", mode, "--data-dir", node.data_dir,
                            timeout=900)
            if done.returncode != 0:
                raise RuntimeError(f"troupe replay --all --mode {mode}: {done.stderr.strip()}")
            out[f"{mode}_events_per_s"] = events / (time.monotonic() - started)
    print(f"    {out}")
    return out
