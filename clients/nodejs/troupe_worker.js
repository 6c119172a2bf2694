// A worker for Troupe: runs skills in this process. No dependencies, Node.js >= 18.
//
//   const worker = new Worker('http://127.0.0.1:7070');
//   worker.skill('double', async ({ n }) => ({ n: 2 * n }));
//   await worker.run();
//
// A skill returns its output or throws: Permanent is not retried, anything else is.
import http from 'node:http';
import https from 'node:https';

/** Throw it when trying again cannot help. `code` is recorded with the step. */
export class Permanent extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

class Refused extends Error {
  constructor(status, text) {
    super(`${status}: ${text.slice(0, 300)}`);
    this.status = status;
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const jitter = (failures, most) => Math.random() * Math.min(most, 50 * 2 ** Math.min(failures, 10));

export class Worker {
  #skills = new Map();
  #running = new Map();
  #results = [];
  #sending = 0;
  #stopping = false;
  #abort = new AbortController();
  #registering = null;
  #heartbeatSeconds = 5;
  #slotFreed = [];
  #drained = [];

  /**
   * password: the node's; concurrency: tasks in this process at once; polls: long polls in flight;
   * maxTasks: how many tasks one poll may bring; senders: result calls in flight.
   */
  constructor(url, { password = null, name = 'nodejs-worker', concurrency = 1024, polls = 4,
    maxTasks = 256, waitSeconds = 20, senders = 4, log = () => {} } = {}) {
    this.base = new URL(url);
    Object.assign(this, { password, name, concurrency, polls, maxTasks, waitSeconds, senders, log });
    this.id = null;
    this.token = null;
    this.completed = 0;
    const { Agent } = this.base.protocol === 'https:' ? https : http;
    this.agent = new Agent({ keepAlive: true, maxSockets: polls + senders + 4 });
  }

  /** Registers `run(parameters, task)` for tasks of this type. Call it before run(). */
  skill(skillType, run, { schema = { type: 'object' }, effect = 'io', description = '' } = {}) {
    this.#skills.set(skillType, { run, row: { skill_type: skillType, description, effect,
      parameters_schema: schema } });
    return this;
  }

  /** No new tasks; run() resolves when the running ones are done and their results are sent. */
  stop() {
    this.#stopping = true;
    this.#abort.abort();
    this.#slotFreed.splice(0).forEach((wake) => wake());
  }

  /** Works until stop(), SIGTERM or SIGINT. */
  async run({ handleSignals = true } = {}) {
    if (this.#skills.size === 0) throw new Error('register at least one skill first');
    const stop = () => this.stop();
    if (handleSignals) for (const name of ['SIGTERM', 'SIGINT']) process.once(name, stop);
    const beat = setInterval(() => this.#beat(), 1000);
    await Promise.all(Array.from({ length: this.polls }, () => this.#pollLoop()));
    while (this.#running.size > 0 || this.#results.length > 0 || this.#sending > 0) {
      await new Promise((done) => { this.#drained.push(done); setTimeout(done, 100); });
    }
    clearInterval(beat);
    this.agent.destroy();
  }

  async #pollLoop() {
    let failures = 0;
    while (!this.#stopping) {
      const room = Math.min(this.maxTasks, this.concurrency - this.#running.size);
      if (room <= 0) {
        await new Promise((wake) => this.#slotFreed.push(wake));
        continue;
      }
      const provider = this.id;
      try {
        if (provider === null) {
          await this.#register();
          continue;
        }
        const answer = await this.#post(`/skill-providers/${provider}/poll`,
          { max_tasks: room, wait_seconds: this.waitSeconds }, (this.waitSeconds + 20) * 1000,
          this.#abort.signal);
        failures = 0;
        for (const message of answer.tasks) this.#work(message);
      } catch (why) {
        if (this.#stopping) return;
        if ([401, 404, 410].includes(why.status) && this.id === provider) this.id = null;
        failures += 1;
        const delay = jitter(failures, 10_000);
        this.log(`poll failed (${why.message}), again in ${Math.round(delay)} ms`);
        await pause(delay);
      }
    }
  }

  #register() {
    this.#registering ??= this.#post('/skill-providers', { name: this.name,
      skills: [...this.#skills.values()].map((s) => s.row) }).then((answer) => {
      this.id = answer.id;
      this.token = answer.token;
      this.#heartbeatSeconds = answer.heartbeat_seconds;
      this.log(`registered as ${this.id}`);
    }).finally(() => { this.#registering = null; });
    return this.#registering;
  }

  async #work(message) {
    const gone = new AbortController();
    const task = { id: message.task_id, token: message.token, skillType: message.skill_type,
      parameters: message.parameters, executionId: message.execution_id, stepId: message.step_id,
      iteration: message.iteration, attempt: message.attempt, deadline: message.deadline,
      idempotencyKey: message.idempotency_key, signal: gone.signal, gone, beaten: Date.now(),
      progressValue: undefined, progress(value) { this.progressValue = value; } };
    this.#running.set(task.id, task);
    const result = { task_id: task.id, token: task.token };
    try {
      const output = await this.#skills.get(task.skillType).run(task.parameters, task);
      result.output = output === undefined ? null : output;
    } catch (why) {
      result.error = { message: String(why?.message ?? why), retryable: !(why instanceof Permanent) };
      if (why?.code) result.error.code = String(why.code);
    }
    this.#running.delete(task.id);
    this.#slotFreed.shift()?.();
    if (gone.signal.aborted) return;
    this.#results.push(result);
    // Results of the same round of the event loop go out together.
    if (this.#sending < this.senders) {
      this.#sending += 1;
      setImmediate(() => this.#send());
    }
  }

  async #send() {
    while (this.#results.length > 0) await this.#deliver(this.#results.splice(0, 512));
    this.#sending -= 1;
    this.#drained.splice(0).forEach((wake) => wake());
  }

  async #deliver(batch) {
    for (let failures = 1; failures <= 20; failures += 1) {
      try {
        await this.#post(`/skill-providers/${this.id}/results`, { results: batch });
        this.completed += batch.length;
        return;
      } catch (why) {
        if (why.status === 410) return;
        if ([400, 404, 413, 422].includes(why.status)) {
          this.log(`results refused: ${why.message}`);
          return;
        }
        await pause(jitter(failures, 5000));
      }
    }
  }

  #beat() {
    const due = Date.now() - this.#heartbeatSeconds * 333;
    for (const task of this.#running.values()) {
      if (task.beaten > due) continue;
      task.beaten = Date.now();
      const body = { token: task.token };
      if (task.progressValue !== undefined) body.progress = task.progressValue;
      this.#post(`/skill-providers/${this.id}/tasks/${task.id}/heartbeat`, body, 10_000)
        .catch((why) => { if (why.status === 410) task.gone.abort(); });
    }
  }

  #post(path, body, timeout = 60_000, signal = undefined) {
    const data = Buffer.from(JSON.stringify(body));
    const headers = { 'Content-Type': 'application/json', 'Content-Length': data.length };
    const token = this.password ?? this.token;
    if (token) headers.Authorization = `Bearer ${token}`;
    const { request } = this.base.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      const call = request({ method: 'POST', hostname: this.base.hostname, port: this.base.port,
        path: `${this.base.pathname.replace(/\/$/, '')}/api/v1${path}`, headers, timeout, signal,
        agent: this.agent }, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString();
          if (answer.statusCode >= 300) return reject(new Refused(answer.statusCode, text));
          try {
            resolve(text ? JSON.parse(text) : null);
          } catch (why) {
            reject(why);
          }
        });
      });
      call.on('timeout', () => call.destroy(new Error('timeout')));
      call.on('error', reject);
      call.end(data);
    });
  }
}
