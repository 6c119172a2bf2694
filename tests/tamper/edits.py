"""Edits, deletions and swaps of stored rows under valid checksums: `troupe log verify` finds all.

One node makes a data directory; each change is made to a copy of it. The unchanged directory must
verify, so that a verifier that always complains fails here.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "blackbox"))

from support.case import step, workflow  # noqa: E402
from support.node import Node  # noqa: E402

KINDS = ("edit", "delete", "swap")


def _made(node):
    """Twenty runs of a few turns each, ended."""
    id_ = node.post("/workflows", workflow(
        [step("a", parameters={"n": "{{ input.n }}"}), step("b", after="a"),
         step("c", after="b")])).json["id"]
    for number in range(20):
        node.post(f"/workflows/{id_}/execute?wait=10", {"input_data": {"n": number}})
    if node.terminate() != 0:
        raise AssertionError(node.log_tail())


def _verify(node, folder):
    return node.cli("log", "verify", "--data-dir", folder)


def run(binary, tool, edits, say=print):
    """(passed, failed): one check a change, and one for the unchanged directory."""
    seed = int(os.environ.get("TROUPE_SEED", time.time_ns() % 1_000_000))
    say(f"  seed {seed}")
    chance, missed = random.Random(seed), []
    with tempfile.TemporaryDirectory(prefix="troupe-edits-") as folder:
        node, copy = Node(binary=binary), os.path.join(folder, "copy")
        try:
            _made(node)
            whole = _verify(node, node.data_dir)
            if whole.returncode != 0:
                say(f"  FAIL the unchanged directory: {whole.stdout}{whole.stderr}")
                return 0, 1
            for _ in range(edits):
                shutil.copytree(node.data_dir, copy)
                kind, number = chance.choice(KINDS), chance.randrange(1 << 40)
                done = subprocess.run([tool, copy, "events", kind, str(number)],
                                      capture_output=True, text=True, timeout=30)
                if done.returncode != 0:
                    raise AssertionError(f"{done}")
                if _verify(node, copy).returncode == 0:
                    missed.append(f"{kind} {number}")
                shutil.rmtree(copy)
        finally:
            node.close()
    for what in missed[:10]:
        say(f"  FAIL not found: troupe_tamper DATA_DIR events {what}")
    by_kind = {kind: sum(what.startswith(kind) for what in missed) for kind in KINDS}
    say(f"  {edits} edits, {len(missed)} not found "
        f"({', '.join(f'{number} {kind}' for kind, number in by_kind.items())})")
    return edits + 1 - len(missed), len(missed)
