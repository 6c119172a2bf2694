"""The command line against a running node: what a person types, and the exit codes of scripts."""

import json

from rows import rows
from support.case import Case, edge, node, step, workflow
from support.fh import Reply


def wait_for_signal(name):
    return workflow(nodes=[node("w", "FLOW", "WAIT", {"wait_type": "for_signal", "signal_name": "go"}),
                           node("out", "OUTPUT")], edges=[edge("w", "out")], name=name)


class CommandLine(Case):
    def troupe(self, *arguments, code=0):
        done = self.node.cli(*arguments, "--url", self.node.base)
        self.assertEqual(done.returncode, code, done)
        self.assertNotIn("\x1b[", done.stdout)  # colours only on a terminal
        return done.stdout

    def start(self, name, *flags):
        return self.troupe("run", name, "--detach", *flags).strip().splitlines()[-1].split()[-1]

    def store(self, definition):
        saved = self.ok(self.node.post("/workflows", definition))
        for each in self.nodes:  # the command finds it by its name, in a list
            each.get("/workflows?limit=1",
                     headers={"Troupe-Position": saved.headers["troupe-position"]})

    @rows("OP-13")
    def test_run_show_list_history(self):
        self.store(workflow([step("a", parameters={"n": "{{ input.n }}"}), step("b", after="a")],
                            name="cli-run"))
        shown = self.troupe("run", "cli-run", "--input", '{"n": 7}')
        self.assertIn("success", shown)
        run = json.loads(self.troupe("ls", "--json", "--limit", "1"))["items"][0]["id"]
        # Another node's list is a moment behind: a command carries no position.
        self.until(lambda: run[:8] in self.troupe("ls", "--status", "success"))
        self.assertIn("cli-run", self.troupe("ls", "--workflows"))
        self.assertIn("success", self.troupe("show", run))
        events = [json.loads(line) for line in self.troupe("history", run, "--json").splitlines()]
        self.assertEqual(events[0]["kind"], "execution_started")
        self.assertEqual(events[-1]["kind"], "execution_finished")
        self.assertIn("execution_finished", self.troupe("history", run))
        self.assertIn("success", self.troupe("watch", run))

    @rows("OP-13")
    def test_signal_pause_resume_cancel(self):
        self.store(wait_for_signal("cli-signal"))
        run = self.start("cli-signal")
        self.troupe("pause", run)
        self.becomes(run, "paused")
        self.troupe("resume", run)
        self.becomes(run, "waiting")
        self.troupe("signal", run, "go", '{"by": "hand"}')
        self.becomes(run, "success")
        other = self.start("cli-signal")
        self.troupe("cancel", other)
        self.becomes(other, "cancelled")
        self.troupe("watch", other, code=1)  # it did not succeed
        self.troupe("cancel", other, code=4)  # and cannot be cancelled twice

    @rows("OP-13")
    def test_review(self):
        self.store(workflow(nodes=[
            node("ask", "HUMAN_IN_THE_LOOP", "APP", {"notification_type": "approval",
                                                     "title": "cli asks", "message": "?"})],
            name="cli-review"))
        run = self.start("cli-review")
        self.until(lambda: "cli asks" in self.troupe("review", "ls"))
        review = self.items(f"/executions/{run}/reviews")[0]["review_id"]
        self.troupe("review", "approve", review)
        self.becomes(run, "success")

    @rows("OP-13")
    def test_retry_from_what_failed(self):
        self.fh.script(self.path("bad"), Reply(400), Reply(200))
        self.store(workflow([self.http("good"), self.http("bad", after="good")], name="cli-retry"))
        self.assertIn("partial", self.troupe("run", "cli-retry", code=1))
        run = json.loads(self.troupe("ls", "--json", "--limit", "1"))["items"][0]["id"]
        self.troupe("retry", run)
        self.becomes(run, "success")
        self.assertEqual((self.fh.count(self.path("good")), self.fh.count(self.path("bad"))), (1, 2))

    @rows("OP-13")
    def test_bench_measures_and_leaves_no_workflow(self):
        shown = json.loads(self.troupe("bench", "--seconds", "1", "--connections", "4",
                                       "--steps", "3", "--json"))
        self.assertGreater(shown["runs"], 0)
        self.assertEqual(shown["failed"], 0)
        self.assertAlmostEqual(shown["steps_per_s"], 3 * shown["runs_per_s"], places=3)
        self.until(lambda: "troupe bench" not in self.troupe("ls", "--workflows"))

    @rows("OP-13")
    def test_exit_codes_and_help(self):
        self.troupe("show", "01a1fce9-a616-700e-9360-8d421ca1d576", code=4)
        self.troupe("run", "nobody-knows-this", code=4)
        self.troupe("ls", "--limit", "zero", code=2)
        gone = self.node.cli("ls", "--url", "http://127.0.0.1:1")
        self.assertEqual(gone.returncode, 3, gone)
        self.assertIn("127.0.0.1:1", gone.stderr)
        for command in ("serve", "run", "ls", "signal", "retry", "bench"):
            self.assertIn("Example", self.node.cli(command, "--help").stdout, command)
        self.assertIn("fdatasync", self.troupe("doctor", "--data-dir", self.node.data_dir))
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("history", self.node.cli("completion", shell).stdout)
