"""Runs the black-box tests: classes side by side, tests of a class one after another.

They run against one node, or (cluster) against three that take turns. Nothing is skipped, but for
what is about one process in a run against three: that is named, with the reason. A test that cannot
run fails. A test that takes longer than its limit fails,
its node is ended, and the run goes on.
"""

import importlib
import inspect
import json
import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)

from rows import OWED  # noqa: E402
from support.case import Case, in_cluster  # noqa: E402

TIME_LIMIT = 150.0

# Of a run of everything: what three nodes get wrong most easily, in less than a minute.
CLUSTER_SELECTED = (
    "test_workflows.", "test_reviews.Reviews.", "test_history.History.", "test_workers.Workers.",
    "test_streaming.ServerSentEvents.", "test_streaming.Sockets.", "test_lifecycle.Lifecycle.",
    "test_limits.Limits.", "test_api.RateLimit.", "test_security.Throttled.",
    "test_flow.", "test_fan_out.", "test_data.ReadOwnWrites.", "test_stuck.Hanging.", "test_versions.",
    "test_recovery.Recovery.test_chain_goes_on", "test_recovery.Recovery.test_idempotent",
    "test_services.Services.")


class Outcome:
    def __init__(self, name, rows, passed, seconds, why="", log=""):
        self.name, self.rows, self.passed = name, rows, passed
        self.seconds, self.why, self.log = seconds, why, log


def discover(patterns):
    """{class: [test names]} of every test_*.py whose full name holds one of the patterns."""
    found = {}
    for file in sorted(os.listdir(HERE)):
        if not (file.startswith("test_") and file.endswith(".py")):
            continue
        module = importlib.import_module(file[:-3])
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if not issubclass(cls, Case) or cls.__module__ != module.__name__:
                continue
            names = [n for n, f in cls.__dict__.items() if n.startswith("test_") and callable(f)]
            names = [n for n in names if not patterns or any(
                p in full_name(cls, n) or p in getattr(cls.__dict__[n], "rows", ())
                for p in patterns)]
            if in_cluster():
                names = [n for n in names if not why_one_node(cls, n)]
            if names:
                found[cls] = names
    return found


def why_one_node(cls, test):
    """Why a test is of one node only; empty: it also holds in a cluster."""
    return getattr(cls.__dict__[test], "one_node", "") or getattr(cls, "one_node", "")


def full_name(cls, test):
    return f"{cls.__module__}.{cls.__name__}.{test}"


def _call(case, name):
    """The test with its setUp and tearDown; None or the text of what went wrong."""
    why = None
    try:
        case.setUp()
        getattr(case, name)()
    except BaseException:  # a test may fail in any way; all of them are reported
        why = traceback.format_exc(limit=-6)
    if why and case.node:
        case.last_log = case.node.log_tail()
    try:
        case.tearDown()
    except BaseException:
        why = (why or "") + traceback.format_exc(limit=-6)
    return why


def _run_test(cls, name, limit):
    case = cls(name)
    rows = getattr(cls.__dict__[name], "rows", ())
    started, box = time.monotonic(), []
    thread = threading.Thread(target=lambda: box.append(_call(case, name)), daemon=True)
    thread.start()
    thread.join(limit)
    seconds = time.monotonic() - started
    if not box:
        log = case.node.log_tail() if case.node else ""
        if case.node:
            case.node.kill()
        thread.join(5)
        return Outcome(full_name(cls, name), rows, False, seconds, f"over {limit:.0f} s", log)
    return Outcome(full_name(cls, name), rows, box[0] is None, seconds, box[0] or "",
                   getattr(case, "last_log", ""))


def _run_class(cls, names, report):
    try:
        cls.setUpClass()
    except BaseException:
        why = traceback.format_exc(limit=-4)
        for name in names:
            report(Outcome(full_name(cls, name), getattr(cls.__dict__[name], "rows", ()), False, 0,
                           "the node of this class did not start\n" + why))
        return
    try:
        for name in names:
            if not cls.own_node and not cls.node.alive():
                cls.node.start()  # the test before ended it: that is its failure, not the next one's
            report(_run_test(cls, name, getattr(cls, "time_limit", TIME_LIMIT)))
    except BaseException:
        report(Outcome(full_name(cls, "node"), (), False, 0, traceback.format_exc(limit=-4)))
    finally:
        try:
            cls.tearDownClass()
        except BaseException:
            report(Outcome(full_name(cls, "tearDownClass"), (), False, 0, traceback.format_exc()))


def left_out(patterns):
    """{reason: [names]} of what a run against a cluster leaves out."""
    os.environ.pop("TROUPE_TEST_CLUSTER", None)
    try:
        everything = discover(patterns)
    finally:
        os.environ["TROUPE_TEST_CLUSTER"] = "1"
    found = {}
    for cls, names in everything.items():
        whole = getattr(cls, "one_node", "")
        for name in names:
            if why := why_one_node(cls, name):
                shown = full_name(cls, "")[:-1] if whole else full_name(cls, name)
                if shown not in found.setdefault(why, []):
                    found[why].append(shown)
    return found


def row_table(outcomes, earlier=None):
    """{row: {"status", "tests"}} of all owed rows; `earlier` fills rows that did not run now."""
    table = {row: {"status": "missing", "tests": {}} for row in OWED}
    for outcome in outcomes:
        for row in outcome.rows:
            table[row]["tests"][outcome.name] = "pass" if outcome.passed else "fail"
    for row, entry in table.items():
        if earlier and row in earlier:
            entry["tests"] = {**earlier[row]["tests"], **entry["tests"]}
        if entry["tests"]:
            bad = "fail" in entry["tests"].values()
            entry["status"] = "fail" if bad else "pass"
    return table


def run(patterns, rows_file, threads=4, out=print, cluster=False):
    """Runs what the patterns choose, against one node or three; (passed, failed)."""
    os.environ.pop("TROUPE_TEST_CLUSTER", None)
    if cluster:
        os.environ["TROUPE_TEST_CLUSTER"] = "1"
    found = discover(patterns)
    if not found:
        out(f"no test matches {' '.join(patterns)}")
        return 0, 1
    total, outcomes, lock = sum(map(len, found.values())), [], threading.Lock()
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    good, bad = ("\033[32mpass\033[0m", "\033[31mFAIL\033[0m") if colour else ("pass", "FAIL")

    def report(outcome):
        with lock:
            outcomes.append(outcome)
            out(f"[{len(outcomes):3}/{total}] {good if outcome.passed else bad} "
                f"{outcome.seconds:6.2f} s  {outcome.name}")
            if not outcome.passed:
                out("    " + outcome.why.strip().replace("\n", "\n    "))
                if outcome.log:
                    out("    node log, last lines:\n      " + outcome.log.replace("\n", "\n      "))

    # Long classes first, so that no thread is left alone with one at the end.
    order = sorted(found.items(), key=lambda c: (-getattr(c[0], "weight", 1) * len(c[1])))
    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(_run_class, cls, names, report) for cls, names in order]:
            future.result()

    earlier = None
    if patterns and os.path.exists(rows_file):
        with open(rows_file) as file:
            earlier = json.load(file)["rows"]
    table = row_table(outcomes, earlier)
    os.makedirs(os.path.dirname(rows_file), exist_ok=True)
    with open(rows_file, "w") as file:
        json.dump({"format": 1, "rows": table}, file, indent=1)
    print_rows(table, out)
    if cluster:
        out("\nof one node only, and left out:")
        for why, names in sorted(left_out(patterns).items()):
            out(f"  {why}: {' '.join(names)}")
    failed = [o for o in outcomes if not o.passed]
    if failed:
        out("\nfailed:\n  " + "\n  ".join(o.name for o in failed))
    return len(outcomes) - len(failed), len(failed)


def print_rows(table, out=print):
    """One line a group: which rows pass, fail, are missing."""
    out("\nrows of the feature list")
    groups = {}
    for row, entry in table.items():
        groups.setdefault(row[:2], {}).setdefault(entry["status"], []).append(row[3:])
    for group, by in groups.items():
        out(f"  {group}  pass {len(by.get('pass', ())):3}"
            f"   fail {' '.join(by.get('fail', ())) or '-'}"
            f"   missing {' '.join(by.get('missing', ())) or '-'}")
