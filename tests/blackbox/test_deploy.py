"""deploy/ against this binary, and that its check finds what is wrong (row OP-09)."""

import os
import shutil
import subprocess
import sys
import tempfile

from rows import rows
from support.case import Case, one_node

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy")
# File, what to write instead of what, what must be said of it.
WRONG_WORDS = [
    ("systemd/troupe.service", "ExecStart=/usr/local/bin/troupe serve",
     "ExecStart=/usr/local/bin/troupe serve --prot 7070", "`troupe serve` has no --prot"),
    ("systemd/troupe.service", "MemoryMax=1536M", "MemoryMax=1G", "memory 1G is less than the budget"),
    ("systemd/troupe.service", "TimeoutStopSec=60s", "TimeoutStopSec=10s", "10s is too short"),
    ("Dockerfile", "USER 10001:10001", "USER root", "must be a number and not root"),
    ("Dockerfile", "EXPOSE 7070", "EXPOSE 7700", "port 7700 is none of"),
    ("Dockerfile", " librocksdb7.8", "", "the binary needs librocksdb7.8"),
    ("compose/single.yaml", "TROUPE_PASSWORD_FILE:", "TROUPE_PASWORD_FILE:",
     "no setting is called TROUPE_PASWORD_FILE"),
    ("compose/cluster.yaml", "read_only: true", "read_only: false", "read_only must be True"),
    ("kubernetes/troupe.yaml", 'value: "1073741824"', 'value: "lots"', "TROUPE_MEMORY_BYTES_MAX"),
    ("kubernetes/troupe.yaml", "enableServiceLinks: false", "enableServiceLinks: true",
     "enableServiceLinks must be false"),
    ("prometheus/alerts.yaml", "  - name: troupe", "  - name: [troupe", "alerts.yaml does not parse"),
    ("troupe-cluster-node", ' --token "$token"', '', "troupe-cluster-node: another joins"),
]
WRONG_NODES = [
    ("Dockerfile", "TROUPE_DATA_DIR=/var/lib/troupe/data", "TROUPE_DATA_DIR=/var/lib/troupe",
     "a backup of the running node leaves the volume"),
    ("kubernetes/troupe.yaml", "path: /health/ready", "path: /healthz", "/healthz answers 404"),
    ("prometheus/alerts.yaml", "increase(troupe_stuck_total[", "increase(troupe_stuk_total[",
     "there is no metric troupe_stuk_total"),
    ("prometheus/alerts.yaml", 'queue="starts"', 'queue="start"', 'has no queue="start"'),
    ("grafana/troupe.json", "max by (queue)", "max by (que)", "by (que): no metric has that label"),
]


@one_node("the files of an installation, checked with the binary alone")
class Deploy(Case):
    def check(self, *options):
        return subprocess.run([sys.executable, os.path.join(DEPLOY, "check.py"), "--troupe",
                               self.node.binary, *options], capture_output=True, text=True, timeout=90)

    @rows("OP-09")
    def test_every_file_fits_the_binary(self):
        done = self.check()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(" 0 findings", done.stdout)

    def finds(self, table, *options):
        with tempfile.TemporaryDirectory(prefix="troupe-deploy-") as place:
            copy = shutil.copytree(DEPLOY, os.path.join(place, "deploy"),
                                   ignore=shutil.ignore_patterns("*.py", "__pycache__"))
            for path, right, wrong, _ in table:
                with open(os.path.join(copy, path), encoding="utf-8") as file:
                    text = file.read()
                self.assertIn(right, text, path)
                with open(os.path.join(copy, path), "w", encoding="utf-8") as file:
                    file.write(text.replace(right, wrong))
            done = self.check("--folder", copy, *options)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for path, _, wrong, said in table:
            self.assertTrue([line for line in done.stdout.splitlines()
                             if line.startswith("wrong:") and said in line],
                            f"{path}: {wrong}: nobody said '{said}' in\n{done.stdout}{done.stderr}")

    @rows("OP-09")
    def test_the_check_finds_wrong_words(self):
        self.finds(WRONG_WORDS, "--no-node")

    @rows("OP-09")
    def test_the_check_finds_what_a_node_does_not_have(self):
        self.finds(WRONG_NODES)
