"""A network of its own for each node: namespaces, and the switch that joins them.

Node n speaks to its peers from 10.77.0.n, through the switch, and to clients and HTTP targets over
a second, undisturbed link: it is 10.x.n.2 there, we are 10.x.n.1. Needs root and /dev/net/tun.
"""

import json
import os
import re
import subprocess
import sys

PEERS = "10.77.0"
HERE = os.path.dirname(os.path.abspath(__file__))


def _ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def _sweep():
    """Takes away what runs have left behind that were killed."""
    for name, pid in re.findall(r"^(trp(\d+)n\d+)", _ip("netns", "list"), re.MULTILINE):
        if not os.path.exists(f"/proc/{pid}"):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


class Network:
    """Raises OSError where this machine does not let us. HTTP targets listen at `target_host`."""

    def __init__(self, size, seed=0):
        self.size, self.prefix = size, f"trp{os.getpid()}"
        self.links, self.switch, self.target_host = {}, None, None
        try:
            self._make(seed)
        except (OSError, subprocess.SubprocessError) as why:
            self.close()
            raise OSError(why) from why

    def _make(self, seed):
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            raise OSError("/dev/net/tun cannot be opened")
        _sweep()
        self._take_addresses()
        self.switch = subprocess.Popen(
            [sys.executable, HERE + "/switch.py", str(seed),
             *[self._device(n) for n in range(1, self.size + 1)]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self._answered()
        for n in range(1, self.size + 1):
            self._add(n)

    def _take_addresses(self):
        """The first 10.x that no other run has."""
        for x in range(80, 250):
            try:
                _ip("address", "add", f"10.{x}.0.1/32", "dev", "lo")
            except OSError as why:
                if "exists" not in str(why) and "assigned" not in str(why):
                    raise
                continue
            self.ours, self.target_host = f"10.{x}", f"10.{x}.0.1"
            return
        raise OSError("no addresses are left for another network")

    def _device(self, n):
        return f"{self.prefix}t{n}"

    def _add(self, n):
        space, ours, device = self.namespace(n), f"{self.prefix}v{n}", self._device(n)
        _ip("netns", "add", space)
        _ip("link", "add", ours, "type", "veth", "peer", "name", "clients", "netns", space)
        _ip("address", "add", f"{self.ours}.{n}.1/30", "dev", ours)
        _ip("link", "set", ours, "up")
        _ip("link", "set", device, "netns", space)
        for device, address in (("lo", None), ("clients", f"{self.ours}.{n}.2/30"),
                                (device, f"{PEERS}.{n}/24")):
            if address:
                _ip("-n", space, "address", "add", address, "dev", device)
            _ip("-n", space, "link", "set", device, "mtu", "9000", "up")
        _ip("-n", space, "route", "add", "default", "via", f"{self.ours}.{n}.1")

    def close(self):
        for n in range(1, self.size + 1):
            for words in (["netns", "del", self.namespace(n)],
                          ["link", "del", f"{self.prefix}v{n}"]):
                subprocess.run(["ip", *words], capture_output=True)
        if self.target_host:
            subprocess.run(["ip", "address", "del", self.target_host + "/32", "dev", "lo"],
                           capture_output=True)
        if self.switch:
            self.switch.kill()
            self.switch.wait()

    def namespace(self, n):
        return f"{self.prefix}n{n}"

    def wrapper(self, n):
        """Words before a command that is to run at node n."""
        return ["ip", "netns", "exec", self.namespace(n)]

    def peer_host(self, n):
        return f"{PEERS}.{n}"

    def client_host(self, n):
        return f"{self.ours}.{n}.2"

    # Faults

    def disturb(self, pairs, **how):
        """From each (a, b) of `pairs`, packets from a to b: drop=True, or delay, jitter, loss,
        rate (switch.py)."""
        for pair in pairs:
            self.links[pair] = {**self.links.get(pair, {}), **how}
        self._tell()

    def heal(self, pairs, *words):
        """Takes the named disturbances off these pairs."""
        for pair in pairs:
            left = {k: v for k, v in self.links.get(pair, {}).items() if k not in words}
            self.links[pair] = left
        self._tell()

    def _tell(self):
        table = [[a, b, how] for (a, b), how in self.links.items() if how]
        self.switch.stdin.write(json.dumps(table) + "\n")
        self.switch.stdin.flush()
        self._answered()

    def _answered(self):
        if self.switch.stdout.readline().strip() != "ok":
            raise OSError("the switch between the nodes has ended")

    def reset(self, n):
        """Breaks every connection of node n with its peers."""
        subprocess.run([*self.wrapper(n), "ss", "-K", "dst", f"{PEERS}.0/24"], capture_output=True)
