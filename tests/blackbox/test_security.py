"""Password, secret files, outbound policy, headers, secrets (rows SE)."""

import base64
import json
import os
import tempfile
import uuid
from urllib.parse import quote, quote_plus

from rows import rows
from support.case import Case, step, workflow, one_node
from support.fh import FakeTarget, Reply
from support.node import Node
from support.sse import EventStream

FORMS = ["http://169.254.169.254/latest/meta-data", "http://[::ffff:169.254.169.254]/",
         "http://2852039166/", "http://0xA9FEA9FE/", "http://0251.0376.0251.0376/",
         "http://[fe80::1]/", "http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/",
         "http://0.0.0.0:1/", "http://10.0.0.1/", "http://192.168.0.1/", "http://172.16.0.1/",
         "http://[fd00::1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
         "http://127.1:1/", "file:///etc/passwd", "gopher://127.0.0.1:1/", "ftp://127.0.0.1/x"]


class Password(Case):
    flags = ("--password", "sesame")

    @rows("SE-01")
    def test_table(self):
        table = [(None, 401, "Missing authorization header"),
                 ("Basic c2VzYW1l", 401, "Invalid authorization header format"),
                 ("Bearer", 401, "Invalid authorization header format"),
                 ("Bearer wrong", 401, "Invalid password"),
                 ("Bearer sesame2", 401, "Invalid password"),
                 ("Bearer sesam", 401, "Invalid password")]
        for header, status, detail in table:
            with self.subTest(header):
                answer = self.node.get("/workflows", headers={"Authorization": header}
                                       if header else {})
                body = self.problem(answer, status)
                self.assertEqual(body["detail"], detail)
                self.assertTrue(answer.headers["www-authenticate"].startswith("Bearer"))
                self.assertNotIn("sesame", answer.text.replace("sesame2", ""))
        self.assertEqual(self.node.get("/workflows", headers={
            "Authorization": "Bearer sesame"}).status, 200)
        for path in ("/", "/health", "/health/live", "/health/ready", "/docs", "/openapi.json",
                     "/redoc", "/api/v1/auth/status", "/api/v1/config"):
            self.assertNotEqual(self.node.request("GET", path, root=True).status, 401, path)
        status = self.node.get("/auth/status").json
        self.assertIs(status["auth_enabled"], True)
        for path in ("/metrics", "/api/v1/executions", "/api/v1/no/such/route"):
            self.assertEqual(self.node.request("GET", path, root=True).status, 401, path)
        self.assertIn(self.node.request("OPTIONS", "/workflows").status, (200, 204))

    @rows("SE-01")
    def test_authentication_comes_before_the_body(self):
        got = self.node.raw(b"POST /api/v1/workflows HTTP/1.1\r\nHost: t\r\nContent-Type: "
                            b"application/json\r\nContent-Length: 1000\r\n\r\n",
                            until_close=False)
        self.assertIn(b" 401 ", got.split(b"\r\n")[0])


@one_node("how one process starts")
class Open(Case):
    @rows("SE-01")
    def test_open_on_loopback_only(self):
        self.assertEqual(self.node.get("/workflows").status, 200)
        self.assertIs(self.node.get("/auth/status").json["auth_enabled"], False)
        node = Node(start=False)
        try:
            found = node.cli("serve", "--data-dir", node.data_dir, "--port", str(node.port),
                             "--host", "0.0.0.0", timeout=60)
            self.assertNotEqual(found.returncode, 0)
            self.assertIn("password", (found.stdout + found.stderr).lower())
        finally:
            node.close()

    @rows("SE-02")
    def test_secret_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".secret", delete=False) as file:
            file.write("from-a-file\n")
        node = Node(env={"TROUPE_PASSWORD_FILE": file.name})
        try:
            self.assertEqual(node.get("/workflows").status, 401)
            node.token = "from-a-file"
            self.assertEqual(node.get("/workflows").status, 200)
        finally:
            node.close()
        node = Node(env={"TROUPE_PASSWORD_FILE": file.name + ".gone"}, start=False)
        try:
            node.start(ready=False)
            self.assertNotEqual(node.process.wait(60), 0)
            self.assertIn("TROUPE_PASSWORD_FILE", node.log_text())
        finally:
            node.close()
            os.unlink(file.name)


class Outbound(Case):
    weight = 2

    def call(self, url, **more):
        return self.start(workflow([step("c", "http_request", parameters={
            "url": "{{ input.url }}", **more}, timeout_seconds=20)]), {"url": url})

    @rows("SE-09")
    def test_private_addresses_are_refused(self):
        runs = {url: self.call(url) for url in FORMS}
        for url, id_ in runs.items():
            with self.subTest(url):
                run = self.finished(id_)
                self.assertEqual(run["status"], "failed", url)
                self.assertEqual(self.step_of(run, "c")["attempt"], 1)

    @rows("SE-09")
    def test_redirects_are_checked_and_other_ports_not_allowed(self):
        hidden = FakeTarget()
        try:
            self.fh.script(self.path("meta"), Reply(302, headers={
                "Location": "http://169.254.169.254/latest/"}))
            self.fh.script(self.path("port"), Reply(302, headers={"Location": hidden.url + "/x"}))
            for name in ("meta", "port"):
                run = self.finished(self.call(self.fh.url + self.path(name)))
                self.assertEqual(run["status"], "failed")
                self.assertEqual(self.fh.count(self.path(name)), 1)
            self.assertEqual(self.finished(self.call(hidden.url))["status"], "failed")
            self.assertEqual(hidden.calls(), [])
            self.assertEqual(self.finished(self.call(self.fh.url + self.path("ok")))["status"],
                             "success")
        finally:
            hidden.close()


class Throttled(Case):
    flags = ("--password", "sesame")

    @rows("SE-01")
    def test_five_wrong_passwords_a_minute(self):
        wrong = {"Authorization": "Bearer guess"}
        got = [self.node.get("/workflows", headers=wrong).status for _ in range(8)]
        self.assertEqual(got[:5], [401] * 5)
        self.assertEqual(got[-1], 429)
        answer = self.node.get("/workflows", headers={"Authorization": "Bearer sesame"})
        self.problem(answer, 429)  # or the right one could be told from the wrong ones
        self.assertGreater(int(answer.headers["retry-after"]), 0)
        self.assertEqual(self.node.request("GET", "/health", root=True).status, 200)


class Headers(Case):
    flags = ("--password", "sesame", "--test-faults")

    @rows("SE-12", "AP-05")
    def test_every_kind_of_answer_has_them(self):
        mine = {"Authorization": "Bearer sesame"}
        evil = {"Origin": "https://evil.example"}
        self.ok(self.node.post("/system/faults", {"actor": "api"}, headers=mine))
        table = [("GET", "/api/v1/workflows", 200, mine), ("GET", "/api/v1/workflows", 401, {}),
                 ("GET", f"/api/v1/workflows/{uuid.uuid4()}", 404, mine),
                 ("GET", "/api/v1/no/such", 404, mine), ("PUT", "/api/v1/workflows", 405, mine),
                 ("POST", "/api/v1/workflows", 400, mine), ("GET", "/health", 200, {}),
                 ("GET", "/docs", 200, {}), ("GET", "/", 200, {}), ("GET", "/metrics", 200, mine),
                 ("GET", "/openapi.json", 200, {}), ("GET", "/api/v1/system/status", 500, mine),
                 ("GET", "/api/v1/auth/status", 200, {})]
        for verb, path, status, headers in table:
            with self.subTest(f"{verb} {path} {status}"):
                answer = self.nodes[0].request(verb, path, b"{" if verb == "POST" else None,
                                               {**headers, **evil}, root=True)
                self.assertEqual(answer.status, status, answer)
                self.assertEqual(answer.headers.get("x-content-type-options"), "nosniff")
                self.assertEqual(answer.headers.get("x-frame-options", "").upper(), "DENY")
                if path.startswith("/api/"):
                    self.assertIn("no-store", answer.headers.get("cache-control", ""))
                for name in answer.headers:
                    self.assertNotIn("access-control-allow", name)
                self.assertTrue(answer.headers["x-request-id"])
                self.assertNotIn("set-cookie", answer.headers)
                if status >= 400:
                    self.assertNotRegex(answer.text, r"\.[ch]pp|std::|terminate|/tmp/|/usr/|/home/")
                    self.assertNotIn(os.getcwd(), answer.text)


class Canary(Case):
    """A secret, and its base64, hex and URL forms, are nowhere but where they were sent to."""

    own_node = True
    secret = "can+ary/" + uuid.uuid4().hex + "?&="

    def forms(self):
        raw = self.secret.encode()
        plain = base64.b64encode(raw).decode()
        inner = [base64.b64encode(b"x" * n + raw).decode()[4:-4] for n in (1, 2)]
        url_safe = base64.urlsafe_b64encode(raw).decode()
        return [self.secret, plain.rstrip("="), url_safe.rstrip("="), *inner, raw.hex(),
                raw.hex().upper(), quote(self.secret, safe=""), quote_plus(self.secret),
                json.dumps(self.secret)[1:-1].replace("/", "\\/")]

    def assert_nowhere(self, text, where):
        for form in self.forms():
            self.assertNotIn(form, text, where)

    def assert_not_on_disk(self):
        for folder, _, names in os.walk(self.node.data_dir):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assert_nowhere(file.read().decode("latin-1"), os.path.join(folder, name))

    def start_with_secret(self):
        self.node.kill()
        self.node.env = {"TROUPE_PASSWORD": self.secret, "TROUPE_LOG_LEVEL": "debug"}
        self.node.start()
        self.node.token = self.secret

    @rows("SE-01", "SE-02", "MO-03")
    def test_password_of_the_environment(self):
        self.start_with_secret()
        run = self.succeeds(workflow([step("a"), self.http("b")]))
        self.node.get("/workflows", headers={"Authorization": "Bearer wrong" + self.secret})
        self.node.get("/workflows", headers={"Authorization": self.secret})
        self.node.get("/no/such", headers={"X-Request-ID": "r1"})
        self.assertNotIn("authorization", self.fh.calls(self.path("b"))[0].headers)
        mine = "/executions/" + run["id"]
        for path in (mine, mine + "/report", mine + "/events", "/system/status", "/config",
                     "/workflows"):
            self.assert_nowhere(self.node.get(path).text, path)
        self.assert_nowhere(self.node.request("GET", "/metrics", root=True).text, "metrics")
        shown = self.node.cli("config", env={"TROUPE_PASSWORD": self.secret})
        self.assert_nowhere(shown.stdout + shown.stderr, "troupe config")
        self.assert_nowhere(self.node.log_text(), "log")
        self.assertEqual(self.node.terminate(), 0)
        self.assert_not_on_disk()

    @rows("EN-38", "MO-03", "WM-18")
    def test_secrets_of_a_node_are_masked_in_all_that_tells_of_its_runs(self):
        self.node.kill()
        self.node.env = {"TROUPE_LOG_LEVEL": "debug"}
        self.node.start()
        auths = {"bearer": {"type": "bearer", "token": self.secret},
                 "basic": {"type": "basic", "username": "u", "password": self.secret},
                 "key": {"type": "api_key", "header": "X-Key", "value": self.secret}}
        steps = [self.http(name, parameters={"auth": auth}) for name, auth in auths.items()]
        steps.append(self.http("head", parameters={"headers": {
            "Authorization": f"Bearer {self.secret}", "X-Api-Key": self.secret}}))
        self.fh.script(self.path("bad"), Reply(401))
        steps.append(self.http("bad", continue_on_fail=True, parameters={"auth": auths["bearer"]}))
        id_ = self.create(workflow(steps))
        run = self.run_to_end(id_)
        self.assertEqual(run["status"], "partial")
        self.assertEqual(self.fh.calls(self.path("bearer"))[0].headers["authorization"],
                         f"Bearer {self.secret}")
        self.assertEqual(self.fh.calls(self.path("key"))[0].headers["x-key"], self.secret)
        self.assertIn(base64.b64encode(f"u:{self.secret}".encode()).decode(),
                      self.fh.calls(self.path("basic"))[0].headers["authorization"])
        for tail in ("", "/report", "/logs", "/events"):
            self.assert_nowhere(self.ok(self.node.get(f"/executions/{run['id']}{tail}"), 200).text,
                                tail)
        stream = EventStream(self.node, f"/executions/{run['id']}/stream")
        self.assert_nowhere("".join(e.data for e in stream), "stream")
        self.assert_nowhere(self.node.get("/executions").text, "list")
        self.assert_nowhere(self.node.get(f"/workflows/{id_}/export").text, "export")
        self.assert_nowhere(self.node.log_text(), "log")
