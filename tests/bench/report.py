"""The result file, and the table of figures beside their targets."""

import json
import os
import re
import subprocess

from harness import ROOT
from targets import TARGETS

PATH = os.path.join(ROOT, "bench", "results.json")


def begin(quick, probe):
    """Results without a workload yet."""
    results = {"format": 1, "commit": _commit(), "machine": _machine(), "quick": quick,
               "probe": probe, "workloads": {}}
    print(f"{results['machine']}  probe {probe}")
    return results


def write(results):
    os.makedirs(os.path.dirname(PATH), exist_ok=True)
    with open(PATH, "w") as file:
        json.dump(results, file, indent=1)


def print_table(results):
    """Every target of the workloads that were run, with its figure; how many were missed."""
    print(f"\n{'figure':52} {'measured':>14} {'target':>22}")
    missed = 0
    for label, path, relation, target in TARGETS:
        if path.split(".")[0] not in results["workloads"]:
            continue
        value = _look_up(results["workloads"], path)
        if target == "disk":
            target = round(1.7 * 11 * results["probe"]["p50_ms"], 3)
        good = value is not None and (value <= target if relation == "<=" else value >= target)
        missed += not good
        shown = "-" if value is None else f"{value:,.2f}"
        print(f"{label:52} {shown:>14} {relation + ' ' + format(target, ','):>22}  "
              f"{'ok' if good else 'MISSED'}")
    return missed


def _look_up(results, path):
    for key in path.split("."):
        if not isinstance(results, dict) or key not in results:
            return None
        results = results[key]
    return results


def _machine():
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return {"cores": os.cpu_count(), "cpu": model[1] if model else "unknown"}


def _commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                          cwd=ROOT)
    return done.stdout.strip() or None
