"""Faults on the nodes of a cluster, each with its end, alone and two at a time."""

import os
import random
import subprocess
import time
from collections import Counter
from http.client import HTTPException

import fleet  # noqa: F401 (the path to inject and clock)
from clock import FakeClock
import inject

# A lease is the election timeout; a pause beyond it outlives every leadership.
BEYOND_LEASE = (1.5, 5.0)
SERVES_WITHIN = 10.0
ABSENT = (6.0, 12.0)


class SmallDisk:
    """A tmpfs that shrinks to what is used, and grows again. Raises OSError where it cannot be."""

    SIZE = 6 << 30

    def __init__(self, path):
        self.path = path
        os.makedirs(path, exist_ok=True)
        self._mount(f"size={self.SIZE}")

    def _mount(self, options):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.path],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise OSError(done.stderr.strip())

    def fill(self, left):
        room = os.statvfs(self.path)
        used = (room.f_blocks - room.f_bfree) * room.f_frsize
        self._mount(f"remount,size={used + left}")

    def free(self):
        self._mount(f"remount,size={self.SIZE}")

    def close(self):
        subprocess.run(["umount", "-l", self.path], capture_output=True)


class Nemesis:
    """`disk`: (node's number, SmallDisk) or None. `skews`: when clocks were wrong."""

    def __init__(self, cluster, seed, say, disk=None):
        self.cluster, self.chance, self.say = cluster, random.Random(seed), say
        self.network, self.disk = cluster.network, disk
        self.counts, self.skews, self.found, self.busy = Counter(), [], [], set()
        self.slowest = 0.0  # from a fault's end until every node was ready, seconds
        self.events = []  # (when, the same by the clock, words)
        self.left_out = {}
        self.kinds = self._possible()

    def _possible(self):
        kinds = ["kill", "kill_leader", "kill_two", "absence", "terminate_each", "pause",
                 "pause_leader", "pause_beyond_lease", "fsync", "clock"]
        wire = ["split", "isolate", "isolate_leader", "deaf", "mute", "latency", "loss_5",
                "loss_20", "narrow", "flapping", "resets"]
        if self.network:
            kinds += wire + (["bridge"] if len(self.cluster.nodes) > 3 else [])
        else:
            self.left_out.update(dict.fromkeys(wire, "no network namespaces"))
        if self.disk:
            kinds.append("full_disk")
        else:
            self.left_out["full_disk"] = "no tmpfs"
        if inject.missing():
            kinds.remove("fsync")
            self.left_out["fsync"] = inject.missing()
        if not FakeClock.library():
            kinds.remove("clock")
            self.left_out["clock"] = "no libfaketime"
        return kinds

    # The course of a run

    def work(self, seconds):
        """Faults until `seconds` are over; every kind comes before any comes again."""
        until, deck = time.monotonic() + seconds, []
        while time.monotonic() < until - 2:
            deck = deck or self.chance.sample(self.kinds, len(self.kinds))
            names = [deck.pop()]
            if self.chance.random() < 0.35 and deck:
                names.append(deck.pop())
            self.episode(names)
            time.sleep(min(self.chance.uniform(0.3, 1.5), max(0.0, until - time.monotonic())))

    def episode(self, names):
        """One fault, or two that overlap; all is healed after it."""
        heals, self.busy = [], set()
        try:
            for name in names:
                self.note(name)
                heal = getattr(self, name)()
                self.counts[name] += 1
                if heal:
                    heals.append((name, heal))
                time.sleep(self.chance.uniform(0.2, 0.8))
            if heals:
                time.sleep(self.chance.uniform(0.5, 3.0))
        finally:
            for name, heal in heals:
                heal()
                self.note(f"end of {name}")
            self.all_up()

    def note(self, words):
        self.events.append((time.monotonic(), time.time(), words))

    def all_up(self):
        """All is healed: whoever is not there is started, and all are ready soon."""
        since = time.monotonic()
        for node in self.cluster.nodes:
            if not node.alive():
                node.start(ready=False)
        for node in self.cluster.nodes:
            try:
                node.wait_ready(SERVES_WITHIN)
            except AssertionError as why:
                self.found.append(("restart", f"node {node.number}", str(why)[-1500:]))
                if not node.alive():
                    node.env, node.wrapper = {}, node.place
                    node.start(ready=False)
        self.slowest = max(self.slowest, time.monotonic() - since)

    def _start(self, node):
        """Starts it; it may not become ready before all is healed, but it may not end."""
        node.start(ready=False)
        until = time.monotonic() + 2
        while node.alive() and time.monotonic() < until:
            try:
                if node.get("/health/ready", root=True, timeout=1).status == 200:
                    return
            except (OSError, HTTPException):
                pass
            time.sleep(0.05)
        if not node.alive():
            self.found.append(("restart", f"node {node.number}", f"ended with "
                               f"{node.process.returncode}: {node.log_tail(15)[-1500:]}"))

    # Whom

    def _any(self):
        free = [n for n in self.cluster.nodes if n.number not in self.busy and n.alive()]
        node = self.chance.choice(free or self.cluster.nodes)
        self.busy.add(node.number)
        return node

    def _leader(self):
        """Who leads control or most; any other when nobody tells."""
        for asked in self.cluster.nodes:
            try:
                counts, control = self.cluster.leads(asked)
                number = (control if self.chance.random() < 0.5 and control
                          else max(counts, key=counts.get))
                self.busy.add(number)
                return self.cluster.nodes[number - 1]
            except (OSError, AssertionError, KeyError, ValueError):
                continue
        return self._any()

    def _others(self, node):
        return [n for n in self.cluster.nodes if n is not node]

    # Processes: a node that was killed is back a moment later

    def _kill(self, node):
        node.kill()
        return lambda: self._start(node)

    def kill(self):
        return self._kill(self._any())

    def kill_leader(self):
        return self._kill(self._leader())

    def absence(self):
        """A node is gone so long that the others have let go of the log that it lacks."""
        heal = self._kill(self._any())
        time.sleep(self.chance.uniform(*ABSENT))
        return heal

    def kill_two(self):
        one, two = self._any(), self._any()
        heals = [self._kill(one), self._kill(two)] if one is not two else [self._kill(one)]

        def heal():
            # Both at once: one of three alone is ready without a majority, or not at all.
            for node in (one, two):
                if not node.alive():
                    node.start(ready=False)
        return heal if len(heals) > 1 else heals[0]

    def terminate_each(self):
        """A rolling restart, without drains."""
        for node in self.cluster.nodes:
            if not node.alive():
                continue
            status = node.terminate()
            if status != 0:
                self.found.append(("stop", f"node {node.number}",
                                   f"SIGTERM ended it with {status}"))
            self._start(node)

    def _pause(self, node, seconds):
        self.cluster.pause(node)
        time.sleep(self.chance.uniform(*seconds))
        self.cluster.go_on(node)

    def pause(self):
        self._pause(self._any(), (0.1, 0.8))

    def pause_leader(self):
        self._pause(self._leader(), (0.3, 1.2))

    def pause_beyond_lease(self):
        self._pause(self._leader(), BEYOND_LEASE)

    # The network

    def _cut(self, pairs, **how):
        self.network.disturb(pairs, **how)
        return lambda: self.network.heal(pairs, *how)

    def _around(self, node):
        mine = node.number
        return [pair for other in self._others(node)
                for pair in ((mine, other.number), (other.number, mine))]

    def _all_pairs(self):
        numbers = [node.number for node in self.cluster.nodes]
        return [(a, b) for a in numbers for b in numbers if a != b]

    def split(self):
        """Two nodes do not reach each other; everybody else reaches both."""
        a, b = self._any().number, self._any().number
        return self._cut([(a, b), (b, a)], drop=True)

    def isolate(self):
        return self._cut(self._around(self._any()), drop=True)

    def isolate_leader(self):
        return self._cut(self._around(self._leader()), drop=True)

    def deaf(self):
        """One that hears nobody, and is heard."""
        node = self._leader()
        return self._cut([(o.number, node.number) for o in self._others(node)], drop=True)

    def mute(self):
        """One that hears everybody, and is not heard."""
        node = self._leader()
        return self._cut([(node.number, o.number) for o in self._others(node)], drop=True)

    def bridge(self):
        """Two halves that only one node joins."""
        numbers = [node.number for node in self.cluster.nodes]
        self.chance.shuffle(numbers)
        half = len(numbers) // 2
        left, right = numbers[:half], numbers[half + 1:]
        return self._cut([pair for a in left for b in right for pair in ((a, b), (b, a))],
                         drop=True)

    def latency(self):
        return self._cut(self._all_pairs(), delay=0.1, jitter=0.05)

    def loss_5(self):
        return self._cut(self._all_pairs(), loss=0.05)

    def loss_20(self):
        return self._cut(self._all_pairs(), loss=0.20)

    def narrow(self):
        """256 kbit/s between any two."""
        return self._cut(self._all_pairs(), rate=32_000)

    def flapping(self):
        """One is cut off and back, some times."""
        pairs = self._around(self._any())
        for _ in range(6):
            self.network.disturb(pairs, drop=True)
            time.sleep(self.chance.uniform(0.1, 0.7))
            self.network.heal(pairs, "drop")
            time.sleep(self.chance.uniform(0.1, 0.7))

    def resets(self):
        """Every connection between nodes is broken, some times."""
        for _ in range(3):
            for node in self.cluster.nodes:
                self.network.reset(node.number)
            time.sleep(self.chance.uniform(0.2, 0.6))

    # Disk and clock

    def fsync(self):
        """A node whose n-th sync fails: it must end, with its own status, and start again."""
        node, when = self._any(), self.chance.randrange(20, 120)
        node.kill()
        struck = inject.Injection("eio", when)
        node.wrapper = node.place + struck.wrapper()
        logged = len(node.log_text())
        node.start(ready=False)
        node.wrapper = node.place
        self.note(f"fsync {when} at node {node.number}")

        def heal():
            try:
                status = node.process.wait(6)
                if status not in (1, 74):
                    self.found.append(("fsync", f"node {node.number}",
                                       f"ended with {status} after a failed sync: "
                                       f"{node.log_text()[logged:][-800:]}"))
            except subprocess.TimeoutExpired:
                self.note("the sync that was to fail did not come")
                node.kill()
            self._start(node)
        return heal

    def full_disk(self):
        number, disk = self.disk
        node = self.cluster.nodes[number - 1]
        pid = node.process.pid if node.alive() else None
        disk.fill(self.chance.choice((0, 1 << 20, 24 << 20)))

        def heal():
            disk.free()
            if pid and not node.alive() and node.process.pid == pid and number not in self.busy:
                self.found.append(("full disk", f"node {number}",
                                   f"ended with {node.process.returncode}: {node.log_tail(8)}"))
        return heal

    def clock(self):
        """A node under a clock that jumps, ahead and back; with its own clock again after it."""
        node, fake = self._any(), FakeClock()
        begun, off = time.time(), self.chance.choice((-6, -2, 3, 7))
        node.kill()
        node.env = fake.env()
        self._start(node)
        fake.jump(off)

        def heal():
            fake.jump(-off)
            time.sleep(0.5)
            node.kill()
            node.env = {}
            self._start(node)
            self.skews.append((begun, time.time(), abs(off) + 1))
        return heal
