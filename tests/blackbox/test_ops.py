"""Health, metrics, logs, command line, alerts (rows MO, OP, EN-39)."""

import json
import os
import re
import tempfile
import time

from rows import rows
from support.case import Case, node, one_node, step, workflow
from support.fh import Reply
from support.worker import StubWorker


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
        self.assertLess(time.monotonic() - started, 15)  # it asks nobody outside
        for key in ("version", "latest", "hasUpdate", "dbStatus"):
            self.assertIn(key, body)
        self.assertEqual((body["dbStatus"], body["hasUpdate"]), ("online", False))
        self.assertEqual(body["version"], self.node.request("GET", "/health", root=True).json["version"])

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

        def grown():
            now = self.metrics()
            return {k: v - before.get(k, 0) for k, v in now.items() if v > before.get(k, 0)}

        self.until(lambda: 'troupe_executions_ended_total{status="success"}' in grown())
        more = grown()
        for name, least in (("troupe_executions_started_total", 1), ("troupe_retries_total", 1),
                            ('troupe_executions_ended_total{status="success"}', 1),
                            ("troupe_attempts_io_total", 2), ("troupe_step_seconds_count", 2),
                            ("troupe_commit_seconds_count", 1), ("troupe_http_calls_total", 2),
                            ("troupe_connections_accepted_total", 1)):
            self.assertGreaterEqual(more.get(name, 0), least, name)
        posted = {k: v for k, v in more.items() if k.startswith("troupe_http_request")
                  and 'route="/api/v1/workflows/{id}/execute"' in k}
        self.assertIn("troupe_http_requests_total", " ".join(posted))
        self.assertIn("troupe_http_request_seconds_bucket", " ".join(posted))
        now = self.metrics()
        for name in ("troupe_connections_open", "troupe_http_waiting", "troupe_log_proposals_queued",
                     "troupe_worker_tasks_queued", "troupe_views_lag", "troupe_websockets_open",
                     "process_resident_memory_bytes", "process_cpu_seconds_total",
                     "process_open_fds", "process_start_time_seconds"):
            self.assertIn(name, now)
        buckets = [v for k, v in now.items() if k.startswith("troupe_step_seconds_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], now["troupe_step_seconds_count"])

    @rows("MO-01")
    def test_gauges_show_what_waits(self):
        worker = StubWorker(self.node, "gauged")
        id_ = self.start(workflow([step(f"s{n}", "gauged") for n in range(3)]))
        self.until(lambda: self.metrics()["troupe_worker_tasks_queued"] == 3)
        age = 'troupe_queue_age_seconds{queue="worker_tasks"}'
        begun = self.until(lambda: self.metrics()[age])
        self.until(lambda: self.metrics()[age] > begun + 1)
        self.assertLess(self.metrics()[age], 60)
        first = worker.task()
        self.until(lambda: self.metrics()["troupe_worker_tasks_running"] == 1)
        for task in [first] + [worker.task() for _ in range(2)]:
            self.ok(worker.complete(task, {}))
        self.finished(id_)
        self.until(lambda: self.metrics()["troupe_worker_tasks_queued"] == 0)
        self.assertEqual(self.metrics()[age], 0)

    @rows("MO-01")
    @one_node("the disk of one machine")
    def test_bytes_on_disk(self):
        def kinds():
            return [self.metrics()[f'troupe_store_bytes{{kind="{k}"}}']
                    for k in ("tables", "wal", "views")]
        before = kinds()
        for _ in range(4):
            self.succeeds(workflow([step("a")]), {"text": os.urandom(256 << 10).hex()})
        after = self.until(lambda: sum(kinds()) >= sum(before) + (1 << 20) and kinds())
        self.assertTrue(all(bytes_ > 0 for bytes_ in after[1:]), after)
        self.assertLess(sum(after), 2 * self.node.disk_bytes() + (64 << 20))
        disk, slack = os.statvfs(self.node.data_dir), 8 << 30  # others write as well
        free = self.metrics()["troupe_store_free_bytes"]  # the superuser may use what is reserved
        self.assertGreater(free, disk.f_bavail * disk.f_frsize - slack)
        self.assertLess(free, disk.f_bfree * disk.f_frsize + slack)

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
        self.until(lambda: queued in self.node.get("/system/alerts").text, 40, "no alert")
        self.fh.release(self.path("block"))
        self.assertEqual(self.finished(queued)["status"], "success")


@one_node("processor time of one process")
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


@one_node("the log file of one process")
class LogFile(Case):
    own_node = True

    @rows("MO-03")
    def test_rotation_at_ten_megabytes_keeps_three(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "node.log")
            line = json.dumps({"time": "x", "level": "info", "component": "t", "message": "y" * 950})
            self.node.flags += ["--log-file", path, "--log-level", "debug"]
            for _ in range(5):
                self.node.kill()
                size = os.path.getsize(path) if os.path.exists(path) else 0
                with open(path, "a") as file:  # nearly full: a few lines are left
                    file.write((line + "\n") * ((10_484_000 - size) // (len(line) + 1)))
                full = {f: os.stat(os.path.join(folder, f)).st_ino for f in os.listdir(folder)}
                self.node.start()
                for _ in range(500):
                    self.succeeds(workflow([step("a")]))
                    now = {f: os.stat(os.path.join(folder, f)).st_ino for f in os.listdir(folder)}
                    if now.get("node.log") != full["node.log"] or len(now) != len(full):
                        break
            files = os.listdir(folder)
            self.assertTrue(3 <= len(files) <= 4, files)
            for name in files:
                self.assertLess(os.path.getsize(os.path.join(folder, name)), 11_000_000)
