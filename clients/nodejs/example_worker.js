#!/usr/bin/env node
// Runs the skill count_words for examples/worker.yaml. Usage: example_worker.js [URL] [PASSWORD]
import { Permanent, Worker } from './troupe_worker.js';

const [url = 'http://127.0.0.1:7070', password = null] = process.argv.slice(2);
const worker = new Worker(url, { password, name: 'example', log: console.log });

worker.skill('count_words', async ({ text }, task) => {
  if (!text.trim()) throw new Permanent('the text is empty', 'empty_text');
  task.progress({ percent: 50 });
  return { words: text.trim().split(/\s+/).length };
}, { schema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } });

await worker.run();
