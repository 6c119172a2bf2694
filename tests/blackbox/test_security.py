"""Password, secret files, outbound policy (rows SE)."""

import os
import tempfile
import uuid

from rows import rows
from support.case import Case, step, workflow
from support.fh import FakeTarget, Reply
from support.node import Node

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
        self.assertIn(self.node.request("OPTIONS", "/workflows").status, (200, 204))

    @rows("SE-01")
    def test_authentication_comes_before_the_body(self):
        got = self.node.raw(b"POST /api/v1/workflows HTTP/1.1\r\nHost: t\r\nContent-Type: "
                            b"application/json\r\nContent-Length: 1000\r\n\r\n", timeout=3)
        self.assertIn(b" 401 ", got.split(b"\r\n")[0])


class Open(Case):
    @rows("SE-01")
    def test_open_on_loopback_only(self):
        self.assertEqual(self.node.get("/workflows").status, 200)
        self.assertIs(self.node.get("/auth/status").json["auth_enabled"], False)
        node = Node(start=False)
        try:
            found = node.cli("serve", "--data-dir", node.data_dir, "--port", str(node.port),
                             "--host", "0.0.0.0", timeout=10)
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
            self.assertNotEqual(node.process.wait(10), 0)
            self.assertIn("TROUPE_PASSWORD_FILE", node.log_text())
        finally:
            node.close()
            os.unlink(file.name)


class Outbound(Case):
    weight = 2

    def call(self, url, **more):
        return self.start(workflow([step("c", "http_request", parameters={
            "url": "{{ input.url }}", **more}, timeout_seconds=5)]), {"url": url})

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

    @rows("SE-09")
    def test_secrets_do_not_reach_the_log(self):
        marker = uuid.uuid4().hex
        self.succeeds(workflow([self.http("a", parameters={
            "auth": {"type": "bearer", "token": marker}})]))
        self.assertEqual(self.fh.calls(self.path("a"))[0].headers["authorization"],
                         "Bearer " + marker)
        self.assertNotIn(marker, self.node.log_text())
