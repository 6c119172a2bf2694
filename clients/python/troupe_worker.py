"""A worker for Troupe: runs skills in this process. One file, standard library only.

    worker = Worker("http://127.0.0.1:7070")

    @worker.skill("count_words", schema={"type": "object", "required": ["text"]})
    def count_words(parameters, task):
        return {"words": len(parameters["text"].split())}

    worker.run()

A skill returns its output (any JSON value) or raises: `Permanent` is not retried, anything else is.
Every attempt of a step carries the same `task.idempotency_key`: hand it to what you call.
"""

import http.client
import json
import logging
import queue
import random
import signal
import ssl
import threading
import time
from urllib.parse import urlsplit

log = logging.getLogger("troupe_worker")


class Permanent(Exception):
    """Raise it when trying again cannot help. `code` is recorded with the step."""

    def __init__(self, message, code=None):
        super().__init__(message)
        self.code = code


class Gone(Exception):
    """The node no longer wants what was sent (410): cancelled, timed out, or given to another."""


class _Refused(Exception):
    def __init__(self, status, text):
        super().__init__(f"{status}: {text[:300]}")
        self.status = status


class Task:
    """One attempt of one step. `cancelled` is set when the node no longer wants its result."""

    def __init__(self, worker, message):
        self._worker = worker
        self.id, self.token = message["task_id"], message["token"]
        self.skill_type, self.parameters = message["skill_type"], message["parameters"]
        self.execution_id, self.step_id = message["execution_id"], message["step_id"]
        self.iteration, self.attempt = message.get("iteration"), message["attempt"]
        self.idempotency_key, self.deadline = message["idempotency_key"], message.get("deadline")
        self.cancelled = threading.Event()
        self._progress = None

    def progress(self, value):
        """Sent with the next heartbeat; any JSON value."""
        self._progress = value


class _Connection:
    """Keep-alive HTTP of one thread."""

    def __init__(self, worker):
        self._worker, self._http = worker, None

    def post(self, path, body, timeout=60):
        split = self._worker.split
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        token = self._worker.password or self._worker.token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if self._http is None:
            kind = http.client.HTTPConnection
            more = {}
            if split.scheme == "https":
                kind, more = http.client.HTTPSConnection, {"context": ssl.create_default_context()}
            self._http = kind(split.hostname, split.port, timeout=timeout, **more)
        try:
            self._http.timeout = timeout
            if self._http.sock:
                self._http.sock.settimeout(timeout)
            self._http.request("POST", split.path.rstrip("/") + "/api/v1" + path, data, headers)
            answer = self._http.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if answer.status == 410:
            raise Gone(text.decode("utf-8", "replace"))
        if answer.status >= 300:
            raise _Refused(answer.status, text.decode("utf-8", "replace"))
        return json.loads(text) if text else None

    def close(self):
        if self._http:
            self._http.close()
            self._http = None


class Worker:
    """`password` is the node's; `concurrency` skills run at once. Thread-safe."""

    def __init__(self, url, password=None, name="python-worker", concurrency=8, wait_seconds=20):
        self.split = urlsplit(url)
        self.password, self.name = password, name
        self.concurrency, self.wait_seconds = concurrency, wait_seconds
        self.id = self.token = None
        self._skills, self._running = {}, {}
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._free = threading.Semaphore(concurrency)
        self._tasks, self._results = queue.Queue(), queue.Queue()
        self._heartbeat_seconds = 5.0
        self._registering = threading.Lock()

    def skill(self, skill_type, schema=None, effect="io", description=""):
        """Decorator: `function(parameters, task)` runs tasks of this type."""
        def mark(function):
            self._skills[skill_type] = (function, {
                "skill_type": skill_type, "effect": effect,
                "description": description or (function.__doc__ or "").strip(),
                "parameters_schema": schema or {"type": "object"}})
            return function
        return mark

    def stop(self):
        """No new tasks; `run` returns when the running ones are done and their results sent."""
        self._stopping.set()

    def run(self, handle_signals=True):
        """Works until `stop()`, SIGTERM or SIGINT."""
        if not self._skills:
            raise ValueError("register at least one skill first")
        if handle_signals and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.stop())
        workers = [threading.Thread(target=self._work, daemon=True)
                   for _ in range(self.concurrency)]
        sender = threading.Thread(target=self._send, daemon=True)
        beats = threading.Thread(target=self._beat, daemon=True)
        for thread in (*workers, sender, beats):
            thread.start()
        self._poll()
        for _ in workers:
            self._tasks.put(None)
        for thread in workers:
            thread.join()
        self._results.put(None)
        sender.join(30)

    # Registering and polling

    def _register(self, connection, stale=None):
        """Registers unless another thread already did since `stale` was the id."""
        with self._registering:
            if self.id is not None and self.id != stale:
                return
            answer = connection.post("/skill-providers", {
                "name": self.name, "skills": [s for _, s in self._skills.values()]})
            self.id, self.token = answer["id"], answer["token"]
            self._heartbeat_seconds = float(answer["heartbeat_seconds"])
            log.info("registered as %s with %s", self.id, ", ".join(self._skills))

    def _poll(self):
        connection, failures = _Connection(self), 0
        while not self._stopping.is_set():
            slots = self._take_slots()
            if not slots:
                continue
            got = 0
            try:
                if self.id is None:
                    self._register(connection)
                provider = self.id
                answer = connection.post(f"/skill-providers/{provider}/poll", {
                    "max_tasks": slots, "wait_seconds": self.wait_seconds},
                    timeout=self.wait_seconds + 20)
                failures = 0
                for message in answer["tasks"]:
                    got += 1
                    self._tasks.put(Task(self, message))
            except (Gone, _Refused, OSError, http.client.HTTPException, ValueError) as why:
                if isinstance(why, Gone) or getattr(why, "status", 0) in (401, 404):
                    self.id = None  # the node forgot us: register again
                failures += 1
                delay = random.uniform(0, min(10.0, 0.1 * 2 ** min(failures, 8)))
                log.warning("poll failed (%s), again in %.1f s", why, delay)
                self._stopping.wait(delay)
            finally:
                for _ in range(slots - got):
                    self._free.release()
        connection.close()

    def _take_slots(self):
        """How many tasks may be fetched now; waits a moment for the first free slot."""
        if not self._free.acquire(timeout=0.2):
            return 0
        slots = 1
        while slots < self.concurrency and self._free.acquire(blocking=False):
            slots += 1
        return slots

    # Working and answering

    def _work(self):
        while True:
            task = self._tasks.get()
            if task is None:
                return
            with self._lock:
                self._running[task.id] = task
            try:
                result = self._outcome(task)
            finally:
                with self._lock:
                    self._running.pop(task.id, None)
                self._free.release()
            if not task.cancelled.is_set():
                self._results.put(result)

    def _outcome(self, task):
        result = {"task_id": task.id, "token": task.token}
        try:
            result["output"] = self._skills[task.skill_type][0](task.parameters, task)
            json.dumps(result["output"], allow_nan=False)
        except Exception as why:  # a skill may fail in any way; the node decides about retries
            result.pop("output", None)
            result["error"] = {"message": f"{type(why).__name__}: {why}",
                               "retryable": not isinstance(why, (Permanent, KeyError, TypeError))}
            if getattr(why, "code", None):
                result["error"]["code"] = str(why.code)
            log.info("task %s of %s failed: %s", task.id, task.skill_type, why)
        return result

    def _send(self):
        """Sends results, as many in one call as have gathered."""
        connection, ended = _Connection(self), False
        while not ended:
            batch = [self._results.get()]
            while len(batch) < 256 and not self._results.empty():
                batch.append(self._results.get())
            ended = None in batch
            batch = [r for r in batch if r is not None]
            if batch:
                self._deliver(connection, batch)
        connection.close()

    def _deliver(self, connection, batch):
        failures = 0
        while failures < 20:
            try:
                connection.post(f"/skill-providers/{self.id}/results", {"results": batch})
                return
            except Gone:
                log.info("%d results are no longer wanted", len(batch))
                return
            except (_Refused, OSError, http.client.HTTPException, ValueError) as why:
                if getattr(why, "status", 0) in (400, 404, 413, 422):
                    log.error("results refused: %s", why)
                    return
                failures += 1
                time.sleep(random.uniform(0, min(5.0, 0.05 * 2 ** min(failures, 7))))

    def _beat(self):
        connection = _Connection(self)
        while not self._stopping.wait(max(0.2, self._heartbeat_seconds / 3)) or self._running:
            with self._lock:
                running = list(self._running.values())
            for task in running:
                body = {"token": task.token}
                if task._progress is not None:
                    body["progress"] = task._progress
                try:
                    connection.post(
                        f"/skill-providers/{self.id}/tasks/{task.id}/heartbeat", body, timeout=10)
                except Gone:
                    task.cancelled.set()
                    log.info("task %s was taken back", task.id)
                except (_Refused, OSError, http.client.HTTPException) as why:
                    log.debug("heartbeat failed: %s", why)
            if self._stopping.is_set():
                time.sleep(0.2)
