"""What every test class shares: a node, a fake target, and words for workflows and runs."""

import json
import os
import socket
import time
import unittest

from .cluster_node import ClusterNode
from .fh import FakeTarget, Reply  # noqa: F401 (tests take both from here)
from .node import Node

TERMINAL = ("success", "partial", "failed", "cancelled", "timed_out")


def step(step_id, skill_type="echo", after=(), parameters=None, **more):
    return {"step_id": step_id, "skill_type": skill_type, "parameters": parameters or {},
            "depends_on": [after] if isinstance(after, str) else list(after), **more}


def node(id_, type_, subtype=None, parameters=None, **more):
    return {"id": id_, "name": more.pop("name", id_), "type": type_, "subtype": subtype or type_,
            "type_version": 1, "parameters": parameters or {}, **more}


def edge(source, target, **more):
    """edge("check:true", "next") or edge("body", "loop:loop_body")."""
    from_node, _, from_port = source.partition(":")
    to_node, _, to_port = target.partition(":")
    return {"source": from_node, "source_port": from_port or "main", "target": to_node,
            "target_port": to_port or "main", "type": "main", "index": 0, **more}


def workflow(steps=None, nodes=None, edges=None, name="test", **more):
    body = {"name": name, **more}
    if steps is not None:
        body["steps"] = steps
    if nodes is not None:
        body["nodes"], body["edges"] = nodes, edges or []
    return body


def set_variable(id_, variable, value, /, **more):
    return node(id_, "ACTION", "SET_VARIABLE", {"name": variable, "value": value}, **more)


def in_cluster():
    """Whether the tests run against three nodes instead of one."""
    return os.environ.get("TROUPE_TEST_CLUSTER") == "1"


def one_node(reason):
    """A class or test that is about one process, and says why. It is left out of a run against a
    cluster, and named there."""
    assert reason

    def mark(what):
        what.one_node = reason
        return what

    return mark


class Case(unittest.TestCase):
    """`flags` and `env` go to the node. `own_node`: a fresh node a test, because it is killed.
    `one_by_one`: in a cluster, a restart is of one node at a time, and not of all three."""

    flags, env, own_node, one_by_one, maxDiff = (), {}, False, False, 4000
    node = fh = None

    @classmethod
    def new_node(cls, *flags, env=None):
        """A node, or three that look like one."""
        return (ClusterNode(*flags, env=env, one_by_one=cls.one_by_one) if in_cluster() else
                Node(*flags, env=env))

    @property
    def nodes(self):
        """The processes behind `node`: one, or three."""
        return getattr(self.node, "nodes", [self.node])

    @classmethod
    def _make(cls):
        fh = FakeTarget()
        return fh, cls.new_node("--http-allow", fh.address, *cls.flags, env=cls.env)

    @classmethod
    def setUpClass(cls):
        if not cls.own_node:
            cls.fh, cls.node = cls._make()

    @classmethod
    def tearDownClass(cls):
        if not cls.own_node and cls.node:
            cls.node.close()
            cls.fh.close()

    def setUp(self):
        if self.own_node:
            self.fh, self.node = self._make()

    def tearDown(self):
        if self.own_node and self.node:
            self.last_log = self.node.log_tail()
            self.node.close()
            self.fh.close()

    # Workflows and runs

    def path(self, name=""):
        """A path at FH that only this test uses."""
        return f"/{self._testMethodName}{'/' + name if name else ''}"

    def http(self, step_id, name=None, after=(), parameters=None, **more):
        """A step that calls FH at path(name or step_id)."""
        return step(step_id, "http_request", after,
                    {"method": "POST", "url": self.fh.url + self.path(name or step_id),
                     **(parameters or {})}, **more)

    def http_node(self, id_, name=None, parameters=None, **more):
        return node(id_, "ACTION", "HTTP_REQUEST",
                    {"method": "POST", "url": self.fh.url + self.path(name or id_),
                     **(parameters or {})}, **more)

    def ok(self, answer, *statuses):
        self.assertIn(answer.status, statuses or (200, 201, 202, 204), answer)
        return answer

    def problem(self, answer, status, code=None):
        """Checks the error body of API.md."""
        self.assertEqual(answer.status, status, answer)
        self.assertIn("application/problem+json", answer.headers.get("content-type", ""))
        body = answer.json
        for key in ("type", "title", "status", "detail", "code", "request_id"):
            self.assertIn(key, body)
        self.assertEqual(body["status"], status)
        self.assertIsInstance(body["detail"], str)
        if code:
            self.assertEqual(body["code"], code)
        return body

    def create(self, definition):
        return self.ok(self.node.post("/workflows", definition), 200, 201).json["id"]

    def start(self, what, input_data=None, headers=None, **options):
        """Starts a workflow (id or definition); the execution id."""
        id_ = what if isinstance(what, str) else self.create(what)
        answer = self.node.post(f"/workflows/{id_}/execute",
                                {"input_data": input_data or {}, **options}, headers=headers)
        return self.ok(answer, 202).json["execution_id"]

    def execution(self, id_):
        return self.ok(self.node.get(f"/executions/{id_}"), 200).json

    def finished(self, id_, timeout=40.0):
        return self.until(lambda: self._terminal(id_), timeout, f"run {id_} does not end",
                          lambda: self.execution(id_))

    def _terminal(self, id_):
        found = self.execution(id_)
        return found if found["status"] in TERMINAL else None

    def run_to_end(self, what, input_data=None, timeout=40.0, **options):
        return self.finished(self.start(what, input_data, **options), timeout)

    def succeeds(self, what, input_data=None, timeout=40.0, **options):
        run = self.run_to_end(what, input_data, timeout, **options)
        self.assertEqual(run["status"], "success", json.dumps(run)[:3000])
        return run

    def until(self, ask, timeout=30.0, why="it did not happen", show=None):
        deadline = time.monotonic() + timeout
        while True:
            found = ask()
            if found:
                return found
            if time.monotonic() > deadline:
                detail = json.dumps(show())[:2000] if show else ""
                raise AssertionError(f"{why} within {timeout} s {detail}")
            time.sleep(0.03)

    def becomes(self, id_, status, timeout=30.0):
        def ask():
            found = self.execution(id_)
            return found if found["status"] == status else None
        return self.until(ask, timeout, f"run {id_} does not become {status}",
                          lambda: self.execution(id_))

    def step_of(self, run, step_id, iteration=None):
        found = [s for s in run["steps"] if s["step_id"] == step_id
                 and (iteration is None or str(s.get("iteration")) == str(iteration))]
        self.assertEqual(len(found), 1, f"steps named {step_id}: {json.dumps(run['steps'])[:2000]}")
        return found[0]

    def steps_of(self, run, step_id):
        return [s for s in run["steps"] if s["step_id"] == step_id]

    def output_of(self, run, step_id):
        return self.step_of(run, step_id)["output"]

    def statuses(self, run):
        return {s["step_id"]: s["status"] for s in run["steps"]}

    def items(self, path, limit=200):
        """All items of a list, through all its pages."""
        items, cursor = [], None
        joint = "&" if "?" in path else "?"
        while True:
            page = self.ok(self.node.get(
                f"{path}{joint}limit={limit}" + (f"&cursor={cursor}" if cursor else "")), 200).json
            items += page["items"]
            if not page["has_more"]:
                return items
            cursor = page["next_cursor"]
            self.assertTrue(cursor)

    def events(self, id_):
        return self.items(f"/executions/{id_}/events")

    def kinds(self, id_, step_id=None):
        return [e["kind"] for e in self.events(id_) if step_id is None or e.get("node") == step_id]

    def review_of(self, id_, timeout=30.0):
        """The one open review of a run, as soon as it is there."""
        def ask():
            found = [r for r in self.items("/reviews/pending") if r["execution_id"] == id_]
            return found[0] if found else None
        return self.until(ask, timeout, f"no review for {id_}", lambda: self.execution(id_))

    def connect(self, timeout=30.0):
        return socket.create_connection(("127.0.0.1", self.node.port), timeout=timeout)
