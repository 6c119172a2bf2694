"""`troupe demo chaos`: three nodes, a kill, and the proof (row BY-04)."""

import glob
import json
import os
import signal
import subprocess
import tempfile
import time

from rows import rows
from support.case import Case
from support.node import BINARY


class Demo(Case):
    own_node, time_limit = True, 200.0

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="troupe-test-demo-")
        self.environment = {**os.environ, "TMPDIR": self.folder, "TROUPE_PORT": "1"}

    def tearDown(self):
        os.rmdir(self.folder)  # fails when something is left in it

    def left(self):
        """Nodes of the demonstration that still run."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    text = file.read().decode("utf-8", "replace")
            except OSError:
                continue
            if self.folder in text:
                found.append(text.replace("\0", " "))
        return found

    @rows("BY-04")
    def test_chaos_proves_it(self):
        done = subprocess.run([os.path.abspath(BINARY), "demo", "chaos", "--json"],
                              capture_output=True, text=True, timeout=180, env=self.environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        proof = json.loads(done.stdout)
        self.assertEqual((proof["runs"], proof["effects"], proof["proved"]), (200, 400, True))
        self.assertIn(proof["killed"], (1, 2, 3))
        self.assertEqual(proof["once"] + len(proof["repeated"]), 400)
        self.assertLess(len(proof["repeated"]), 100)
        for each in proof["repeated"]:
            self.assertTrue(each["run"] and each["attempt"] and each["explained"], each)
            self.assertIn(each["step"], ("charge", "ship"))
            self.assertGreater(each["times"], 0)
        self.assertEqual((self.left(), os.listdir(self.folder)), ([], []))

    @rows("BY-04")
    def test_stopped_in_the_middle_it_proves_nothing_and_leaves_nothing(self):
        process = subprocess.Popen([os.path.abspath(BINARY), "demo", "chaos", "--runs", "10000"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=self.environment)
        self.assertIn("three nodes serve", process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, output)
        self.assertNotIn("proved: nothing", output)
        deadline = time.monotonic() + 5
        while self.left() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual((self.left(), os.listdir(self.folder)), ([], []))

    @rows("BY-04")
    def test_help_has_an_example(self):
        done = subprocess.run([os.path.abspath(BINARY), "demo", "chaos", "--help"],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0)
        self.assertIn("Example: troupe demo chaos", done.stdout)
