#!/usr/bin/env python3
"""Writes a golden data directory with a built binary: tests/golden/VERSION/data.tar.xz.

Run once a release, never again for a released version: later builds must open what this one wrote.
The node is killed in the middle of its work; expected.json in the archive says what was seen before.
"""

import argparse
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "blackbox"))

TEN_YEARS_MS, NINE_YEARS = 3_650 * 86_400_000, 9 * 365 * 86_400
# Logs and options name places of the machine that wrote them; the store needs neither.
LEFT_OUT = ("LOG", "LOCK", "OPTIONS-")


class Recipe:
    """One run of every kind; each method starts one and waits until it is where it should be."""

    def __init__(self, case, worker):
        self.case, self.worker = case, worker

    def finished(self, c, w):
        from support.case import step
        return c.run_to_end(w([
            step("a", parameters={"text": "Grüße, {{ input.name }}", "n": "{{ input.n * 2 }}"}),
            step("b", after="a", condition="steps.a.output.n > 3", parameters={"list": [1, 2.5, None]}),
            step("c", after="a", condition="steps.a.output.n > 300"),
            step("d", after=("b", "c"), parameters={"seen": "{{ steps.b.output.list }}"})],
            output_mapping={"text": "{{ steps.a.output.text }}"}), {"name": "Ada", "n": 2})["id"]

    def looped(self, c, w):
        from support.case import edge, node, set_variable
        return c.run_to_end(w(
            nodes=[node("loop", "FLOW", "LOOP", {"loop_type": "foreach", "items": "{{ input.l }}",
                                                 "parallel_execution": True}),
                   node("body", "SKILL", parameters={"skill_type": "echo",
                                                     "parameters": {"v": "{{ $json }}"}}),
                   set_variable("v", "count", "{{ len($json) }}"),
                   node("o", "OUTPUT", parameters={"name": "count", "value": "{{ vars.count }}"})],
            edges=[edge("loop:iteration", "body"), edge("body", "loop:loop_body"),
                   edge("loop:complete", "v"), edge("v", "o")]), {"l": ["x", "y", "z"]})["id"]

    def large(self, c, w):
        from support.case import step
        return c.run_to_end(w([step("keep", parameters={"text": "{{ input.text }}"})]),
                            {"text": "0123456789abcdef" * 12_500})["id"]

    def failed(self, c, w):
        from support.case import step
        id_ = c.start(w([step("a", "golden_work"), step("b", after="a")]))
        c.ok(self.worker.fail(self.worker.task(), "this never works", False, "golden"))
        return c.finished(id_)["id"]

    def cancelled(self, c, w):
        id_ = self.waiting_for_signal(c, w)
        c.ok(c.node.post(f"/executions/{id_}/cancel"))
        return c.finished(id_)["id"]

    def waiting_for_signal(self, c, w):
        from support.case import edge, node
        id_ = c.start(w(nodes=[node("s", "FLOW", "WAIT", {
            "wait_type": "for_signal", "signal_name": "go", "max_wait": NINE_YEARS}),
            node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json }}"})],
            edges=[edge("s", "o")]))
        return c.becomes(id_, "waiting")["id"]

    def paused(self, c, w):
        id_ = self.waiting_for_signal(c, w)
        c.ok(c.node.post(f"/executions/{id_}/pause"))
        return c.becomes(id_, "paused")["id"]

    def sleeping(self, c, w):
        from support.case import node
        id_ = c.start(w(nodes=[node("s", "FLOW", "WAIT", {
            "wait_type": "fixed_delay", "duration_seconds": 90 * 86_400})]))
        return c.becomes(id_, "waiting")["id"]

    def reviewed(self, c, w):
        from support.case import edge, node
        id_ = c.start(w(nodes=[node("h", "HUMAN_IN_THE_LOOP", "APP", {
            "notification_type": "approval", "title": "T", "message": "May {{ input.who }}?",
            "timeout_minutes": NINE_YEARS // 60}),
            node("o", "OUTPUT", parameters={"name": "yes", "value": True})],
            edges=[edge("h:approved", "o")]), {"who": "I"})
        c.review_of(id_)
        return id_

    def nested(self, c, w):
        from support.case import edge, node
        child = c.create(w(nodes=[node("s", "FLOW", "WAIT", {
            "wait_type": "for_signal", "signal_name": "go", "max_wait": NINE_YEARS}),
            node("o", "OUTPUT", parameters={"name": "from", "value": "the child"})],
            edges=[edge("s", "o")]))
        id_ = c.start(w(nodes=[node("sub", "SUBWORKFLOW", parameters={"workflow_id": child}),
                               node("o", "OUTPUT", parameters={"name": "o", "value": "{{ $json.from }}"})],
                        edges=[edge("sub", "o")]))
        c.until(lambda: [r for r in c.items(f"/executions/{id_}/children")
                         if r["status"] == "waiting"])
        return id_

    def retrying(self, c, w):
        from support.case import step
        id_ = c.start(w([step("a", "golden_work", parameters={"n": 1}, retry_on_fail=2,
                              retry_delay_seconds=3_000)]))
        c.ok(self.worker.fail(self.worker.task(), "not yet", True))
        c.until(lambda: c.statuses(c.execution(id_)).get("a") == "retrying")
        return id_

    def interrupted(self, c, w):
        from support.case import step
        id_ = c.start(w([step("a", "golden_work", parameters={"n": 2}), step("b", after="a")]))
        self.key = self.worker.task()["idempotency_key"]
        return id_


KINDS = ("finished", "looped", "large", "failed", "cancelled", "waiting_for_signal", "paused",
         "sleeping", "reviewed", "nested", "retrying", "interrupted")


def seen_of(case, id_):
    return {"execution": case.execution(id_), "events": case.events(id_)}


def make(binary, target):
    from support.case import Case, workflow
    from support.node import Node
    from support.worker import StubWorker
    case = Case()
    folder = tempfile.mkdtemp(prefix="troupe-golden-")
    case.node = Node("--run-timeout-ms", str(TEN_YEARS_MS), "--step-timeout-ms", str(86_400_000),
                     "--worker-heartbeat-ms", "600000", data_dir=os.path.join(folder, "data"),
                     binary=binary)
    try:
        recipe = Recipe(case, StubWorker(case.node, "golden_work"))

        def named(*parts, **more):
            return workflow(*parts, **{"name": kind, **more})

        ids = {}
        for kind in KINDS:
            ids[kind] = getattr(recipe, kind)(case, named)
        seen = {kind: seen_of(case, id_) for kind, id_ in ids.items()}
        version = case.node.request("GET", "/health", root=True).json["version"]
        case.node.kill()
        expected = {"version": version, "runs": seen, "interrupted_key": recipe.key}
        pack(os.path.join(folder, "data"), expected, target or os.path.join(HERE, version))
    finally:
        case.node.kill()
        shutil.rmtree(folder)


def pack(data_dir, expected, target):
    os.makedirs(target, exist_ok=True)
    path = os.path.join(target, "data.tar.xz")

    def anonymous(info):
        if os.path.basename(info.name).startswith(LEFT_OUT):
            return None
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        return info

    with tarfile.open(path, "w:xz", preset=9) as archive:
        archive.add(data_dir, "data", filter=anonymous)
        text = json.dumps(expected).encode()
        info = tarfile.TarInfo("expected.json")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    print(f"{os.path.relpath(path, ROOT)}: {os.path.getsize(path)} bytes, "
          f"{len(expected['runs'])} runs")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release", help="build directory")
    parser.add_argument("--target", help="folder to write to; default: tests/golden/VERSION")
    options = parser.parse_args()
    make(os.path.join(os.path.abspath(options.build), "troupe"), options.target)


if __name__ == "__main__":
    main()
