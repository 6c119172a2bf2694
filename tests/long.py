#!/usr/bin/env python3
"""The promises at full size, in pieces; build/long/*.json keeps what was reached (./dev long)."""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUTPUT_KEPT = 4000


@dataclass
class Row:
    """`command` with {build} and {piece} filled in is run until the pieces add up to `size`.

    `figures` reads its output: named groups are added up, those named max_… keep the largest. The
    first of those added up is the progress. `zero` names what must be 0; a status other than 0
    fails as well.
    """

    id: str
    promise: str
    command: str
    size: int
    piece: int
    figures: str
    zero: str = ""
    env: dict = field(default_factory=dict)
    of: str = ""  # another row's run proves this one


RUN = "python3 tests/run.py --build {build} "
UNIT = "{build}/tests/"
CRASH = (r"(?P<kills>\d+) kills, (?P<acknowledged>\d+) acknowledged, (?P<lost>\d+) lost, "
         r"(?P<repeated>\d+) repeated, (?P<not_terminal>\d+) not terminal, "
         r"(?P<verified>\d+) histories verified, (?P<redecided>\d+) histories re-decided")
FAILED_OVER = (r"(?P<lost>\d+) lost, (?P<repeated>\d+) repeated, (?P<not_terminal>\d+) not "
               r"terminal, (?P<findings>\d+) findings")
BAD = "lost repeated not_terminal"
ROUNDS = {"TROUPE_ROUNDS": "{piece}"}
INJECTED = [
    Row(f"R1-{kind}", f"a kill at the n-th {kind} loses nothing acknowledged",
        RUN + "crash --kills {piece} --inject " + kind, 200, 50, CRASH, BAD)
    for kind in ("fdatasync", "write", "pwrite", "send")]
FUZZERS = [
    Row(f"R17-{name}", f"no input crashes the {name} parser", f"./dev fuzz {name} {{piece}}",
        10_000_000, 300, r"stat::number_of_executed_units: *(?P<executions>\d+)")
    for name in sorted(f[:-4] for f in os.listdir(os.path.join(ROOT, "tests", "fuzz"))
                       if f.endswith(".cpp"))]
ROWS = [
    Row("R1", "acknowledged is durable: kills", RUN + "crash --kills {piece}", 1000, 50, CRASH,
        BAD),
    *INJECTED,
    Row("R2", "acknowledged is durable: power cuts",
        UNIT + "persistence_test --gtest_filter=Crash.PowerCuts*", 1000, 100,
        r"(?P<cuts>\d+) power cuts, (?P<lost>\d+) lost, (?P<torn>\d+) torn tails", "lost",
        ROUNDS),
    Row("R3", "a result is recorded once, attempts are owed to interruptions", "", 0, 0, "",
        "repeated", of="R1"),
    Row("R4", "every accepted run ends", "", 0, 0, "", "not_terminal", of="R1"),
    Row("R5", "replay equals live, with restarts", "./dev sim {piece}", 1000, 1000,
        r"(?P<seeds>\d+) seeds"),
    Row("R6", "simulation holds for every seed",
        UNIT + "engine_test --gtest_filter=Simulation.*", 100_000, 5000, r"(?P<seeds>\d+) seeds",
        env={"TROUPE_SEEDS": "{piece}"}),
    Row("R6c", "simulation of whole clusters holds for every seed",
        UNIT + "simulation_test --gtest_filter=ClusterSimulation.K*", 5000, 500,
        r"(?P<seeds>\d+) seeds", env={"TROUPE_SEEDS": "{piece}"}),
    Row("R7", "clusters under faults: every answer fits every history",
        RUN + "faults cluster --seconds {piece}", 1800, 300,
        r"(?P<seconds>\d+) s, (?P<faults>\d+) faults of \d+ kinds, (?P<operations>\d+) "
        r"operations, (?P<runs>\d+) runs, (?P<events>\d+) events, (?P<findings>\d+) findings",
        "findings"),
    Row("R9", "fail-over loses nothing", RUN + "crash --leaders {piece}", 100, 25,
        r"(?s)slowest start around the kill, ms: .*?'max': (?P<max_gap_ms>\d+).*?"
        r"(?P<kills>\d+) leader kills, " + FAILED_OVER, BAD + " findings"),
    Row("R10", "timers: never early, never lost, never twice",
        RUN + "faults clock --rounds {piece}", 100, 24,
        r"(?P<jumps>\d+) jumps, (?P<restarts>\d+) restarts, (?P<slept>\d+) runs slept: "
        r"(?P<early>\d+) early, (?P<lost>\d+) lost, (?P<doubled>\d+) doubled, "
        r"at most (?P<max_late>[\d.]+) s late", "early lost doubled"),
    Row("R11", "damage is found", UNIT + "persistence_test --gtest_filter=Damage.Flips*", 1000,
        100, r"(?P<damages>\d+) damages: (?P<refused>\d+) refused, (?P<unreadable>\d+) unreadable",
        env=ROUNDS),
    Row("R12", "a full disk refuses writes and comes back",
        RUN + "faults disk --rounds {piece}", 20, 10,
        r"(?P<disks>\d+) full disks, (?P<acknowledged>\d+) acknowledged, (?P<lost>\d+) lost, "
        r"(?P<repeated>\d+) repeated, (?P<not_terminal>\d+) not terminal; "
        r"507 after (?P<max_507>[\d.]+) s, accepted again after (?P<max_back>[\d.]+) s", BAD),
    Row("R13", "a failed fsync ends the process; nothing is lost",
        RUN + "faults sync --rounds {piece}", 200, 50,
        r"(?s)the end: (?P<max_ms>\d+) ms.*?"
        + CRASH.replace("(?P<kills>\\d+) kills", r"(?P<failures>\d+) failed syncs"), BAD),
    Row("R13-store", "the same in the store alone",
        UNIT + "persistence_test --gtest_filter=Crash.AFailedSync*", 1, 1,
        r"(?P<runs>1) test from", env={"TROUPE_LONG": "1"}),
    Row("R15", "overload is refused, not suffered", RUN + "blackbox test_overload", 1, 1,
        r"\n(?P<passed>\d+) passed, (?P<failed>\d+) failed", "failed", {"TROUPE_LONG": "1"}),
    *FUZZERS,
    Row("S10", "every edited row is found", RUN + "faults edits --rounds {piece}", 1000, 100,
        r"(?P<edits>\d+) edits, (?P<missed>\d+) not found", "missed"),
]


class State:
    """What a row has reached, in a file that every piece rewrites."""

    def __init__(self, folder, row):
        self.path = os.path.join(folder, row.id + ".json")
        self.data = {"id": row.id, "promise": row.promise, "size": row.size, "pieces": 0,
                     "seconds": 0, "figures": {}, "failures": []}
        if os.path.exists(self.path):
            with open(self.path) as file:
                self.data.update(json.load(file))

    def progress(self):
        return next((value for name, value in self.data["figures"].items()
                     if not name.startswith("max_")), 0)

    def add(self, figures, seconds, failure):
        for name, value in figures.items():
            before = self.data["figures"].get(name, 0)
            self.data["figures"][name] = (max(before, value) if name.startswith("max_")
                                          else before + value)
        self.data["pieces"] += 1
        self.data["seconds"] = round(self.data["seconds"] + seconds)
        if failure:
            self.data["failures"].append(failure)
        with open(self.path + ".new", "w") as file:
            json.dump(self.data, file, indent=1)
        os.replace(self.path + ".new", self.path)


def read_figures(pattern, text):
    """The named groups of the last place that matches, as numbers; none: {}."""
    found = None
    for found in re.finditer(pattern, text):
        pass
    return {name: float(value) if "." in value else int(value)
            for name, value in found.groupdict().items() if value} if found else {}


def run_piece(row, state, build):
    """One piece; whether it held."""
    left = row.size - state.progress()
    piece = row.piece if row.id.startswith("R17") else min(row.piece, left)
    seed = 1 + state.progress()  # of the simulation: the first of the piece
    environment = {**os.environ, "TROUPE_SEED": str(seed),
                   **{name: value.format(piece=piece) for name, value in row.env.items()}}
    started = time.monotonic()
    done = subprocess.run(row.command.format(build=build, piece=piece).split(), cwd=ROOT,
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode("utf-8", "replace")
    figures = read_figures(row.figures, text)
    bad = [name for name in row.zero.split() if figures.get(name)]
    held = done.returncode == 0 and bool(figures) and not bad
    state.add(figures, time.monotonic() - started, None if held else {
        "seed": seed, "piece": piece, "status": done.returncode, "not zero": bad,
        "output": text[-OUTPUT_KEPT:]})
    print(f"  {row.id}: {state.progress():,} of {row.size:,}"
          f"{'' if held else f' FAILED with status {done.returncode}, see {state.path}'}",
          flush=True)
    return held


def print_table(rows, folder):
    """One line a row: done or not, and every figure."""
    print(f"\n{'row':14} {'held':>4} {'reached':>21} {'time':>7}  figures")
    for row in rows:
        state = State(folder, next(r for r in ROWS if r.id == (row.of or row.id)))
        data, reached = state.data, state.progress()
        figures = {k: v for k, v in data["figures"].items() if not row.of or k in row.zero.split()}
        held = "-" if not data["pieces"] else "no" if data["failures"] else "yes"
        print(f"{row.id:14} {held:>4} {reached:>10,}/{data['size']:<10,} {data['seconds']:>6} s  "
              + (", ".join(f"{v:,} {k.replace('_', ' ')}" for k, v in figures.items()) or "not run")
              + (f"  (run of {row.of})" if row.of else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="all, or ids: " + " ".join(r.id for r in ROWS))
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--minutes", type=float, help="stop after the piece that runs then")
    options = parser.parse_intermixed_args()
    folder = os.path.join(ROOT, "build", "long")
    os.makedirs(folder, exist_ok=True)
    known = {row.id: row for row in ROWS}
    wanted = [row for row in ROWS if "all" in options.rows or any(
        row.id == id_ or row.id.startswith(id_ + "-") for id_ in options.rows)]
    for id_ in options.rows:
        if id_ != "all" and id_ not in known and not any(r.startswith(id_ + "-") for r in known):
            parser.error(f"no row {id_}; there are {' '.join(known)}")
    wanted = list({known[row.of or row.id].id: known[row.of or row.id] for row in wanted}.values())
    deadline = time.monotonic() + 60 * (options.minutes or float("inf"))
    held = True
    for row in wanted:
        state = State(folder, row)
        while state.progress() < row.size and time.monotonic() < deadline:
            if not run_piece(row, state, options.build):
                held = False
                break
    print_table(ROWS, folder)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
