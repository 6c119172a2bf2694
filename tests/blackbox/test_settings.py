"""Settings, start, layouts, backup, faults (rows OP-04, 05, 08, 10, 12, 13, DA-01, EN-43)."""

import json
import os
import re
import subprocess
import tempfile
import threading
import time

from rows import rows
from support.case import Case, node, one_node, step, workflow
from support.node import Node


class Faults(Case):
    flags = ("--test-faults",)

    def crash(self, actor, **more):
        self.ok(self.node.post("/system/faults", {"kind": "crash", "actor": actor, **more}))

    def crashes(self):
        text = self.node.request("GET", "/metrics", root=True).text
        return int(re.search(r"(?m)^troupe_actor_crashes_total (\d+)$", text)[1])

    @rows("OP-04", "OP-12")
    def test_a_crashed_component_comes_back(self):
        self.fh.hold(self.path("a"))
        id_ = self.start(workflow([self.http("a"), step("b", after="a")]))
        self.fh.wait_for(self.path("a"))
        before = self.crashes()
        self.ok(self.node.post("/system/faults", {"kind": "crash", "actor": f"run:{id_}"}))
        self.fh.release(self.path("a"))
        self.until(lambda: self.crashes() == before + 1, 40, "no crash is visible")
        self.assertEqual(self.succeeds(workflow([step("a")]))["status"], "success")
        self.assertEqual(self.finished(id_)["status"], "success")
        self.assertEqual(self.crashes(), before + 1)
        self.assertTrue(self.node.alive())

    @rows("OP-04", "EN-43")
    def test_what_crashes_again_and_again_is_given_up(self):
        self.fh.hold(self.path("a"))
        id_ = self.start(workflow([self.http("a")]))
        self.fh.wait_for(self.path("a"))
        self.ok(self.node.post("/system/faults", {"actor": f"run:{id_}", "times": 3}))
        self.fh.release(self.path("a"))
        self.until(lambda: [d for d in self.items("/system/dead-letters") if d["id"] == id_],
                   why="no dead letter")
        self.succeeds(workflow([step("others_go_on")]))
        self.ok(self.node.post(f"/system/dead-letters/{id_}/requeue"))
        self.assertEqual(self.finished(id_)["status"], "success")
        self.assertEqual(self.items("/system/dead-letters"), [])

    @rows("OP-04", "EN-45")
    def test_a_crash_of_the_run_repeats_no_call_that_must_leave_once(self):
        self.fh.hold(self.path("pay"))
        id_ = self.start(workflow([self.http("pay", when_interrupted="fail")]))
        self.fh.wait_for(self.path("pay"))
        self.crash(f"run:{id_}")
        self.node.get(f"/executions/{id_}")  # whatever comes next meets the fault
        self.fh.release(self.path("pay"))
        run = self.finished(id_)
        self.assertIn(run["status"], ("success", "failed"))
        if run["status"] == "failed":
            self.assertEqual(self.step_of(run, "pay")["error"]["code"], "outcome_unknown")
        self.assertEqual(self.fh.count(self.path("pay")), 1)

    @rows("OP-04")
    def test_control_comes_back_and_nothing_stored_is_lost(self):
        kept = self.create(workflow([step("a")], name="kept"))
        before = self.crashes()
        self.crash("control", times=2)
        for _ in range(2):
            self.problem(self.node.post("/workflows", workflow([step("lost")], name="lost")), 503)
        self.assertEqual(self.crashes(), before + 2)
        new = self.create(workflow([step("b")], name="new"))
        for id_ in (kept, new):
            self.succeeds(id_)
        self.assertEqual(self.items("/workflows?query=lost"), [])
        self.ok(self.node.patch(f"/workflows/{kept}", {"name": "renamed"}))

    @rows("OP-04")
    def test_a_partition_comes_back_with_its_timers(self):
        sleeper = workflow(nodes=[node("w", "FLOW", "WAIT", {"wait_type": "fixed_delay",
                                                            "duration_seconds": 2})])
        runs = {}
        for _ in range(40):
            answer = self.ok(self.node.post(f"/workflows/{self.create(sleeper)}/execute", {}), 202)
            partition = answer.headers["troupe-position"].split(":")[0]
            runs[answer.json["execution_id"]] = partition
        before, hit = self.crashes(), set(runs.values())
        self.assertGreater(len(hit), 4)
        for partition in hit:
            self.crash(f"partition:{partition}")

        def all_met():  # whatever comes to a partition meets its fault: a timer, or a question
            for id_ in runs:
                self.assertIn(self.node.get(f"/executions/{id_}").status, (200, 503))
            return self.crashes() == before + len(hit)

        self.until(all_met, why="not every fault was met")
        for id_ in runs:
            self.assertEqual(self.finished(id_)["status"], "success")
        self.assertEqual(self.crashes(), before + len(hit))
        self.succeeds(sleeper)

    @rows("OP-12")
    def test_a_delayed_component_delays_its_own_work_only(self):
        self.ok(self.node.post("/system/faults", {"kind": "delay", "actor": "control",
                                                  "milliseconds": 1500}))
        id_ = None

        def create():
            nonlocal id_
            id_ = self.create(workflow([step("late")]))

        thread = threading.Thread(target=create)
        started = time.monotonic()
        thread.start()
        self.assertEqual(self.node.get("/workflows").status, 200)
        thread.join()
        self.assertGreater(time.monotonic() - started, 1.4)
        self.succeeds(id_)
        for wrong in ({"kind": "melt", "actor": "control"}, {"kind": "crash", "actor": "moon"}):
            self.problem(self.node.post("/system/faults", wrong), 422)


@one_node("flags, files and offline commands of one process")
class Settings(Case):
    own_node = True

    @rows("OP-08")
    def test_settings_are_validated_and_printed(self):
        cases = [({"TROUPE_PORT": "many"}, [], "TROUPE_PORT"),
                 ({}, ["--log-level", "loud"], "log-level"),
                 ({"TROUPE_MAX_CONCURRENT_EXECUTIONS": "-1"}, [],
                  "TROUPE_MAX_CONCURRENT_EXECUTIONS"),
                 ({}, ["--no-such-flag"], "no-such-flag")]
        for env, flags, name in cases:
            with self.subTest(name):
                with tempfile.TemporaryDirectory() as folder:
                    found = self.node.cli("serve", "--data-dir", folder, *flags, env=env, timeout=60)
                self.assertNotEqual(found.returncode, 0)
                self.assertIn(name, found.stdout + found.stderr)
        printed = self.node.cli("config", env={"TROUPE_PASSWORD": "sesame-open",
                                               "TROUPE_LOG_LEVEL": "debug"})
        self.assertEqual(printed.returncode, 0, printed)
        self.assertNotIn("sesame-open", printed.stdout)
        self.assertRegex(printed.stdout, r"(?i)log.level.*debug")
        self.assertRegex(printed.stdout, r"(?i)port.*7070")

    def refuses_to_start(self, pattern):
        """Ends by itself, not with 0, and says why; gives back what it said."""
        at = len(self.node.log_text())
        self.node.start(ready=False)
        self.assertNotIn(self.node.process.wait(60), (0, -9, -6, -11))
        said = self.node.log_text()[at:]
        self.assertRegex(said, pattern)
        return said

    def tamper(self, *words):
        tool = os.path.join(os.path.dirname(self.node.binary), "tests", "troupe_tamper")
        done = subprocess.run([tool, self.node.data_dir, *words], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done)

    @rows("OP-05", "DA-01")
    def test_start_fails_fast_on_a_bad_version_record(self):
        run = self.succeeds(workflow([step("a")]))
        self.assertEqual(self.node.terminate(), 0)
        newest = re.search(r"layout (\d+)", self.node.cli(
            "migrate", "up", "--data-dir", self.node.data_dir).stdout)[1]
        self.tamper("default", "set", "schema_version", "not a number")
        self.refuses_to_start(r"schema version .*not a number")
        self.tamper("default", "set", "schema_version", "999")
        said = self.refuses_to_start(r"schema version 999")
        self.assertIn(f"knows {newest}", said)
        self.tamper("default", "set", "schema_version", newest)
        marker = os.path.join(self.node.data_dir, "TROUPE")
        with open(marker) as file:
            good = file.read()
        with open(marker, "w") as file:
            file.write("troupe data directory 2\n")
        self.refuses_to_start("another format than 1")
        with open(marker, "w") as file:
            file.write(good)
        self.node.start()
        self.assertEqual(self.execution(run["id"])["output"], run["output"])

    @rows("DA-01")
    def test_layout_goes_down_and_up_again(self):
        run = self.succeeds(workflow([step("a")]))
        self.assertEqual(self.node.terminate(), 0)

        def migrate(way):
            done = self.node.cli("migrate", way, "--data-dir", self.node.data_dir)
            self.assertEqual(done.returncode, 0, done)
            return int(re.search(r"layout (\d+)", done.stdout)[1])

        newest = migrate("up")
        self.assertEqual(migrate("up"), newest)
        self.assertEqual(migrate("down"), newest - 1)
        self.node.start()  # an older directory is taken to the newest layout by itself
        self.assertEqual(self.execution(run["id"])["output"], run["output"])
        self.assertIs(self.node.post(f"/executions/{run['id']}/replay").json["equal"], True)
        self.assertIn('"migrated up"', self.node.log_text())
        self.assertEqual(self.node.terminate(), 0)
        self.assertEqual(migrate("up"), newest)

    @rows("OP-05", "DA-01")
    def test_start_fails_fast_on_what_is_no_data_directory(self):
        run = self.succeeds(workflow([step("a")]))
        self.assertEqual(self.node.terminate(), 0)
        up = self.node.cli("migrate", "up", "--data-dir", self.node.data_dir)
        self.assertEqual(up.returncode, 0, up)
        again = self.node.cli("migrate", "up", "--data-dir", self.node.data_dir)
        self.assertEqual(again.returncode, 0, again)
        self.node.start()
        self.assertEqual(self.execution(run["id"])["status"], "success")
        self.assertEqual(self.node.terminate(), 0)
        other = Node(start=False)
        try:
            with open(os.path.join(other.data_dir, "CURRENT"), "w") as file:
                file.write("this is no database\n")
            other.start(ready=False)
            self.assertNotEqual(other.process.wait(60), 0)
            self.assertTrue(other.log_text().strip())
        finally:
            other.close()

    @rows("OP-08")
    def test_file_environment_and_flags_in_their_order(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "troupe.toml")
            with open(path, "w") as file:
                file.write('log_level = "warning"\nport = 7171\nmax_concurrent_executions = 4\n')

            def shown(flags=(), env=None):
                done = self.node.cli("config", "--json", "--config", path, *flags, env=env)
                self.assertEqual(done.returncode, 0, done)
                found = json.loads(done.stdout)
                rows = found if isinstance(found, list) else found.get("settings", found)
                if isinstance(rows, dict):
                    rows = [{"name": k, **v} for k, v in rows.items()]
                return {r["name"].replace("_", "-"): (str(r["value"]), r["source"]) for r in rows}

            self.assertEqual(shown()["port"], ("7171", "file"))
            both = shown(env={"TROUPE_PORT": "7272", "TROUPE_LOG_LEVEL": "error"})
            self.assertEqual((both["port"], both["log-level"]),
                             (("7272", "environment"), ("error", "environment")))
            all_three = shown(("--port", "7373"), {"TROUPE_PORT": "7272"})
            self.assertEqual(all_three["port"], ("7373", "flag"))
            self.assertEqual(all_three["max-concurrent-executions"], ("4", "file"))
            with open(path, "a") as file:
                file.write("no_such_setting = 1\n")
            wrong = self.node.cli("config", "--config", path)
            self.assertNotEqual(wrong.returncode, 0)
            self.assertRegex(wrong.stdout + wrong.stderr, "no.such.setting")

    @rows("OP-08")
    def test_every_setting_is_read_from_the_environment(self):
        done = self.node.cli("config", "--json")
        found = json.loads(done.stdout)
        rows = found if isinstance(found, list) else found.get("settings", found)
        names = [r["name"] for r in rows] if isinstance(rows, list) else list(rows)
        self.assertGreater(len(names), 25)
        for name in names:
            if "max" in name or name.endswith(("-ms", "port", "threads", "partitions")):
                variable = "TROUPE_" + name.replace("-", "_").upper()
                with self.subTest(variable):
                    wrong = self.node.cli("config", env={variable: "wrong"})
                    self.assertNotEqual(wrong.returncode, 0)
                    self.assertIn(variable, wrong.stdout + wrong.stderr)

    @rows("OP-05")
    def test_two_nodes_cannot_share_a_directory(self):
        second = Node(data_dir=self.node.data_dir, start=False)
        second.log_path = self.node.data_dir + ".second.log"
        second.start(ready=False)
        self.assertNotEqual(second.process.wait(60), 0)
        os.unlink(second.log_path)
        self.assertTrue(self.node.alive())
        self.succeeds(workflow([step("a")]))

    @rows("OP-10")
    def test_backup_under_load_and_restore(self):
        id_ = self.create(workflow([self.http("a"), step("b", after="a")]))
        before = [self.succeeds(id_)["id"] for _ in range(3)]
        load = [self.start(id_) for _ in range(20)]
        made = self.ok(self.node.post("/system/snapshot")).json
        for run in load:
            self.finished(run)
        self.assertEqual(self.node.terminate(), 0)
        with tempfile.TemporaryDirectory() as folder:
            target = os.path.join(folder, "data")
            restored = self.node.cli("restore", "--from", made["path"], "--data-dir", target)
            self.assertEqual(restored.returncode, 0, restored)
            copy = Node(*self.node.flags, data_dir=target)
            try:
                for run in before:
                    self.assertEqual(copy.get(f"/executions/{run}").json["status"], "success")
                    self.assertIs(copy.post(f"/executions/{run}/replay").json["equal"], True)
                self.assertEqual(copy.get(f"/workflows/{id_}").status, 200)
                mine, self.node = self.node, copy
                try:
                    known = [r["id"] for r in self.items(f"/executions?workflow_id={id_}")]
                    for run in known:  # also those that were under way when it was made
                        self.assertEqual(self.finished(run)["status"], "success")
                        self.assertIs(copy.post(f"/executions/{run}/replay").json["equal"], True)
                    self.assertLessEqual(set(before), set(known))
                finally:
                    self.node = mine
            finally:
                copy.close()

    @rows("OP-13", "EN-37")
    def test_offline_commands(self):
        run = self.succeeds(workflow([self.http("a"), step("b", after="a")]))
        self.assertEqual(self.node.terminate(), 0)
        folder = self.node.data_dir
        for command in (["inspect", run["id"]], ["log", "verify"], ["replay", run["id"]],
                        ["export", run["id"]], ["compact"]):
            with self.subTest(command[0]):
                found = self.node.cli(*command, "--data-dir", folder)
                self.assertEqual(found.returncode, 0, found)
        shown = self.node.cli("inspect", run["id"], "--data-dir", folder).stdout
        self.assertIn("success", shown)
        exported = self.node.cli("export", run["id"], "--data-dir", folder).stdout
        self.assertIn("execution_finished", exported)
        self.node.start()
        self.assertEqual(self.execution(run["id"])["output"], run["output"])
