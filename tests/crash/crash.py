"""Kills under load, again and again on one data directory.

Random: a node, mixed load over HTTP, SIGKILL after 20 to 500 ms of it; the next node starts on what
is left. Injected: the n-th system call of a kind kills the node (or fails, for `eio`), n swept over
1 to 200; after each, a plain start must hold everything. Nothing here believes the node about what
was acknowledged: load.py remembers that, verdict.py compares it with every history on the disk.
"""

import os
import random
import subprocess
import time

import inject
from load import Load, FakeTarget, Node
from verdict import judge

SWEEP = 200


class Crash:
    """One data directory, its load and its figures."""

    def __init__(self, binary, tool, seed, say):
        self.say, self.chance = say, random.Random(seed)
        self.fh = FakeTarget()
        # Steps that many kills in a row interrupt are not poison here.
        self.node = Node("--http-allow", self.fh.address, "--interruptions-max", "1000",
                         binary=binary)
        self.load = Load(self.node, tool, self.fh)
        self.kills = self.starting = self.missed = 0
        self.failures, self.slowest_end = [], 0.0

    def close(self):
        self.node.close()
        self.load.close()
        self.fh.close()

    def random_kill(self):
        self.load.begin()
        try:
            self.load.wait_for_first()
            time.sleep(self.chance.uniform(0.02, 0.5))
            self.node.kill()
        finally:
            self.load.end()
        self.kills += 1
        self.node.start()

    def injected(self, kind, when):
        """One node that dies at the n-th call; False when that many calls did not come."""
        struck = inject.Injection(kind, when)
        self.node.wrapper, logged = struck.wrapper(), len(self.node.log_text())
        try:
            self.node.start(ready=False)
            loaded = self._ready()
            if loaded:
                self.load.begin()
            try:
                self.node.process.wait(20)
            except subprocess.TimeoutExpired:
                self.missed += 1
            finally:
                self.node.kill()
                if loaded:
                    self.load.end()
        finally:
            self.node.wrapper = []
        self.kills += 1
        self.starting += not loaded
        if kind == "eio":
            self._check_failed_sync(struck, when, loaded, self.node.log_text()[logged:])
        elif self.node.process.returncode != -9:
            self.failures.append((f"n = {when}", f"it ended with {self.node.process.returncode}"))
        self.node.start()

    def _ready(self):
        """Whether the node became ready before it died."""
        try:
            self.node.wait_ready()
            return True
        except AssertionError:
            if self.node.alive():
                raise
            return False

    def _check_failed_sync(self, struck, when, loaded, log):
        """A node that serves ends with its own status; one that starts says why it cannot."""
        status, hit, ended = self.node.process.returncode, struck.struck(), struck.ended()
        line = "a write to the disk failed; the process ends" if loaded else "Input/output error"
        if not hit or line not in log or status not in ((74,) if loaded else (1, 74)):
            self.failures.append((f"n = {when}", f"struck {hit}, ended with {status}: {log}"))
        if hit and ended:
            self.slowest_end = max(self.slowest_end, ended - hit[0])
            if ended - hit[0] > 1:
                self.failures.append((f"n = {when}", f"{hit[1]}: ended after {ended - hit[0]} s"))

    def judge(self):
        verdict = judge(self.node, self.load, self.fh)
        for what, words in (verdict.problems() + self.failures)[:10]:
            self.say(f"  {what}: {words}")
        return verdict


def run(binary, tool, kills, say=print, kind=None):
    """(passed, failed): one check a kill, and one for each promise at the end."""
    for path in (binary, tool):
        if not os.path.exists(path):
            say(f"  FAIL {path} is not built")
            return 0, 1
    if kind and inject.missing():
        say(f"  FAIL {inject.missing()}")
        return 0, 1
    seed = int(os.environ.get("TROUPE_SEED", time.time_ns() % 1_000_000))
    say(f"  seed {seed} (TROUPE_SEED={seed} repeats the choices)")
    crash = Crash(binary, tool, seed, say)
    try:
        if kind:
            crash.node.terminate()
            verdict = _sweep(crash, kind, kills, seed)
        else:
            for number in range(1, kills + 1):
                crash.random_kill()
                if number % max(1, kills // 10) == 0:
                    say(f"  {number:4}/{kills} kills, {crash.load.acknowledged()} acknowledged")
            verdict = crash.judge()
        return _report(crash, verdict, say, kind)
    except Exception as why:  # whatever happened, it is a failure of this test
        say(f"  FAIL after {crash.kills} kills: {type(why).__name__}: {why}\n"
            f"{crash.node.log_tail()}")
        return crash.kills, 1
    finally:
        crash.close()


def _sweep(crash, kind, kills, seed):
    """n evenly over 1 to SWEEP, from a start within the stride; judged after each. Seeds that are
    `kills` apart, as the pieces of a long run have, meet every n in the end."""
    stride = max(1, SWEEP // kills)
    first = seed // kills % stride
    for number in range(kills):
        when = (first + number * stride) % SWEEP + 1
        crash.injected(kind, when)
        verdict = crash.judge()
        if verdict.problems() or crash.failures:
            crash.say(f"  FAIL at n = {when} of {kind}")
            break
    return verdict


def _report(crash, verdict, say, kind):
    acknowledged = crash.load.acknowledged()
    figures = {"failed syncs" if kind == "eio" else "kills": crash.kills - crash.missed,
               "acknowledged": acknowledged, "lost": len(verdict.lost),
               "repeated": len(verdict.repeated),
               "not terminal": len(verdict.unfinished), "histories verified": verdict.verified,
               "histories re-decided": verdict.redecided}
    checks = [("something was acknowledged", acknowledged > 0),
              ("nothing acknowledged is lost", not verdict.lost),
              ("nothing that was finished happened again", not verdict.repeated),
              ("every run ended", not verdict.unfinished),
              ("every history is whole and decides the same again", not verdict.wrong)]
    if kind:
        checks.append(("every node met its n-th call and ended as it should",
                       not crash.failures and not crash.missed))
        say(f"  n-th {kind}: {crash.starting} of {crash.kills} died while starting")
    if kind == "eio":
        say(f"  longest time from a failed sync to the end: {crash.slowest_end * 1000:.0f} ms")
    for what, holds in checks:
        say(f"  {'pass' if holds else 'FAIL'} {what}")
    say("  " + ", ".join(f"{number} {name}" for name, number in figures.items()))
    good = sum(1 for _, holds in checks if holds)
    return crash.kills + good, len(checks) - good
