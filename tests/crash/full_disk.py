"""A full disk under load, and its end: on a small tmpfs that a file fills up, which needs root.

Each round fills the disk, nearly (the node's own reserve refuses) or to the last byte (the disk
refuses); writes must answer 507 within a second while reads go on, and must be taken again within
ten seconds after the file is gone, by the same process. Then verdict.py looks at everything.
"""

import os
import subprocess
import tempfile
import time

from load import FakeTarget, Load, Node
from verdict import judge

SIZE = 400 << 20
NEARLY = 16 << 20
REFUSED_WITHIN, ACCEPTED_WITHIN = 1.0, 10.0


class SmallDisk:
    """A tmpfs; `fill(left)` leaves that many bytes to others."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="troupe-small-disk-")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", self.path],
                              capture_output=True, text=True)
        self.mounted = done.returncode == 0
        self.why = done.stderr.strip()

    def fill(self, left):
        hog = os.open(self.path + "/hog", os.O_WRONLY | os.O_CREAT)
        try:
            at = os.fstat(hog).st_size
            while True:
                room = os.statvfs(self.path)
                more = room.f_bavail * room.f_frsize - left
                if more <= 0:
                    break
                at += os.pwrite(hog, bytes(min(more, 8 << 20)), at)
        except OSError:
            pass  # somebody else took the last pages
        finally:
            os.close(hog)

    def free(self):
        os.unlink(self.path + "/hog")

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.path], check=False)
        os.rmdir(self.path)


def _until(ask, seconds):
    """How long until `ask` holds; None when it does not in time."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if ask():
            return time.monotonic() - started
        time.sleep(0.02)
    return None


def _one(node, load, disk, left, known):
    """One full disk and back: ({figure: seconds}, what failed)."""
    wrong, figures = [], {}
    started = f"/workflows/{load.workflows['quick']}/execute"

    def status():
        # Large enough that the disk has no room for it; whatever is taken counts as acknowledged.
        answer = node.post(started, {"input_data": {"n": "x" * 20_000}}, timeout=10)
        if answer.status == 202:
            load.runs[answer.json["execution_id"]] = "quick"
        return answer.status

    load.begin()
    load.wait_for_first()
    time.sleep(0.1)
    disk.fill(left)
    figures["refused"] = _until(lambda: status() == 507, 5)
    if figures["refused"] is None or figures["refused"] > REFUSED_WITHIN:
        wrong.append(f"no 507 within {REFUSED_WITHIN} s: {figures['refused']}")
    full_since = time.monotonic()
    while time.monotonic() - full_since < 1:
        began = time.monotonic()
        if status() != 507:
            wrong.append("a write was taken while the disk was full")
        slow = time.monotonic() - began
        if slow > REFUSED_WITHIN:
            wrong.append(f"a refusal took {slow:.1f} s")
        for path in (f"/executions/{known}", "/executions?limit=5", "/workflows?limit=5"):
            if node.get(path, timeout=5).status != 200:
                wrong.append(f"GET {path} fails while the disk is full")
        time.sleep(0.05)
    disk.free()
    figures["accepted"] = _until(lambda: status() == 202, 20)
    if figures["accepted"] is None or figures["accepted"] > ACCEPTED_WITHIN:
        wrong.append(f"no write taken within {ACCEPTED_WITHIN} s: {figures['accepted']}")
    load.end()
    return figures, wrong


def run(binary, tool, rounds, say=print):
    """(passed, failed): one check a round, and one at the end."""
    disk = SmallDisk()
    if not disk.mounted:
        disk.close()
        say(f"  SKIPPED: A FULL DISK NEEDS A TMPFS, AND MOUNTING FAILED ({disk.why}). RUN AS ROOT.")
        return 0, 0
    fh = FakeTarget()
    node = Node("--http-allow", fh.address, binary=binary, data_dir=disk.path + "/data",
                start=False)
    node.log_path = disk.path + ".log"
    load, passed, failed, worst = None, 0, 0, {"refused": 0.0, "accepted": 0.0}
    try:
        node.start()
        load = Load(node, tool, fh)
        known = load._start("quick")
        first = node.process.pid
        for number in range(rounds):
            figures, wrong = _one(node, load, disk, 0 if number % 2 else NEARLY, known)
            worst = {name: max(worst[name], figures[name] or 99.0) for name in worst}
            if not node.alive() or node.process.pid != first:
                wrong.append(f"the node ended with {node.process.poll()}")
            passed, failed = passed + (not wrong), failed + bool(wrong)
            for line in dict.fromkeys(wrong):
                say(f"  FAIL round {number + 1}: {line}")
            if not node.alive():
                break
        verdict = judge(node, load, fh)
        for what, words in verdict.problems()[:10]:
            say(f"  FAIL {what}: {words}")
        passed, failed = passed + (not verdict.problems()), failed + bool(verdict.problems())
        say(f"  {passed + failed - 1} full disks, {load.acknowledged()} acknowledged, "
            f"{len(verdict.lost)} lost, {len(verdict.repeated)} repeated, "
            f"{len(verdict.unfinished)} not terminal; 507 after {worst['refused']:.2f} s, "
            f"accepted again after {worst['accepted']:.2f} s, at most")
    except Exception as why:  # whatever happened, it is a failure of this test
        say(f"  FAIL {type(why).__name__}: {why}\n{node.log_tail()}")
        failed += 1
    finally:
        node.kill()
        if load:
            load.close()
        fh.close()
        disk.close()
        if os.path.exists(node.log_path):
            os.unlink(node.log_path)
    return passed, failed
