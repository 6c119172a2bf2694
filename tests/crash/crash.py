"""SIGKILL under load, again and again on one data directory.

Each round: a node, load over HTTP, SIGKILL after 20 to 500 ms of it. The load generator writes
every acknowledged execution id to a file with fsync before it goes on; an HTTP target counts calls.
Then the node is started once more and must hold every acknowledged run, end all of them, and have
recorded each step once. Nothing here believes the node about what was acknowledged.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "blackbox"))

from support.case import step, workflow  # noqa: E402
from support.fh import FakeTarget  # noqa: E402
from support.node import Node  # noqa: E402


def _definition(fh):
    call = {"method": "POST", "url": fh.url + "/effect", "body": {"n": "{{ input.n }}"}}
    return workflow([step("first", parameters={"n": "{{ input.n }}"}),
                     step("effect", "http_request", "first", call),
                     step("last", after="effect",
                          parameters={"n": "{{ steps.first.output.n }}"})], name="crash")


def _round(node, load, workflow_id, record, number, delay):
    body = '{"input_data": {"n": {n}}}'
    generator = subprocess.Popen(
        [load, "run", "--port", str(node.port), "--method", "POST", "--path",
         f"/api/v1/workflows/{workflow_id}/execute", "--body", body, "--connections", "8",
         "--seconds", "10", "--warmup", "0", "--record", record, "--first", str(number * 10_000_000)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        before = os.path.getsize(record) if os.path.exists(record) else 0
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and (
                not os.path.exists(record) or os.path.getsize(record) == before):
            time.sleep(0.002)
        time.sleep(delay)
        node.kill()
    finally:
        generator.kill()
        generator.wait()


def _check_run(node, run_id, calls):
    """What is wrong with one acknowledged run; None when all holds."""
    answer = node.get(f"/executions/{run_id}")
    if answer.status != 200:
        return f"lost: {answer.status}"
    run = answer.json
    if run["status"] != "success":
        return f"ended {run['status']}: {run.get('error')}"
    names = Counter(s["step_id"] for s in run["steps"])
    if names != Counter(["first", "effect", "last"]):
        return f"steps {dict(names)}"
    events = node.get(f"/executions/{run_id}/events?limit=500").json["items"]
    if [e["seq"] for e in events] != list(range(1, len(events) + 1)):
        return "events have a gap"
    done = Counter(e.get("node") for e in events if e["kind"] == "node_completed")
    if any(done[name] > 1 for name in names):
        return f"a step was recorded twice: {dict(done)}"
    output = next(s["output"] for s in run["steps"] if s["step_id"] == "last")
    if output.get("n") != run["input"]["n"]:
        return f"wrong output {output} for {run['input']}"
    number = run["input"]["n"]
    if not calls[number]:
        return "success without its call"
    return None


def run(binary, load, kills, say=print):
    """(passed, failed): one check a kill, and one each for lost, repeated and ended runs."""
    for path in (binary, load):
        if not os.path.exists(path):
            say(f"  FAIL {path} is not built")
            return 0, 1
    seed = int(os.environ.get("TROUPE_SEED", time.time_ns() % 1_000_000))
    chance = random.Random(seed)
    fh = FakeTarget()
    # Steps that many kills in a row interrupt are not poison here.
    node = Node("--http-allow", fh.address, "--interruptions-max", "1000", binary=binary)
    record = tempfile.mktemp(prefix="troupe-acknowledged-")
    passed = failed = 0
    try:
        say(f"  seed {seed} (TROUPE_SEED={seed} repeats the delays)")
        workflow_id = node.post("/workflows", _definition(fh)).json["id"]
        for number in range(1, kills + 1):
            _round(node, load, workflow_id, record, number, chance.uniform(0.02, 0.5))
            started = time.monotonic()
            node.start()
            passed += 1
            if number % max(1, kills // 10) == 0:
                lines = sum(1 for _ in open(record)) if os.path.exists(record) else 0
                say(f"  {number:4}/{kills} kills, {lines} acknowledged, "
                    f"ready in {(time.monotonic() - started) * 1000:.0f} ms")
        good, bad = _verdict(node, fh, record, say)
        passed, failed = passed + good, failed + bad
    except Exception as why:  # whatever happened, it is a failure of this test
        say(f"  FAIL after {passed} kills: {why}\n{node.log_tail()}")
        failed += 1
    finally:
        node.close()
        fh.close()
        if os.path.exists(record):
            os.unlink(record)
    return passed, failed


def _verdict(node, fh, record, say):
    with open(record) as file:
        acknowledged = [line.strip() for line in file if line.endswith("\n")]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        left = sum(node.get(f"/executions?status={s}&limit=1").json["total_count"]
                   for s in ("pending", "queued", "running", "waiting"))
        if not left:
            break
        time.sleep(0.1)
    calls = Counter(c.json["n"] for c in fh.calls("/effect"))
    by_key = Counter(c.key for c in fh.calls("/effect"))
    problems = {}
    for run_id in acknowledged:
        wrong = _check_run(node, run_id, calls)
        if wrong:
            problems[run_id] = wrong
    for run_id, wrong in list(problems.items())[:10]:
        say(f"  {run_id}: {wrong}")
    checks = [("something was acknowledged", bool(acknowledged)),
              ("every run ended within 10 s", not left),
              ("nothing acknowledged is lost, wrong or repeated", not problems),
              ("every call had a key", None not in by_key),
              ("one key a run", len(by_key) == len(calls))]
    for what, holds in checks:
        say(f"  {'pass' if holds else 'FAIL'} {what}")
    say(f"  {len(acknowledged)} acknowledged, {len(calls)} effects, "
        f"{sum(by_key.values()) - len(by_key)} attempts repeated after a kill")
    return sum(1 for _, h in checks if h), sum(1 for _, h in checks if not h)
