#!/usr/bin/env python3
"""Runs the tests that are built: unit, black-box, crashes, faults, upgrades. See ./dev help."""

import argparse
import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "blackbox"))
UNIT_LIMIT_SECONDS = 600
for folder in ("crash", "tamper", "chaos", "upgrade"):
    sys.path.insert(0, os.path.join(ROOT, "tests", folder))

INJECTED = ("fdatasync", "write", "pwrite", "send")
# Of each fault: rounds in a run of everything, and when it is asked for by name.
FAULTS = {"sync": (6, 20), "disk": (2, 6), "clock": (6, 12), "edits": (20, 100)}
# The same for clusters: kills of leaders, and seconds of mixed faults.
LEADER_KILLS, CLUSTER_SECONDS = (3, 50), (60, 300)


def say(text=""):
    print(text, flush=True)


def suites_expected(build):
    """Names of the folders below tests/ that the build turns into unit-test binaries."""
    with open(os.path.join(build, "test-suites.txt")) as file:
        return file.read().split()


def run_unit(build, wanted):
    """Every unit-test binary, each with its own line; a binary that dies counts as a failure."""
    names = suites_expected(build)
    unknown = [w for w in wanted if w not in names]
    passed, failed = 0, len(unknown)
    for name in unknown:
        say(f"  FAIL {name}: no such suite; there are {' '.join(names)}")
    results = os.path.join(build, "test-results")
    os.makedirs(results, exist_ok=True)
    for name in [n for n in names if not wanted or n in wanted]:
        binary = os.path.join(build, "tests", f"{name}_test")
        report = os.path.join(results, f"{name}.json")
        if os.path.exists(report):
            os.unlink(report)
        started = time.monotonic()
        good, bad, text = _run_binary(binary, report)
        passed, failed = passed + good, failed + bad
        say(f"  {'FAIL' if bad else 'pass'} {name:12} {good:5} passed, {bad} failed  "
            f"{time.monotonic() - started:6.1f} s")
        if bad:
            say("    " + "\n    ".join(text.splitlines()[-80:]))
    return passed, failed


def _run_binary(binary, report):
    if not os.path.exists(binary):
        return 0, 1, f"{binary} is not built"
    try:
        done = subprocess.run([binary, f"--gtest_output=json:{report}", "--gtest_brief=1"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=UNIT_LIMIT_SECONDS)
        text, status = done.stdout.decode("utf-8", "replace"), done.returncode
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode("utf-8", "replace") + "\nover its time limit"
        status = -1
    try:
        with open(report) as file:
            counts = json.load(file)
        bad = counts["failures"] + counts.get("errors", 0)
        good = counts["tests"] - bad - counts.get("disabled", 0)
    except (OSError, ValueError, KeyError):
        return 0, 1, text + f"\nended with {status} and without a report"
    if status != 0 and bad == 0:
        bad = 1
    if good == 0 and bad == 0:
        return 0, 1, text + "\nno test ran"
    return good, bad, text


def run_blackbox(build, patterns, threads, cluster=False):
    """`cluster`: against three nodes; what rows that proves is kept apart."""
    os.environ["TROUPE_BINARY"] = os.path.join(build, "troupe")
    if not os.path.exists(os.environ["TROUPE_BINARY"]):
        say(f"  FAIL {os.environ['TROUPE_BINARY']} is not built")
        return 0, 1
    import runner
    if cluster:
        return runner.run(patterns, rows_path("rows-cluster"), threads, say, True)
    return runner.run(patterns, rows_path(), threads, say)


def run_upgrade(build, old):
    if not old or not os.access(old, os.X_OK):
        say("  FAIL the build to upgrade from is missing: --old PATH names its binary. Make one:\n"
            "       git worktree add ../before COMMIT && (cd ../before && ./dev build troupe)")
        return 0, 1
    import upgrade
    return upgrade.run(os.path.abspath(old), os.path.join(build, "troupe"), say)


def blackbox_work(build, options):
    """A run of everything does a part of the tests against a cluster as well."""
    if options.cluster:
        title = "black-box tests against a cluster of three"
        yield title, lambda: run_blackbox(build, options.names, options.threads, True)
        return
    yield "black-box tests", lambda: run_blackbox(build, options.names, options.threads)
    if not options.suite:
        import runner
        title = "black-box tests against a cluster of three, a part (--cluster: all)"
        yield title, lambda: run_blackbox(build, runner.CLUSTER_SELECTED, options.threads, True)


def rows_path(name="rows"):
    return os.path.join(ROOT, "build", f"{name}.json")


def print_rows():
    """One line a row of the last run; status 0 only when all pass."""
    from rows import OWED
    try:
        with open(rows_path()) as file:
            table = json.load(file)["rows"]
    except OSError:
        say("no results yet: run ./dev test blackbox first")
        return 1
    for row in OWED:
        say(f"{row} {table.get(row, {}).get('status', 'missing')}")
    return 0 if all(table.get(r, {}).get("status") == "pass" for r in OWED) else 1


def prepare_sanitizers():
    """A finding ends the program. Leaks are not looked for: tests kill nodes, and trace them."""
    suppressions = os.path.join(ROOT, "tests", "sanitizers", "tsan.supp")
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")
    os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    os.environ.setdefault("TSAN_OPTIONS", f"suppressions={suppressions}:halt_on_error=1:"
                                          "ignore_noninstrumented_modules=1:die_after_fork=0")


def tools(build):
    return [os.path.join(build, *path) for path in (
        ("troupe",), ("tests", "troupe_load"), ("tests", "troupe_tamper"))]


def run_crash(build, kills, kind=None):
    import crash
    binary, load, _ = tools(build)
    return crash.run(binary, load, kills, say, kind)


def run_fault(build, name, rounds):
    """A failed sync, a full disk, a jumping clock, edited rows."""
    binary, load, tamper = tools(build)
    if name == "sync":
        return run_crash(build, rounds, "eio")
    if name == "disk":
        import full_disk
        return full_disk.run(binary, load, rounds, say)
    if name == "clock":
        import clock
        return clock.run(binary, rounds, say)
    import edits
    return edits.run(binary, tamper, rounds, say)


def crash_work(build, options):
    """Random kills, or the injected ones; a run of everything does a few of each."""
    binary = tools(build)[0]
    if options.suite and options.grow:
        import grow
        yield "one node becomes three, under load", lambda: grow.run(binary, say)
        return
    if options.leaders or not options.suite:
        kills, nodes = options.leaders or LEADER_KILLS[0], options.nodes
        import leaders
        yield (f"cluster: {kills} leaders of {nodes} nodes are killed",
               lambda: leaders.run(binary, kills, nodes, say))
        if options.suite:
            return
    if options.suite:
        kills, kinds = options.kills or 50, [options.inject]
    else:
        kills, kinds = 10, [None, *INJECTED]
    for kind in kinds:
        count = kills if options.suite or not kind else 4
        yield (f"crash test, {count} kills{f' at the n-th {kind}' if kind else ''}",
               lambda kind=kind, count=count: run_crash(build, count, kind))


def fault_work(build, options):
    if not options.suite or options.seconds or "cluster" in options.names:
        import faults
        seconds = options.seconds or CLUSTER_SECONDS[bool(options.suite)]
        report = os.path.join(ROOT, "build", "cluster-faults.json")
        yield (f"cluster: {seconds} s of faults on {options.nodes} nodes",
               lambda: faults.run(tools(build)[0], seconds, options.nodes, say, options.seed,
                                  report))
        if options.suite:
            return
    for name, (few, more) in FAULTS.items():
        if options.suite and options.names and name not in options.names:
            continue
        count = options.rounds or (more if options.suite else few)
        yield f"fault: {name}, {count} rounds", lambda name=name, count=count: run_fault(
            build, name, count)


def timed(title, work):
    started = time.monotonic()
    say(f"\n==> {title}")
    passed, failed = work()
    say(f"==> {title}: {passed} passed, {failed} failed in {time.monotonic() - started:.0f} s")
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release", help="build directory")
    parser.add_argument("suite", nargs="?",
                        choices=["unit", "blackbox", "crash", "faults", "upgrade", "rows"])
    parser.add_argument("names", nargs="*",
                        help="unit suites, parts of black-box test names, or faults: "
                             + " ".join([*FAULTS, "cluster"]))
    parser.add_argument("--kills", type=int, help="crash: how many (default 50)")
    parser.add_argument("--inject", choices=INJECTED,
                        help="crash: kill at the n-th call of a kind instead of at random")
    parser.add_argument("--leaders", type=int, help="crash: kill so many leaders of a cluster")
    parser.add_argument("--grow", action="store_true",
                        help="crash: a node with data becomes three under load")
    parser.add_argument("--old", help="upgrade: binary of the build to upgrade a cluster from")
    parser.add_argument("--rounds", type=int, help="faults: how many of each")
    parser.add_argument("--seconds", type=int, help="faults of a cluster: how long")
    parser.add_argument("--nodes", type=int, default=3, choices=(3, 5), help="of a cluster")
    parser.add_argument("--seed", type=int, help="faults of a cluster: repeats the choices")
    parser.add_argument("--cluster", action="store_true",
                        help="blackbox: against three nodes that take turns")
    parser.add_argument("--threads", type=int, default=4, help="black-box test classes at once")
    options = parser.parse_intermixed_args()
    build = os.path.abspath(options.build)
    if options.suite == "rows":
        return print_rows()
    prepare_sanitizers()

    work = []
    if options.suite in (None, "unit"):
        work.append(("unit tests", lambda: run_unit(build, options.names)))
    if options.suite in (None, "blackbox"):
        work += blackbox_work(build, options)
    if options.suite in (None, "crash"):
        work += crash_work(build, options)
    if options.suite == "upgrade":
        work.append(("upgrade", lambda: run_upgrade(build, options.old)))
    if options.suite in (None, "faults"):
        known = [*FAULTS, "cluster"]
        unknown = set(options.names) - set(known) if options.suite else ()
        if unknown:
            parser.error(f"no such fault: {' '.join(unknown)}; there are {' '.join(known)}")
        work += fault_work(build, options)
    counts = [timed(title, job) for title, job in work]
    passed, failed = (sum(column) for column in zip(*counts))
    say(f"\n{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
