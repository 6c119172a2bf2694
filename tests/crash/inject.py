"""A node whose n-th system call of a kind kills it, or fails, as strace arranges.

strace counts each thread and each system call by itself: `when=N` strikes the first thread that
comes to its own N-th call. So a sweep over N meets the main thread while the store is opened and
recovered, and the writer, the HTTP threads and the views under load.
"""

import re
import shutil
import tempfile

CALLS = {"fdatasync": "fdatasync", "write": "write", "pwrite": "pwrite64", "send": "sendto"}
ACTIONS = {"kill": "signal=KILL", "eio": "error=EIO"}


class Injection:
    """One arrangement; `trace()` tells what struck once the node is gone."""

    def __init__(self, kind, when):
        """kind: one of CALLS for a kill, or "eio": the n-th fdatasync and fsync fail."""
        self.when = when
        self.calls = "fdatasync,fsync" if kind == "eio" else CALLS[kind]
        self.action = ACTIONS["eio" if kind == "eio" else "kill"]
        self.file = tempfile.NamedTemporaryFile(prefix="troupe-strace-")

    def wrapper(self):
        # -D: the node stays our child, so that its end and its status are its own. Strace 6.1
        # forgets injected signals, not errors, when it filters with --seccomp-bpf.
        fast = ["--seccomp-bpf"] if self.action.startswith("error") else []
        return ["strace", "-D", "-f", "-qq", "-y", "-ttt", *fast, "-o", self.file.name,
                "-e", f"trace={self.calls},exit_group", "-e", "signal=none",
                "-e", f"inject={self.calls}:{self.action}:when={self.when}"]

    def struck(self):
        """(seconds since 1970, name of the file or socket) of the first injected failure."""
        with open(self.file.name) as trace:
            for line in trace:
                if "(INJECTED)" in line:
                    at = re.search(r"(\d+\.\d+) (\w+)\(\d+<([^>]*)>", line)
                    return float(at[1]), at[3].rsplit("/", 1)[-1]
        return None

    def ended(self):
        """Seconds since 1970 of the process's own end."""
        with open(self.file.name) as trace:
            times = [float(m[1]) for m in (re.search(r"(\d+\.\d+) (exit_group\(|\+\+\+)", line)
                                           for line in trace) if m]
        return max(times, default=None)


def missing():
    return None if shutil.which("strace") else "strace is not installed (./dev setup)"
