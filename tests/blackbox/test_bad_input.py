"""Whatever is sent, the server answers and lives (rows AP-04, SE-11)."""

import http.client
import json
import random
import re
import time

from rows import rows
from support.case import Case, step, workflow

SMUGGLE = [
    b"POST /api/v1/workflows HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nTransfer-Encoding: "
    b"chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/v1/workflows HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n"
    b"abcde",
    b"GET /health HTTP/1.1\r\nHost: t\r\nX: a\r\n b\r\n\r\n",
    b"GET /health HTTP/1.1\nHost: t\n\n",
    b"GET /health HTTP/1.1\r\nHost: t\r\nX: a\0b\r\n\r\n",
    b"POST /api/v1/workflows HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/v1/workflows HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"GARBAGE\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /health HTTP/9.9\r\nHost: t\r\n\r\n",
]


class BadInput(Case):
    weight = 4

    def healthy(self):
        self.assertTrue(self.node.alive(), "the node died")
        self.assertEqual(self.node.request("GET", "/health", root=True).status, 200)

    @rows("AP-04")
    def test_json_at_the_door(self):
        table = [(b"", 400), (b"{", 400), (b"nul", 400), (b'{"a":1}x', 400), (b'{"a":1e400}', 400),
                 (b'{"name":"a","name":"b","steps":[]}', 400), (b'"\xff\xfe"', 400),
                 (b'{"name":"\\ud800"}', 400), (b"[" * 100 + b"]" * 100, 400),
                 (b'{"name":NaN}', 400), (b"[]", 422), (b"5", 422), (b"null", 422), (b"{}", 422),
                 (b'{"name":["x"],"steps":[]}', 422), (b'{"name":"x","steps":{}}', 422),
                 (b'{"name":"x","steps":[5]}', 422), (b'{"name":"x","nodes":[{"id":5}]}', 422)]
        for body, status in table:
            with self.subTest(body[:40]):
                self.problem(self.node.post("/workflows", body), status)
        wrong = self.problem(self.node.post("/workflows", {"name": "x", "steps": [
            {"step_id": "a", "skill_type": "echo", "retry_on_fail": "many"}]}), 422)
        self.assertIn("retry_on_fail", json.dumps(wrong))
        self.healthy()

    @rows("AP-04")
    def test_numbers_round_trip(self):
        values = [0.1, 1e300, -0.0, 5e-324, 2 ** 53 + 1, 2 ** 63 - 1, -2 ** 63, 2 ** 64 - 1, 1.0,
                  123456.789, 1 / 3]
        run = self.succeeds(workflow([step("a", parameters={"v": "{{ input.v }}"})]), {"v": values})
        got = self.output_of(run, "a")["v"]
        self.assertEqual([(repr(g), type(g)) for g in got], [(repr(v), type(v)) for v in values])

    @rows("AP-04")
    def test_ten_thousand_broken_bodies(self):
        seed = time.time_ns() % 1_000_000
        chance = random.Random(seed)
        good = json.dumps(workflow([step("a", parameters={"x": ["{{ input.y }}", 1.5, None]}),
                                    step("b", after="a", condition="1 < 2")])).encode()
        routes = ["/workflows/validate", "/reviews/action", "/connections/validate",
                  "/data-mapping/test", "/node-types/FLOW/IF/execute"]
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=60)
        seen = set()
        for n in range(10_000):
            body = bytearray(good)
            for _ in range(chance.randint(1, 8)):
                kind, at = chance.randrange(4), chance.randrange(len(body))
                if kind == 0:
                    body[at] = chance.randrange(256)
                elif kind == 1:
                    del body[at:at + chance.randint(1, 20)]
                elif kind == 2:
                    body[at:at] = chance.choice([b"{", b"[", b'"', b"{{", b"1e999", b"null", b"-"])
                else:
                    body[at:at] = body[at:at + 30]
                body = body or bytearray(b"x")
            try:
                connection.request("POST", "/api/v1" + routes[n % len(routes)], bytes(body),
                                   {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self.assertTrue(self.node.alive(), f"the node died, seed {seed}, body {bytes(body)!r}")
                continue
            seen.add(answer.status)
            self.assertLess(answer.status, 500, f"seed {seed}, body {bytes(body)!r}")
        connection.close()
        self.assertIn(400, seen)
        self.healthy()

    @rows("AP-04")
    def test_one_reading_of_every_message(self):
        for data in SMUGGLE:
            with self.subTest(data[:60]):
                got = self.node.raw(data)
                self.assertRegex(got.split(b"\r\n")[0], rb"^HTTP/1\.1 (400|501|505) ")
                self.assertEqual(len(re.findall(rb"^HTTP/1\.1 \d", got, re.MULTILINE)), 1, got)
        long = b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: t\r\n\r\n"
        self.assertIn(b" 431 ", self.node.raw(long).split(b"\r\n")[0])
        self.healthy()

    @rows("AP-04")
    def test_odd_paths_and_ids(self):
        for path in ("/workflows/%00", "/workflows/..%2f..%2fetc%2fpasswd", "/workflows/%ff%fe",
                     "/executions/not-a-uuid", "/executions/" + "a" * 5000, "/executions/%zz",
                     "/workflows?limit=-1", "/workflows?limit=abc", "/workflows?cursor=%00garbage"):
            with self.subTest(path[:40]):
                status = self.node.get(path).status
                self.assertTrue(400 <= status < 500, status)
        self.healthy()

    @rows("AP-04", "SE-11")
    def test_hostile_definitions_do_not_hang(self):
        wide = [step(f"s{n}", after=[f"s{m}" for m in range(n)]) for n in range(150)]
        deep = {"x": 1}
        for _ in range(50):
            deep = {"x": deep}
        for definition in (workflow(wide), workflow([step("a", parameters=deep)]),
                           workflow([step("a", parameters={"{{ input.k }}": "{{ input }}"})]),
                           workflow([step("a", parameters={"x": "{{" * 1000})]),
                           workflow([step("a", condition="1 " + "+ 1 " * 3000)])):
            started = time.monotonic()
            answer = self.node.post("/workflows", definition)
            self.assertIn(answer.status, (201, 400, 422))
            if answer.status == 201:
                self.run_to_end(answer.json["id"], {"k": "v"})
            self.assertLess(time.monotonic() - started, 30)  # without budgets: minutes
        self.healthy()
