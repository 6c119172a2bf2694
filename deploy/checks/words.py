"""Flags, variables, ports and packages in deploy/, against what the binary says of itself."""

import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

# Those of troupe-cluster-node, which hands them on as flags.
SCRIPT_VARIABLES = {"TROUPE_CLUSTER_HOST", "TROUPE_CLUSTER_PORT"}
# Of a build that has no `troupe cluster` its flags and its port are taken on trust; a note says so.
CLUSTER_PORT = "7071"
SANITIZERS = re.compile(r"lib(asan|ubsan|tsan|clang_rt)")


class Binary:
    def __init__(self, path):
        self.path, self._help = path, {}
        self.settings = json.loads(self.run("config", "--json").stdout)
        self.commands = re.findall(r"^  ([a-z]+) {2,}", self.help(), flags=re.M)
        self.has_cluster = "cluster" in self.commands

    def run(self, *arguments, env=None, timeout=20):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
        return subprocess.run([self.path, *arguments], capture_output=True, text=True,
                              timeout=timeout, env={**kept, **(env or {})})

    def help(self, *command):
        """The help of a command, or an empty text when there is none of that name."""
        if command not in self._help:
            done = self.run(*command, "--help")
            self._help[command] = done.stdout if done.returncode == 0 else ""
        return self._help[command]

    def unknown_variables(self, names):
        names = names - {one["environment"] for one in self.settings}
        names -= {one["environment"] + "_FILE" for one in self.settings}
        names -= SCRIPT_VARIABLES
        for command in self.commands:  # others belong to a command or two
            if not names:
                break
            names -= set(re.findall(r"Env:(TROUPE_[A-Z_]+)", self.help(command)))
        return sorted(names)

    def ports(self):
        known = {one["value"] for one in self.settings if one["name"].endswith("port")}
        of_cluster = re.findall(r"=(\d{4,5})\b", self.help("cluster", "init"))
        return known | set(of_cluster if self.has_cluster else [CLUSTER_PORT])

    def version(self):
        return self.run("--version").stdout.split()[-1]


def check(deploy, troupe):
    if not troupe.has_cluster:
        deploy.notes.append("this build has no `troupe cluster`: its flags and port 7071 "
                            "were taken on trust")
    return (check_flags(deploy, troupe) + check_variables(deploy, troupe) + check_ports(deploy, troupe)
            + check_settings(deploy, troupe) + check_versions(deploy, troupe)
            + check_libraries(deploy, troupe) + check_with_systemd(deploy, troupe))


def commands_in(text):
    """(words, flags) of each `troupe …` in a text: shell, lists of words, units."""
    text = re.sub(r"\\\n", " ", text)
    for found in re.finditer(r"(?<![\w/.-])(?:/usr/local/bin/)?troupe\b([^|;&)`\n#]*)", text):
        line = re.sub(r"[\",\[\]]+", " ", found[1])
        words = re.match(r"\s+([a-z]+)(?:\s+([a-z]+))?(?=\s|$)", line)
        if words:
            yield [w for w in words.groups() if w], re.findall(r"(?<!\S)--[a-z][a-z-]*", line)


def check_flags(deploy, troupe):
    found = []
    for path, text in deploy.texts.items():
        for words, flags in commands_in(text):
            if words[0] not in troupe.commands:
                if words[0] == "cluster" and not troupe.has_cluster:
                    continue
                if flags:  # "troupe" is a word of sentences and names, too
                    found.append(f"{path}: there is no command `troupe {words[0]}`")
                continue
            known = troupe.help(*words) or troupe.help(words[0])
            found += [f"{path}: `troupe {' '.join(words)}` has no {flag}" for flag in flags
                      if not re.search(rf"(?<!\S){flag}\b(?!-)", known)]
    return found


def check_variables(deploy, troupe):
    return [f"{path}: no setting is called {name}" for path, text in deploy.texts.items()
            for name in troupe.unknown_variables(set(re.findall(r"TROUPE_[A-Z_]*[A-Z]", text)))]


def values_of(document, key):
    """Every value of that key, however deep."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == key:
                yield value
            yield from values_of(value, key)
    elif isinstance(document, list):
        for one in document:
            yield from values_of(one, key)


def check_ports(deploy, troupe):
    """Ports of containers, not those that a machine publishes them at; and host:port in any text."""
    named = [("Dockerfile", port) for rest in deploy.image("EXPOSE") for port in rest.split()]
    for path, name, service in deploy.compose():
        named += [(path, mapping.split(":")[-1]) for mapping in service.get("ports", ())]
    for path, document in deploy.of("kubernetes"):
        for key in ("port", "containerPort", "targetPort"):
            named += [(path, str(port)) for port in values_of(document, key)
                      if str(port).isdigit()]
    for path, document in deploy.of("prometheus"):
        named += [(path, target.rpartition(":")[2]) for targets in values_of(document, "targets")
                  for target in targets]
    for path, text in deploy.texts.items():
        named += [(path, port) for port in
                  re.findall(r"(?:localhost|troupe|node-\d|\$host|PORT):-?(\d{4,5})\b", text)]
    known = troupe.ports()
    return [f"{path}: port {port} is none of {', '.join(sorted(known))}" for path, port in named
            if port not in known]


def check_settings(deploy, troupe):
    """Every place's variables together must be ones with which a node would start."""
    found = []
    with tempfile.NamedTemporaryFile("w", suffix="-password") as secret:
        secret.write("a-password\n")
        secret.flush()
        for place, variables in deploy.environments():
            given = {name: secret.name if name.endswith("_FILE") else str(value)
                     for name, value in variables.items() if name.startswith("TROUPE_")}
            done = troupe.run("config", env=given)
            if done.returncode:
                found.append(f"{place}: {done.stderr.strip()}")
            if place != "Dockerfile" and "TROUPE_PASSWORD_FILE" not in given:
                found.append(f"{place}: no TROUPE_PASSWORD_FILE")
    return found


def check_versions(deploy, troupe):
    version, found = troupe.version(), []
    for path, text in deploy.texts.items():
        found += [f"{path}: image troupe:{tag} is not of this version, {version}"
                  for tag in re.findall(r"\btroupe:(\d+\.[\w.]+)", text) if tag != version]
    return found


def check_libraries(deploy, troupe):
    """What the binary is linked with must be among the packages of the image."""
    if not shutil.which("dpkg-query") or not shutil.which("readelf"):
        deploy.notes.append("no dpkg or readelf here: the image's libraries were not compared")
        return []
    needed = re.findall(r"NEEDED.*\[(.*)\]", subprocess.run(
        ["readelf", "--dynamic", troupe.path], capture_output=True, text=True).stdout)
    needed = [name for name in needed if not SANITIZERS.match(name)]
    # A package may have been recorded with or without the /usr that all is in by now.
    paths = [path for name in needed for path in glob.glob(f"/usr/lib/*-linux-gnu/{name}")]
    owners = subprocess.run(["dpkg-query", "--search", *paths, *(path[4:] for path in paths)],
                            capture_output=True, text=True).stdout
    packages = {line.split(":")[0] for line in owners.splitlines() if ": /" in line}
    always = {"libc6", "libstdc++6", "libgcc-s1"}  # of every Debian image, or needed by the others
    listed = " ".join(deploy.image("RUN")).split()
    return [f"Dockerfile: the binary needs {name}, which the image does not install"
            for name in sorted(packages - always) if name not in listed]


def check_with_systemd(deploy, troupe):
    """systemd's own look at the unit, with this binary in its place."""
    if not shutil.which("systemd-analyze"):
        return []
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "troupe.service")
        with open(path, "w") as file:
            file.write(deploy.texts["systemd/troupe.service"].replace("/usr/local/bin/troupe",
                                                                      troupe.path))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", path],
                              capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "troupe.service" in line]
    if done.returncode and not said:
        deploy.notes.append(f"systemd-analyze could not look: {done.stderr.strip()[:200]}")
    return [f"systemd-analyze: {line}" for line in said]
