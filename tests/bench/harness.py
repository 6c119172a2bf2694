"""What every workload uses: nodes on scratch folders, the load generator, readings from outside."""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from support.node import Node

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Harness:
    """The binaries, the scratch folder and the sizes of one run of the benchmarks."""

    def __init__(self, build, quick):
        self.binary = os.path.join(build, "troupe")
        self.tool = os.path.join(build, "tests", "troupe_load")
        self.quick = quick
        self.seconds, self.warmup = (2, 0.5) if quick else (8, 2)
        self.repeats = 3
        self._numbers = 0
        parent = os.path.join(ROOT, "build", "bench")  # on a real disk: /tmp may be memory
        os.makedirs(parent, exist_ok=True)
        self.scratch = tempfile.mkdtemp(prefix="troupe-bench-", dir=parent)

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def node(self, *flags):
        """For `with`: a running node on a data directory of its own, killed at the end."""
        return contextlib.closing(
            Node(*flags, binary=self.binary, data_dir=tempfile.mkdtemp(dir=self.scratch)))

    def probe(self):
        """What the disk of the scratch folder gives right now."""
        done = subprocess.run([self.tool, "probe", self.scratch, "300" if self.quick else "1000"],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    # The load generator; options are its flags: connections=64 is --connections 64

    def load(self, port, **options):
        """Runs it to its end; its report."""
        done = subprocess.run(self._load_command(port, options), capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"the load generator got no answer: {done.stdout} {done.stderr}")
        return json.loads(done.stdout)

    def start_load(self, port, **options):
        """The running process; its report is lost."""
        return subprocess.Popen(self._load_command(port, options), stdout=subprocess.DEVNULL)

    def _load_command(self, port, options):
        self._numbers += 50_000_000  # inputs and keys are never used twice
        flags = {"port": port, "first": self._numbers, **options}
        return [self.tool, "run", *(word for name, value in flags.items()
                                    for word in (f"--{name}", str(value)))]


def executing(workflow_id, wait=True):
    """Options of load(): runs with an input of their own, answered at their end or at once."""
    return {"path": f"/api/v1/workflows/{workflow_id}/execute{'?wait=60' if wait else ''}",
            "body": '{"input_data": {"n": {n}}}'}


# Words for the API


def create(node, definition):
    answer = node.post("/workflows", definition)
    if answer.status != 201:
        raise RuntimeError(f"cannot store a workflow: {answer}")
    return answer.json["id"]


def run_once(node, workflow_id):
    return node.post(f"/workflows/{workflow_id}/execute?wait=10", {"input_data": {"n": 1}}).json


def count_runs(node, **where):
    """count_runs(node, workflow_id=…, status="success")"""
    query = "".join(f"{name}={value}&" for name, value in where.items())
    return node.get(f"/executions?{query}limit=1").json["total_count"]


def count_events(node, run):
    return node.get(f"/executions/{run}/events?limit=1").json["total_count"]


# Readings


def wait_until(holds, seconds, pause):
    """Whether `holds()` came true within `seconds`, asked again after each `pause`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def ms_since(started):
    return (time.monotonic() - started) * 1000


def start_ms(node, timeout=40):
    """Starts a node that is down; milliseconds until it is ready."""
    started = time.monotonic()
    node.start(timeout=timeout)
    return ms_since(started)


def cpu_seconds(node):
    """Processor time of the node since its start."""
    with open(f"/proc/{node.process.pid}/stat") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def drop_page_cache():
    subprocess.run(["sync"], check=False)
    try:
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("3\n")
    except OSError:
        print("    (the page cache could not be dropped: not root)")


def median_of(samples):
    """Per key the median over the samples, and min and max as "spread"."""
    values = {key: [sample[key] for sample in samples] for key in samples[0]}
    out = {key: round(statistics.median(found), 4) for key, found in values.items()}
    out["spread"] = {key: [round(min(found), 4), round(max(found), 4)]
                     for key, found in values.items()}
    return out
