#!/usr/bin/env python3
"""The benchmarks: ./dev bench [NAME…] [--quick]. Writes bench/results.json and a table.

Every figure comes from outside the node: the load generator's clock, /proc, du, strace. A figure
that could not be measured is written as null with a reason, and counts as missed.
"""

import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "blackbox"))

import report  # noqa: E402
from harness import Harness  # noqa: E402
from workloads import WORKLOADS  # noqa: E402


def read_options():
    names = " ".join(WORKLOADS)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--quick", action="store_true", help="small sizes, about 5 minutes")
    parser.add_argument("names", nargs="*", metavar="NAME", help=names)
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in WORKLOADS]
    if unknown:
        parser.error(f"no such workload: {' '.join(unknown)}; there are {names}")
    return options


def main():
    started = time.monotonic()
    options = read_options()
    sys.stdout.reconfigure(line_buffering=True)
    errors = 0
    harness = Harness(os.path.abspath(options.build), options.quick)
    try:
        results = report.begin(options.quick, harness.probe())
        for name in options.names or WORKLOADS:
            print(f"==> {name} ({time.monotonic() - started:.0f} s)")
            try:
                figures = {**WORKLOADS[name](harness), "probe": harness.probe()}
            except Exception as why:  # one workload that fails must not hide the others' figures
                errors += 1
                figures = {"error": str(why)[:500]}
                print(f"    FAILED: {why}")
            results["workloads"][name] = figures
            report.write(results)
    finally:
        harness.close()
    missed = report.print_table(results)
    print(f"\n{report.PATH}: {len(results['workloads'])} workloads, {missed} targets missed, "
          f"{errors} failed, {time.monotonic() - started:.0f} s")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
