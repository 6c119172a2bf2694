"""What hangs is driven again; what crashes again and again ends (rows EN-39, EN-43, OP-04, OP-12)."""

import time

from rows import rows
from support.case import Case, node, step, workflow


class Hanging(Case):
    flags = ("--test-faults", "--test-clock", "--stuck-after-ms", "400")

    def fault(self, kind, id_, **more):
        self.ok(self.node.post("/system/faults", {"kind": kind, "actor": f"run:{id_}", **more}))

    @rows("OP-12")
    def test_crashes_delays_and_drops(self):
        self.fh.hold(self.path("a"))
        id_ = self.start(workflow([self.http("a")]))
        self.fh.wait_for(self.path("a"))
        self.fault("crash", id_)
        self.problem(self.node.get(f"/executions/{id_}"), 503)  # what met the crash is not answered
        self.fh.wait_for(self.path("a"), 2)
        drop = {"kind": "drop", "what": "outcome", "actor": f"run:{id_}"}
        self.ok(self.node.post("/system/faults", drop))
        self.fault("delay", id_, milliseconds=300)
        began = time.monotonic()
        self.ok(self.node.get(f"/executions/{id_}"), 200)
        self.assertGreaterEqual(time.monotonic() - began, 0.3)
        self.fh.release(self.path("a"))
        self.assertEqual(self.finished(id_)["status"], "success")
        self.assertEqual(len(self.fh.calls(self.path("a"))), 3)
        self.problem(self.node.post("/system/faults", {**drop, "what": "wallet"}), 422)
        self.problem(self.node.post("/system/faults", {**drop, "kind": "explode"}), 422)

    @rows("EN-39")
    def test_a_lost_outcome(self):
        self.fh.hold(self.path("a"))
        id_ = self.start(workflow([self.http("a"), step("b", after="a")]))
        first = self.fh.wait_for(self.path("a"))[0]
        self.fault("drop", id_, what="outcome")
        self.fh.release(self.path("a"))
        self.assertEqual(self.finished(id_)["status"], "success")
        calls = self.fh.calls(self.path("a"))
        self.assertEqual([c.key for c in calls], [first.key] * 2)
        self.assertEqual(self.kinds(id_, "a").count("attempt_interrupted"), 1)
        self.assertEqual(self.kinds(id_, "a").count("node_completed"), 1)
        alerts = [a for a in self.items("/system/alerts") if a["execution_id"] == id_]
        self.assertEqual([a["kind"] for a in alerts], ["execution_stuck"])
        metrics = self.node.request("GET", "/metrics", root=True).text
        self.assertRegex(metrics, r"(?m)^troupe_stuck_total [1-9]")
        self.assertIn("execution stuck", self.node.log_text())

    @rows("EN-39")
    def test_a_lost_timer(self):
        id_ = self.start(workflow(nodes=[node("w", "FLOW", "WAIT", {
            "wait_type": "fixed_delay", "duration_seconds": 2})]))
        self.becomes(id_, "waiting")
        self.fault("drop", id_, what="timer")
        self.assertEqual(self.finished(id_)["status"], "success")
        alerts = [a for a in self.items("/system/alerts") if a["execution_id"] == id_]
        self.assertEqual([a["kind"] for a in alerts], ["timer_overdue"])

    @rows("EN-39")
    def test_what_is_only_slow_is_left_alone(self):
        self.fh.hold(self.path("a"))
        id_ = self.start(workflow([self.http("a")]))
        self.fh.wait_for(self.path("a"))
        time.sleep(1.5)
        self.assertEqual(self.fh.count(self.path("a")), 1)
        self.assertEqual([a for a in self.items("/system/alerts") if a["execution_id"] == id_], [])
        self.fh.release(self.path("a"))
        self.assertEqual(self.finished(id_)["status"], "success")


class Poison(Case):
    own_node = True
    flags = ("--test-faults",)

    def letters(self):
        return [d["id"] for d in self.items("/system/dead-letters")]

    def poison(self, others=0):
        """A run that is given up, and runs beside it that must not notice."""
        self.fh.hold(self.path("a"))
        id_ = self.start(workflow([self.http("a"), step("b", after="a")]))
        self.fh.wait_for(self.path("a"))
        good = self.create(workflow([self.http("good"), step("b", after="good")]))
        beside = [self.start(good) for _ in range(others)]
        self.ok(self.node.post("/system/faults", {"actor": f"run:{id_}", "times": 3}))
        self.fh.release(self.path("a"))
        for run in beside:
            self.assertEqual(self.finished(run)["status"], "success")
        self.until(lambda: id_ in self.letters(), 20, "no dead letter")
        return id_

    @rows("EN-43", "OP-04")
    def test_is_an_event_and_survives_a_restart(self):
        id_ = self.poison(others=20)
        for restart in (False, True):
            if restart:
                self.node.restart()
            run = self.execution(id_)
            self.assertEqual((run["status"], run["error"]["code"]), ("failed", "quarantined"))
            last = self.events(id_)[-1]
            self.assertEqual((last["kind"], last["data"]["error"]["code"]),
                             ("execution_finished", "quarantined"))
            self.assertEqual(self.letters(), [id_])
        self.problem(self.node.post(f"/executions/{id_}/cancel"), 409)
        self.succeeds(workflow([step("others_go_on")]))
        self.ok(self.node.post(f"/system/dead-letters/{id_}/requeue"))
        self.until(lambda: self.execution(id_)["status"] == "success", 20, "requeue does not help")
        self.assertEqual(self.letters(), [])
        self.assertIs(self.node.post(f"/executions/{id_}/replay").json["equal"], True)
        self.assertEqual(self.node.terminate(), 0)
        again = self.node.cli("replay", "--redecide", id_, "--data-dir", self.node.data_dir)
        self.assertEqual(again.returncode, 0, again)
        sound = self.node.cli("log", "verify", "--data-dir", self.node.data_dir)
        self.assertEqual(sound.returncode, 0, sound)

    @rows("EN-43")
    def test_can_be_retried_by_a_user_and_cancelled_then(self):
        id_ = self.poison()
        self.fh.hold(self.path("a"))
        self.ok(self.node.post(f"/executions/{id_}/retry", {"from": "failed"}))
        self.fh.wait_for(self.path("a"), 2)
        self.ok(self.node.post(f"/executions/{id_}/cancel"))
        self.assertEqual(self.finished(id_)["status"], "cancelled")
        self.fh.release(self.path("a"))
        self.until(lambda: self.letters() == [], 10, "still a dead letter")
