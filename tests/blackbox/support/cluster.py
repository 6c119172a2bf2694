"""Several real nodes on this machine that are one cluster."""

import json
import shutil
import tempfile
import time

from .node import Node, free_port


class Cluster:
    """`nodes[0]` founds it, the others join it one after the other."""

    def __init__(self, size=3, *flags, env=None, binary=None, folder=None):
        self.flags, self.env, self.binary = flags, env, binary
        self.folder = folder or tempfile.mkdtemp(prefix="troupe-cluster-")
        self.password = (env or {}).get("TROUPE_PASSWORD")
        if "--password" in flags:
            self.password = flags[flags.index("--password") + 1]
        self.nodes = []
        self.found()
        for _ in range(size - 1):
            self.join()
        self.wait_whole()
        for node in self.nodes:
            node.token = None  # a test says by itself who it is

    def _node(self, start=False):
        node = Node(*self.flags, env=self.env, binary=self.binary, start=start,
                    data_dir=f"{self.folder}/{len(self.nodes) + 1}")
        node.token = self.password
        return node

    def found(self):
        node = self._node()
        self._succeeds(node.cli("cluster", "init", "--data-dir", node.data_dir, "--cluster-host",
                                "127.0.0.1", "--cluster-port", str(free_port())))
        node.start()
        self.nodes.append(node)

    def join_later(self):
        """A node that is not made yet, nor of the cluster."""
        return Node(*self.flags, env=self.env, binary=self.binary, start=False,
                    data_dir=f"{self.folder}/later-{free_port()}")

    def join(self, by=None, flags=()):
        """A node more, let in by one that runs. `flags` go to `cluster join`."""
        by = by or self.nodes[0]
        secret = {"TROUPE_PASSWORD": self.password} if self.password else {}
        invited = self._succeeds(by.cli("cluster", "invite", "--url", by.base, "--json",
                                        env=secret))
        node = self._node()
        self._succeeds(node.cli(
            "cluster", "join", by.base, "--token", json.loads(invited.stdout)["token"], "--data-dir",
            node.data_dir, "--cluster-host", "127.0.0.1", "--cluster-port", str(free_port()), *flags))
        node.start()
        self.nodes.append(node)
        return node

    @staticmethod
    def _succeeds(done):
        if done.returncode != 0:
            raise AssertionError(f"{done.args}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def authorization(self):
        password = self.nodes[0].env.get("TROUPE_PASSWORD", self.password)
        return {"Authorization": f"Bearer {password}"} if password else {}

    # Looking

    def up(self):
        return [node for node in self.nodes if node.alive()]

    def status(self, node=None):
        answer = (node or self.up()[0]).get("/system/nodes")
        assert answer.status == 200, answer
        return answer.json

    def number(self, node):
        return self.nodes.index(node) + 1

    def leader(self, partition=0):
        """The node that leads a partition; None: nobody is known."""
        leader = self.status()["partitions"][partition]["leader"]
        return self.nodes[leader - 1] if leader else None

    def wait_whole(self, timeout=60):
        """Until every partition has all nodes as voters (three at most) and a leader."""
        voters = min(3, len(self.nodes))
        return self.wait(lambda: all(len(p["voters"]) == voters and p["leader"]
                                     for p in self.status()["partitions"]), timeout)

    def wait(self, condition, timeout=30):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except (OSError, AssertionError, KeyError):
                pass
            time.sleep(0.05)
        raise AssertionError(f"it did not happen in {timeout} s:\n" + "\n".join(
            f"--- node {i + 1}\n{node.log_tail(15)}" for i, node in enumerate(self.nodes)))

    def close(self):
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
