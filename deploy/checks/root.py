"""Runs the Dockerfile's steps in empty Debian roots, and the image's node in the last one.

DIR/base is made by debootstrap from this machine's mirror; each stage is a copy of it.
"""

import glob
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time

REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The shell is inside the mounts of its own, which are gone when it ends.
ENTER = 'mount -t proc proc "$0/proc" && exec chroot $1 "$0" /usr/bin/env -i -C "$2" "${@:3}"'


def say(text):
    print(f"root: {text}", file=sys.stderr, flush=True)


def check(deploy, folder):
    missing = [tool for tool in ("debootstrap", "chroot", "unshare") if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        deploy.notes.append("the Dockerfile's steps were not run: "
                            + (f"{', '.join(missing)} missing" if missing else "that needs root"))
        return []
    folder = os.path.abspath(folder)
    try:
        make_base(deploy, os.path.join(folder, "base"))
        stages = {}
        for name, _, steps in deploy.stages():
            stages[name] = Stage(folder, name)
            for step, (word, rest) in enumerate(steps):
                stages[name].step(step, word, rest, stages)
        return run_image(deploy, stages[name])
    except (subprocess.CalledProcessError, OSError) as why:
        return [f"the Dockerfile's steps: {why}"]


def mirror():
    """Of this machine's own main archive; debootstrap has a default where there is none."""
    wanted = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    asked = subprocess.run(["apt-get", "indextargets", "--format", wanted, "Created-By: Packages"],
                           capture_output=True, text=True).stdout
    return next((line.split()[0] for line in asked.splitlines()
                 if line.split()[1:] == ["bookworm", "main"]), None)


def make_base(deploy, base):
    release = deploy.stages()[0][1].partition(":")[2].partition("-")[0]
    if os.path.exists(os.path.join(base, "etc", "complete")):
        return
    shutil.rmtree(base, ignore_errors=True)
    say(f"debootstrap of {release}")
    where = mirror()
    subprocess.run(["debootstrap", "--variant=minbase", release, base, *([where] if where else [])],
                   check=True, stdout=subprocess.DEVNULL)
    shutil.copy("/etc/resolv.conf", os.path.join(base, "etc", "resolv.conf"))
    for line in glob.glob("/etc/apt/apt.conf.d/*proxy*"):
        shutil.copy(line, os.path.join(base, "etc", "apt", "apt.conf.d"))
    open(os.path.join(base, "etc", "complete"), "w").close()


class Stage:
    """One FROM: a root, and what its instructions have set."""

    def __init__(self, folder, name):
        self.name, self.path = name, os.path.join(folder, "stage-" + name)
        self.place, self.user = "/", ""
        proxies = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
        self.variables = {"PATH": PATH, "HOME": "/root", **proxies}
        shutil.rmtree(self.path, ignore_errors=True)
        subprocess.run(["cp", "--archive", os.path.join(folder, "base"), self.path], check=True)

    def step(self, number, word, rest, stages):
        if word in ("RUN", "COPY"):
            say(f"{self.name} {number}: {word} {rest[:100]}")
        if word == "RUN":
            subprocess.run(self.command("sh", "-c", rest), check=True, stdout=sys.stderr)
        elif word == "COPY":
            self.copy(rest.split(), stages)
        elif word == "WORKDIR":
            self.place = rest
            os.makedirs(self.path + rest, exist_ok=True)
        elif word == "ENV":
            self.variables.update(pair.split("=", 1) for pair in rest.split())
        elif word == "USER":
            self.user = rest
        elif word not in ("VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"):
            raise OSError(f"{word} is an instruction that this check does not know")

    def copy(self, words, stages):
        source = REPOSITORY
        if words[0].startswith("--from="):
            source = stages[words.pop(0).partition("=")[2]].path
        *what, where = words
        target = os.path.normpath(os.path.join(self.path, os.path.join(self.place, where).lstrip("/")))
        for pattern in what:
            found = glob.glob(os.path.join(source, pattern.lstrip("/")))
            if not found and "*" not in pattern:
                raise OSError(f"COPY {pattern}: there is no such file")
            for path in found:
                if os.path.isdir(path):
                    shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True,
                                    ignore=shutil.ignore_patterns("__pycache__"))
                    continue
                into = where.endswith(("/", ".")) or len(what) > 1
                os.makedirs(target if into else os.path.dirname(target), exist_ok=True)
                shutil.copy(path, target)

    def command(self, *words, variables=None):
        given = [f"{k}={v}" for k, v in {**self.variables, **(variables or {})}.items()]
        user = f"--userspec={self.user}" if self.user else "--userspec=0:0"
        return ["unshare", "--mount", "bash", "-c", ENTER, self.path, user, self.place, *given, *words]


def run_image(deploy, stage):
    """The image's own words: ready by its HEALTHCHECK, ended by SIGTERM."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = lambda name: json.loads(re.search(r"\[.*\]", deploy.image(name)[-1])[0])
    serve = words("ENTRYPOINT") + words("CMD")
    given = {"TROUPE_PORT": port, "TROUPE_URL": f"http://127.0.0.1:{port}",
             "TROUPE_PASSWORD": secrets.token_hex(16)}
    say(f"{' '.join(serve)} as {stage.user}")
    node = subprocess.Popen(stage.command(*serve, variables=given), stdout=sys.stderr)
    try:
        for _ in range(100):
            healthy = subprocess.run(stage.command(*words("HEALTHCHECK"), variables=given),
                                     capture_output=True).returncode == 0
            if healthy or node.poll() is not None:
                break
            time.sleep(0.1)
        if not healthy:
            return [f"the image's node did not become ready (it ended with {node.poll()})"]
        version = subprocess.run(stage.command("troupe", "--version"), capture_output=True, text=True)
        say(f"ready: {version.stdout.strip()}")
        node.terminate()
        code = node.wait(40)
        return [f"the image's node ended with {code} after SIGTERM"] if code else []
    finally:
        if node.poll() is None:
            node.kill()
            node.wait()
