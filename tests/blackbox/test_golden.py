"""Data directories of released builds (rows DA-02, DA-01): opened, finished, replayed."""

import glob
import json
import os
import shutil
import tarfile
import tempfile

from rows import rows
from support.case import Case, TERMINAL, one_node
from support.node import Node
from support.worker import StubWorker

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden")


@one_node("data directories that older releases of a single node wrote")
class Golden(Case):
    """Each test opens a fresh copy of each directory."""

    own_node, weight = True, 2

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="troupe-test-golden-")

    def tearDown(self):
        if self.node:
            self.node.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def each(self):
        archives = sorted(glob.glob(os.path.join(GOLDEN, "*", "data.tar.xz")))
        self.assertTrue(archives, "there is no golden data directory")
        for path in archives:
            name = os.path.basename(os.path.dirname(path))
            with self.subTest(name):
                with tarfile.open(path) as archive:
                    archive.extractall(os.path.join(self.folder, name))
                with open(os.path.join(self.folder, name, "expected.json")) as file:
                    expected = json.load(file)
                self.assertEqual(expected["version"], name)
                self.node = Node("--test-clock", data_dir=os.path.join(self.folder, name, "data"),
                                 start=False)
                yield expected
                self.node.kill()

    def offline(self, *command):
        done = self.node.cli(*command, "--data-dir", self.node.data_dir)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def verify(self, runs):
        self.assertRegex(self.offline("log", "verify"), rf"^ok: {runs} runs, \d+ events")
        self.assertRegex(self.offline("replay", "--redecide"),
                         rf"^ok: {runs} runs, \d+ events, 0 different")

    @rows("DA-02")
    def test_untouched_it_verifies_and_replays(self):
        for expected in self.each():
            self.verify(len(expected["runs"]) + 1)  # and the child of the nested one
            for kind, was in expected["runs"].items():
                id_ = was["execution"]["id"]
                shown = json.loads(self.offline("inspect", id_))
                self.assertEqual(shown["status"], was["execution"]["status"], kind)
                lines = self.offline("export", id_).splitlines()
                self.assertEqual(len(lines), len(was["events"]), kind)

    @rows("DA-02", "DA-01")
    def test_ended_runs_are_shown_as_they_were(self):
        for expected in self.each():
            self.node.start()
            for kind, was in expected["runs"].items():
                id_ = was["execution"]["id"]
                with self.subTest(kind):
                    self.assertEqual(self.events(id_)[:len(was["events"])], was["events"])
                    if was["execution"]["status"] in TERMINAL:
                        now = self.execution(id_)
                        self.assertEqual({k: now.get(k) for k in was["execution"]},
                                         was["execution"])
                        replayed = self.ok(self.node.post(f"/executions/{id_}/replay"), 200).json
                        self.assertIs(replayed["equal"], True)
            listed = {r["id"] for r in self.items("/executions")}
            self.assertLessEqual({r["execution"]["id"] for r in expected["runs"].values()}, listed)
            large = expected["runs"]["large"]["execution"]["id"]
            self.assertEqual(self.output_of(self.execution(large), "keep")["text"],
                             "0123456789abcdef" * 12_500)

    @rows("DA-02")
    def test_unfinished_runs_are_finished(self):
        for expected in self.each():
            ids = {kind: was["execution"]["id"] for kind, was in expected["runs"].items()}
            self.node.start()
            worker = StubWorker(self.node, "golden_work")
            # Whoever opens it before the retry is due moves the clock there; later it is due.
            self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 3_600}))
            tasks = {}
            while len(tasks) < 2:
                task = worker.task()
                tasks[task["execution_id"]] = task
            again = tasks[ids["interrupted"]]
            self.assertEqual(again["idempotency_key"], expected["interrupted_key"])
            self.assertEqual((tasks[ids["retrying"]]["attempt"],
                              tasks[ids["retrying"]]["parameters"]), (2, {"n": 1}))
            for task in tasks.values():
                self.ok(worker.complete(task, {"done": task["parameters"]["n"]}))
            review = self.review_of(ids["reviewed"])
            self.assertEqual(review["message"], "May I?")
            self.ok(self.node.post("/reviews/action", {"reviews": [
                {"review_id": review["review_id"], "approved": True}]}))
            self.assertEqual(self.execution(ids["paused"])["status"], "paused")
            self.ok(self.node.post(f"/executions/{ids['paused']}/resume"))
            child = self.items(f"/executions/{ids['nested']}/children")[0]["id"]
            for id_ in (ids["waiting_for_signal"], ids["paused"], child):
                self.ok(self.node.post(f"/executions/{id_}/signals/go", {"data": {"n": 1}}))
            self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 91 * 86_400}))
            open_before = [kind for kind, was in expected["runs"].items()
                           if was["execution"]["status"] not in TERMINAL]
            self.assertEqual(len(open_before), 7)
            for kind in open_before:
                with self.subTest(kind):
                    self.assertEqual(self.finished(ids[kind])["status"], "success")
            self.assertIn("attempt_interrupted", self.kinds(ids["interrupted"]))
            self.assertEqual(self.execution(ids["nested"])["output"]["o"], "the child")
            self.assertIs(self.execution(ids["reviewed"])["output"]["yes"], True)
            self.assertEqual(self.node.terminate(), 0)
            self.verify(len(ids) + 1)
