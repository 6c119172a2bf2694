"""Clients of a cluster: each does a little of everything, and remembers what it was told.

A call goes to one node, and to the next with the same Idempotency-Key when that one is gone, slow
or unable; what a run needs (a signal, a decision, a cancellation) comes from any client, at any
node.
"""

import heapq
import http.client
import itertools
import json
import random
import threading
import time
import traceback

from record import EXPECTED, OK, REFUSED, Operation
from workload import FOLLOW_UPS, SHARES

PATIENCE, PAUSE = 15.0, 0.03
TRY_SECONDS = 4.0
RECENT = 400
SETS = 0.04
READS = 0.25  # of all calls, beside those that look at once after another call
KINDS, WEIGHTS = list(SHARES), list(SHARES.values())


class Agenda:
    """What is to be done for runs, each at its time. Thread-safe."""

    def __init__(self):
        self._heap, self._lock, self._numbers = [], threading.Lock(), itertools.count()

    def put(self, at, what):
        with self._lock:
            heapq.heappush(self._heap, (at, next(self._numbers), what))

    def take(self):
        """What is due, or None."""
        with self._lock:
            if self._heap and self._heap[0][0] <= time.monotonic():
                return heapq.heappop(self._heap)[2]
        return None

    def waits(self):
        """Whether there is something for later."""
        with self._lock:
            return bool(self._heap)


class Clients:
    """`rate`: calls a second of each client; None: as fast as they are answered."""

    def __init__(self, cluster, workflows, record, seed, count=16, rate=8.0, kinds=None,
                 prefix="r", registers=()):
        self.cluster, self.workflows, self.record = cluster, workflows, record
        self.kinds, self.rate, self.agenda = kinds, rate, Agenda()
        self.registers = registers
        self.numbers, self.prefix, self.recent = itertools.count(1), prefix, []
        self.stopping = threading.Event()
        self.all = [Client(self, n, random.Random(f"{seed} {prefix} {n}")) for n in range(count)]

    def begin(self):
        for one in self.all:
            one.start()

    def end(self):
        self.stopping.set()
        for one in self.all:
            one.join(PATIENCE + 2 * TRY_SECONDS)


class Client(threading.Thread):
    def __init__(self, team, number, chance):
        super().__init__(daemon=True)
        self.team, self.number, self.chance = team, number, chance
        self.connections = {}
        self.at = number  # the node that is asked next

    def run(self):
        team = self.team
        while not team.stopping.is_set():
            begun = time.monotonic()
            try:
                self.step()
            except Exception:  # an answer that makes no sense is a finding, not our end
                team.record.unexpected(traceback.format_exc())
            if team.rate:
                pause = self.chance.uniform(0.5, 1.5) / team.rate - (time.monotonic() - begun)
                team.stopping.wait(max(0.0, pause))
        for connection in self.connections.values():
            connection.close()

    def step(self):
        team = self.team
        if team.kinds:  # plain load: nothing but starts
            return self.start_run(self.chance.choice(team.kinds))
        what = team.agenda.take()
        if what:
            return getattr(self, what[0])(*what[1:])
        if team.registers and self.chance.random() < SETS:
            return self.set_register(self.chance.choice(team.registers))
        if self.chance.random() < READS and team.recent:
            return self.read(*self.chance.choice(team.recent))
        self.start_run(self.chance.choices(KINDS, WEIGHTS)[0])

    # Operations

    def start_run(self, kind):
        team = self.team
        n = f"{team.prefix}{next(team.numbers)}"
        seconds = round(self.chance.uniform(0.1, 2.0), 3) if kind == "timer" else 0
        done = Operation("start", kind, n, key=f"key-{n}", value=seconds)
        body = {"input_data": {"n": n, "seconds": seconds}}
        answer = self.perform(done, "POST", f"/workflows/{team.workflows[kind]}/execute", body,
                              self.remember_run)
        if answer and done.outcome == OK:
            team.recent.append((done.run, kind, n))
            if len(team.recent) > RECENT:
                del team.recent[:RECENT // 4]
            if kind in FOLLOW_UPS:
                what, least, most = FOLLOW_UPS[kind]
                team.agenda.put(time.monotonic() + self.chance.uniform(least, most),
                                (what, done.run, kind, n))

    @staticmethod
    def remember_run(done, answer):
        done.run = answer["execution_id"]
        done.ids.add(done.run)

    def signal(self, run, kind, n):
        done = Operation("signal", kind, n, run, key=f"signal-{n}", value=n)
        self.perform(done, "POST", f"/executions/{run}/signals/go", {"n": n})

    def review(self, run, kind, n):
        approved = self.chance.random() < 0.7
        done = Operation("review", kind, n, run, value="approved" if approved else "rejected")
        self.perform(done, "POST", "/reviews/action", {"reviews": [
            {"review_id": f"{run}.1", "approved": approved}]})

    def cancel(self, run, kind, n):
        self.perform(Operation("cancel", kind, n, run), "POST", f"/executions/{run}/cancel")

    def retry(self, run, kind, n):
        status = self.read(run, kind, n, whole=True)
        if status != "failed":
            if status in (None, "pending", "queued", "running"):
                self.team.agenda.put(time.monotonic() + 0.5, ("retry", run, kind, n))
            return
        done = Operation("retry", kind, n, run, key=f"retry-{n}")
        self.perform(done, "POST", f"/executions/{run}/retry", {"from": "failed"})

    def read(self, run, kind, n, whole=None):
        """A run's status, or its newest event: one try at one node. The value; None: no answer."""
        whole = self.chance.random() < 0.5 if whole is None else whole
        path = f"/executions/{run}" + ("" if whole else "/events?limit=500")
        done = Operation("get" if whole else "events", kind, n, run)

        def take(done, answer):
            done.value = answer["status"] if whole else answer["items"][-1]["seq"]

        self.perform(done, "GET", path, None, take, tries=1)
        return done.value

    def set_register(self, id_):
        """Reads a register here, and sets it there if nobody has meanwhile. One try each."""
        def take(done, answer):
            done.value = (answer["version"], answer["description"])

        look = Operation("look", "register", "", id_)
        self.perform(look, "GET", f"/workflows/{id_}", None, take, tries=1)
        if look.outcome != OK:
            return
        change = Operation("set", "register", "", id_)
        self.perform(change, "PATCH", f"/workflows/{id_}",
                     {"description": f"{self.number}-{next(self.team.numbers)}"}, take, tries=1,
                     version=look.value[0])

    # Calls

    def perform(self, done, method, path, body=None, take=None, tries=1000, version=None):
        """Tries until it is known, or PATIENCE ends. The answer when the operation succeeded."""
        deadline, answer = time.monotonic() + PATIENCE, None
        while tries > 0 and answer is None and time.monotonic() < deadline:
            tries -= 1
            status, answer = self.ask(done, method, path, body, version)
            if answer is not None and status < 300:
                done.outcome = OK
                if take:
                    take(done, answer)
            elif answer is None and tries:
                self.at += 1
                time.sleep(PAUSE)
        if method == "GET":
            self.at += 1
        elif done.outcome == OK and done.n and not self.team.kinds:
            # Somebody else looks at once: this must be seen.
            self.team.agenda.put(time.monotonic(), ("read", done.run, done.kind, done.n))
        self.team.record.add(done)
        return answer

    def ask(self, done, method, path, body, version=None):
        """One try: (status, JSON of a definite answer or None)."""
        nodes = self.team.cluster.nodes
        node = nodes[self.at % len(nodes)]
        sent = time.monotonic()
        try:
            answer = self._request(node, method, path, body, done.key, version)
            status, text = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as why:
            self._drop(node)
            done.tries.append([node.number, sent, time.monotonic(), type(why).__name__])
            return 0, None
        done.tries.append([node.number, sent, time.monotonic(), status])
        if status not in EXPECTED and not (version and status == 412):
            self.team.record.unexpected(
                f"node {node.number} answered {method} {path} with {status}: {text[:300]!r}; "
                f"{done.words()}")
        if status == 429 or status >= 500:
            return status, None
        if status >= 300:
            # After a try whose end is not known, "it is done already" may speak of that try.
            done.outcome = REFUSED if len(done.tries) == 1 else done.outcome
        return status, json.loads(text)

    def _request(self, node, method, path, body, key, version):
        connection = self.connections.get(node.number)
        if connection is None:
            connection = http.client.HTTPConnection(node.host, node.port, timeout=TRY_SECONDS)
            self.connections[node.number] = connection
        headers = {"Authorization": f"Bearer {node.token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        if version:
            headers["If-Match"] = f'"{version}"'
        connection.request(method, "/api/v1" + path,
                           None if body is None else json.dumps(body), headers)
        return connection.getresponse()

    def _drop(self, node):
        connection = self.connections.pop(node.number, None)
        if connection:
            connection.close()
