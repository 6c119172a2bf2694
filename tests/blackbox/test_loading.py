"""A run that ends the process while it is loaded does not keep a node from starting (row EN-43)."""

import glob
import os
import signal

from rows import rows
from support.case import Case, one_node, step, workflow


@one_node("a process that dies at a system call while it reads its own files")
class Loading(Case):
    own_node, weight, time_limit = True, 3, 300.0
    flags = ("--interruptions-max", "1000")

    def die_loading(self, files):
        """A start whose process is killed by the first read of one of these files."""
        traced = [word for file in files for word in ("-P", file)]
        # -D: the node stays our child, so that its end is its own.
        self.node.wrapper = ["strace", "-D", "-f", "-qq", "-o", os.devnull, *traced,
                             "-e", "trace=pread64", "-e", "signal=none",
                             "-e", "inject=pread64:signal=KILL:when=1"]
        try:
            self.node.start(ready=False)
            self.assertEqual(self.node.process.wait(60), -signal.SIGKILL, self.node.log_tail())
        finally:
            self.node.wrapper = []
            self.node.kill()

    def marks(self):
        with open(os.path.join(self.node.data_dir, "loading")) as file:
            return [line.split() for line in file.read().splitlines()[1:] if line.strip()]

    def poison(self):
        """A run whose next turn after a kill reads a large value from a file, and runs beside it;
        the node is down."""
        self.fh.hold(self.path("good"))
        good = self.create(workflow([self.http("good"), step("b", after="good")]))
        beside = [self.start(good) for _ in range(20)]
        large = {"body": {"all": "{{ input.large }}"}}
        interrupted = {"when_interrupted": "fail", "continue_on_fail": True}
        for name in ("s0", "s1", "s2"):
            self.fh.hold(self.path(name))
        id_ = self.start(workflow([
            self.http("s0", **interrupted),
            self.http("s1", after="s0", parameters=large, **interrupted),
            self.http("s2", after="s1", parameters=large)]), {"large": os.urandom(60_000).hex()})
        self.fh.wait_for(self.path("s0"))
        self.fh.wait_for(self.path("good"), 20)
        self.node.kill()
        # What was in the log goes to files, and no run is loaded for it.
        done = self.node.cli("compact", "--data-dir", self.node.data_dir)
        self.assertEqual(done.returncode, 0, done)
        return id_, beside

    def die_loading_it(self, id_):
        files = glob.glob(os.path.join(self.node.data_dir, "rocks", "*.blob"))
        self.assertTrue(files)
        self.die_loading(files)
        self.assertEqual([m for m in self.marks() if m[0] == "loading" and m[2] == id_],
                         [["loading", "resume", id_]])

    @rows("EN-43", "OP-04")
    def test_a_run_that_kills_every_start_is_left_alone(self):
        id_, beside = self.poison()
        for _ in range(3):
            self.die_loading_it(id_)
        self.fh.release(self.path("good"))
        self.node.start()
        for run in beside:
            self.assertEqual(self.finished(run)["status"], "success")
        self.problem(self.node.get(f"/executions/{id_}"), 500, "execution_unreadable")
        self.problem(self.node.get(f"/executions/{id_}/events"), 500, "execution_unreadable")
        said = self.problem(self.node.post(f"/executions/{id_}/cancel"), 500, "execution_unreadable")
        self.assertIn("loading", said["hint"])
        alerts = self.items("/system/alerts")
        self.assertEqual([(a["kind"], a["execution_id"], a["times"]) for a in alerts],
                         [("execution_unreadable", id_, 3)])
        self.assertIn("execution left alone", self.node.log_text())
        self.succeeds(workflow([step("others_go_on")]))

        # A restart knows it; what the operator is told to do helps.
        self.node.restart()
        self.problem(self.node.get(f"/executions/{id_}"), 500, "execution_unreadable")
        self.assertEqual(self.node.terminate(), 0)
        os.unlink(os.path.join(self.node.data_dir, "loading"))
        for name in ("s1", "s2"):
            self.fh.release(self.path(name))
        self.node.start()
        self.assertEqual(self.statuses(self.finished(id_))["s2"], "success")
        self.assertEqual(self.items("/system/alerts"), [])

    @rows("EN-43")
    def test_a_start_that_goes_well_forgets_deaths(self):
        id_, beside = self.poison()
        for name in ("s1", "s2"):
            for _ in range(2):
                self.die_loading_it(id_)
            self.node.start()
            self.fh.wait_for(self.path(name))
            self.until(lambda: self.marks() == [], 20, "a mark or a count is left")
            self.node.kill()
        for name in ("s2", "good"):
            self.fh.release(self.path(name))
        self.node.start()
        for run in beside:
            self.assertEqual(self.finished(run)["status"], "success")
        self.assertEqual(self.statuses(self.finished(id_))["s2"], "success")
