"""The nodes of a cluster under test: where each lives, and what is done to it from outside."""

import json
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../blackbox", "../crash"):
    sys.path.insert(0, os.path.join(HERE, folder))

from support.cluster import Cluster  # noqa: E402
from support.node import Node, free_port  # noqa: E402

PASSWORD = "between-us"


class Fleet(Cluster):
    """A cluster whose nodes have a `place`: with a network each is in a namespace of its own.

    `data_dirs`: {number of a node: where it keeps its data}, for those with a disk of their own.
    """

    def __init__(self, size, *flags, binary=None, network=None, data_dirs=None):
        self.network, self.data_dirs, self.joined = network, dict(data_dirs or {}), 0
        super().__init__(size, *flags, "--password", PASSWORD, binary=binary)
        for node in self.nodes:
            node.token = PASSWORD

    def _node(self, start=False):
        number = len(self.nodes) + 1
        node = Node(*self.flags, binary=self.binary, start=False,
                    data_dir=self.data_dirs.get(number, f"{self.folder}/{number}"))
        node.token, node.number = PASSWORD, number
        node.log_path = f"{self.folder}/{number}.log"
        node.place = node.wrapper = self.network.wrapper(number) if self.network else []
        if self.network:
            node.host = self.network.client_host(number)
        return node

    def _peer_address(self, node):
        host = self.network.peer_host(node.number) if self.network else "127.0.0.1"
        return ["--cluster-host", host, "--cluster-port", str(free_port())]

    def found(self):
        node = self._node()
        self._begin(node)
        node.start()
        self.nodes.append(node)

    def _begin(self, node):
        self._succeeds(node.cli("cluster", "init", "--data-dir", node.data_dir,
                                *self._peer_address(node)))

    def join(self, by=None):
        by, node = by or self.nodes[0], self._node()
        invited = self._succeeds(by.cli("cluster", "invite", "--url", by.base, "--json",
                                        "--password", PASSWORD))
        self._succeeds(node.cli(
            "cluster", "join", by.base, "--token", json.loads(invited.stdout)["token"],
            "--data-dir", node.data_dir, *self._peer_address(node)))
        node.start()
        self.nodes.append(node)
        return node

    # Looking

    def leads(self, node=None):
        """How many partitions each node leads, by number, as one node tells; control's leader."""
        partitions = self.status(node)["partitions"]
        count = {one.number: 0 for one in self.nodes}
        for partition in partitions:
            if partition["leader"]:
                count[partition["leader"]] += 1
        return count, partitions[0]["leader"]

    def everybody_caught_up(self):
        """Every partition has one leader that all agree on, and nobody is behind it."""
        told = [self.status(node)["partitions"] for node in self.nodes]
        return all(len({(p["leader"], p["term"], p["applied"]) for p in same}) == 1
                   and same[0]["leader"] for same in zip(*told))

    def everybody_leads_and_follows(self):
        """Every node knows the leader of every partition."""
        return all(p["leader"] for node in self.nodes for p in self.status(node)["partitions"])

    # Doing

    def pause(self, node):
        node.process.send_signal(signal.SIGSTOP)

    def go_on(self, node):
        node.process.send_signal(signal.SIGCONT)

    def drain(self, node, on, by=None):
        return (by or node).post(f"/system/nodes/{node.number}/drain", {"draining": on})

    def stop(self):
        """SIGTERM to all at once; their exit statuses."""
        for node in self.nodes:
            node.process.send_signal(signal.SIGTERM)
        return [node.process.wait(60) for node in self.nodes]

    def close(self):
        for node in self.nodes:
            if node.process:
                self.go_on(node)
        super().close()
