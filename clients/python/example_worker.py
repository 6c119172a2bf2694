#!/usr/bin/env python3
"""Runs the skill count_words for examples/worker.yaml. Usage: example_worker.py [URL] [PASSWORD]"""

import logging
import sys

from troupe_worker import Permanent, Worker

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
worker = Worker(*(sys.argv[1:3] or ["http://127.0.0.1:7070"]), name="example")


@worker.skill("count_words", schema={"type": "object", "properties": {"text": {"type": "string"}},
                                     "required": ["text"]})
def count_words(parameters, task):
    """Counts the words of a text."""
    if not parameters["text"].strip():
        raise Permanent("the text is empty", code="empty_text")
    task.progress({"percent": 50})
    return {"words": len(parameters["text"].split())}


worker.run()
