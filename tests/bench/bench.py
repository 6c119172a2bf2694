#!/usr/bin/env python3
"""The benchmarks of one node: ./dev bench [NAME…] [--quick]. Writes bench/results.json and a table.

Every figure comes from outside the node: the load generator's clock, /proc, du, strace. A figure
that could not be measured is written as null with a reason, and counts as missed.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "blackbox"), HERE]

from support.case import edge, node as graph_node, set_variable, step, workflow  # noqa: E402
from support.fh import FakeTarget  # noqa: E402
from support.node import Node  # noqa: E402
from targets import TARGETS  # noqa: E402

TEXT = "x" * 180  # with its name and number, a result of about 200 bytes
CONNECTIONS = (1, 16, 128, 1024)
STARTED = time.monotonic()


def say(text=""):
    print(text, flush=True)


def phase(text):
    say(f"==> {text} ({time.monotonic() - STARTED:.0f} s)")


def median_of(samples):
    """Per key the median over the samples, and min and max as "spread"."""
    keys = [k for k, v in samples[0].items() if isinstance(v, (int, float))]
    out = {k: round(statistics.median(s[k] for s in samples), 4) for k in keys}
    out["spread"] = {k: [round(min(s[k] for s in samples), 4), round(max(s[k] for s in samples), 4)]
                     for k in keys}
    return out


def echo(id_, after=(), skill="echo"):
    return step(id_, skill, after, {"n": "{{ input.n }}", "text": TEXT})


def chain(count, skill="echo", **more):
    return workflow([echo(f"s{n}", f"s{n - 1}" if n else (), skill) for n in range(count)],
                    name=f"chain{count}", **more)


def fan(count):
    names = [f"s{n}" for n in range(count)]
    return workflow([echo(n) for n in names] + [step("join", after=names, parameters={
        "n": "{{ input.n }}"})], name=f"fan{count}")


def pure(count):
    nodes = [set_variable(f"p{n}", "n", "{{ input.n }}") for n in range(count)]
    return workflow(nodes=nodes, edges=[edge(f"p{n}", f"p{n + 1}") for n in range(count - 1)],
                    name=f"pure{count}")


def sleeper(seconds):
    return workflow(nodes=[graph_node("w", "FLOW", "WAIT", {
        "wait_type": "fixed_delay", "duration_seconds": seconds})], name="sleeper")


class Bench:
    def __init__(self, build, quick):
        self.binary = os.path.join(build, "troupe")
        self.tool = os.path.join(build, "tests", "troupe_load")
        self.quick, self.seconds, self.warmup = quick, (2 if quick else 8), (0.5 if quick else 2)
        self.repeats = 3
        self.numbers = 0
        self.scratch = tempfile.mkdtemp(prefix="troupe-bench-", dir=self.disk())

    @staticmethod
    def disk():
        """Scratch space on the disk of the repository: /tmp may be memory."""
        path = os.path.join(ROOT, "build", "bench")
        os.makedirs(path, exist_ok=True)
        return path

    def node(self, *flags, data_dir=None):
        return Node(*flags, binary=self.binary,
                    data_dir=data_dir or tempfile.mkdtemp(dir=self.scratch))

    def probe(self):
        out = subprocess.run([self.tool, "probe", self.scratch, "300" if self.quick else "1000"],
                             capture_output=True, text=True, check=True)
        return json.loads(out.stdout)

    def load_command(self, node, path, *more):
        self.numbers += 50_000_000  # inputs and keys are never used twice
        return [self.tool, "run", "--port", str(node.port), "--path", path,
                "--first", str(self.numbers), *map(str, more)]

    def load(self, node, path, *more):
        done = subprocess.run(self.load_command(node, path, *more), capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"the load generator got no answer: {done.stdout} {done.stderr}")
        return json.loads(done.stdout)

    def create(self, node, definition):
        answer = node.post("/workflows", definition)
        if answer.status != 201:
            raise RuntimeError(f"cannot store a workflow: {answer}")
        return answer.json["id"]

    def cpu(self, node):
        with open(f"/proc/{node.process.pid}/stat") as stat:
            fields = stat.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def executions(self, node, workflow_id, connections, steps):
        """One sample of closed-loop execute-and-wait."""
        before, total = self.cpu(node), 0
        report = self.load(node, f"/api/v1/workflows/{workflow_id}/execute?wait=60", "--body",
                           '{"input_data": {"n": {n}}}', "--connections", connections,
                           "--seconds", self.seconds, "--warmup", self.warmup)
        spent = self.cpu(node) - before
        total = report["ok"] * (self.seconds + self.warmup) / max(report["seconds"], 0.001)
        share = report["cpu_seconds"] / max(report["seconds"], 0.001)
        bad = {k: v for k, v in report["by_status"].items() if k != "200"}
        return {"runs_per_s": report["per_s"], "steps_per_s": report["per_s"] * steps,
                "p50_ms": report["p50_ms"], "p99_ms": report["p99_ms"],
                "cpu_us_per_step": spent * 1e6 / max(1, total * steps),
                "not_200": sum(bad.values()), "client_cpu_share": share}

    def sweep(self, definition, steps, connections=CONNECTIONS, prepare=None):
        out, node = {"connections": {}}, self.node()
        helper = prepare(node) if prepare else None
        try:
            workflow_id = self.create(node, definition)
            for n in connections:
                samples = [self.executions(node, workflow_id, n, steps)
                           for _ in range(self.repeats)]
                entry = median_of(samples)
                entry["client_marked"] = entry["client_cpu_share"] > 0.25
                out["connections"][str(n)] = entry
                say(f"    {n:5} connections {entry['runs_per_s']:10.0f} runs/s  p50 "
                    f"{entry['p50_ms']:.2f} ms  p99 {entry['p99_ms']:.2f} ms  "
                    f"{entry['cpu_us_per_step']:.1f} µs a step"
                    + ("  (client over 25 % of a core)" if entry["client_marked"] else ""))
            if helper:
                helper.terminate()
                helper.wait(20)
            out.update(self.after_sweep(node, workflow_id))
        finally:
            if helper:
                helper.kill()
            node.close()
        return out

    def after_sweep(self, node, workflow_id):
        """Disk a run after compaction; the log must verify."""
        runs = node.get(f"/executions?workflow_id={workflow_id}&limit=1").json["total_count"]
        node.terminate(60)
        verified = node.cli("log", "verify", "--data-dir", node.data_dir, timeout=600)
        node.cli("compact", "--data-dir", node.data_dir, timeout=600)
        return {"runs": runs, "disk_bytes_per_run": node.disk_bytes() / max(1, runs),
                "log_verify": verified.returncode == 0}

    # Workloads

    def single(self):
        return self.sweep(chain(1), 1)

    def chain10(self):
        out = self.sweep(chain(10), 10)
        out["proof"] = self.prove_durable()
        return out

    def prove_durable(self):
        """At least 11 turns a run in /events, at least 11 syncs a run seen by strace."""
        node = self.node()
        try:
            id_ = self.create(node, chain(10))
            run = node.post(f"/workflows/{id_}/execute?wait=10", {"input_data": {"n": 1}}).json
            events = node.get(f"/executions/{run['id']}/events?limit=500").json["items"]
            kinds = [e["kind"] for e in events]
            trace = os.path.join(self.scratch, "strace.txt")
            tracer = subprocess.Popen(["strace", "-f", "-c", "-e", "trace=fdatasync,fsync", "-o",
                                       trace, "-p", str(node.process.pid)],
                                      stderr=subprocess.DEVNULL)
            time.sleep(1)
            runs = self.load(node, f"/api/v1/workflows/{id_}/execute?wait=60", "--body",
                             '{"input_data": {"n": {n}}}', "--count", 50, "--warmup", 0)["ok"]
            tracer.send_signal(2)
            tracer.wait(20)
            with open(trace) as file:
                syncs = sum(int(m[1]) for m in re.finditer(
                    r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+).*(?:fdatasync|fsync)$", file.read(), re.M))
            return {"completions": kinds.count("node_completed"), "events": len(events),
                    "syncs_per_run": syncs / max(1, runs), "holds": syncs >= 11 * runs}
        except FileNotFoundError:
            return {"holds": None, "reason": "strace is missing: ./dev setup"}
        finally:
            node.close()

    def fan10(self):
        return self.sweep(fan(10), 11)

    def pure10(self):
        return self.sweep(pure(10), 10)

    def worker10(self):
        def prepare(node):
            process = subprocess.Popen(["node", os.path.join(HERE, "echo_worker.js"), node.base],
                                       stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 10
            while "bench_echo" not in node.get("/skills/available?limit=500").text:
                if time.monotonic() > deadline:
                    raise RuntimeError("the worker does not register")
                time.sleep(0.05)
            return process
        return self.sweep(chain(10, "bench_echo"), 10, prepare=prepare)

    def start_many(self, node, workflow_id, count):
        return self.load(node, f"/api/v1/workflows/{workflow_id}/execute", "--body",
                         '{"input_data": {"n": {n}}}', "--connections", 64, "--count", count,
                         "--warmup", 0)

    def timers(self):
        out = {}
        for count in (1000, 5000) if self.quick else (5000, 100_000):
            node = self.node("--max-concurrent-executions", "0")
            try:
                id_ = self.create(node, sleeper(5))
                self.start_many(node, id_, count)
                rss = node.rss_bytes()
                deadline = time.monotonic() + 120
                while node.get(f"/executions?workflow_id={id_}&status=success&limit=1"
                               ).json["total_count"] < count and time.monotonic() < deadline:
                    time.sleep(0.2)
                late = self.lateness(node, id_, 5.0)
                out[str(count)] = {"p50_ms": late[len(late) // 2], "p99_ms": late[len(late) * 99 // 100],
                                   "max_ms": late[-1], "early": sum(1 for l in late if l < 0),
                                   "finished": len(late), "rss_bytes": rss}
                say(f"    {count}: {out[str(count)]}")
            finally:
                node.close()
        return out

    @staticmethod
    def lateness(node, workflow_id, seconds):
        """Milliseconds over the wait, sorted, of all finished runs (from timestamps of the API)."""
        late, cursor = [], ""
        while True:
            page = node.get(f"/executions?workflow_id={workflow_id}&limit=500{cursor}").json
            late += [(r["duration_seconds"] - seconds) * 1000 for r in page["items"]
                     if r["status"] == "success"]
            if not page["has_more"]:
                return sorted(late) or [float("nan")]
            cursor = f"&cursor={page['next_cursor']}"

    def suspended(self):
        out = {}
        for count in (10_000,) if self.quick else (10_000, 1_000_000):
            node = self.node("--max-concurrent-executions", "0")
            try:
                node.terminate(30)
                empty_disk = node.disk_bytes()
                node.start()
                time.sleep(1)
                empty_rss = node.rss_bytes()
                self.start_many(node, self.create(node, sleeper(30 * 86400)), count)
                node.terminate(120)
                node.cli("compact", "--data-dir", node.data_dir, timeout=900)
                disk = node.disk_bytes() - empty_disk
                self.drop_caches()
                started = time.monotonic()
                node.start(timeout=120)
                start_ms = (time.monotonic() - started) * 1000
                time.sleep(2)
                out[str(count)] = {"rss_bytes_per_run": (node.rss_bytes() - empty_rss) / count,
                                   "rss_bytes": node.rss_bytes(),
                                   "disk_bytes_per_run": disk / count, "start_ms": start_ms}
                say(f"    {count}: {out[str(count)]}")
            finally:
                node.close()
        return out

    @staticmethod
    def drop_caches():
        subprocess.run(["sync"], check=False)
        try:
            with open("/proc/sys/vm/drop_caches", "w") as file:
                file.write("3\n")
        except OSError:
            say("    (the page cache could not be dropped: not root)")

    def recover(self):
        samples, lost, repeated = [], 0, 0
        for _ in range(self.repeats):
            one = self.recover_once()
            lost, repeated = lost + one.pop("lost"), repeated + one.pop("repeated_finished_steps")
            samples.append(one)
        return {**median_of(samples), "lost": lost, "repeated_finished_steps": repeated}

    def recover_once(self):
        fh = FakeTarget()
        node = self.node("--http-allow", fh.address)
        record = os.path.join(self.scratch, "acknowledged.txt")
        if os.path.exists(record):
            os.unlink(record)
        try:
            definition = chain(10)
            definition["steps"][4] = step("s4", "http_request", "s3", {
                "method": "POST", "url": fh.url + "/effect", "body": {"n": "{{ input.n }}"}})
            id_ = self.create(node, definition)
            load = subprocess.Popen(self.load_command(
                node, f"/api/v1/workflows/{id_}/execute", "--body", '{"input_data": {"n": {n}}}',
                "--connections", "64", "--seconds", "30", "--warmup", "0", "--record", record),
                stdout=subprocess.DEVNULL)
            time.sleep(1.5)
            node.kill()
            load.kill()
            load.wait()
            with open(record) as file:
                acknowledged = [line.strip() for line in file if line.endswith("\n")]
            calls_before = {c.key for c in fh.calls("/effect") if c.ended}
            started = time.monotonic()
            node.start(timeout=60)
            ready = (time.monotonic() - started) * 1000
            first = self.first_completion(node, started)
            return {"ready_ms": ready, "first_completion_ms": first,
                    "acknowledged": len(acknowledged),
                    **self.lost_and_repeated(node, fh, acknowledged, calls_before)}
        finally:
            node.close()
            fh.close()

    @staticmethod
    def first_completion(node, started):
        def done():
            text = node.get("/executions?status=success&limit=1").json["total_count"]
            left = node.get("/executions?status=running&limit=1").json["total_count"]
            return text, left
        before, left = done()
        deadline = time.monotonic() + 10
        while left and time.monotonic() < deadline:
            now, left = done()
            if now > before:
                break
            time.sleep(0.002)
        return (time.monotonic() - started) * 1000

    @staticmethod
    def lost_and_repeated(node, fh, acknowledged, calls_before):
        lost = repeated = 0
        for run in acknowledged:
            deadline = time.monotonic() + 10
            while True:
                answer = node.get(f"/executions/{run}")
                if answer.status != 200 or answer.json["status"] in ("success", "failed", "partial") \
                        or time.monotonic() > deadline:
                    break
                time.sleep(0.02)
            lost += answer.status != 200 or answer.json["status"] != "success"
        keys = [c.key for c in fh.calls("/effect")]
        for key in calls_before:
            # One call more is the attempt that was cut off; its outcome was not recorded.
            repeated += keys.count(key) > 2
        return {"lost": lost, "repeated_finished_steps": repeated}

    def history(self):
        out = {}
        for events in (1000, 10_000) if self.quick else (1000, 100_000, 1_000_000):
            node = self.node()
            try:
                out[str(events)] = self.history_of(node, events)
                say(f"    {events}: {out[str(events)]}")
            finally:
                node.close()
        return out

    def history_of(self, node, events):
        count = events // 2
        nodes = [graph_node("loop", "FLOW", "LOOP", {"loop_type": "for", "count": count,
                                                     "max_iterations": count}),
                 graph_node("body", "SKILL", parameters={"skill_type": "echo"}),
                 graph_node("w", "FLOW", "WAIT", {"wait_type": "for_signal", "signal_name": "go"})]
        id_ = self.create(node, workflow(nodes=nodes, edges=[
            edge("loop:iteration", "body"), edge("body", "loop:loop_body"),
            edge("loop:complete", "w")], settings={"timeout_seconds": 86400}))
        run = node.post(f"/workflows/{id_}/execute", {"input_data": {}}).json["execution_id"]
        deadline = time.monotonic() + 900
        while node.get(f"/executions?status=waiting&workflow_id={id_}&limit=1"
                       ).json["total_count"] == 0:
            if time.monotonic() > deadline:
                return {"load_ms": None, "reason": "the history was not made in 900 s"}
            time.sleep(0.2)
        node.terminate(60)
        self.drop_caches()
        node.start(timeout=60)
        started = time.monotonic()
        node.post(f"/executions/{run}/signals/go", {"data": {}}, timeout=120)
        signalled = (time.monotonic() - started) * 1000
        while node.get(f"/executions?status=success&workflow_id={id_}&limit=1"
                       ).json["total_count"] == 0 and time.monotonic() - started < 60:
            time.sleep(0.002)
        return {"load_ms": signalled, "next_step_ms": (time.monotonic() - started) * 1000,
                "rss_bytes": node.rss_bytes(), "events": node.get(
                    f"/executions/{run}/events?limit=1").json["total_count"]}

    def http(self):
        node, out = self.node(), {}
        try:
            id_ = self.create(node, chain(10))
            run = node.post(f"/workflows/{id_}/execute?wait=10", {"input_data": {"n": 1}}).json["id"]
            body = len(node.get(f"/executions/{run}").body)
            hello = subprocess.Popen([self.tool, "hello", "0", str(body)], stdout=subprocess.PIPE,
                                     text=True)
            bare_port = int(hello.stdout.readline())
            samples = {"health": [], "get_run": [], "bare": []}
            for _ in range(self.repeats):
                for name, port, path in (("health", node.port, "/health"),
                                         ("get_run", node.port, f"/api/v1/executions/{run}"),
                                         ("bare", bare_port, "/")):
                    done = subprocess.run([
                        self.tool, "run", "--port", str(port), "--method", "GET", "--path", path,
                        "--connections", "128", "--seconds", str(self.seconds), "--warmup",
                        str(self.warmup)], capture_output=True, text=True, check=True)
                    report = json.loads(done.stdout)
                    samples[name].append({"requests_per_s": report["per_s"],
                                          "p50_ms": report["p50_ms"], "p99_ms": report["p99_ms"]})
            hello.kill()
            hello.wait()
            out = {name: median_of(found) for name, found in samples.items()}
            out["body_bytes"] = body
            out["ratio"] = statistics.median(g["requests_per_s"] / b["requests_per_s"] for g, b in
                                             zip(samples["get_run"], samples["bare"]))
            say(f"    {json.dumps({k: v for k, v in out.items() if k != 'spread'})[:400]}")
        finally:
            node.close()
        return out

    def replay(self):
        node = self.node()
        try:
            id_ = self.create(node, chain(10))
            self.load(node, f"/api/v1/workflows/{id_}/execute?wait=60", "--body",
                      '{"input_data": {"n": {n}}}', "--connections", 64, "--seconds",
                      self.seconds * 2, "--warmup", 0)
            run = node.get("/executions?limit=1").json["items"][0]["id"]
            each = node.get(f"/executions/{run}/events?limit=1").json["total_count"]
            total = node.get(f"/executions?workflow_id={id_}&limit=1").json["total_count"] * each
            node.terminate(60)
            out = {"events": total}
            for name in ("fold", "decide"):
                started = time.monotonic()
                done = node.cli("replay", "--all", "--mode", name, "--data-dir", node.data_dir,
                                timeout=900)
                if done.returncode != 0:
                    raise RuntimeError(f"troupe replay --all --mode {name}: {done.stderr.strip()}")
                out[f"{name}_events_per_s"] = total / (time.monotonic() - started)
            say(f"    {out}")
            return out
        finally:
            node.close()

    def idle(self):
        node = self.node()
        try:
            ready = []
            for _ in range(5):
                node.terminate(20)
                started = time.monotonic()
                node.start()
                ready.append((time.monotonic() - started) * 1000)
            time.sleep(2)
            before, seconds = self.cpu(node), (5 if self.quick else 20)
            time.sleep(seconds)
            out = {"rss_bytes": node.rss_bytes(),
                   "cpu_percent": 100 * (self.cpu(node) - before) / seconds,
                   "ready_ms": statistics.median(ready)}
            say(f"    {out}")
            return out
        finally:
            node.close()


NAMES = ["idle", "single", "chain10", "fan10", "pure10", "worker10", "timers", "suspended",
         "recover", "history", "http", "replay"]


def machine():
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return {"cores": os.cpu_count(), "cpu": model[1] if model else "unknown"}


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                          cwd=ROOT)
    return done.stdout.strip() or None


def look_up(results, path):
    for key in path.split("."):
        if not isinstance(results, dict) or key not in results:
            return None
        results = results[key]
    return results


def table(results):
    """Every target with its figure; how many of those measured were missed."""
    say(f"\n{'figure':52} {'measured':>14} {'target':>22}")
    missed = 0
    for label, path, relation, target in TARGETS:
        name = path.split(".")[0]
        if name not in results["workloads"]:
            continue
        value = look_up(results["workloads"], path)
        if target == "disk":
            target = round(1.7 * 11 * results["probe"]["p50_ms"], 3)
        good = value is not None and (value <= target if relation == "<=" else value >= target)
        missed += not good
        shown = "-" if value is None else f"{value:,.2f}"
        say(f"{label:52} {shown:>14} {relation + ' ' + format(target, ','):>22}  "
            f"{'ok' if good else 'MISSED'}")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--quick", action="store_true", help="small sizes, about 5 minutes")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(NAMES))
    options = parser.parse_args()
    unknown = [n for n in options.names if n not in NAMES]
    if unknown:
        parser.error(f"no such workload: {' '.join(unknown)}; there are {' '.join(NAMES)}")
    bench = Bench(os.path.abspath(options.build), options.quick)
    path = os.path.join(ROOT, "bench", "results.json")
    results = {"format": 1, "commit": commit(), "machine": machine(), "quick": options.quick,
               "probe": bench.probe(), "workloads": {}}
    say(f"{results['machine']}  probe {results['probe']}")
    errors = 0
    try:
        for name in options.names or NAMES:
            phase(name)
            try:
                results["workloads"][name] = {**getattr(bench, name)(), "probe": bench.probe()}
            except Exception as why:  # one workload that fails must not hide the others' figures
                errors += 1
                results["workloads"][name] = {"error": str(why)[:500]}
                say(f"    FAILED: {why}")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                json.dump(results, file, indent=1)
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)
    missed = table(results)
    say(f"\n{path}: {len(results['workloads'])} workloads, {missed} targets missed, "
        f"{errors} failed, {time.monotonic() - STARTED:.0f} s")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
