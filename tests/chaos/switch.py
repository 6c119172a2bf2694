"""The switch between the nodes of a cluster, packet by packet, in a process of its own.

Each node's network namespace holds one end of a TUN device, this process the other. It drops,
delays and loses packets from one node to another as it is told: a line of JSON on standard input is
the table of what is not as usual, [[from, to, {"drop", "delay", "jitter", "loss", "rate"}], …]
(seconds, shares of 1, bytes a second), and is answered with "ok". Packets of a direction keep their
order; with a rate, what would wait for more than a second is lost.
"""

import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
# A link holds no more than this; what comes on top is lost.
QUEUED_MAX = 20_000


def open_device(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


class Switch:
    """`devices`: names of TUN devices; the n-th belongs to the node whose address ends in n + 1."""

    def __init__(self, devices, seed):
        self.ends = [open_device(name) for name in devices]
        self.chance, self.links = random.Random(seed), {}
        self.due, self.last, self.number = [], {}, 0

    def serve(self):
        waiting = select.epoll()
        for end in [*self.ends, sys.stdin.fileno()]:
            waiting.register(end, select.EPOLLIN)
        print("ok", flush=True)
        while True:
            left = max(0.0, self.due[0][0] - time.monotonic()) if self.due else -1
            for ready, _ in waiting.poll(left):
                if ready == sys.stdin.fileno():
                    line = sys.stdin.readline()
                    if not line:
                        return
                    self.links = {(a, b): how for a, b, how in json.loads(line)}
                    print("ok", flush=True)
                else:
                    self._take(ready)
            while self.due and self.due[0][0] <= time.monotonic():
                _, _, to, packet = heapq.heappop(self.due)
                self._send(to, packet)

    def _take(self, end):
        source = self.ends.index(end) + 1
        for _ in range(64):
            try:
                packet = os.read(end, 65536)
            except OSError:
                return  # nothing more, or the device is down: the namespace is going away
            target = packet[19] if len(packet) >= 20 and packet[0] >> 4 == 4 else 0
            if 1 <= target <= len(self.ends):
                self._forward(source, target, packet)

    def _forward(self, source, target, packet):
        how = self.links.get((source, target))
        at = self.last.get((source, target), 0.0)
        now = time.monotonic()
        if how:
            if how.get("drop") or self.chance.random() < how.get("loss", 0.0):
                return
            jitter = how.get("jitter", 0.0)
            if "rate" in how:
                at = max(at, now) + len(packet) / how["rate"]
                if at > now + 1:
                    return
            at = max(at, now + how.get("delay", 0.0) + self.chance.uniform(-jitter, jitter))
        if at <= now:
            return self._send(target, packet)
        if len(self.due) < QUEUED_MAX:
            self.last[(source, target)] = at
            self.number += 1
            heapq.heappush(self.due, (at, self.number, target, packet))

    def _send(self, target, packet):
        try:
            os.write(self.ends[target - 1], packet)
        except OSError:
            pass  # the device's queue is full, or it is down: the packet is lost


if __name__ == "__main__":
    # Unbuffered: a line that select() does not see would wait for the next one.
    sys.stdin = os.fdopen(0, "r", buffering=1)
    Switch(sys.argv[2:], int(sys.argv[1])).serve()
