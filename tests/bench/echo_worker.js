// The external worker of the worker10 benchmark: answers at once. Usage: echo_worker.js URL
import { Worker } from '../../clients/nodejs/troupe_worker.js';

const worker = new Worker(process.argv[2], { name: 'bench', log: (text) => console.error(text) });
worker.skill('bench_echo', (parameters) => parameters);
await worker.run();
