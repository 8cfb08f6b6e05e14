/** Tests how tasks are handed out, with workers that do nothing but what a task's spec names. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { scratchDirectory } from '../scratch.ts';
import { Workers } from './workers.ts';

const folder = scratchDirectory();

/** Answers with its process; holds the answer to `held` until it is sent another message, which no busy worker is. */
const WORKER = `process.on('message', ({ spec: { scenario } }) => {
  if (scenario === 'ends') process.exit(3);
  if (scenario === 'fails') process.send({ error: 'Error: no such scenario' });
  else if (scenario !== 'held') process.send({ result: { pid: process.pid, scenario } });
});`;

let workers: Workers;
afterEach(() => workers.end());

const open = (count: number): void => {
  const path = join(folder, 'worker.mjs');
  writeFileSync(path, WORKER);
  workers = new Workers(count, pathToFileURL(path));
};
const order: string[] = [];
const send = async (scenario: string, options: Parameters<typeof workers.do>[1] = {}): Promise<number> => {
  const result = await workers.do({ does: 'run', spec: { scenario, seed: 1, faults: [] }, assembly: '' }, options);
  order.push(scenario);
  return (result as unknown as { pid: number }).pid;
};

describe('workers', () => {
  it('do a task as soon as they are free, by its turn', async () => {
    open(1);
    order.length = 0;
    await Promise.all([send('a', { turn: 2 }), send('b', { turn: 2 }), send('c', { turn: 1 }), send('d')]);
    // The worker was free when the first came.
    expect(order).toEqual(['a', 'd', 'c', 'b']);
  });

  it('leave nothing to a worker that is busy', async () => {
    open(2);
    void send('held');
    const pids = await Promise.all(['a', 'b', 'c', 'd'].map((scenario) => send(scenario)));
    expect(new Set(pids).size).toBe(1);
  });

  it('leave to the first what is for it, as long as there is anything else', async () => {
    open(2);
    const first = send('a');
    const second = send('b');
    const others = Promise.all(['x', 'y'].map((scenario) => send(scenario, { isForFirst: true })));
    void send('held');
    const [pid] = await Promise.all([first, second]);
    expect(await others).toEqual([pid, pid]);
  });

  it('report the task at which one ends by itself, or which fails', async () => {
    open(2);
    void send('ends');
    await expect(workers.failed).rejects.toThrow(/ended with 3 while it did .*"scenario":"ends"/);
    workers.end();
    open(1);
    void send('fails');
    await expect(workers.failed).rejects.toThrow(/no such scenario\nwhile it did .*"scenario":"fails"/);
  });
});
