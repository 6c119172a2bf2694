"""Spans of requests, runs and attempts at a collector (row MO-02)."""

import json
import re
import socket
import time

from rows import rows
from support.case import Case, node, edge, step, workflow
from support.fh import FakeTarget, Reply
from support.worker import StubWorker

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
SERVER, CLIENT, INTERNAL, ERROR = 2, 3, 1, 2


class Collector(FakeTarget):
    """Takes OTLP/HTTP JSON, refuses what is no valid request, and gives back the spans."""

    def spans(self):
        found = []
        for call in self.calls("/v1/traces"):
            assert call.method == "POST", call.method
            assert call.headers["content-type"] == "application/json", call.headers
            body = call.json
            assert set(body) == {"resourceSpans"}, body
            for resource in body["resourceSpans"]:
                names = {a["key"]: a["value"]["stringValue"]
                         for a in resource["resource"]["attributes"]}
                assert names["service.name"] == "troupe", names
                for scope in resource["scopeSpans"]:
                    assert scope["scope"]["name"] == "troupe", scope["scope"]
                    found += [self.checked(s) for s in scope["spans"]]
        return found

    @staticmethod
    def checked(span):
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"]), span
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"]), span
        assert re.fullmatch("[0-9a-f]{16}", span.get("parentSpanId", "0" * 16)), span
        assert span["name"] and span["kind"] in (INTERNAL, SERVER, CLIENT), span
        begun, ended = span["startTimeUnixNano"], span["endTimeUnixNano"]
        assert isinstance(begun, str) and isinstance(ended, str), span
        assert 0 < int(begun) <= int(ended) < (time.time() + 60) * 1e9, span
        span["with"] = {}
        for attribute in span["attributes"]:
            (kind, value), = attribute["value"].items()
            assert kind in ("stringValue", "intValue") and isinstance(value, str), span
            span["with"][attribute["key"]] = value
        assert set(span["status"]) <= {"code", "message"}, span
        return span


class Tracing(Case):
    own_node = True

    def _make(self):
        fh, self.collector = FakeTarget(), Collector()
        self.addCleanup(self.collector.close)
        return fh, self.new_node("--http-allow", fh.address, "--otlp-endpoint", self.collector.url)

    def spans_of(self, id_, number, trace=None):
        """The spans that name a run, as soon as there are `number` of them."""
        def ask():
            found = [s for s in self.collector.spans()
                     if s["with"].get("troupe.execution_id") == id_]
            return found if len(found) >= number else None
        found = self.until(ask, 10, f"not {number} spans of {id_}", lambda: self.collector.spans())
        self.assertEqual(len(found), number, found)
        self.assertEqual(len({s["spanId"] for s in found}), number, found)
        for span in found:
            self.assertEqual(span["traceId"], trace or TRACE)
        return found

    def one(self, spans, prefix):
        found = [s for s in spans if s["name"].startswith(prefix)]
        self.assertEqual(len(found), 1, spans)
        return found[0]

    def figure(self, name):
        text = self.node.request("GET", "/metrics", root=True).text
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)[1])

    @rows("MO-02")
    def test_spans_are_linked(self):
        self.fh.script(self.path("a"), Reply(503, {"secret": "s3cr3t-output"}), Reply())
        steps = [self.http("a", retry_on_fail=1, retry_delay_seconds=0,
                           parameters={"body": {"password": "s3cr3t-input"}}),
                 step("b", after="a")]
        id_ = self.create(workflow(steps, name="traced"))
        answer = self.ok(self.node.post(f"/workflows/{id_}/execute",
                                        {"input_data": {"k": "s3cr3t"}}, headers=CALLED), 202)
        run = self.finished(answer.json["execution_id"])
        self.assertEqual((run["status"], run["trace_id"]), ("success", TRACE))
        spans = self.spans_of(run["id"], 5)

        request = self.one(spans, "POST /api/v1/workflows/{id}/execute")
        self.assertEqual((request["parentSpanId"], request["kind"]), (CALLER, SERVER))
        self.assertEqual(request["with"]["http.response.status_code"], "202")
        self.assertEqual(answer.headers["traceparent"], f"00-{TRACE}-{request['spanId']}-01")
        whole = self.one(spans, "execution traced")
        self.assertEqual((whole["parentSpanId"], whole["kind"]), (request["spanId"], INTERNAL))
        self.assertEqual(whole["with"]["troupe.status"], "success")
        self.assertEqual(whole["status"], {})
        tries = sorted((s for s in spans if s["name"] == "step a"),
                       key=lambda s: s["with"]["troupe.attempt"])
        self.assertEqual([s["with"]["troupe.attempt"] for s in tries], ["1", "2"])
        sent = [c.headers["traceparent"] for c in self.fh.calls(self.path("a"))]
        self.assertEqual(sent, [f"00-{TRACE}-{s['spanId']}-01" for s in tries])
        for each in tries + [self.one(spans, "step b")]:
            self.assertEqual(each["parentSpanId"], whole["spanId"])
            self.assertGreaterEqual(int(each["startTimeUnixNano"]), int(whole["startTimeUnixNano"]))
            self.assertLessEqual(int(each["endTimeUnixNano"]), int(whole["endTimeUnixNano"]))
        self.assertEqual([s["kind"] for s in tries], [CLIENT, CLIENT])
        self.assertEqual(tries[0]["status"], {"code": ERROR, "message": "http_status"})
        self.assertEqual(tries[0]["with"]["http.response.status_code"], "503")
        self.assertEqual(tries[1]["status"], {})
        for call in self.collector.calls():
            self.assertNotIn(b"s3cr3t", call.body)
        self.assertEqual(self.figure("troupe_spans_dropped_total"), 0)
        self.assertGreaterEqual(self.figure("troupe_spans_sent_total"), 5)

    @rows("MO-02")
    def test_without_a_caller_the_trace_begins_here(self):
        self.fh.script(self.path("a"), Reply(400))
        run = self.run_to_end(workflow([self.http("a")]))
        spans = self.spans_of(run["id"], 3, run["trace_id"])
        self.assertNotIn("parentSpanId", self.one(spans, "POST "))
        self.assertEqual(self.one(spans, "execution ")["status"]["code"], ERROR)
        self.assertEqual(self.one(spans, "step a")["status"]["code"], ERROR)

    @rows("MO-02")
    def test_what_changes_a_run_is_traced_and_reading_is_not(self):
        worker = StubWorker(self.node, "held")
        id_ = self.start(workflow([step("a", "held")]))
        worker.task()
        self.ok(self.node.get(f"/executions/{id_}"))
        self.ok(self.node.post(f"/executions/{id_}/cancel", headers=CALLED))
        run = self.finished(id_)

        def ask():
            return [s for s in self.collector.spans() if s["name"].endswith("/cancel")]
        cancel = self.until(ask, 10, "no span of the cancel")[0]
        self.assertEqual((cancel["traceId"], cancel["parentSpanId"]), (TRACE, CALLER))
        self.assertEqual(cancel["with"]["troupe.execution_id"], id_)
        self.until(lambda: len(self.collector.spans()) >= 4, 10)
        names = [s["name"] for s in self.collector.spans()]
        self.assertFalse([n for n in names if n.startswith("GET ")], names)
        left = self.one(self.collector.spans(), "step a")
        self.assertEqual(left["traceId"], run["trace_id"])
        self.assertEqual(left["status"]["message"], "cancelled")

    @rows("MO-02")
    def test_a_repeated_start_and_a_child_keep_their_places(self):
        child = self.create(workflow([step("c")], name="child"))
        parent = self.create(workflow(
            nodes=[node("sub", "SUBWORKFLOW", parameters={"workflow_id": child}),
                   node("o", "OUTPUT")],
            edges=[edge("sub", "o")], name="parent"))
        headers = {**CALLED, "Idempotency-Key": "once"}
        first, second = (self.ok(self.node.post(f"/workflows/{parent}/execute", {"input_data": {}},
                                                headers=headers), 200, 202)
                         for _ in range(2))
        self.assertEqual(first.json["execution_id"], second.json["execution_id"])
        self.assertNotEqual(first.headers["traceparent"], second.headers["traceparent"])
        run = self.finished(first.json["execution_id"])
        self.assertEqual(run["status"], "success", run)

        def ask():
            found = self.collector.spans()
            both = sum(s["name"].startswith("execution") for s in found) == 2
            return found if both else None
        spans = self.until(ask, 10, "not both runs", lambda: self.collector.spans())
        over, under = self.one(spans, "execution parent"), self.one(spans, "execution child")
        self.assertEqual(under["parentSpanId"], over["spanId"])
        self.assertEqual({s["traceId"] for s in spans}, {TRACE})
        self.assertEqual(over["parentSpanId"], first.headers["traceparent"].split("-")[2])

    @rows("MO-02")
    def test_the_trace_goes_on_after_a_kill(self):
        self.fh.hold(self.path("a"))
        id_ = self.start(workflow([self.http("a")], name="killed"), headers=CALLED)
        self.fh.wait_for(self.path("a"))
        self.until(lambda: [s for s in self.collector.spans() if s["kind"] == SERVER], 10)
        self.node.kill()
        self.fh.release(self.path("a"))
        self.node.start()
        self.assertEqual(self.finished(id_)["status"], "success")
        spans = self.spans_of(id_, 4)
        request, whole = self.one(spans, "POST "), self.one(spans, "execution killed")
        self.assertEqual(whole["parentSpanId"], request["spanId"])
        tries = sorted((s for s in spans if s["name"] == "step a"),
                       key=lambda s: s["with"]["troupe.attempt"])
        self.assertEqual([s["status"].get("message") for s in tries], ["interrupted", None])
        self.assertEqual({s["parentSpanId"] for s in tries}, {whole["spanId"]})
        sent = [c.headers["traceparent"] for c in self.fh.calls(self.path("a"))]
        self.assertEqual(sent, [f"00-{TRACE}-{s['spanId']}-01" for s in tries])

    @rows("MO-02")
    def test_the_end_sends_what_is_left(self):
        id_ = self.succeeds(workflow([step("a")]))["id"]
        self.assertEqual(self.node.terminate(20), 0)
        self.assertEqual(len(self.spans_of(id_, 3, self.collector.spans()[0]["traceId"])), 3)


class NoCollector(Case):
    own_node = True

    def _make(self):
        self.collector = FakeTarget()
        self.addCleanup(self.collector.close)
        fh = FakeTarget()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        slow = "slow" in self._testMethodName
        return fh, self.new_node("--http-allow", fh.address, "--otlp-endpoint",
                                 self.collector.url if slow else nobody)

    def dropped(self):
        text = self.node.request("GET", "/metrics", root=True).text
        return float(re.search(r"^troupe_spans_dropped_total (\S+)$", text, re.M)[1])

    @rows("MO-02")
    def test_a_collector_that_is_down_disturbs_nothing(self):
        for _ in range(3):
            self.assertLess(self.took(), 5)
        self.until(lambda: self.dropped() >= 3, 15, "nothing is counted")
        self.stops()

    @rows("MO-02")
    def test_a_slow_collector_disturbs_nothing(self):
        self.collector.hold("/v1/traces")
        self.addCleanup(self.collector.release, "/v1/traces")
        self.took()
        self.collector.wait_for("/v1/traces")
        self.assertLess(self.took(), 5)
        self.stops()

    @rows("MO-02")
    def test_workflows_do_not_reach_a_slow_collector(self):
        run = self.run_to_end(workflow([step("a", "http_request",
                                             parameters={"url": self.collector.url + "/stolen"})]))
        self.assertEqual(run["status"], "failed")
        self.assertEqual(self.collector.count("/stolen"), 0)

    def took(self):
        begun = time.monotonic()
        self.succeeds(workflow([self.http("a"), step("b", after="a")]))
        return time.monotonic() - begun

    def stops(self):
        begun = time.monotonic()
        self.assertEqual(self.node.terminate(20), 0)
        self.assertLess(time.monotonic() - begun, 6)


class TracingOff(Case):
    @rows("MO-02")
    def test_wrong_endpoints_end_the_start(self):
        for bad in ("collector:4318", "ftp://collector", "http://", "http://u:p@collector"):
            done = self.node.cli("serve", "--data-dir", self.node.data_dir + "-none",
                                 "--otlp-endpoint", bad)
            self.assertEqual(done.returncode, 2, bad)
            self.assertIn("otlp-endpoint", done.stdout + done.stderr)

    @rows("MO-02")
    def test_off_by_default(self):
        self.assertNotIn("troupe_spans", self.node.request("GET", "/metrics", root=True).text)
        shown = self.node.cli("config", "--json", env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1",
                                                       "TROUPE_PORT": "7071"})
        settings = {s["name"]: s for s in json.loads(shown.stdout)}
        self.assertEqual(settings["otlp-endpoint"]["value"], "")
        shown = self.node.cli("config", env={"TROUPE_OTLP_ENDPOINT": "http://c:1"})
        self.assertIn("http://c:1", shown.stdout)
