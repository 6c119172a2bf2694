"""What is on disk: corruption, compaction, large values, retention, audit (rows DA, BY-13, EN-40)."""

import os
import re
import subprocess
import time
import uuid

from rows import rows
from support.case import Case, node, step, workflow
from support.fh import Reply
from support.node import Node


class Data(Case):
    own_node = True
    flags = ("--test-clock", "--retention-sweep-ms", "200")
    weight = 2

    def files(self, pattern):
        found = []
        for folder, _, names in os.walk(self.node.data_dir):
            found += [os.path.join(folder, n) for n in names if re.fullmatch(pattern, n)]
        return sorted(found, key=os.path.getmtime)

    @rows("DA-01", "DA-02")
    def test_old_directory_opens_and_replays(self):
        runs = [self.succeeds(workflow([self.http("a"), step("b", after="a")])),
                self.succeeds(workflow(nodes=[node("w", "FLOW", "WAIT", {
                    "wait_type": "fixed_delay", "duration_seconds": 0.2})]))]
        self.assertEqual(self.node.terminate(), 0)
        shown = self.node.cli("migrate", "up", "--data-dir", self.node.data_dir)
        self.assertEqual(shown.returncode, 0, shown)
        self.node.start()
        for run in runs:
            self.assertEqual(self.execution(run["id"])["output"], run["output"])
            answer = self.ok(self.node.post(f"/executions/{run['id']}/replay"), 200).json
            self.assertIs(answer["equal"], True)

    @rows("DA-04")
    def test_torn_tail_is_cut_with_a_warning(self):
        done = self.succeeds(workflow([step("a")]))["id"]
        self.node.kill()
        log = self.files(r"\d+\.log")[-1]
        with open(log, "ab") as file:
            file.write(os.urandom(300))
        self.node.start()
        self.assertEqual(self.execution(done)["status"], "success")
        self.succeeds(workflow([step("a")]))

    @rows("DA-04")
    def test_other_damage_is_told(self):
        for _ in range(3):
            self.succeeds(workflow([step("a", parameters={"x": "y" * 5000})]))
        self.assertEqual(self.node.terminate(), 0)
        self.node.cli("compact", "--data-dir", self.node.data_dir)
        for table in self.files(r"\d+\.sst"):
            with open(table, "r+b") as file:
                size = os.path.getsize(table)
                file.seek(size // 3)
                file.write(os.urandom(min(200, size // 3)))
        verified = self.node.cli("log", "verify", "--data-dir", self.node.data_dir)
        self.assertNotEqual(verified.returncode, 0)
        self.node.start(ready=False)
        status = None
        try:
            status = self.node.process.wait(10)
        except Exception:
            pass
        self.assertNotEqual(status, 0)
        self.assertRegex(self.node.log_text().lower(), r"corrupt|checksum|damaged")

    @rows("DA-05")
    def test_restart_time_does_not_grow_with_history(self):
        id_ = self.start(workflow(nodes=[
            node("loop", "FLOW", "LOOP", {"loop_type": "for", "count": 3000,
                                          "max_iterations": 3000, "parallel_execution": True}),
            node("body", "SKILL", parameters={"skill_type": "echo"})],
            edges=[{"source": "loop", "source_port": "iteration", "target": "body",
                    "target_port": "main", "type": "main", "index": 0},
                   {"source": "body", "source_port": "main", "target": "loop",
                    "target_port": "loop_body", "type": "main", "index": 0}]))
        run = self.finished(id_, 50)
        self.assertEqual(run["status"], "success")
        total = self.node.get(f"/executions/{id_}/events?limit=1").json["total_count"]
        self.assertGreater(total, 6000)
        self.node.kill()
        started = time.monotonic()
        self.node.start()
        self.assertLess(time.monotonic() - started, 5)
        again = self.execution(id_)
        self.assertEqual((again["status"], again["output"]), (run["status"], run["output"]))
        self.assertIs(self.node.post(f"/executions/{id_}/replay", timeout=40).json["equal"], True)

    @rows("DA-06", "EN-40")
    def test_deletes_leave_no_dangling_links(self):
        id_ = self.create(workflow([step("a")]))
        runs = [self.run_to_end(id_)["id"] for _ in range(2)]
        for each in [id_] + runs:
            self.assertEqual(str(uuid.UUID(each)), each)
        self.ok(self.node.delete(f"/executions/{runs[0]}"), 200, 204)
        self.problem(self.node.get(f"/executions/{runs[0]}"), 404)
        self.problem(self.node.get(f"/executions/{runs[0]}/events"), 404)
        self.assertEqual([r["id"] for r in self.items(f"/executions?workflow_id={id_}")], runs[1:])
        self.ok(self.node.delete(f"/workflows/{id_}"), 200, 204)
        self.assertEqual(self.execution(runs[1])["workflow_id"], id_)
        self.ok(self.node.delete(f"/executions/{runs[1]}"), 200, 204)
        self.problem(self.node.delete(f"/executions/{runs[1]}"), 404)
        self.node.restart()
        for each in runs:
            self.problem(self.node.get(f"/executions/{each}"), 404)

    @rows("DA-08")
    def test_large_values_are_kept_once(self):
        size = 8 << 20
        self.fh.script(self.path("big"), Reply(body=os.urandom(size // 2).hex(),
                                               headers={"Content-Type": "text/plain"}))
        body = self.http("big", parameters={"max_response_bytes": 32 << 20})
        before = self.node.disk_bytes()
        id_ = self.create(workflow([body, step("copy", after="big", parameters={
            "same": "{{ steps.big.output.body }}"})]))
        for _ in range(2):
            run = self.succeeds(id_, timeout=40)
            self.assertEqual(len(self.output_of(run, "big")["body"]), size)
            self.assertEqual(len(self.output_of(run, "copy")["same"]), size)
        text = self.ok(self.node.get(f"/executions/{run['id']}/events?limit=500"), 200).body
        self.assertLess(len(text), 1 << 20)
        # Two runs with two values each, once: the body with its headers, and {"same": body}.
        self.assertEqual(self.node.terminate(), 0)
        self.assertEqual(self.node.cli("compact", "--data-dir", self.node.data_dir).returncode, 0)
        self.assertLess(self.node.disk_bytes() - before, 5 * size)

    @rows("EN-40")
    def test_retention_really_frees_space(self):
        id_ = self.create(workflow([step("a", parameters={"x": "{{ input.x }}"})]))
        runs = [self.run_to_end(id_, {"x": os.urandom(100_000).hex()})["id"] for _ in range(20)]
        full = self.node.disk_bytes()
        self.ok(self.node.put("/system/retention", {"max_age_seconds": 3600}))
        self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 7200}))
        self.until(lambda: self.node.get(f"/executions/{runs[0]}").status == 404, 15,
                   "the old run is still there")
        self.until(lambda: all(self.node.get(f"/executions/{r}").status == 404 for r in runs), 15)
        self.assertEqual(self.node.terminate(), 0)
        self.assertEqual(self.node.cli("compact", "--data-dir", self.node.data_dir).returncode, 0)
        self.assertLess(self.node.disk_bytes(), full - 2_000_000)
        self.node.start()
        self.assertEqual(self.node.get(f"/workflows/{id_}").status, 200)

    @rows("BY-13", "DA-04")
    def test_one_flipped_byte_is_found_and_named(self):
        marker = "tamper-with-me-0123456789"
        run = self.succeeds(workflow([step("a", parameters={"x": marker})]))
        other = self.succeeds(workflow([step("a", parameters={"x": "innocent"})]))
        self.assertEqual(self.node.terminate(), 0)
        good = self.node.cli("log", "verify", "--data-dir", self.node.data_dir)
        self.assertEqual(good.returncode, 0, good)
        tool = os.path.join(os.path.dirname(self.node.binary), "tests", "troupe_tamper")
        done = subprocess.run([tool, self.node.data_dir, "events", marker],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stdout.strip()), (0, "changed 1 value"), done)
        bad = self.node.cli("log", "verify", "--data-dir", self.node.data_dir)
        self.assertNotEqual(bad.returncode, 0)
        told = bad.stdout + bad.stderr
        self.assertIn(run["id"], told)
        self.assertNotIn(other["id"], told)


class ReadOwnWrites(Case):
    @rows("DA-03")
    def test_position_of_a_write_is_honoured(self):
        answer = self.node.post("/workflows", workflow([step("a")], name=uuid.uuid4().hex))
        position = answer.headers["troupe-position"]
        self.assertRegex(position, r"^\d+:\d+$")
        listed = self.node.get(f"/workflows?query={answer.json['name']}", headers={
            "Troupe-Position": position}).json
        self.assertEqual(listed["total_count"], 1)


class SecondNode(Case):
    own_node = True

    @rows("DA-01")
    def test_version_is_recorded_once(self):
        self.succeeds(workflow([step("a")]))
        self.assertEqual(self.node.terminate(), 0)
        twin = Node(data_dir=self.node.data_dir)
        try:
            self.assertEqual(twin.get("/workflows").json["total_count"], 1)
        finally:
            twin.kill()
