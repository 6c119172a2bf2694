"""People in the loop (row NT-25)."""

import threading
import time

from rows import rows
from support.case import Case, edge, node, workflow


def ask(**parameters):
    return workflow(
        nodes=[node("h", "HUMAN_IN_THE_LOOP", "APP", {
                   "notification_type": "approval", "title": "May I?", "message": "{{ input.m }}",
                   "priority": "high", **parameters}),
               *[node(p, "OUTPUT", parameters={"name": p, "value": "{{ $json }}"})
                 for p in ("yes", "no", "filled", "late")]],
        edges=[edge("h:approved", "yes"), edge("h:rejected", "no"), edge("h:completed", "filled"),
               edge("h:timeout", "late")])


class Reviews(Case):
    flags = ("--test-clock",)

    def decide(self, review, approved, status=200, **more):
        answer = self.node.post("/reviews/action", {"reviews": [
            {"review_id": review["review_id"], "approved": approved, **more}]})
        self.assertEqual(answer.status, status, answer)
        return answer.json

    @rows("NT-25")
    def test_approve_and_reject(self):
        for approved, port in ((True, "yes"), (False, "no")):
            with self.subTest(port):
                id_ = self.start(ask(), {"m": "pay 5"})
                review = self.review_of(id_)
                self.assertEqual(self.execution(id_)["status"], "waiting")
                self.assertEqual((review["title"], review["message"], review["priority"]),
                                 ("May I?", "pay 5", "high"))
                self.assertTrue(review["deadline"])
                self.assertEqual([r["review_id"] for r in self.items(f"/executions/{id_}/reviews")],
                                 [review["review_id"]])
                counts = self.decide(review, approved, message="because")
                self.assertEqual(counts["approved" if approved else "rejected"], 1)
                run = self.finished(id_)
                self.assertEqual(run["status"], "success")
                self.assertEqual({p for p in ("yes", "no", "filled", "late")
                                  if run["output"].get(p) is not None}, {port})
                self.decide(review, approved, 409)
        self.decide({"review_id": "01890000-0000-7000-8000-000000000000"}, True, 404)

    @rows("NT-25")
    def test_input_form_is_checked(self):
        form = {"type": "object", "properties": {"amount": {"type": "integer"}},
                "required": ["amount"]}
        id_ = self.start(ask(notification_type="input", form=form), {"m": "how much?"})
        review = self.review_of(id_)
        self.assertEqual(review["form"], form)
        self.decide(review, True, 422, data={"amount": "lots"})
        self.assertEqual(self.execution(id_)["status"], "waiting")
        self.decide(review, True, data={"amount": 12})
        run = self.finished(id_)
        self.assertEqual(run["status"], "success")
        self.assertEqual(run["output"]["filled"]["data"], {"amount": 12})

    @rows("NT-25")
    def test_timeout_port(self):
        id_ = self.start(ask(timeout_minutes=10, timeout_action="continue"), {"m": "?"})
        self.review_of(id_)
        time.sleep(0.2)
        self.assertEqual(self.execution(id_)["status"], "waiting")
        self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 601}))
        run = self.finished(id_)
        self.assertEqual(run["status"], "success")
        self.assertIsNotNone(run["output"].get("late"))
        self.assertIsNone(run["output"].get("yes"))

    @rows("NT-25")
    def test_timeout_action_fail(self):
        id_ = self.start(ask(timeout_minutes=10, timeout_action="fail"), {"m": "?"})
        self.review_of(id_)
        self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 601}))
        self.assertEqual(self.finished(id_)["status"], "failed")


    @rows("NT-25")
    def test_timeout_action_default(self):
        id_ = self.start(ask(timeout_minutes=10, timeout_action="default",
                             default_response={"approved": False, "why": "nobody"}), {"m": "?"})
        self.review_of(id_)
        self.ok(self.node.post("/system/faults/clock", {"advance_seconds": 601}))
        run = self.finished(id_)
        self.assertEqual(run["status"], "success")
        self.assertIsNotNone(run["output"].get("no"))
        self.assertEqual([run["output"].get(p) for p in ("yes", "late", "filled")], [None] * 3)
        self.assertNotIn(id_, [r["execution_id"] for r in self.items("/reviews/pending")])

    @rows("NT-25")
    def test_all_kinds_have_their_ports(self):
        for kind, port in (("confirmation", "yes"), ("review", "filled"), ("input", "filled")):
            with self.subTest(kind):
                id_ = self.start(ask(notification_type=kind), {"m": "?"})
                self.decide(self.review_of(id_), True, data={"n": 1})
                run = self.finished(id_)
                self.assertEqual({p for p in ("yes", "no", "filled", "late")
                                  if run["output"].get(p) is not None}, {port})

    @rows("NT-25")
    def test_one_answer_wins_and_runs_are_not_mixed(self):
        ids = [self.start(ask(), {"m": "?"}) for _ in range(2)]
        first, second = (self.review_of(i) for i in ids)
        mixed = self.node.post("/reviews/action", {"reviews": [
            {"review_id": r["review_id"], "approved": True} for r in (first, second)]})
        self.assertEqual(mixed.status, 409, mixed)
        answers = []

        def decide(approved):
            answers.append(self.node.post("/reviews/action", {"reviews": [
                {"review_id": first["review_id"], "approved": approved}]}).status)

        threads = [threading.Thread(target=decide, args=(n % 2 == 0,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(answers), [200] + [409] * 5)
        self.assertEqual(self.finished(ids[0])["status"], "success")
        self.decide(second, False)
        self.assertEqual(self.finished(ids[1])["status"], "success")


class ReviewsSurvive(Case):
    own_node = True

    @rows("NT-25")
    def test_open_review_survives_a_kill(self):
        id_ = self.start(ask(), {"m": "still?"})
        review = self.review_of(id_)
        self.node.restart()
        self.assertEqual(self.review_of(id_)["review_id"], review["review_id"])
        self.ok(self.node.post("/reviews/action", {"reviews": [
            {"review_id": review["review_id"], "approved": True}]}), 200)
        self.assertEqual(self.finished(id_)["status"], "success")
