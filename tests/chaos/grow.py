"""One node with data becomes three under load; then each of the three is restarted in turn.

A node that runs alone is stopped once, for `troupe cluster init`; clients go on trying meanwhile.
The joins and the restarts (drain, SIGTERM, start, undrain) may cost retries with the same key, no
more.
"""

import os
import time

from checker import Terms
from clients import Clients
from fleet import Fleet
from record import OK, UNKNOWN, Record
from settle import TermWatch, explain, judge
from target import Target
from workload import store

RUNS_BEFORE = 3000


class Growing(Fleet):
    """Begins as one node that is no cluster."""

    def __init__(self, *flags, binary=None):
        super().__init__(1, *flags, binary=binary)

    def found(self):
        node = self._node()
        node.start()
        self.nodes.append(node)

    def wait_whole(self, timeout=60):
        return super().wait_whole(timeout) if len(self.nodes) > 1 else None

    def become_a_cluster(self):
        """Seconds without a node, between SIGTERM and ready."""
        node, since = self.nodes[0], time.monotonic()
        status = node.terminate()
        if status != 0:
            raise AssertionError(f"SIGTERM ended the node with {status}")
        self._begin(node)
        node.start()
        return time.monotonic() - since


class Phase:
    """What the clients met between two moments."""

    def __init__(self, name, since, until):
        self.name, self.since, self.until = name, since, until

    def count(self, operations):
        mine = [o for o in operations if self.since <= o.invoked < self.until]
        failed = [o for o in mine if o.outcome == UNKNOWN and o.op not in ("get", "events")]
        return {"operations": len(mine), "retries": sum(len(o.tries) - 1 for o in mine),
                "retried": sum(len(o.tries) > 1 for o in mine), "failed": len(failed),
                "reads unanswered": sum(o.outcome != OK and o.op in ("get", "events")
                                        for o in mine),
                "slowest": max((o.returned - o.invoked for o in mine), default=0.0)}


class Grow:
    def __init__(self, binary, seed, path, say):
        self.say, self.phases = say, []
        self.target, self.record, self.terms = Target(), Record(path), Terms()
        self.cluster = Growing("--http-allow", self.target.address, "--interruptions-max", "1000",
                               binary=binary)
        self.workflows = store(self.cluster, self.target.url)
        self.seed = seed

    def close(self):
        self.cluster.close()
        self.target.close()
        self.record.close()

    def phase(self, name, work):
        since = time.monotonic()
        told = work()
        time.sleep(1.0)
        self.phases.append(Phase(name, since, time.monotonic()))
        return told

    def fill(self):
        """Data of before: finished runs, and some that wait over all that follows."""
        quick = Clients(self.cluster, self.workflows, self.record, self.seed, 16, None,
                        ["chain", "chain", "chain", "timer"], "before")
        quick.begin()
        while len(self.record.operations) < RUNS_BEFORE:
            time.sleep(0.05)
        quick.end()
        waiting = Clients(self.cluster, self.workflows, self.record, self.seed, 1, None, None, "w")
        for kind in ("signalled", "asking", "endless") * 20:
            waiting.all[0].start_run(kind)
        self.waiting = waiting

    def run(self):
        self.fill()
        clients = Clients(self.cluster, self.workflows, self.record, self.seed)
        clients.begin()
        watch = None
        try:
            self.phase("alone", lambda: None)
            down = self.phase("cluster init", self.cluster.become_a_cluster)
            self.say(f"  `cluster init` needs a stop: no node for {down:.2f} s")
            watch = TermWatch(self.cluster, self.terms)
            watch.start()
            for number in (2, 3):
                self.phase(f"join of node {number}", self.cluster.join)
            self.cluster.wait_whole()
            self.phase("three nodes", lambda: time.sleep(1))
            for node in self.cluster.nodes:
                self.phase(f"restart of node {node.number}", lambda n=node: self.restart(n))
        finally:
            clients.end()
            if watch:
                watch.end()
        # What waited since before there was a cluster is done now.
        self.waiting.rate = None
        while True:
            what = self.waiting.agenda.take()
            if not what:
                if not self.waiting.agenda.waits():
                    break
                time.sleep(0.05)
                continue
            getattr(self.waiting.all[0], what[0])(*what[1:])

    def restart(self, node):
        drained = self.cluster.drain(node, True)
        if drained.status != 200:
            raise AssertionError(f"drain: {drained}")
        self.cluster.wait(lambda: self.cluster.leads(node)[0][node.number] == 0, 20)
        status = node.terminate()
        if status != 0:
            raise AssertionError(f"SIGTERM ended node {node.number} with {status}")
        node.start()
        self.cluster.wait(lambda: self.cluster.drain(node, False).status == 200, 10)
        self.cluster.wait(self.cluster.everybody_leads_and_follows, 20)


def run(binary, say=print, path=None):
    """(passed, failed): one check a phase, and one for all that is looked at afterwards."""
    seed = int(os.environ.get("TROUPE_SEED", time.time_ns() % 1_000_000))
    say(f"  seed {seed}")
    work = Grow(binary, seed, path, say)
    try:
        work.run()
        passed = failed = 0
        for phase in work.phases:
            figures = phase.count(work.record.operations)
            wrong = figures["failed"] > 0
            passed, failed = passed + (not wrong), failed + wrong
            say(f"  {'FAIL' if wrong else 'pass'} {phase.name:18} {figures['operations']:5} "
                f"operations, {figures['retried']:4} retried {figures['retries']:5} times, "
                f"{figures['failed']} failed, {figures['reads unanswered']} reads unanswered, "
                f"slowest {figures['slowest']:.2f} s")
        figures, found = judge(work.cluster, work.record, work.target, work.terms,
                               work.workflows["chain"], say)
        explain(found, say)
        say(f"  {figures['runs']} runs, {figures['events']} events on three nodes, "
            f"{sum(1 for check, _, _ in found if check == 'lost')} lost, {len(found)} findings")
        return passed + (not found), failed + len(found)
    except Exception as why:  # whatever happened, it is a failure of this test
        say(f"  FAIL {type(why).__name__}: {why}")
        return len(work.phases), 1
    finally:
        work.close()
