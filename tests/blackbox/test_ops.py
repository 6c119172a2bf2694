"""Health, metrics, logs, settings, supervision, backup, CLI (rows MO, OP, EN-39)."""

import json
import os
import re
import tempfile
import time

from rows import rows
from support.case import Case, node, step, workflow
from support.fh import Reply
from support.node import Node


class Operations(Case):
    @rows("OP-01")
    def test_health(self):
        for path in ("/health", "/health/live", "/health/ready"):
            answer = self.node.request("GET", path, root=True)
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.json["status"], "healthy")
        body = self.node.request("GET", "/health", root=True).json
        for key in ("version", "timestamp", "details"):
            self.assertIn(key, body)

    @rows("OP-03")
    def test_config(self):
        started = time.monotonic()
        body = self.ok(self.node.get("/config"), 200).json
        self.assertLess(time.monotonic() - started, 2)
        for key in ("version", "latest", "hasUpdate", "dbStatus"):
            self.assertIn(key, body)
        self.assertEqual(body["dbStatus"], "online")

    def metrics(self):
        text = self.ok(self.node.request("GET", "/metrics", root=True), 200).text
        values = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                found = re.fullmatch(r'([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)( \d+)?', line)
                self.assertTrue(found, f"not an exposition line: {line}")
                values[found[1] + (found[2] or "")] = float(found[3])
        return values

    @rows("MO-01")
    def test_metrics_move(self):
        before = self.metrics()
        self.fh.script(self.path("a"), Reply(503), Reply())
        self.succeeds(workflow([self.http("a", retry_on_fail=1, retry_delay_seconds=0)]))

        def moved():
            grown = {k for k, v in self.metrics().items() if v > before.get(k, 0)}
            text = " ".join(sorted(grown))
            return all(re.search(p, text) for p in (
                r"troupe_\w*requests\w*", r"troupe_\w*(runs|executions)\w*\{[^}]*success",
                r"troupe_\w*retr\w*", r"troupe_\w*step\w*"))

        self.until(moved, 5, "counters do not move", lambda: sorted(self.metrics()))
        names = " ".join(self.metrics())
        for part in ("queue", "connections", "process_"):
            self.assertIn(part, names)

    @rows("MO-02")
    def test_trace_context(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        id_ = self.start(workflow([self.http("a")]),
                         headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        self.assertEqual(self.finished(id_)["trace_id"], trace)
        sent = self.fh.calls(self.path("a"))[0].headers["traceparent"]
        self.assertRegex(sent, rf"^00-{trace}-[0-9a-f]{{16}}-0[01]$")
        self.assertNotIn("00f067aa0ba902b7", sent)
        other = self.succeeds(workflow([step("a")]))
        self.assertRegex(other["trace_id"], r"^[0-9a-f]{32}$")

    @rows("MO-03")
    def test_logs_are_json_lines(self):
        run = self.succeeds(workflow([step("a")]))
        self.ok(self.node.put("/system/log-level", {"level": "debug"}))
        second = self.succeeds(workflow([step("a")]))

        def lines():
            return [json.loads(line) for line in self.node.log_text().splitlines() if line.strip()]

        for line in lines():
            self.assertLessEqual({"time", "level", "component", "message"}, set(line), line)
        self.until(lambda: any(l.get("execution_id") == second["id"] for l in lines()), 5,
                   "no line names the run")
        self.assertTrue(any("request_id" in l for l in lines()))
        self.assertTrue(any(l["level"] == "debug" for l in lines()))
        self.assertTrue(run["id"])
        self.problem(self.node.put("/system/log-level", {"level": "loud"}), 422)
        self.ok(self.node.put("/system/log-level", {"level": "info"}))

    @rows("OP-12")
    def test_faults_are_off_by_default(self):
        for path in ("/system/faults", "/system/faults/clock"):
            self.problem(self.node.post(path, {"advance_seconds": 1}), 404)

    @rows("OP-13")
    def test_cli_against_a_node(self):
        health = self.node.cli("health", "--url", self.node.base)
        self.assertEqual(health.returncode, 0, health)
        self.assertNotEqual(self.node.cli("health", "--url", "http://127.0.0.1:1").returncode, 0)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "w.json")
            with open(path, "w") as file:
                json.dump(workflow([step("a", parameters={"x": 1})], name="by-cli"), file)
            applied = self.node.cli("apply", path, "--url", self.node.base)
            self.assertEqual(applied.returncode, 0, applied)
            path = os.path.join(folder, "broken.json")
            with open(path, "w") as file:
                json.dump(workflow([step("a", after="ghost")]), file)
            broken = self.node.cli("apply", path, "--url", self.node.base)
            self.assertNotEqual(broken.returncode, 0)
            self.assertIn("ghost", broken.stdout + broken.stderr)
        found = self.node.get("/workflows?query=by-cli").json["items"]
        self.assertEqual([w["name"] for w in found], ["by-cli"])
        self.assertNotEqual(self.node.cli("no-such-command").returncode, 0)


class Faults(Case):
    flags = ("--test-faults",)

    def crashes(self):
        return self.ok(self.node.get("/system/status"), 200).json["crashes"]

    @rows("OP-04", "OP-12")
    def test_a_crashed_component_comes_back(self):
        self.fh.hold(self.path("a"))
        id_ = self.start(workflow([self.http("a"), step("b", after="a")]))
        self.fh.wait_for(self.path("a"))
        before = self.crashes()
        self.ok(self.node.post("/system/faults", {"kind": "crash", "actor": f"run:{id_}"}))
        self.fh.release(self.path("a"))
        self.until(lambda: self.crashes() == before + 1, 5, "no crash is visible")
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
        self.until(lambda: [d for d in self.items("/system/dead-letters") if d["id"] == id_], 15,
                   "no dead letter")
        self.succeeds(workflow([step("others_go_on")]))
        self.ok(self.node.post(f"/system/dead-letters/{id_}/requeue"))
        self.assertEqual(self.finished(id_)["status"], "success")
        self.assertEqual(self.items("/system/dead-letters"), [])


class Settings(Case):
    own_node = True

    @rows("OP-08")
    def test_settings_are_validated_and_printed(self):
        cases = [({"TROUPE_PORT": "many"}, [], "TROUPE_PORT"), ({}, ["--log-level", "loud"], "log-level"),
                 ({"TROUPE_MAX_CONCURRENT_EXECUTIONS": "-1"}, [], "TROUPE_MAX_CONCURRENT_EXECUTIONS"),
                 ({}, ["--no-such-flag"], "no-such-flag")]
        for env, flags, name in cases:
            with self.subTest(name):
                with tempfile.TemporaryDirectory() as folder:
                    found = self.node.cli("serve", "--data-dir", folder, *flags, env=env, timeout=10)
                self.assertNotEqual(found.returncode, 0)
                self.assertIn(name, found.stdout + found.stderr)
        printed = self.node.cli("config", env={"TROUPE_PASSWORD": "sesame-open",
                                               "TROUPE_LOG_LEVEL": "debug"})
        self.assertEqual(printed.returncode, 0, printed)
        self.assertNotIn("sesame-open", printed.stdout)
        self.assertRegex(printed.stdout, r"(?i)log.level.*debug")
        self.assertRegex(printed.stdout, r"(?i)port.*7070")

    @rows("OP-05", "DA-01")
    def test_start_fails_fast_on_a_newer_data_directory(self):
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
            self.assertNotEqual(other.process.wait(15), 0)
            self.assertTrue(other.log_text().strip())
        finally:
            other.close()

    @rows("OP-05")
    def test_two_nodes_cannot_share_a_directory(self):
        second = Node(data_dir=self.node.data_dir, start=False)
        second.log_path = self.node.data_dir + ".second.log"
        second.start(ready=False)
        self.assertNotEqual(second.process.wait(15), 0)
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


class Stuck(Case):
    flags = ("--test-clock", "--max-concurrent-executions", "1")

    @rows("EN-39")
    def test_long_queued_run_raises_an_alert(self):
        self.fh.hold(self.path("block"))
        self.start(workflow([self.http("block", timeout_seconds=3600)]))
        self.fh.wait_for(self.path("block"))
        queued = self.start(workflow([step("a")]))
        self.assertEqual(self.execution(queued)["status"], "queued")
        self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 400}))
        self.until(lambda: queued in self.node.get("/system/alerts").text, 10, "no alert")
        self.fh.release(self.path("block"))
        self.assertEqual(self.finished(queued)["status"], "success")


class Sleeping(Case):
    @rows("OP-01")
    def test_waiting_runs_do_not_make_the_node_busy(self):
        id_ = self.create(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "fixed_delay", "duration_seconds": 900})]))
        for _ in range(50):
            self.start(id_)
        self.until(lambda: self.node.get(
            f"/executions?workflow_id={id_}&status=waiting").json["total_count"] == 50)

        def cpu():
            with open(f"/proc/{self.node.process.pid}/stat") as stat:
                fields = stat.read().rsplit(") ", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        before = cpu()
        time.sleep(2)
        self.assertLess(cpu() - before, 1.0)
