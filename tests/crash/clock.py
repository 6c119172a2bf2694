"""Jumps of the wall clock and restarts, on runs that sleep (libfaketime; the monotonic clock is
left alone).

A run waits for some seconds (`delay`) or until a time (`time`). By the node's own wall clock none
may go on early; a delay that no restart interrupts may not end before so much time has passed; none
may be lost or doubled; and after a restart, or when it is due, a run goes on within a second. Only
a time that a jump of the running node's clock passed over may wait for the node's next look.
"""

import glob
import os
import random
import tempfile
import time

from load import FakeTarget, Node, edge, node, workflow
from verdict import OPEN, histories

HOUR, DAY = 3600, 86_400
LATE, ROUNDING = 1.0, 0.005
# A running node looks at the wall clock at least this often; so long a jump ahead goes unseen.
LOOK = 15.0
# Long before a run's own deadline, whatever the clock does.
RUN_TIMEOUT_MS = str(400 * DAY * 1000)


class FakeClock:
    """The wall clock of a node, `offset` seconds from ours. Read anew at every look."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile("w", prefix="troupe-clock-")
        self.offset = 0
        self.jump(0)

    @staticmethod
    def library():
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        return found[0] if found else None

    def env(self):
        # The system's allocator instead of jemalloc, which asks for the time before libfaketime can
        # tell it.
        return {"LD_PRELOAD": self.library() + " libc.so.6 libstdc++.so.6",
                "FAKETIME_TIMESTAMP_FILE": self.file.name,
                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def jump(self, seconds):
        self.offset += seconds
        # One write of one length: a look in between sees the old text or the new one.
        with open(self.file.name, "r+") as file:
            file.write(f"{self.offset:+012d}\n")

    def now(self):
        return time.time() + self.offset


class Sleeper:
    def __init__(self, id_, kind, number, seconds, due, started):
        self.id, self.kind, self.number = id_, kind, number
        self.seconds, self.due = seconds, due
        self.started = started  # when it was asked for, monotonic: it cannot have begun before
        self.ready = None      # when the last node that held it was ready, monotonic
        self.restarted = False
        self.jumped = False    # the clock of the running node jumped ahead while it slept


class Clocks:
    def __init__(self, binary):
        self.fh, self.clock = FakeTarget(), FakeClock()
        self.node = Node("--http-allow", self.fh.address, "--run-timeout-ms", RUN_TIMEOUT_MS,
                         binary=binary, env=self.clock.env())
        self.sleepers, self.asleep, self.wrong = [], [], []
        self.jumps = self.restarts = 0
        self.latest = self.latest_jump = 0.0
        self.changed = 0.0     # when the clock last jumped under a running node, monotonic
        self.workflows = {}
        call = node("woken", "ACTION", "HTTP_REQUEST", {
            "method": "POST", "url": self.fh.url + "/woken", "body": {"n": "{{ input.n }}"}})
        for kind, wait in (("delay", {"wait_type": "fixed_delay",
                                      "duration_seconds": "{{ input.seconds }}"}),
                           ("time", {"wait_type": "until_time",
                                     "wait_until": "{{ input.until }}"})):
            made = self.node.post("/workflows", workflow(
                nodes=[node("sleep", "FLOW", "WAIT", wait), call],
                edges=[edge("sleep", "woken")], name=kind))
            if made.status != 201:
                raise AssertionError(f"{made}")
            self.workflows[kind] = made.json["id"]

    def close(self):
        self.node.close()
        self.fh.close()

    def sleep(self, kind, seconds):
        due = self.clock.now() + seconds
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(due)) + f".{int(due % 1 * 1000):03d}Z"
        number = len(self.sleepers) + 1
        asked = time.monotonic()
        answer = self.node.post(f"/workflows/{self.workflows[kind]}/execute", {
            "input_data": {"n": number, "seconds": seconds, "until": text}})
        if answer.status != 202:
            raise AssertionError(f"{answer}")
        sleeper = Sleeper(answer.json["execution_id"], kind, number, seconds, due - ROUNDING,
                          asked)
        self.sleepers.append(sleeper)
        self.asleep.append(sleeper)

    def several(self, chance):
        for kind in ("delay", "time", "delay", "time"):
            self.sleep(kind, round(chance.uniform(0.6, 1.6), 3))

    def jump(self, seconds):
        self.clock.jump(seconds)
        self.jumps += 1

    def restart(self, jump=0):
        self.node.kill()
        if jump:
            self.jump(jump)
        self.node.start()
        self.restarts += 1
        for sleeper in self.asleep:
            sleeper.ready, sleeper.restarted = time.monotonic(), True

    def look(self, seconds):
        """Watches for so long; checks each run that wakes. Stops when none sleeps any more."""
        until = time.monotonic() + seconds
        while self.asleep and time.monotonic() < until:
            woken = {call.json["n"]: call.at for call in self.fh.calls("/woken")}
            for sleeper in [s for s in self.asleep if s.number in woken]:
                self._check(sleeper, woken[sleeper.number])
                self.asleep.remove(sleeper)
            time.sleep(0.01)

    def _check(self, sleeper, at):
        wall = at - time.monotonic() + self.clock.now()
        by_wall = sleeper.kind == "time" or sleeper.restarted
        # How long ago it could have gone on at the earliest; below 0 it was early.
        since = wall - sleeper.due if by_wall else at - sleeper.started - sleeper.seconds
        if since < -ROUNDING:
            self.wrong.append(f"{sleeper.id} ({sleeper.kind}) went on {-since:.3f} s early")
        if sleeper.jumped and sleeper.kind == "time":
            late, limit = at - self.changed, LOOK + LATE
            self.latest_jump = max(self.latest_jump, late)
        else:
            late, limit = min(since, at - (sleeper.ready or 0)), LATE
            self.latest = max(self.latest, late)
        if late > limit:
            self.wrong.append(f"{sleeper.id} ({sleeper.kind}) went on {late:.3f} s late")

    # Rounds

    def plain_restart(self, chance):
        self.several(chance)
        time.sleep(chance.uniform(0.1, 0.8))
        self.restart()
        self.look(5)

    def jump_while_running(self, chance, seconds):
        """Delays do not care; times that were ahead are due, or due much later."""
        self.several(chance)
        if seconds > 0:
            self.sleep("time", HOUR // 2)
        time.sleep(0.2)
        self.jump(seconds)
        self.changed = time.monotonic()
        for sleeper in self.asleep:
            sleeper.jumped = seconds > 0
        self.several(chance)
        self.look(LOOK + 2 if seconds > 0 else 4)
        if seconds < 0:
            self._nothing_but_times_before(seconds)
            self.restart(-seconds)
            self.look(5)

    def jump_while_down(self, chance, seconds):
        self.several(chance)
        time.sleep(0.2)
        self.restart(seconds)
        if seconds < 0:
            self.look(2)  # nobody wakes: all are due an hour or a day from now
            self.restart(-seconds)
        self.look(5)

    def _nothing_but_times_before(self, seconds):
        for sleeper in self.asleep:
            if sleeper.kind == "delay":
                self.wrong.append(f"{sleeper.id} (delay) sleeps on after a jump of {seconds} s")

    def finish(self):
        """Everybody woke once and ended well, by the log."""
        self.look(10)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and any(
                self.node.get(f"/executions?status={s}&limit=1").json["total_count"]
                for s in OPEN):
            time.sleep(0.05)
        self.node.terminate()
        found = histories(self.node)
        calls = [call.json["n"] for call in self.fh.calls("/woken")]
        lost = doubled = 0
        for sleeper in self.sleepers:
            history = found.get(sleeper.id)
            lost += history is None or history.status != "success"
            doubled += history is not None and (max(history.done.values(), default=0) > 1 or
                                                calls.count(sleeper.number)
                                                > 1 + history.interrupted["woken"])
        return lost, doubled


def plan(rounds, chance):
    """The words of each round; the first six have all kinds."""
    for number in range(rounds):
        jump = chance.choice((HOUR, DAY))
        yield (("plain_restart",), ("jump_while_running", jump), ("plain_restart",),
               ("jump_while_running", -jump), ("jump_while_down", jump),
               ("jump_while_down", -jump))[number % 6]


def run(binary, rounds, say=print):
    """(passed, failed): one check a round, and two at the end."""
    if not FakeClock.library():
        say("  FAIL libfaketime is not installed (./dev setup)")
        return 0, 1
    seed = int(os.environ.get("TROUPE_SEED", time.time_ns() % 1_000_000))
    say(f"  seed {seed}")
    chance, clocks, failed = random.Random(seed), Clocks(binary), 0
    try:
        for number, (name, *words) in enumerate(plan(rounds, chance)):
            before = len(clocks.wrong)
            getattr(clocks, name)(chance, *words)
            failed += len(clocks.wrong) > before
            for line in clocks.wrong[before:][:5]:
                say(f"  FAIL round {number + 1}, {name} {words}: {line}")
        lost, doubled = clocks.finish()
        for what, count in (("lost", lost), ("doubled", doubled)):
            failed += count > 0
            if count:
                say(f"  FAIL {count} runs {what}")
        early = sum("early" in line for line in clocks.wrong)
        say(f"  {clocks.jumps} jumps, {clocks.restarts} restarts, {len(clocks.sleepers)} runs "
            f"slept: {early} early, {lost} lost, {doubled} doubled, at most "
            f"{clocks.latest:.2f} s late ({clocks.latest_jump:.2f} s after a jump ahead)")
        return rounds + 2 - failed, failed
    except Exception as why:  # whatever happened, it is a failure of this test
        say(f"  FAIL {type(why).__name__}: {why}\n{clocks.node.log_tail()}")
        return 0, 1
    finally:
        clocks.close()
