#!/usr/bin/env python3
"""Holds deploy/ against the binary: every file parses, and every flag, variable, port, path and
metric in it is one that this build has.

    deploy/check.py                   # needs build/release/troupe; about three seconds
    deploy/check.py --root DIR        # as well: the Dockerfile's steps in an empty Debian below DIR

--root needs root, debootstrap, the network and five minutes; DIR may be used again.
"""

import argparse
import os
import sys

from checks import cluster_script, files, node, prometheus, root, words

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--troupe", default=os.path.join(HERE, "..", "build", "release", "troupe"))
    parser.add_argument("--folder", default=HERE, help="the folder to check instead of this one")
    parser.add_argument("--no-node", action="store_true", help="starts no node: files and words only")
    parser.add_argument("--root", metavar="DIR", help="runs the Dockerfile's steps below DIR")
    options = parser.parse_args()
    if not os.access(options.troupe, os.X_OK):
        sys.exit(f"{options.troupe} is not there: ./dev build troupe, or name one with --troupe")

    deploy = files.Deploy(options.folder)
    troupe = words.Binary(os.path.abspath(options.troupe))
    findings = (deploy.findings + files.check(deploy) + words.check(deploy, troupe)
                + cluster_script.check(deploy))
    if not options.no_node and not findings:
        live, metrics = node.check(deploy, troupe)
        findings += live + prometheus.check(deploy, metrics)
    if options.root and not findings:
        findings += root.check(deploy, options.root)
    for note in deploy.notes:
        print("note:", note)
    for finding in findings:
        print("wrong:", finding)
    print(f"{len(deploy.texts)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
