"""Reads deploy/, and checks what can be said without the binary."""

import json
import os
import re
import shutil
import subprocess

import yaml

MIB = 1 << 20
# What docs/operations.md asks for beside the budget, and what a stop takes beside the grace: actors
# may take 20 s, the server and the tracing a second each.
MEMORY_BESIDE_BUDGET, STOP_BESIDE_GRACE = 256 * MIB, 25.0


class Deploy:
    """`texts` holds all files by path below the folder, `parsed` the YAML and JSON ones as lists of
    documents. `findings` says what did not parse, `notes` what could not be checked."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.texts, self.parsed, self.findings, self.notes = {}, {}, [], []
        for place, folders, names in os.walk(self.folder):
            folders[:] = [f for f in folders if f not in ("checks", "__pycache__")]
            for name in names:
                if name.endswith(".py") or name in ("password", ".gitignore"):
                    continue
                path = os.path.relpath(os.path.join(place, name), self.folder)
                with open(os.path.join(place, name), encoding="utf-8") as file:
                    self.texts[path] = file.read()
        for path, text in self.texts.items():
            try:
                if path.endswith(".yaml"):
                    self.parsed[path] = [d for d in yaml.safe_load_all(text) if d is not None]
                elif path.endswith(".json"):
                    self.parsed[path] = [json.loads(text)]
            except (yaml.YAMLError, ValueError) as why:
                self.findings.append(f"{path} does not parse: {why}")

    def of(self, folder):
        """The documents of a folder, as (path, document)."""
        return [(path, one) for path, all_ in self.parsed.items() for one in all_
                if path.startswith(folder + "/")]

    def unit(self):
        """The unit's settings as {name: [values]}; the sections do not matter here."""
        found = {}
        for line in self.texts.get("systemd/troupe.service", "").splitlines():
            if re.match(r"[A-Za-z]+=", line):
                name, _, value = line.partition("=")
                found.setdefault(name, []).append(value)
        return found

    def compose(self):
        """(path, name, service) of all compose files."""
        return [(path, name, service) for path, doc in self.of("compose")
                for name, service in doc.get("services", {}).items()]

    def pods(self):
        return [(path, doc["metadata"]["name"], doc["spec"]["template"]["spec"])
                for path, doc in self.of("kubernetes")
                if isinstance(doc, dict) and "template" in doc.get("spec", {})]

    def stages(self):
        """The Dockerfile as [(stage, image, [(instruction, argument)])]."""
        text = re.sub(r"^#.*\n", "", self.texts.get("Dockerfile", ""), flags=re.M)
        stages = []
        for line in re.sub(r"\\\n", " ", text).splitlines():
            word, _, rest = line.strip().partition(" ")
            rest = re.sub(r"\s+", " ", rest.strip())
            if word == "FROM":
                image, _, name = rest.partition(" AS ")
                stages.append((name or str(len(stages)), image, []))
            elif word and stages:
                stages[-1][2].append((word, rest))
        return stages

    def image(self, word):
        """All arguments of an instruction in the stage that becomes the image."""
        return [rest for name, rest in self.stages()[-1][2] if name == word] if self.stages() else []

    def environments(self):
        """Each place that starts a node, with the variables it sets."""
        base = dict(pair.split("=", 1) for rest in self.image("ENV") for pair in rest.split())
        unit = dict(value.split("=", 1) for value in self.unit().get("Environment", ()))
        found = [("Dockerfile", base), ("systemd/troupe.service", unit)]
        found += [(f"{path}, {name}", {**base, **service.get("environment", {})})
                  for path, name, service in self.compose()]
        for path, name, pod in self.pods():
            for container in pod["containers"]:
                own = {e["name"]: e.get("value", "") for e in container.get("env", ())}
                found.append((f"{path}, {name}", {**base, **own}))
        return found


def seconds(text):
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min|)", str(text))
    if not found:
        return -1.0
    return float(found[1]) * (60 if found[2].startswith("m") else 1)


def size(text):
    found = re.fullmatch(r"(\d+)([KMG]?)i?", str(text))
    return int(found[1]) * 1024 ** " KMG".index(found[2] or " ") if found else -1


def whole(text, otherwise):
    """What is no number is found elsewhere: the binary refuses it."""
    return int(text) if str(text).isdigit() else otherwise


def check(deploy):
    return check_limits(deploy) + check_container(deploy) + check_unit(deploy) + check_scripts(deploy)


def check_limits(deploy):
    """Memory for the budget and more, time for the grace and more, three more starts."""
    unit, found = deploy.unit(), []
    last = lambda name: unit.get(name, ["-"])[-1]
    limits = [("systemd/troupe.service", last("MemoryMax"), last("TimeoutStopSec"))]
    for path, name, service in deploy.compose():
        rules = service.get("deploy", {})
        limits.append((f"{path}, {name}", rules.get("resources", {}).get("limits", {}).get("memory"),
                       service.get("stop_grace_period")))
        policy = rules.get("restart_policy", {})
        if (policy.get("condition"), policy.get("delay"), policy.get("max_attempts")) != \
                ("on-failure", "5s", 3):
            found.append(f"{path}, {name}: restart_policy must be on-failure, 5s, 3: {policy}")
    for path, name, pod in deploy.pods():
        limits += [(f"{path}, {name}", container.get("resources", {}).get("limits", {}).get("memory"),
                    pod.get("terminationGracePeriodSeconds")) for container in pod["containers"]]
    for place, memory, stop in limits:
        environment = dict(deploy.environments()).get(place, {})
        budget = whole(environment.get("TROUPE_MEMORY_BYTES_MAX"), 1 << 30)
        grace = whole(environment.get("TROUPE_SHUTDOWN_GRACE_MS"), 10_000) / 1000
        if size(memory) < budget + MEMORY_BESIDE_BUDGET:
            found.append(f"{place}: memory {memory} is less than the budget and 256 MiB")
        if seconds(stop) < grace + STOP_BESIDE_GRACE:
            found.append(f"{place}: {stop} is too short to stop in (grace {grace} s)")
    return found


def check_container(deploy):
    """Not as root, nothing writable but the data, and nothing of Kubernetes in our variables."""
    found = []
    user = (deploy.image("USER") or ["root"])[-1].split(":")[0]
    if not user.isdigit() or int(user) == 0:
        found.append(f"Dockerfile: the last USER must be a number and not root, not {user}")
    for word in ("HEALTHCHECK", "VOLUME", "EXPOSE", "ENTRYPOINT", "STOPSIGNAL"):
        if not deploy.image(word):
            found.append(f"Dockerfile: no {word}")
    for path, name, service in deploy.compose():
        for key, wanted in (("read_only", True), ("cap_drop", ["ALL"]),
                            ("security_opt", ["no-new-privileges:true"])):
            if service.get(key) != wanted:
                found.append(f"{path}, {name}: {key} must be {wanted}")
    for path, name, pod in deploy.pods():
        if pod.get("enableServiceLinks") is not False:
            found.append(f"{path}, {name}: enableServiceLinks must be false: a service called troupe "
                         "puts TROUPE_PORT=tcp://… into the environment")
        if str(pod.get("securityContext", {}).get("runAsUser")) != user:
            found.append(f"{path}, {name}: runAsUser is not the image's user {user}")
        for container in pod["containers"]:
            missing = {"startupProbe", "livenessProbe", "readinessProbe", "resources"} - set(container)
            found += [f"{path}, {name}: no {key}" for key in sorted(missing)]
    kinds = sorted(doc["kind"] for _, doc in deploy.of("kubernetes"))
    for kind in ("PodDisruptionBudget", "Service", "StatefulSet"):
        if kind not in kinds:
            found.append(f"kubernetes: no {kind}")
    return found


def check_unit(deploy):
    unit, found = deploy.unit(), []
    for name, wanted in (("Restart", "on-failure"), ("RestartSec", "5s"), ("StartLimitBurst", "4"),
                         ("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"),
                         ("RestartPreventExitStatus", "2")):
        if unit.get(name, [""])[-1] != wanted:
            found.append(f"systemd/troupe.service: {name} must be {wanted}")
    for name in ("StateDirectory", "User", "LoadCredential", "LimitNOFILE", "ExecStart"):
        if name not in unit:
            found.append(f"systemd/troupe.service: no {name}")
    return found


def check_scripts(deploy):
    found = []
    for path, text in deploy.texts.items():
        if text.startswith("#!/bin/sh"):
            done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True)
            if done.returncode:
                found.append(f"{path} does not parse: {done.stderr.strip()}")
    if not shutil.which("systemd-analyze"):
        deploy.notes.append("systemd-analyze is not here: the unit was not verified by it")
    return found
