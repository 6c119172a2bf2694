"""What the clients asked and were told: every operation with its tries, in memory and in a file.

The file has one JSON object a line: {"op", "kind", "n", "run", "key", "outcome", "value", "tries":
[[node, sent, answered, status or error], …]}; times are monotonic seconds of this machine.
"""

import json
import threading
from collections import Counter

# Of an operation: it happened; it certainly did not; nobody knows.
OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"
# What a node may answer under faults. Anything else is a finding.
EXPECTED = {200, 201, 202, 409, 429, 503, 507}


class Operation:
    """One call of a client, tried at one node after another until somebody knows.

    `n` is the number of the run that it is about, `key` its Idempotency-Key, `value` what it read
    or asked for; `invoked` is when the first try was sent, `returned` when the last was answered.
    """

    __slots__ = ("op", "kind", "n", "run", "key", "tries", "outcome", "value", "ids")

    def __init__(self, op, kind, n, run=None, key=None, value=None):
        self.op, self.kind, self.n, self.run, self.key, self.value = op, kind, n, run, key, value
        self.tries, self.outcome, self.ids = [], UNKNOWN, set()

    @property
    def invoked(self):
        return self.tries[0][1]

    @property
    def returned(self):
        return self.tries[-1][2]

    def words(self):
        tried = ", ".join(f"node {node} {status}" for node, _, _, status in self.tries[-4:])
        return f"{self.op} {self.kind} n={self.n} key={self.key}: {self.outcome} ({tried})"


class Record:
    """Thread-safe. `path`: the file; None keeps it in memory only."""

    def __init__(self, path=None):
        self.operations, self.strange = [], []
        self._file, self._lock = open(path, "w") if path else None, threading.Lock()

    def add(self, done):
        line = json.dumps({"op": done.op, "kind": done.kind, "n": done.n, "run": done.run,
                           "key": done.key, "outcome": done.outcome, "value": done.value,
                           "tries": done.tries})
        with self._lock:
            self.operations.append(done)
            if self._file:
                self._file.write(line + "\n")

    def unexpected(self, words):
        with self._lock:
            self.strange.append(words)

    def close(self):
        if self._file:
            self._file.close()

    # Figures

    def of(self, op, outcome=OK):
        return [one for one in self.operations if one.op == op and one.outcome == outcome]

    def figures(self):
        """{operation: {outcome: how many}}, with the tries that it took."""
        table = {}
        for one in self.operations:
            row = table.setdefault(f"{one.op} {one.kind}" if one.op == "start" else one.op,
                                   Counter())
            row[one.outcome] += 1
            row["tries"] += len(one.tries)
        return {name: dict(row) for name, row in sorted(table.items())}
