"""Starts a node as the image would, on a temporary directory and a free port."""

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from checks import prometheus

WORKFLOW = {"name": "deploy-check", "steps": [{"step_id": "a", "skill_type": "echo"}]}


class Node:
    """The image's ENV and the variables of compose/single.yaml, apart from directory and port."""

    def __init__(self, deploy, troupe):
        self.folder = tempfile.mkdtemp(prefix="troupe-deploy-")
        self.password = secrets.token_hex(16)
        with open(os.path.join(self.folder, "password"), "w") as file:
            file.write(self.password + "\n")
        self.variables = {k: str(v) for k, v in dict(deploy.environments()).get(
            "compose/single.yaml, troupe", {}).items()}
        self.volume = (deploy.image("VOLUME") or ["/"])[-1]
        data = self.variables.get("TROUPE_DATA_DIR", "")
        self.variables.update(
            TROUPE_PORT="0", TROUPE_PASSWORD_FILE=os.path.join(self.folder, "password"),
            TROUPE_DATA_DIR=os.path.normpath(os.path.join(self.folder, "volume",
                                                          os.path.relpath(data, self.volume))))
        os.mkdir(os.path.join(self.folder, "volume"))
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
        self.troupe, self.client, self.port = troupe, kept, 0
        self.log = open(os.path.join(self.folder, "log"), "wb")
        words = json.loads((deploy.image("ENTRYPOINT") or ['["troupe"]'])[-1])
        words += json.loads((deploy.image("CMD") or ["[]"])[-1])
        self.process = subprocess.Popen([troupe.path, *words[1:]], stdout=self.log, stderr=self.log,
                                        env={**kept, **self.variables}, start_new_session=True)

    def wait_ready(self):
        """False: it did not become ready. The log names the port that it took."""
        for _ in range(200):
            found = re.search(r'"message":"ready".*"port":(\d+)', self.said())
            if found:
                self.port = int(found[1])
                self.client["TROUPE_URL"] = f"http://127.0.0.1:{self.port}"
                return self.get("/health/ready")[0] == 200
            if self.process.poll() is not None:
                return False
            time.sleep(0.05)
        return False

    def said(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def get(self, path, password=None, body=None):
        """(status, text)"""
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}",
                                       data=json.dumps(body).encode() if body is not None else None,
                                       headers={"Content-Type": "application/json"})
        if password:
            asked.add_header("Authorization", f"Bearer {password}")
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode("utf-8", "replace")
        except OSError:
            return 0, ""

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def check(deploy, troupe):
    """(findings, metrics)"""
    node = Node(deploy, troupe)
    try:
        return look(deploy, node)
    finally:
        node.close()


def look(deploy, node):
    if not node.wait_ready():
        return [f"the image's node does not become ready: {node.said()}"], {}
    found = check_probes(deploy, node) + check_run(node) + check_backup(node)
    more, metrics = check_scrape(deploy, node)
    found += more
    node.process.send_signal(signal.SIGTERM)
    try:
        if (code := node.process.wait(30)) != 0:
            found.append(f"the node ended with {code} after SIGTERM: {node.said()}")
    except subprocess.TimeoutExpired:
        found.append("the node did not end within 30 s of SIGTERM")
    return found, metrics


def check_probes(deploy, node):
    """The HTTP probes of Kubernetes, without a password, and the image's HEALTHCHECK."""
    found = []
    for path, name, pod in deploy.pods():
        for container in pod["containers"]:
            ports = {port["name"] for port in container["ports"]}
            for key in ("startupProbe", "livenessProbe", "readinessProbe"):
                probe = container[key]["httpGet"]
                if probe["port"] not in ports:
                    found.append(f"{path}, {name}: {key} names no port of the container")
                if (status := node.get(probe["path"])[0]) != 200:
                    found.append(f"{path}, {name}: {key} {probe['path']} answers {status}")
    command = re.search(r"CMD (\[.*\])", deploy.image("HEALTHCHECK")[-1])
    words = json.loads(command[1]) if command else ["troupe"]
    done = subprocess.run([node.troupe.path, *words[1:]], env=node.client, capture_output=True,
                          text=True, timeout=20)
    if words[0] != "troupe" or done.returncode:
        found.append(f"Dockerfile: HEALTHCHECK {words} ends with {done.returncode}: {done.stderr}")
    return found


def check_run(node):
    status, text = node.get("/api/v1/workflows", node.password, WORKFLOW)
    if status != 201:
        return [f"a workflow could not be stored: {status} {text}"]
    status, text = node.get(f"/api/v1/workflows/{json.loads(text)['id']}/execute?wait=10",
                            node.password, {"input_data": {}})
    if status not in (200, 202) or '"success"' not in text:
        return [f"a run did not succeed: {status} {text}"]
    return []


def check_backup(node):
    """A backup of the running node must stay on the volume: the rest cannot be written."""
    done = subprocess.run([node.troupe.path, "backup", "--to", "deploy-check"], capture_output=True,
                          text=True, timeout=20,
                          env={**node.client, "TROUPE_PASSWORD": node.password})
    if done.returncode:
        return [f"no backup: {done.stderr.strip()}"]
    if not done.stdout.strip().startswith(os.path.join(node.folder, "volume") + os.sep):
        return [f"a backup of the running node leaves the volume: {done.stdout.strip()}"]
    return []


def check_scrape(deploy, node):
    """(findings, metrics), asked for as prometheus.yaml says."""
    found, metrics = [], {}
    for path, document in deploy.of("prometheus"):
        for job in document.get("scrape_configs", ()):
            if "credentials_file" not in job.get("authorization", {}):
                found.append(f"{path}, {job['job_name']}: no credentials_file")
            where = job.get("metrics_path", "/metrics")
            if (status := node.get(where)[0]) != 401:
                found.append(f"{path}: {where} without the password answers {status}")
            status, text = node.get(where, node.password)
            if status != 200:
                found.append(f"{path}: {where} answers {status}")
            metrics = prometheus.parse(text)
    if not metrics:
        found.append("prometheus.yaml scrapes nothing")
    return found, metrics
