"""Leaders of a cluster are killed under load, again and again, and the gap is measured.

Probes start runs all the time, each with a key that it takes to the next node when one is gone;
mixed clients do the rest. Every other kill takes the node that leads most (or control), the others
a node at random; it is started again before the next kill.
"""

import os
import random
import time

from checker import Terms
from clients import Clients
from fleet import Fleet
from record import Record
from settle import TermWatch, explain, judge
from target import Target
from workload import store

# A kill's effect is looked for in starts that were under way or began so long after it.
AFTER = 4.0


def percentiles(values):
    """p50, p90, p99 and the largest, in ms."""
    ordered = sorted(values)
    if not ordered:
        return {}
    at = {name: ordered[min(len(ordered) - 1, int(len(ordered) * share))]
          for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))}
    return {name: round(value * 1000) for name, value in {**at, "max": ordered[-1]}.items()}


class Leaders:
    def __init__(self, binary, nodes, seed, probes, clients, path):
        self.chance, self.target = random.Random(seed), Target()
        self.cluster = Fleet(nodes, "--http-allow", self.target.address, "--interruptions-max",
                             "1000", binary=binary)
        self.record, self.terms = Record(path), Terms()
        self.workflows = store(self.cluster, self.target.url)
        # A probe's client of its own remembers its starts: one prefix each.
        self.probes = [Clients(self.cluster, self.workflows, self.record, seed, 1, 12.0, ["chain"],
                               f"p{n}-") for n in range(probes)]
        self.mixed = Clients(self.cluster, self.workflows, self.record, seed, clients, 4.0)
        self.ready = []  # seconds from a node's start until it was ready
        self.kills = []  # (when, node, partitions it led, whether it led control)

    def close(self):
        self.cluster.close()
        self.target.close()
        self.record.close()

    def run(self, kills, say):
        watch = TermWatch(self.cluster, self.terms)
        watch.start()
        for team in [self.mixed, *self.probes]:
            team.begin()
        try:
            time.sleep(1.0)
            for number in range(kills):
                self.kill(number)
                if (number + 1) % max(1, kills // 10) == 0:
                    say(f"  {number + 1:4}/{kills} kills, "
                        f"{len(self.record.of('start'))} starts acknowledged")
            time.sleep(0.5)
        finally:
            for team in [self.mixed, *self.probes]:
                team.stopping.set()
            for team in [self.mixed, *self.probes]:
                team.end()
            watch.end()

    def victim(self, number):
        counts, control = self.cluster.leads()
        if number % 2:
            return self.chance.choice(self.cluster.nodes), counts, control
        most = max(counts, key=counts.get)
        leader = control if number % 4 == 0 and control else most
        return self.cluster.nodes[leader - 1], counts, control

    def kill(self, number):
        node, counts, control = self.victim(number)
        self.kills.append((time.monotonic(), node.number, counts[node.number],
                           control == node.number))
        node.kill()
        time.sleep(self.chance.uniform(1.0, 2.0))
        since = time.monotonic()
        node.start()
        self.ready.append(time.monotonic() - since)
        self.cluster.wait(self.cluster.everybody_leads_and_follows, 30)
        time.sleep(self.chance.uniform(0.2, 0.6))

    def gaps(self):
        """([first acknowledged start after a kill], [slowest start around it]) a client and kill,
        in seconds, for kills of nodes that led something."""
        by_client, first, slowest = {}, [], []
        for done in self.record.of("start"):
            if done.n.startswith("p"):
                by_client.setdefault(done.n.split("-")[0], []).append(
                    (done.invoked, done.returned))
        for at, _, led, _ in self.kills:
            for starts in by_client.values():
                after = [s for s in starts if s[1] > at and s[0] < at + AFTER]
                if led and after:
                    first.append(min(s[1] for s in after) - at)
                    slowest.append(max(s[1] - max(at, s[0]) for s in after))
        return first, slowest


def run(binary, kills, nodes=3, say=print, path=None):
    """(passed, failed): one check a kill, and one for all that is looked at afterwards."""
    seed = int(os.environ.get("TROUPE_SEED", time.time_ns() % 1_000_000))
    say(f"  seed {seed} (TROUPE_SEED={seed} repeats the choices)")
    work = Leaders(binary, nodes, seed, 16, 4, path)
    try:
        work.run(kills, say)
        first, slowest = work.gaps()
        figures, found = judge(work.cluster, work.record, work.target, work.terms,
                               work.workflows["chain"], say)
        explain(found, say)
        led = [kill for kill in work.kills if kill[2]]
        say(f"  {len(work.kills)} kills, {len(led)} of a node that led, "
            f"{sum(kill[3] for kill in led)} of control's leader; "
            f"{len(work.record.of('start'))} starts acknowledged, {figures['runs']} runs, "
            f"{figures['interrupted']} attempts interrupted")
        say(f"  gap, first start acknowledged after the kill, ms: {percentiles(first)}")
        say(f"  gap, slowest start around the kill, ms: {percentiles(slowest)}")
        say(f"  a killed node is ready again, ms: {percentiles(work.ready)}")
        say(f"  after the last fault: all nodes serve within {figures['serves_seconds']:.1f} s, "
            f"all runs have ended within {figures['ends_seconds']:.1f} s")
        lost = sum(1 for check, _, _ in found if check == "lost")
        repeated = sum(1 for check, _, _ in found if check in ("doubled", "calls", "history"))
        stuck = sum(1 for check, _, _ in found if check == "not terminal")
        say(f"  {len(work.kills)} leader kills, {lost} lost, {repeated} repeated, {stuck} not "
            f"terminal, {len(found)} findings")
        return kills + (not found), len(found)
    except Exception as why:  # whatever happened, it is a failure of this test
        say(f"  FAIL after {len(work.kills)} kills: {type(why).__name__}: {why}")
        return len(work.kills), 1
    finally:
        work.close()
