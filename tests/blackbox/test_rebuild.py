"""Lists are disposable: made again from the rows, whatever became of the view file (DA-04, DA-05)."""

import json
import os
import shutil
import sqlite3
import subprocess
from urllib.parse import quote

from rows import rows
from support.case import Case, node, one_node, step, workflow


CHINESE = "/workflows?query=" + quote("灯塔")


@one_node("the list database of one process, broken and made again")
class Rebuild(Case):
    own_node = True
    flags = ("--partitions", "5")
    weight = 3

    def views(self, suffix=""):
        return os.path.join(self.node.data_dir, "views.sqlite" + suffix)

    def remove_views(self):
        for suffix in ("", "-wal", "-shm", ".damaged"):
            if os.path.exists(self.views(suffix)):
                os.unlink(self.views(suffix))

    def empty_the_log(self):
        tool = os.path.join(os.path.dirname(self.node.binary), "tests", "troupe_tamper")
        done = subprocess.run([tool, self.node.data_dir, "log", "--empty"], capture_output=True,
                              text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done)

    def make_data(self):
        good = self.create(workflow([step("a"), step("b", after="a")], name="the lighthouse",
                                    description="灯塔管理 for sailors", tags=["sea", "light"]))
        bad = self.create(workflow([step("a", "http_request", parameters={
            "url": "http://192.0.2.1:9/never"}, timeout_seconds=1)], name="windmill"))
        asks = self.create(workflow(nodes=[node("h", "HUMAN_IN_THE_LOOP", "APP", {
            "notification_type": "approval", "title": "May it?", "message": "?"})]))
        gone = self.create(workflow([step("a")], name="gone"))
        runs = [self.succeeds(good)["id"] for _ in range(6)]
        self.finished(self.start(bad))
        open_ = self.start(asks)
        self.review_of(open_)
        decided = self.start(asks)
        self.ok(self.node.post("/reviews/action", {"reviews": [
            {"review_id": self.review_of(decided)["review_id"], "approved": True}]}))
        self.finished(decided)
        cancelled = self.start(asks)
        self.review_of(cancelled)
        self.ok(self.node.post(f"/executions/{cancelled}/cancel"))
        for run in runs[:2]:
            self.ok(self.node.delete(f"/executions/{run}"), 200, 204)
        self.ok(self.node.delete(f"/workflows/{gone}"), 200, 204)
        self.ok(self.node.patch(f"/workflows/{bad}", {"description": "turns in the wind"}))
        for name in ("one", "two"):
            self.ok(self.node.post("/skills/instances", {
                "name": name, "skill_type": "echo", "parameters": {}}), 200, 201)
        return {"good": good, "bad": bad, "asks": asks, "runs": runs, "open": open_,
                "decided": decided}

    def lists(self, data):
        """Every list answer, statistics and searches; small pages, so that cursors count too."""
        paths = ["/workflows", "/workflows?query=lighthouse", CHINESE,
                 "/workflows?query=wind", "/workflows?query=nothing-of-this",
                 "/executions", "/executions?status=failed", "/executions?status=success",
                 "/executions?status=waiting", "/reviews/pending", "/skills/instances",
                 "/system/dead-letters"]
        for key in ("good", "bad", "asks"):
            paths += [f"/executions?workflow_id={data[key]}", f"/workflows/{data[key]}/executions"]
        for key in ("open", "decided"):
            paths.append(f"/executions/{data[key]}/reviews")
        found = {path: self.items(path, 3) for path in paths}
        for path in ("/workflows/stats/overview", f"/workflows/{data['good']}/stats",
                     f"/workflows/{data['bad']}/stats"):
            found[path] = self.ok(self.node.get(path)).json
        return found

    def rebuilt(self):
        def done():
            views = self.node.get("/system/status").json["views"]
            page = self.node.get("/executions?limit=1").json
            return not views["rebuilding"] and not page.get("stale")
        self.until(done, 20, "the views do not come back")
        self.assertEqual(self.node.get("/system/status").json["views"]["unreadable"], 0)

    def same(self, before, data):
        now = self.lists(data)
        self.assertEqual(before.keys(), now.keys())
        for path, items in before.items():
            self.assertEqual(json.dumps(now[path]), json.dumps(items), path)

    @rows("DA-04", "DA-05")
    def test_lists_come_back_whatever_became_of_the_file(self):
        data = self.make_data()
        before = self.lists(data)
        self.assertGreater(len(before["/executions"]), 7)
        self.assertEqual(len(before[CHINESE]), 1)

        def missing():
            self.remove_views()

        def garbage():
            self.remove_views()
            with open(self.views(), "wb") as file:
                file.write(os.urandom(20_000))

        def damaged():
            with open(self.views(), "r+b") as file:
                for page in range(2, os.path.getsize(self.views()) // 4096, 2):
                    file.seek(page * 4096)
                    file.write(os.urandom(4096))

        def of_another_version():
            with sqlite3.connect(self.views()) as file:
                file.execute("PRAGMA user_version=1")

        for harm in (missing, garbage, damaged, of_another_version):
            with self.subTest(harm.__name__):
                self.assertEqual(self.node.terminate(), 0)
                self.empty_the_log()
                harm()
                lines = self.node.log_text().count("the views are made again from the rows")
                self.node.start()
                self.rebuilt()
                self.assertEqual(
                    self.node.log_text().count("the views are made again from the rows"), lines + 1)
                self.same(before, data)
        more = self.succeeds(data["good"])["id"]
        self.assertEqual(self.items("/executions")[0]["id"], more)

    @rows("DA-05")
    def test_a_file_behind_the_trimmed_log(self):
        data = self.make_data()
        self.assertEqual(self.node.terminate(), 0)
        shutil.copy(self.views(), self.views(".old"))
        self.node.start()
        self.ok(self.node.delete(f"/executions/{data['runs'][2]}"), 200, 204)
        self.succeeds(data["good"])
        before = self.lists(data)
        self.assertEqual(self.node.terminate(), 0)
        self.remove_views()
        os.rename(self.views(".old"), self.views())
        self.empty_the_log()
        self.node.start()
        self.rebuilt()
        self.same(before, data)

    @rows("DA-05")
    def test_offline_command(self):
        data = self.make_data()
        before = self.lists(data)
        running = self.node.cli("views", "rebuild", "--data-dir", self.node.data_dir)
        self.assertEqual(running.returncode, 1, running)
        self.same(before, data)
        self.assertEqual(self.node.terminate(), 0)
        self.empty_the_log()
        self.remove_views()
        done = self.node.cli("views", "rebuild", "--data-dir", self.node.data_dir)
        self.assertEqual(done.returncode, 0, done)
        count = len(before["/executions"])
        self.assertIn(f"ok: {count} executions, 3 reviews", done.stdout)
        self.assertFalse(os.path.exists(self.views(".new")))
        self.node.start()
        self.same(before, data)
        self.assertNotIn("the views are made again", self.node.log_text())
