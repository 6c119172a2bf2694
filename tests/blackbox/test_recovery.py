"""What SIGKILL and SIGTERM leave behind (rows EN-22, 24, 25, 27, 42, 43, 45, DA-03)."""

import http.client
import json
import random
import signal
import time

from rows import rows
from support.case import Case, step, workflow
from support.fh import Reply


class Recovery(Case):
    own_node = True
    weight = 3

    def chain(self, count, **more):
        return workflow([self.http(f"s{n}", after=f"s{n - 1}" if n else ()) for n in range(count)],
                        **more)

    @rows("EN-24", "EN-26")
    def test_chain_goes_on_after_a_kill(self):
        self.fh.hold(self.path("s2"))
        id_ = self.start(self.chain(5))
        self.fh.wait_for(self.path("s2"))
        self.node.kill()
        self.fh.release(self.path("s2"))
        self.node.start()
        run = self.finished(id_)
        self.assertEqual(run["status"], "success")
        counts = [self.fh.count(self.path(f"s{n}")) for n in range(5)]
        self.assertEqual(counts[:2] + counts[3:], [1, 1, 1, 1])
        self.assertLessEqual(counts[2], 2)
        self.assertEqual(len({c.key for c in self.fh.calls(self.path("s2"))}), 1)
        self.assertIn("attempt_interrupted", self.kinds(id_, "s2"))

    @rows("EN-25", "DA-03")
    def test_what_was_seen_is_still_there(self):
        self.fh.hold(self.path("s2"))
        id_ = self.start(self.chain(3))
        seen = self.until(lambda: (lambda r: r if self.statuses(r).get("s1") == "success" else None)(
            self.execution(id_)))
        events = self.events(id_)
        self.node.kill()
        self.node.start()
        now = self.execution(id_)
        for name in ("s0", "s1"):
            self.assertEqual(self.step_of(now, name)["output"], self.step_of(seen, name)["output"])
            self.assertEqual(self.step_of(now, name)["status"], "success")
        self.assertEqual(self.events(id_)[:len(events)], events)  # with the hashes that were shown
        self.fh.release(self.path("s2"))
        self.assertEqual(self.finished(id_)["status"], "success")
        self.assertEqual([self.fh.count(self.path(n)) for n in ("s0", "s1")], [1, 1])

    @rows("EN-22")
    def test_pause_survives_a_kill(self):
        self.fh.hold(self.path("s0"))
        id_ = self.start(self.chain(3))
        self.fh.wait_for(self.path("s0"))
        self.ok(self.node.post(f"/executions/{id_}/pause"))
        self.fh.release(self.path("s0"))
        self.until(lambda: self.statuses(self.execution(id_)).get("s0") == "success")
        self.node.restart()
        time.sleep(0.5)
        self.assertEqual(self.execution(id_)["status"], "paused")
        self.assertEqual(self.fh.count(self.path("s1")), 0)
        self.ok(self.node.post(f"/executions/{id_}/resume"))
        self.assertEqual(self.finished(id_)["status"], "success")
        self.assertEqual([self.fh.count(self.path(f"s{n}")) for n in range(3)], [1, 1, 1])

    @rows("EN-27")
    def test_idempotent_start_survives_a_kill(self):
        id_ = self.create(self.chain(1))
        headers = {"Idempotency-Key": "survives"}
        first = self.start(id_, {"n": 1}, headers=headers)
        self.node.restart()
        self.assertEqual(self.node.post(f"/workflows/{id_}/execute", {"input_data": {"n": 1}},
                                        headers=headers).json["execution_id"], first)
        self.problem(self.node.post(f"/workflows/{id_}/execute", {"input_data": {"n": 2}},
                                    headers=headers), 422)
        self.finished(first)
        # The call that the kill cut off may come again, under the key it had.
        self.assertEqual(len({c.key for c in self.fh.calls(self.path("s0"))}), 1)

    @rows("EN-42")
    def test_sigterm_is_graceful(self):
        self.fh.script(self.path("s0"), Reply(delay=2))
        id_ = self.start(self.chain(2))
        self.fh.wait_for(self.path("s0"))
        self.assertEqual(self.node.terminate(20), 0)
        self.node.start()
        self.assertEqual(self.finished(id_)["status"], "success")
        self.assertLessEqual(self.fh.count(self.path("s0")), 2)
        self.assertEqual(self.fh.count(self.path("s1")), 1)

    @rows("EN-45")
    def test_interrupted_attempts_with_fail_leave_once(self):
        self.fh.hold(self.path("pay"))
        id_ = self.start(workflow([self.http("pay", when_interrupted="fail", retry_on_fail=3,
                                             retry_delay_seconds=0)]))
        self.fh.wait_for(self.path("pay"))
        self.node.kill()
        self.fh.release(self.path("pay"))
        self.node.start()
        run = self.finished(id_)
        pay = self.step_of(run, "pay")
        self.assertEqual((run["status"], pay["status"]), ("failed", "failed"))
        self.assertEqual(pay["error"]["code"], "outcome_unknown")
        self.assertEqual(self.fh.count(self.path("pay")), 1)

    @rows("EN-45")
    def test_interrupted_attempts_with_ask_open_a_review(self):
        self.fh.hold(self.path("pay"))
        id_ = self.start(workflow([self.http("pay", when_interrupted="ask"),
                                   step("b", after="pay")]))
        self.fh.wait_for(self.path("pay"))
        self.node.kill()
        self.fh.release(self.path("pay"))
        self.node.start()
        review = self.review_of(id_)
        self.assertEqual(self.fh.count(self.path("pay")), 1)
        self.ok(self.node.post("/reviews/action", {"reviews": [
            {"review_id": review["review_id"], "approved": True}]}))
        run = self.finished(id_)
        self.assertEqual(run["status"], "success", json.dumps(run)[:2000])
        self.assertLessEqual(self.fh.count(self.path("pay")), 2)

    @rows("EN-43")
    def test_poison_becomes_a_dead_letter(self):
        self.fh.hold(self.path("s0"))
        id_ = self.start(self.chain(2))
        for n in range(3):
            self.fh.wait_for(self.path("s0"), n + 1)
            self.node.kill()
            self.node.start()
        letter = self.until(lambda: [d for d in self.items("/system/dead-letters")
                                     if id_ in json.dumps(d)], 40, "no dead letter")[0]
        time.sleep(0.5)
        self.assertEqual(self.fh.count(self.path("s0")), 3)
        self.succeeds(workflow([step("others_go_on")]))
        self.fh.release(self.path("s0"))
        self.ok(self.node.post(f"/system/dead-letters/{letter['id']}/requeue"))
        self.until(lambda: self.execution(id_)["status"] == "success", 40, "requeue does not help")
        self.assertEqual(self.fh.count(self.path("s1")), 1)

    @rows("EN-42")
    def test_no_new_starts_while_it_stops(self):
        self.fh.hold(self.path("s0"))
        workflow_id = self.create(self.chain(2))
        id_ = self.start(workflow_id)
        self.fh.wait_for(self.path("s0"))
        self.node.process.send_signal(signal.SIGTERM)
        refused = self.until(lambda: self.refusal(workflow_id), why="starts are still accepted")
        self.fh.release(self.path("s0"))
        self.assertEqual(self.node.process.wait(60), 0)
        if isinstance(refused, int):
            self.assertEqual(refused, 503)
        self.node.start()
        self.assertEqual(self.finished(id_)["status"], "success")

    def refusal(self, workflow_id):
        """What a start gets that is not accepted: a status, or that nobody listens any more."""
        try:
            answer = self.nodes[0].post(f"/workflows/{workflow_id}/execute", {"input_data": {}})
            return None if answer.status == 202 else answer.status
        except (OSError, http.client.HTTPException):
            return "nobody listens"


class KillLoop(Case):
    """As many kills as the feature list asks for; the crash test does more, under more load."""

    own_node, weight, time_limit, one_by_one = True, 60, 400.0, True
    # On a busy machine a call may be cut off several times in a row: that is no poison here.
    flags = ("--interruptions-max", "1000")
    kills = 100

    @rows("DA-03", "EN-24")
    def test_a_hundred_kills_lose_nothing_acknowledged(self):
        seed = int(time.time()) % 1_000_000
        chance = random.Random(seed)
        workflow_id = self.create(workflow([self.http("a"), self.http("b", after="a")]))
        acknowledged, named = [], []
        for n in range(self.kills):
            until = time.monotonic() + chance.uniform(0.0, 0.06)
            while time.monotonic() < until or n >= len(named):
                acknowledged.append(self.start(workflow_id))
                named.append(self.create(workflow([step("a")], name=f"kept {len(named)}")))
            self.node.restart()
        self.assertGreaterEqual(len(acknowledged), self.kills)
        for id_ in acknowledged:
            run = self.finished(id_)
            self.assertEqual(run["status"], "success", f"seed {seed}: {run['error']}")
            done = [e["node"] for e in self.events(id_) if e["kind"] == "node_completed"]
            self.assertEqual(sorted(done), ["a", "b"])
        self.assertEqual(len(self.items(f"/executions?workflow_id={workflow_id}")),
                         len(acknowledged))
        kept = {w["id"] for w in self.items("/workflows?query=kept")}
        self.assertEqual(kept, set(named))
