"""The targets: (what, where in the results' workloads, relation, figure).

"disk" stands for 1.7 × 11 × the fdatasync p50 of the same run.
"""

TARGETS = [
    ("chain10, 1 connection: p50 ms", "chain10.connections.1.p50_ms", "<=", "disk"),
    ("chain10, 128 connections: runs/s", "chain10.connections.128.runs_per_s", ">=", 4000),
    ("chain10, 1024 connections: runs/s", "chain10.connections.1024.runs_per_s", ">=", 7000),
    ("chain10, 1024 connections: p99 ms", "chain10.connections.1024.p99_ms", "<=", 300),
    ("single, 128 connections: runs/s", "single.connections.128.runs_per_s", ">=", 10_000),
    ("fan10, 128 connections: runs/s", "fan10.connections.128.runs_per_s", ">=", 3000),
    ("pure10, 128 connections: runs/s", "pure10.connections.128.runs_per_s", ">=", 15_000),
    ("worker10, 128 connections: runs/s", "worker10.connections.128.runs_per_s", ">=", 600),
    ("GET of a run against a bare Beast server: ratio", "http.ratio", ">=", 0.7),
    ("idle: RSS bytes", "idle.rss_bytes", "<=", 40_000_000),
    ("idle: CPU percent of a core", "idle.cpu_percent", "<=", 2),
    ("start to ready: ms", "idle.ready_ms", "<=", 500),
    ("suspended 10,000: RSS bytes a run", "suspended.10000.rss_bytes_per_run", "<=", 200),
    ("suspended 10,000: disk bytes a run", "suspended.10000.disk_bytes_per_run", "<=", 1500),
    ("suspended 10,000: start ms", "suspended.10000.start_ms", "<=", 1000),
    ("suspended 1,000,000: RSS bytes", "suspended.1000000.rss_bytes", "<=", 300_000_000),
    ("timers 5,000: early", "timers.5000.early", "<=", 0),
    ("timers 5,000: lateness p99 ms", "timers.5000.p99_ms", "<=", 100),
    ("timers 100,000: early", "timers.100000.early", "<=", 0),
    ("timers 100,000: lateness p99 ms", "timers.100000.p99_ms", "<=", 250),
    ("recover: ready ms", "recover.ready_ms", "<=", 1000),
    ("recover: first completion ms", "recover.first_completion_ms", "<=", 500),
    ("recover: runs lost", "recover.lost", "<=", 0),
    ("recover: finished steps repeated", "recover.repeated_finished_steps", "<=", 0),
    ("history of 1,000,000 events: load ms", "history.1000000.load_ms", "<=", 50),
    ("replay, fold: events/s", "replay.fold_events_per_s", ">=", 500_000),
    ("three nodes, chain10, 126 connections: runs/s", "cluster.connections.126.runs_per_s", ">=",
     600),
    ("fail-over: gap p50 ms", "cluster.failover.gap_p50_ms", "<=", 1000),
    ("fail-over: gap max ms", "cluster.failover.gap_max_ms", "<=", 2000),
    ("fail-over: acknowledged runs lost", "cluster.failover.lost", "<=", 0),
    ("64 partitions, idle: CPU percent of a core", "cluster.idle.64.cpu_percent", "<=", 5),
]
