"""The HTTP surface (rows AP, OP-01, SE-12)."""

import gzip
import re
import socket
import threading
import time
import uuid

from rows import rows
from support.case import Case, step, workflow

LISTS = ["/workflows", "/executions", "/reviews/pending", "/skills/available",
         "/skills/instances", "/skills/executions", "/skill-providers", "/commands/jobs",
         "/system/dead-letters", "/workflows/executions"]

# The routes of this release as the contract lists them; {…} stands for any parameter.
ROUTES = """GET /workflows|POST /workflows|GET /workflows/{}|PATCH /workflows/{}|PUT /workflows/{}
DELETE /workflows/{}|POST /workflows/{}/duplicate|POST /workflows/{}/enable
POST /workflows/{}/disable|GET /workflows/{}/versions|GET /workflows/{}/versions/{}
GET /workflows/{}/versions/{}/diff/{}|POST /workflows/{}/versions/{}/activate
GET /workflows/{}/export|POST /workflows/import|POST /workflows/validate
POST /connections/validate|POST /data-mapping/test|POST /workflows/{}/execute
POST /workflows/{}/nodes/{}/execute|GET /workflows/{}/executions|GET /workflows/{}/stats
GET /workflows/stats/overview|GET /executions|GET /executions/{}|DELETE /executions/{}
POST /executions/{}/cancel|POST /executions/{}/pause|POST /executions/{}/resume
POST /executions/{}/retry|POST /executions/{}/replay|POST /executions/{}/signals/{}
GET /executions/{}/events|GET /executions/{}/logs|GET /executions/{}/report
GET /executions/{}/stream|GET /executions/{}/children|GET /reviews/pending
GET /executions/{}/reviews|POST /reviews/action
GET /node-types|GET /node-types/{}/{}/spec|POST /node-types/{}/{}/execute
GET /skills/available|GET /skills/instances|POST /skills/instances|POST /skills/execute
GET /skills/executions|GET /skills/executions/{}|POST /skills/executions/{}/cancel
GET /skill-providers|POST /skill-providers|POST /commands/jobs|GET /commands/jobs
GET /commands/jobs/{}|DELETE /commands/jobs/{}|GET /commands/registry|GET /config
GET /system/status|GET /system/dead-letters|POST /system/dead-letters/{}/requeue
PUT /system/retention|PUT /system/log-level|POST /system/snapshot"""


class Surface(Case):
    @rows("AP-01")
    def test_every_list_has_the_same_body(self):
        self.run_to_end(workflow([step("a")]))
        for path in LISTS:
            with self.subTest(path):
                body = self.ok(self.node.get(path), 200).json
                self.assertLessEqual({"items", "total_count", "has_more", "next_cursor"}, set(body))
                self.assertIsInstance(body["items"], list)
        for path in ("/health", "/metrics", "/docs", "/redoc", "/openapi.json"):
            self.assertEqual(self.node.request("GET", path, root=True).status, 200, path)
        for path in ("/api/v1/health", "/api/workflows", "/workflows", "/v1/workflows"):
            self.assertEqual(self.node.request("GET", path, root=True).status, 404, path)

    @rows("AP-02")
    def test_openapi_describes_every_route(self):
        document = self.ok(self.node.request("GET", "/openapi.json", root=True), 200).json
        self.assertTrue(document["openapi"].startswith("3."))
        described = set()
        for path, verbs in document["paths"].items():
            plain = re.sub(r"\{[^}]*\}", "{}", path)
            plain = plain[len("/api/v1"):] if plain.startswith("/api/v1") else plain
            described |= {f"{verb.upper()} {plain}" for verb in verbs}
        wanted = set(ROUTES.replace("\n", "|").split("|"))
        self.assertEqual(sorted(wanted - described), [])
        for page in ("/docs", "/redoc"):
            text = self.node.request("GET", page, root=True).text
            self.assertNotRegex(text, r"(src|href)=[\"']?(https?:)?//")

    @rows("AP-03", "AP-04")
    def test_one_request_per_code(self):
        id_ = self.create(workflow([step("a")]))
        done = self.run_to_end(id_)["id"]
        post, big = self.node.post, b'{"input_data": {"x": "' + b"y" * (17 << 20) + b'"}}'
        table = [
            (400, lambda: post("/workflows", b"{broken")),
            (404, lambda: self.node.get(f"/workflows/{uuid.uuid4()}")),
            (404, lambda: self.node.get("/no/such/route")),
            (405, lambda: self.node.request("PUT", "/workflows/validate", {})),
            (409, lambda: post(f"/executions/{done}/cancel")),
            (412, lambda: self.node.patch(f"/workflows/{id_}", {"name": "x"},
                                          headers={"If-Match": '"999"'})),
            (413, lambda: post(f"/workflows/{id_}/execute", big)),
            (415, lambda: post("/workflows", b"a,b", headers={"Content-Type": "text/csv"})),
            (422, lambda: post("/workflows", {"name": 5, "steps": "none"})),
            (431, lambda: self.node.get("/workflows", headers={"X-Long": "y" * 70_000})),
        ]
        for status, ask in table:
            with self.subTest(status):
                try:
                    self.problem(ask(), status)
                except (BrokenPipeError, ConnectionResetError):
                    self.assertIn(status, (413, 431))  # refused while the body was being sent
        asked = self.node.get("/no/such", headers={"X-Request-ID": "mine-1"})
        self.assertEqual(asked.json["request_id"], "mine-1")

    @rows("AP-06")
    def test_body_limit_is_told_and_memory_stays_flat(self):
        before = self.node.rss_bytes()
        for _ in range(5):
            head = ("POST /api/v1/workflows HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {1 << 30}\r\n\r\n").encode()
            self.assertIn(b" 413 ", self.node.raw(head + b" " * 100_000).split(b"\r\n")[0])
        chunked = (b"POST /api/v1/reviews/action HTTP/1.1\r\nHost: t\r\n"
                   b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        got = b""
        with self.connect() as s:
            s.sendall(chunked)
            try:
                for _ in range(80):
                    s.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
                s.settimeout(3)
                got = s.recv(4096)
            except OSError:
                try:
                    got = got or s.recv(4096)
                except OSError:
                    pass
        self.assertTrue(got == b"" or b" 413 " in got.split(b"\r\n")[0], got[:100])
        self.assertLess(self.node.rss_bytes() - before, 32 << 20)

    @rows("AP-08")
    def test_http_basics(self):
        id_ = self.create(workflow([step(f"s{n}") for n in range(50)]))
        with self.connect() as s:
            for _ in range(3):
                s.sendall(b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
                self.assertIn(b" 200 ", s.recv(65536).split(b"\r\n")[0])
        head = self.node.request("HEAD", f"/workflows/{id_}")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertGreater(int(head.headers["content-length"]), 0)
        packed = self.node.get(f"/workflows/{id_}", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(packed.headers.get("content-encoding"), "gzip")
        self.assertIn(b'"s49"', gzip.decompress(packed.body))
        etag = self.node.get(f"/workflows/{id_}").headers["etag"]
        self.assertEqual(self.node.get(f"/workflows/{id_}", headers={
            "If-None-Match": etag}).status, 304)
        self.ok(self.node.patch(f"/workflows/{id_}", {"name": "one"}, headers={"If-Match": etag}))
        self.problem(self.node.patch(f"/workflows/{id_}", {"name": "two"},
                                     headers={"If-Match": etag}), 412)
        self.assertEqual(self.node.get(f"/workflows/{id_}").json["name"], "one")

    @rows("AP-10")
    def test_idle_sockets_do_not_block_others(self):
        idle = [self.connect() for _ in range(200)]
        for n, s in enumerate(idle):
            if n % 2:
                s.sendall(b"POST /api/v1/workflows HTTP/1.1\r\nHost: t\r\nContent-Le")
        times = []
        for _ in range(100):
            started = time.monotonic()
            self.assertEqual(self.node.request("GET", "/health", root=True).status, 200)
            times.append(time.monotonic() - started)
        self.assertLess(sorted(times)[98], 0.25)
        idle[1].settimeout(15)
        got = idle[1].recv(4096)  # the header deadline is 10 s
        self.assertTrue(got == b"" or b" 408 " in got.split(b"\r\n")[0], got[:80])
        for s in idle:
            s.close()

    @rows("SE-12")
    def test_security_headers(self):
        for answer in (self.node.get("/workflows"), self.node.get(f"/workflows/{uuid.uuid4()}")):
            self.assertEqual(answer.headers.get("x-content-type-options"), "nosniff")
            self.assertEqual(answer.headers.get("x-frame-options", "").upper(), "DENY")
            self.assertIn("no-store", answer.headers.get("cache-control", ""))


class CrossOrigin(Case):
    flags = ("--cors-origins", "https://app.example", "--password", "sesame")

    @rows("AP-05", "SE-01")
    def test_configured_origin(self):
        mine, other = {"Origin": "https://app.example"}, {"Origin": "https://evil.example"}
        preflight = self.node.request("OPTIONS", "/workflows", headers={
            **mine, "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type"})
        self.assertIn(preflight.status, (200, 204))
        allow = "access-control-allow-origin"
        self.assertEqual(preflight.headers[allow], mine["Origin"])
        self.assertIn("POST", preflight.headers["access-control-allow-methods"])
        refused = self.node.get("/workflows", headers=mine)
        self.assertEqual((refused.status, refused.headers.get(allow)), (401, mine["Origin"]))
        self.assertIsNone(self.node.get("/workflows", headers=other).headers.get(allow))
        raw = self.node.raw(b"POST /api/v1/workflows HTTP/1.1\r\nHost: t\r\nOrigin: "
                            b"https://app.example\r\nAuthorization: Bearer sesame\r\nContent-Type: "
                            b"application/json\r\nContent-Length: 99999999\r\n\r\n")
        self.assertIn(b" 413 ", raw.split(b"\r\n")[0])
        self.assertIn(b"access-control-allow-origin: https://app.example", raw.lower())


class NoCrossOrigin(Case):
    @rows("AP-05")
    def test_default_is_deny(self):
        answer = self.node.get("/workflows", headers={"Origin": "https://app.example"})
        self.assertEqual(self.ok(answer, 200).json["items"], [])
        self.assertNotIn("access-control-allow-origin", answer.headers)


class RateLimit(Case):
    flags = ("--starts-per-minute-max", "60")

    @rows("AP-07")
    def test_sixty_first_start_in_a_minute(self):
        id_ = self.create(workflow([step("a")]))
        statuses = [self.node.post(f"/workflows/{id_}/execute", {}).status for _ in range(60)]
        self.assertEqual(set(statuses), {202})
        answer = self.node.post(f"/workflows/{id_}/execute", {})
        self.problem(answer, 429)
        self.assertGreater(int(answer.headers["retry-after"]), 0)
        self.assertEqual(self.node.get("/workflows").status, 200)


class Hammer(Case):
    @rows("AP-10")
    def test_slow_reader_is_dropped(self):
        id_ = self.create(workflow([step("a", parameters={"x": "y" * 900_000})]))
        path = f"/api/v1/workflows/{id_}"
        greedy = socket.socket()
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        greedy.connect(("127.0.0.1", self.node.port))
        greedy.sendall(f"GET {path} HTTP/1.1\r\nHost: t\r\n\r\n".encode() * 20)
        answers = []

        def ask():
            answers.append(self.node.get(f"/workflows/{id_}").status)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        self.assertEqual(answers, [200] * 8)
        greedy.close()
