"""Mixed load on a cluster under every fault there is, then an independent look at all of it."""

import json
import os
import shutil
import tempfile
import time

from checker import Terms
from clients import Clients
from fleet import Fleet
from nemesis import Nemesis, SmallDisk
from network import Network
from record import Record
import registers
from settle import TermWatch, explain, judge
from target import Target
from workload import store

# So that whoever was away gets whole states now and then, not only the log.
TRIMMED = ("--log-entries-kept", "20", "--retention-sweep-ms", "500")


class Faults:
    """A cluster of its own with everything around it."""

    def __init__(self, binary, nodes, seed, path, say):
        self.folder = tempfile.mkdtemp(prefix="troupe-faults-")
        self.network = self.disk = self.cluster = self.target = None
        self.record, self.terms = Record(path), Terms()
        try:
            self.network = Network(nodes, seed)
        except OSError as why:
            say(f"  WITHOUT NETWORK FAULTS: {why} (they need root, namespaces and /dev/net/tun)")
        try:
            self.disk = SmallDisk(f"{self.folder}/disk")
        except OSError as why:
            say(f"  WITHOUT A FULL DISK: {why}")
        self.target = Target(self.network.target_host if self.network else "127.0.0.1")
        own = {nodes: f"{self.folder}/disk/data"} if self.disk else {}
        self.cluster = Fleet(nodes, "--http-allow", self.target.address, "--interruptions-max",
                             "1000", *TRIMMED, binary=binary, network=self.network,
                             data_dirs=own)
        self.workflows = store(self.cluster, self.target.url)
        self.clients = Clients(self.cluster, self.workflows, self.record, seed,
                               registers=registers.store(self.cluster))
        self.nemesis = Nemesis(self.cluster, seed, say,
                               (nodes, self.disk) if self.disk else None)

    def close(self, keep):
        for part in (self.cluster, self.target, self.network, self.record):
            if part:
                if part is self.cluster and keep:
                    shutil.copytree(self.cluster.folder, keep, dirs_exist_ok=True)
                    if self.disk:
                        shutil.copytree(f"{self.folder}/disk/data", f"{keep}/disk",
                                        dirs_exist_ok=True)
                part.close()
        if self.disk:
            self.disk.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, seconds, say):
        watch = TermWatch(self.cluster, self.terms)
        watch.start()
        self.clients.begin()
        try:
            time.sleep(0.5)
            self.nemesis.work(seconds)
        finally:
            self.clients.end()
            watch.end()


def _table(figures, say):
    say(f"  {'operation':18} {'ok':>7} {'refused':>8} {'unknown':>8} {'tries':>7}")
    for name, row in figures.items():
        say(f"  {name:18} {row.get('ok', 0):7} {row.get('refused', 0):8} "
            f"{row.get('unknown', 0):8} {row['tries']:7}")


def run(binary, seconds, nodes=3, say=print, seed=None, report=None):
    """(passed, failed): one check for each kind of fault, and one for what was found."""
    seed = seed or int(os.environ.get("TROUPE_SEED", time.time_ns() % 1_000_000))
    say(f"  {nodes} nodes, seed {seed} (--seed {seed} repeats the choices)")
    folder = os.path.dirname(report) if report else tempfile.gettempdir()
    os.makedirs(folder, exist_ok=True)
    path = f"{folder}/cluster-faults-operations.jsonl"
    kept, work, found = None, None, []
    try:
        work = Faults(binary, nodes, seed, path, say)
        work.run(seconds, say)
        nemesis = work.nemesis
        figures, found = judge(work.cluster, work.record, work.target, work.terms,
                               work.workflows["chain"], say, nemesis.skews)
        found += nemesis.found
        figures["ready_seconds"] = nemesis.slowest
        figures["operations"], figures["faults"] = work.record.figures(), dict(nemesis.counts)
        _table(figures["operations"], say)
        say("  faults: " + ", ".join(f"{count} {name}" for name, count
                                     in sorted(nemesis.counts.items())))
        for name, why in nemesis.left_out.items():
            say(f"  left out: {name} ({why})")
        explain(found, say)
        say(f"  after each fault: all nodes ready within {nemesis.slowest:.1f} s")
        say(f"  after the last fault: all nodes serve within {figures['serves_seconds']:.1f} s, "
            f"all runs have ended within {figures['ends_seconds']:.1f} s")
        if report:
            _write(report, seed, seconds, nodes, figures, found, nemesis)
        kept = f"{folder}/cluster-faults-{seed}" if found else None
        operations = len(work.record.operations)
        say(f"  {seconds} s, {sum(nemesis.counts.values())} faults of {len(nemesis.counts)} kinds, "
            f"{operations} operations, {figures['runs']} runs, {figures['events']} events, "
            f"{len(found)} findings")
        if found:
            say(f"  seed {seed}; data and logs of the nodes are in {kept}, operations in {path}")
        return len(nemesis.counts) + (not found), len(found)
    except Exception as why:  # whatever happened, it is a failure of this test
        say(f"  FAIL {type(why).__name__}: {why}")
        kept = f"{folder}/cluster-faults-{seed}"
        return 0, 1
    finally:
        if work:
            work.close(kept)


def _write(path, seed, seconds, nodes, figures, found, nemesis):
    with open(path, "w") as file:
        json.dump({"seed": seed, "seconds": seconds, "nodes": nodes, **figures,
                   "left_out": nemesis.left_out,
                   "course": [[round(wall, 3), words] for _, wall, words in nemesis.events],
                   "findings": [{"check": check, "what": what, "words": words,
                                 "again": f"./dev test faults cluster --seconds {seconds} "
                                          f"--nodes {nodes} --seed {seed}"}
                                for check, what, words in found]}, file, indent=1)
        file.write("\n")
