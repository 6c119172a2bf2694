"""Three nodes that a test takes for one: what it asks goes to the next of them each time.

A write on one node is read on another, as behind a load balancer. What a client is told by
`Troupe-Position` it sends along, as the API asks of clients that change nodes.
"""

import re
import threading

from .cluster import Cluster
from .node import Answer, Node

# What a node answers for itself: the test switches and settings of a process go to all of them.
OF_EACH_NODE = ("/system/faults", "/system/log-level")


def summed(texts):
    """Prometheus lines of several nodes as `sum()` over them would give."""
    lines, totals = [], {}
    for text in texts:
        for line in text.splitlines():
            name, _, value = line.rpartition(" ")
            if line.startswith("#") or not name:
                if line not in lines:
                    lines.append(line)
                continue
            if name not in totals:
                lines.append(name)
            totals[name] = totals.get(name, 0.0) + float(value)
    return "\n".join(f"{line} {totals[line]:.15g}" if line in totals else line
                     for line in lines) + "\n"


class ClusterNode:
    """The face of `Node`. Killing, ending and starting it means all three, unless `one_by_one`:
    then `restart()` is a SIGKILL of one node, the next each time, while the others go on."""

    def __init__(self, *flags, env=None, one_by_one=False):
        self._turn, self._lock, self._seen, self._restarts = 0, threading.Lock(), {}, 0
        self._log, self._read = "", [0, 0, 0]
        self.one_by_one = one_by_one
        self.cluster = Cluster(3, *flags, "--cluster-rebalance-ms", "200", env=env)
        self.nodes = self.cluster.nodes
        self.cluster.wait(self._settled)

    # Which node

    def _leaders(self):
        """The number of the node that leads each partition; control is the first."""
        asked = self.nodes[0].get("/system/nodes", headers=self.cluster.authorization())
        return [one["leader"] for one in asked.json["partitions"]]

    def _settled(self):
        """Whether each partition is led by the node whose turn it is: then none of them moves."""
        return all(leader == p % 3 + 1 for p, leader in enumerate(self._leaders()))

    def next(self):
        """The next node that runs; the next one, when none does."""
        with self._lock:
            for _ in self.nodes:
                self._turn += 1
                found = self.nodes[self._turn % len(self.nodes)]
                if found.alive():
                    break
            return found

    @property
    def port(self):
        return self.next().port

    @property
    def base(self):
        return self.next().base

    # Settings: the same for all

    def _shared(name):  # noqa: N805 (makes a property)
        def write(self, value):
            for node in self.nodes:
                setattr(node, name, type(value)(value) if isinstance(value, (list, dict)) else value)
        return property(lambda self: getattr(self.nodes[0], name), write)

    token, flags, env = _shared("token"), _shared("flags"), _shared("env")

    # Of the first: its files after all have ended, its binary

    @property
    def data_dir(self):
        return self.nodes[0].data_dir

    @property
    def binary(self):
        return self.nodes[0].binary

    @property
    def process(self):
        return self.nodes[0].process

    # Life

    def start(self, ready=True, timeout=40):
        for node in self.nodes:
            if not node.alive():
                node.start(ready=False)
        if ready:
            self.wait_ready(timeout)
            self.cluster.wait(self._settled, timeout)
        return self

    def wait_ready(self, timeout=40):
        for node in self.nodes:
            node.wait_ready(timeout)

    def kill(self):
        for node in self.nodes:
            if node.alive():
                node.process.kill()
        for node in self.nodes:
            node.kill()

    def restart(self):
        if not self.one_by_one:
            self.kill()
            return self.start()
        self._restarts += 1
        self.nodes[self._restarts % len(self.nodes)].restart()
        return self

    def terminate(self, timeout=60):
        """SIGTERM to one after the other, as when a cluster is taken down with care; the first node,
        whose files are looked at, is the last. The worst exit status."""
        self.nodes[0].get("/executions?limit=1", headers=self._positions())  # it has all by then
        return max((node.terminate(timeout) for node in reversed(self.nodes)), key=abs)

    def alive(self):
        return all(node.alive() for node in self.nodes)

    def close(self):
        self.cluster.close()

    # Looking

    def log_text(self):
        """Grows at its end only, whichever node writes."""
        for i, node in enumerate(self.nodes):
            text = node.log_text()
            self._log += text[self._read[i]:]
            self._read[i] = len(text)
        return self._log

    def log_tail(self, lines=15):
        return "\n".join(f"node {i + 1}:\n{node.log_tail(lines)}"
                         for i, node in enumerate(self.nodes))

    def rss_bytes(self):
        return max(node.rss_bytes() for node in self.nodes)

    def disk_bytes(self):
        return max(node.disk_bytes() for node in self.nodes)

    def cli(self, *arguments, **more):
        return self.nodes[0].cli(*arguments, **more)

    # HTTP

    def request(self, method, path, body=None, headers=None, root=False, **more):
        if root and path == "/metrics":
            return self._metrics(method, headers)
        if path.startswith(OF_EACH_NODE) and method != "GET":
            return self._each(method, path, body, headers, **more)
        send = dict(headers or {})
        if "Troupe-Position" not in send and not root:
            send.update(self._positions())
        answer = self.next().request(method, path, body, send, root, **more)
        self._note(answer.headers.get("troupe-position", ""))
        return answer

    def _positions(self):
        with self._lock:
            seen = ", ".join(f"{p}:{i}" for p, i in self._seen.items())
        return {"Troupe-Position": seen} if seen else {}

    def _note(self, text):
        for partition, index in re.findall(r"(\d+):(\d+)", text):
            with self._lock:
                self._seen[partition] = max(int(index), self._seen.get(partition, 0))

    def _each(self, method, path, body, headers, **more):
        answers = [node.request(method, path, body, headers, **more)
                   for node in self._meant(body) if node.alive()]
        return max(answers, key=lambda answer: answer.status)

    def _meant(self, body):
        """A fault of control or a partition is for the node that leads it, and one of the API for
        the first node. The one that leads a run is not known here: all are told."""
        actor = body.get("actor", "") if isinstance(body, dict) else ""
        if actor == "api":
            self._turn = len(self.nodes) - 1  # which is asked next
            return self.nodes[:1]
        if actor in ("control", "limiter") or re.fullmatch(r"partition:\d+", actor):
            leader = self._leaders()[int(actor.partition(":")[2] or 0)]
            return [self.nodes[leader - 1]]
        return self.nodes

    def _metrics(self, method, headers):
        answers = [node.request(method, "/metrics", None, headers, True) for node in self.nodes
                   if node.alive()]
        worst = max(answers, key=lambda answer: answer.status)
        if worst.status != 200:
            return worst
        return Answer(200, worst.headers.items(), summed(a.text for a in answers).encode())

    get, post, put, patch, delete = Node.get, Node.post, Node.put, Node.patch, Node.delete

    def raw(self, *arguments, **more):
        return self.next().raw(*arguments, **more)
