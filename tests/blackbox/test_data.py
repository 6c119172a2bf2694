"""What is on disk: damage, compaction, large values, retention, audit (rows DA, BY-13, EN-40)."""

import os
import re
import subprocess
import time
import uuid

from rows import rows
from support.case import Case, in_cluster, edge, node, step, workflow
from support.fh import Reply


class Data(Case):
    own_node = True
    flags = ("--test-clock", "--retention-sweep-ms", "200")
    weight = 2

    def files(self, pattern):
        found = []
        for folder, _, names in os.walk(self.node.data_dir):
            found += [os.path.join(folder, n) for n in names if re.fullmatch(pattern, n)]
        return sorted(found, key=os.path.getmtime)

    @rows("DA-04")
    def test_torn_tail_is_cut_with_a_warning(self):
        done = self.succeeds(workflow([step("a")]))["id"]
        self.node.kill()
        log = self.files(r"\d+\.log")[-1]
        with open(log, "ab") as file:
            file.write(os.urandom(300))
        at = len(self.node.log_text())
        self.node.start()
        self.assertRegex(self.node.log_text()[at:], r'"level":"warning".*torn by a crash and cut')
        self.assertEqual(self.execution(done)["status"], "success")
        self.succeeds(workflow([step("a")]))

    @rows("DA-04")
    def test_a_record_that_was_cut_off_is_cut_with_a_warning(self):
        runs = [self.succeeds(workflow([step("a", parameters={"n": n})])) for n in range(3)]
        self.node.kill()
        log = self.files(r"\d+\.log")[-1]
        os.truncate(log, os.path.getsize(log) - 5)  # the last write had not reached the disk
        at = len(self.node.log_text())
        self.node.start()
        self.assertRegex(self.node.log_text()[at:], r'"level":"warning".*torn')
        for run in runs[:2]:
            self.assertEqual(self.execution(run["id"])["output"], run["output"])
        self.assertEqual(self.finished(runs[2]["id"])["status"], "success")
        self.assertEqual(self.node.terminate(), 0)
        checked = self.node.cli("log", "verify", "--data-dir", self.node.data_dir)
        self.assertEqual(checked.returncode, 0, checked)

    def refuses_to_start(self):
        """Ends by itself with a failure and says what is wrong and what to do."""
        at = len(self.node.log_text())
        self.node.start(ready=False)
        self.assertNotIn(self.node.process.wait(60), (0, -6, -9, -11))
        said = self.node.log_text()[at:].lower()
        self.assertRegex(said, r"corrupt|checksum|damaged")
        self.assertRegex(said, r"restore|backup")

    @rows("DA-04")
    def test_damage_in_the_middle_of_the_log_refuses_to_start(self):
        for n in range(6):
            self.succeeds(workflow([step("a", parameters={"x": str(n) * 3000})]))
        self.node.kill()
        log = self.files(r"\d+\.log")[-1]
        with open(log, "r+b") as file:
            file.seek(os.path.getsize(log) // 2)
            file.write(os.urandom(64))
        self.refuses_to_start()
        self.refuses_to_start()  # the first try has changed nothing

    @rows("DA-04")
    def test_other_damage_refuses_to_start(self):
        for _ in range(3):
            self.succeeds(workflow([step("a", parameters={"x": "y" * 5000})]))
        self.assertEqual(self.node.terminate(), 0)
        self.node.cli("compact", "--data-dir", self.node.data_dir)
        tables = self.files(r"\d+\.sst")
        self.assertTrue(tables)
        for table in tables:
            with open(table, "r+b") as file:
                size = os.path.getsize(table)
                file.seek(size // 3)
                file.write(os.urandom(min(200, size // 3)))
        verified = self.node.cli("log", "verify", "--data-dir", self.node.data_dir)
        self.assertNotEqual(verified.returncode, 0)
        self.refuses_to_start()

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
        self.assertEqual(self.items(f"/executions?workflow_id={id_}"), [])

    @rows("DA-06")
    def test_parents_children_and_reviews_in_each_order(self):
        child = self.create(workflow(nodes=[node("h", "HUMAN_IN_THE_LOOP", "APP", {
            "notification_type": "approval", "message": "?"})]))
        parent = self.create(workflow(nodes=[node("s", "SUBWORKFLOW", parameters={
            "workflow_id": child})]))
        for first in ("parent", "child", "definitions"):
            with self.subTest(first):
                run = self.start(parent)
                kid = self.until(lambda: self.items(f"/executions/{run}/children"))[0]["id"]
                review = self.review_of(kid)
                self.ok(self.node.post("/reviews/action", {"reviews": [
                    {"review_id": review["review_id"], "approved": True}]}))
                self.assertEqual(self.finished(run)["status"], "success")
                if first == "definitions":
                    for each in (child, parent):
                        self.ok(self.node.delete(f"/workflows/{each}"), 200, 204)
                for each in (kid, run) if first == "child" else (run, kid):
                    self.ok(self.node.delete(f"/executions/{each}"), 200, 204)
                    if each == kid and first == "child":
                        self.assertEqual(self.items(f"/executions/{run}/children"), [])
                for each in (kid, run):
                    for tail in ("", "/events", "/children", "/reviews", "/report"):
                        self.problem(self.node.get(f"/executions/{each}{tail}"), 404)
                listed = {r["id"] for r in self.items("/executions")}
                self.assertEqual(listed & {kid, run}, set())

    @rows("DA-08", "EN-40")
    def test_large_values_are_kept_once(self):
        # Values travel inside of the log's entries: what is larger stalls a cluster on a slow disk.
        size = (4 if in_cluster() else 20) << 20
        self.fh.script(self.path("big"), Reply(body=os.urandom(size // 2).hex(),
                                               headers={"Content-Type": "text/plain"}))
        body = self.http("big", parameters={"max_response_bytes": 64 << 20})
        before = self.node.disk_bytes()
        id_ = self.create(workflow([body, step("copy", after="big", parameters={
            "same": "{{ steps.big.output.body }}"})]))
        runs = []
        for _ in range(3):
            runs.append(self.start(id_))
            self.becomes(runs[-1], "success", 100)
        run = self.execution(runs[-1])
        self.assertEqual(len(self.output_of(run, "big")["body"]), size)
        self.assertEqual(self.output_of(run, "copy")["same"], self.output_of(run, "big")["body"])
        text = self.ok(self.node.get(f"/executions/{run['id']}/events?limit=500"), 200).body
        self.assertLess(len(text), 100_000)
        self.assertEqual(self.node.terminate(), 0)
        exported = self.node.cli("export", "--data-dir", self.node.data_dir).stdout
        self.assertLess(len(exported), 1 << 20)
        self.assertEqual(self.node.cli("compact", "--data-dir", self.node.data_dir).returncode, 0)
        # Three runs with two values each, in 16 partitions: the body with its headers (a date makes
        # it new in each second) and {"same": body}. The log itself is the exported text.
        kept = self.node.disk_bytes() - before
        self.assertLess(kept, 6 * size + (2 << 20))

    @rows("EN-40")
    def test_retention_really_frees_space(self):
        id_ = self.create(workflow([step("a", parameters={"x": "{{ input.x }}"})]))
        runs = [self.run_to_end(id_, {"x": os.urandom(100_000).hex()})["id"] for _ in range(20)]
        full = self.node.disk_bytes()
        self.ok(self.node.put("/system/retention", {"max_age_seconds": 3600}))
        self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 7200}))
        self.until(lambda: all(self.node.get(f"/executions/{r}").status == 404 for r in runs),
                   why="the old runs are still there")
        self.assertEqual(self.node.terminate(), 0)
        self.assertEqual(self.node.cli("compact", "--data-dir", self.node.data_dir).returncode, 0)
        self.assertLess(self.node.disk_bytes(), full - 2_000_000)
        self.node.start()
        self.assertEqual(self.node.get(f"/workflows/{id_}").status, 200)

    @rows("EN-40")
    def test_count_policy_of_a_status(self):
        self.fh.script(self.path("bad"), Reply(404))
        good, bad = self.create(workflow([step("a")])), self.create(workflow([self.http("bad")]))
        succeeded = [self.run_to_end(good)["id"] for _ in range(4)]
        failed = [self.run_to_end(bad)["id"] for _ in range(4)]
        self.ok(self.node.put("/system/retention", {"rules": [
            {"status": "failed", "keep_newest": 1}]}))
        self.until(lambda: [r["id"] for r in self.items(f"/executions?workflow_id={bad}")]
                   == failed[-1:], why="the policy is not applied")
        for each in failed[:-1]:
            self.until(lambda: self.node.get(f"/executions/{each}").status == 404)
        self.assertEqual([r["id"] for r in self.items(f"/executions?workflow_id={good}")],
                         succeeded[::-1])
        self.problem(self.node.put("/system/retention", {"rules": [{"status": "running",
                                                                    "max_age_seconds": 1}]}), 422)

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


class LongHistory(Case):
    own_node, weight, time_limit = True, 40, 300.0

    @rows("DA-05", "EN-37")
    def test_restart_time_does_not_grow_with_history(self):
        """A hundred thousand events in long runs, one of which is still under way."""
        id_ = self.create(workflow(
            nodes=[node("loop", "FLOW", "LOOP", {"loop_type": "for", "count": "{{ input.n }}",
                                                 "max_iterations": 20_000,
                                                 "parallel_execution": True}),
                   node("body", "SKILL", parameters={"skill_type": "echo", "parameters": {"x": 1}}),
                   node("gate", "FLOW", "WAIT", {"wait_type": "for_signal", "signal_name": "go"})],
            edges=[edge("loop:iteration", "body"), edge("body", "loop:loop_body"),
                   edge("loop:complete", "gate")]))
        empty = self.restarted()
        runs = [self.start(id_, {"n": 6_500}) for _ in range(4)]
        self.until(lambda: self.count(id_, "waiting") == 4, 200)
        total = sum(self.node.get(f"/executions/{r}/events?limit=1").json["total_count"]
                    for r in runs)
        self.assertGreaterEqual(total, 100_000)
        for run in runs[1:]:
            self.ok(self.node.post(f"/executions/{run}/signals/go"))
        self.until(lambda: self.count(id_, "success") == 3)
        ended = self.execution(runs[1])
        took = self.restarted()
        print(f"  restart with {total} events: {took:.2f} s, empty {empty:.2f} s")
        self.assertLess(took, 10)
        again = self.execution(runs[1])
        self.assertEqual((again["status"], again["output"]), (ended["status"], ended["output"]))
        self.ok(self.node.post(f"/executions/{runs[0]}/signals/go"))
        self.until(lambda: self.count(id_, "success") == 4)
        for run in runs[:2]:  # snapshot and tail give what the whole history gives
            answer = self.ok(self.node.post(f"/executions/{run}/replay", timeout=120), 200).json
            self.assertIs(answer["equal"], True)

    def count(self, workflow_id, status):
        """By the list: an execution of this size takes its time to be shown."""
        found = self.node.get(f"/executions?workflow_id={workflow_id}&status={status}&limit=1")
        return self.ok(found, 200).json["total_count"]

    def restarted(self):
        self.node.kill()
        started = time.monotonic()
        self.node.start()
        return time.monotonic() - started
