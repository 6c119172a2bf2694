"""idle: what a node costs that has nothing to do, and how soon it is ready."""

import statistics
import time

from harness import cpu_seconds, start_ms


def idle(harness):
    with harness.node() as node:
        ready = []
        for _ in range(5):
            node.terminate(20)
            ready.append(start_ms(node))
        time.sleep(2)
        before, seconds = cpu_seconds(node), (5 if harness.quick else 20)
        time.sleep(seconds)
        out = {"rss_bytes": node.rss_bytes(),
               "cpu_percent": 100 * (cpu_seconds(node) - before) / seconds,
               "ready_ms": statistics.median(ready)}
    print(f"    {out}")
    return out
