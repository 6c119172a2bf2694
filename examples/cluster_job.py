#!/usr/bin/env python3
"""Three nodes on this machine: a job given to one, another killed under it, the result on the third.

The nodes are the real binary with mutual TLS between them; nothing is simulated.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from main_job import (ROOT, STARTED, Server, Service, Wrong, check, free_port, paint, say, start_run,
                      statuses, until, verify)

DATA = os.path.join(ROOT, ".troupe", "cluster")


def cluster_command(binary, *arguments):
    done = subprocess.run([binary, "cluster", *arguments], capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise Wrong(f"troupe cluster {arguments[0]} ended with {done.returncode}: "
                    f"{(done.stderr or done.stdout).strip()}")
    return done.stdout


def make_node(binary, number, port, service):
    folder = os.path.join(DATA, str(number))
    return Server(binary, free_port(port), service.address, folder, folder + ".log")


def begin(binary, port, service):
    """Node 1 founds the cluster; the others are let in by it."""
    first = make_node(binary, 1, port, service)
    peer = ("--cluster-host", "127.0.0.1", "--cluster-port")
    cluster_command(binary, "init", "--data-dir", first.data, *peer, str(free_port(7171)))
    say(f"node 1 founded the cluster, ready after {first.start() * 1000:.0f} ms: {first.url}", "1")
    nodes = [first]
    for number in (2, 3):
        token = json.loads(cluster_command(binary, "invite", "--url", first.url, "--json"))["token"]
        node = make_node(binary, number, port + number - 1, service)
        cluster_command(binary, "join", first.url, "--token", token, "--data-dir", node.data, *peer,
                        str(free_port(7170 + number)))
        nodes.append(node)
        say(f"node {number} joined with a single-use token, ready after "
            f"{node.start() * 1000:.0f} ms: {node.url}", "1")
    return nodes


def partitions(node):
    return node.get("/system/nodes")["partitions"]


def leaders(node):
    count = {1: 0, 2: 0, 3: 0}
    for one in partitions(node):
        if one["leader"]:
            count[one["leader"]] += 1
    return count


def job(nodes, service):
    until(lambda: all(len(p["voters"]) == 3 for p in partitions(nodes[0])), "three replicas", 60)
    until(lambda: all(n > 0 for n in leaders(nodes[0]).values()), "shared leadership", 60)
    say("every partition has three replicas; they are led by "
        + ", ".join(f"node {n}: {count}" for n, count in leaders(nodes[0]).items()))
    # A node keeps what it is given where it leads a partition: without one it passes the job on.
    nodes[0].ask("POST", "/api/v1/system/nodes/1/drain", {"draining": True})
    until(lambda: leaders(nodes[0])[1] == 0, "node 1 without leadership")
    say("node 1 is drained: it leads nothing, and serves all the same")
    run, data = start_run(nodes[0], service)
    until(lambda: statuses(nodes[0], run).get("licence") == "success"
          and statuses(nodes[0], run).get("system") == "success"
          and service.count("/count/packages") == 1, "the middle of the run")
    led_by = partitions(nodes[0])[int(run.split("-")[2][1:], 16)]["leader"]
    say(f"in the middle of the run, which node {led_by} leads")
    check(led_by != 1, "the run was given to node 1 and is led by another")
    victim = nodes[led_by - 1]
    asked, shown = (node for node in nodes if node is not victim)
    victim.process.send_signal(signal.SIGKILL)
    victim.process.wait()
    say(f"SIGKILL: node {led_by} is dead", "1;31")
    killed = time.monotonic()
    service.held.set()
    nodes[0].ask("POST", "/api/v1/system/nodes/1/drain", {"draining": False})
    until(lambda: leaders(shown)[led_by] == 0, "new leaders for its partitions")
    say(f"its partitions have new leaders after {time.monotonic() - killed:.2f} s")

    def review():
        found = [r for r in asked.get("/reviews/pending")["items"] if r["execution_id"] == run]
        return found[0] if found else None

    pending = until(review, "the review")
    asked.command("review", "approve", pending["review_id"])
    say("approved with `troupe review approve` on one of the two nodes that are left")
    done = until(lambda: (lambda r: r if r.get("completed_at") else None)(
        shown.get(f"/executions/{run}")), "the end of the run")
    say(f"the other one, {shown.url}, shows the result:")
    verify(shown, service, run, done, data)
    say(f"node {led_by} is back, ready after {victim.start() * 1000:.0f} ms", "1")
    until(lambda: victim.get(f"/executions/{run}")["status"] == "success", "the run on it")
    check(True, "the run is complete there too")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--troupe", default=os.path.join(ROOT, "build", "release", "troupe"))
    parser.add_argument("--port", type=int, default=7070, help="of the first node; others follow")
    parser.add_argument("--exit", action="store_true", help="stop the nodes at the end")
    options = parser.parse_args()
    binary = os.path.abspath(options.troupe)
    if not os.path.exists(binary):
        print(f"{binary} is not there: run ./dev build troupe", file=sys.stderr)
        return 1
    shutil.rmtree(DATA, ignore_errors=True)
    os.makedirs(DATA)
    service = Service()
    nodes = []
    try:
        nodes = begin(binary, options.port, service)
        job(nodes, service)
        say(f"all held, in {time.monotonic() - STARTED:.1f} s", "1;32")
        if not options.exit:
            print(f"\n{paint('1', 'The cluster is still serving.')} Try:")
            for node in nodes:
                print(f"  {binary} cluster status --url {node.url}")
            print("Press Ctrl-C to stop it.", flush=True)
            nodes[0].process.wait()
        return 0
    except (Wrong, OSError, KeyError, subprocess.TimeoutExpired) as why:
        say(f"FAILED: {why}", "1;31")
        for number in (1, 2, 3):
            path = os.path.join(DATA, f"{number}.log")
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as log:
                    print(f"--- node {number}", "".join(log.readlines()[-8:]), sep="\n",
                          file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
        return 0
    finally:
        for node in nodes:
            node.stop()


if __name__ == "__main__":
    sys.exit(main())
