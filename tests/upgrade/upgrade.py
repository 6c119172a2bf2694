"""A cluster of an older build is upgraded node by node, under load: nothing acknowledged is lost, and
no client meets an error that a retry does not cure."""

import http.client
import itertools
import subprocess
import threading
import time

from support.cluster import Cluster

CURED_WITHIN = 30.0  # seconds of retries
FLAGS = ("--partitions", "8")


class Load(threading.Thread):
    """Starts runs one after the other on all nodes in turn, each until it is acknowledged."""

    def __init__(self, nodes, workflow, name):
        super().__init__(daemon=True)
        self.nodes, self.workflow, self.name_ = nodes, workflow, name
        self.started, self.retried, self.wrong = {}, 0, []
        self.ending = threading.Event()

    def run(self):
        turns = itertools.cycle(self.nodes)
        for n in itertools.count():
            if self.ending.wait(0.005):
                return
            self.start_run(f"{self.name_}-{n}", turns)

    def start_run(self, key, turns):
        until = time.monotonic() + CURED_WITHIN
        while True:
            try:
                got = next(turns).post(f"/workflows/{self.workflow}/execute", {"input_data": {}},
                                       headers={"Idempotency-Key": key}, timeout=15)
                last = f"{got.status} {got.text[:200]}"
                if got.status in (200, 202):
                    self.started[key] = got.json["execution_id"]
                    return
                if got.status < 500 and got.status not in (409, 429):
                    break
            except (OSError, http.client.HTTPException) as why:
                last = repr(why)
            self.retried += 1
            if time.monotonic() > until:
                break
            time.sleep(0.05)
        self.wrong.append(f"{key}: {last}")


def ask(binary, at, *words):
    done = subprocess.run([binary, "cluster", *words, "--url", at.base], capture_output=True,
                          text=True, timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"cluster {' '.join(words)}: {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout.strip().splitlines()[0]


def replace(cluster, node, new, say):
    number = str(cluster.number(node))
    other = next(one for one in cluster.nodes if one is not node)
    ask(new, other, "drain", number)
    before = time.monotonic()
    node.terminate()
    node.binary = new
    node.start()
    cluster.wait(lambda: all(one["connected"] and one["lag"] == 0
                             for one in cluster.status(other)["items"]), 60)
    ask(new, other, "drain", number, "--off")
    say(f"  node {number} runs the new build, away for {time.monotonic() - before:.1f} s")


def verify(cluster, loads, say):
    """How many runs are not as they were acknowledged."""
    started = {key: run for load in loads for key, run in load.started.items()}
    bad = []
    for key, run in started.items():
        node = cluster.nodes[hash(key) % len(cluster.nodes)]
        try:
            cluster.wait(lambda n=node, r=run: n.get(f"/executions/{r}").json["status"] == "success",
                         20)
        except AssertionError:
            bad.append(f"{run}: {node.get(f'/executions/{run}')}")
    for node in cluster.nodes:
        cluster.wait(lambda n=node: n.get("/workflows/stats/overview").json["total"] == len(started), 30)
    say(f"  {len(started)} runs were acknowledged, {len(bad)} of them are not whole; "
        f"{sum(load.retried for load in loads)} requests were sent again")
    return bad


def run(old, new, say):
    """(passed, failed) of the whole."""
    cluster = Cluster(3, *FLAGS, binary=old)
    loads = []
    try:
        made = cluster.nodes[0].post("/workflows", {"name": "upgrade", "steps": [
            {"step_id": "a", "skill_type": "echo", "parameters": {}, "depends_on": []},
            {"step_id": "b", "skill_type": "echo", "parameters": {}, "depends_on": ["a"]}]})
        assert made.status == 201, made
        workflow = made.json["id"]
        cluster.wait(lambda: all(n.get(f"/workflows/{workflow}").status == 200
                                 for n in cluster.nodes))
        loads = [Load(cluster.nodes, workflow, f"load-{i}") for i in range(2)]
        for load in loads:
            load.start()
        time.sleep(1)
        for node in cluster.nodes:
            replace(cluster, node, new, say)
            time.sleep(0.5)
        say(f"  finalize: {ask(new, cluster.nodes[0], 'finalize')}")
        time.sleep(0.5)
        for load in loads:
            load.ending.set()
        for load in loads:
            load.join(CURED_WITHIN + 20)
        wrong = [one for load in loads for one in load.wrong] + verify(cluster, loads, say)
        for one in wrong[:10]:
            say(f"  FAIL {one}")
        return (0, 1) if wrong else (1, 0)
    except (AssertionError, OSError, KeyError, subprocess.TimeoutExpired) as why:
        say(f"  FAIL {why}")
        return 0, 1
    finally:
        for load in loads:
            load.ending.set()
        cluster.close()
