/** Workers of SDKs, played by programs of a line. */
import { afterEach, describe, expect, it } from 'vitest';
import { openWorker, type Worker } from '../../../conformance/pods/workers.ts';

let worker: Worker;
afterEach(() => worker.close());

const open = (code: string): void => {
  worker = openWorker({ name: 'Played', program: process.execPath, args: ['-e', code], once: ['ONCE'] });
};
const QUESTION = { env: { HOME: '/' }, directory: '/' };

/** Asks the played endpoints, with the host that each question names. */
const DIRECTED = `
const http = require('node:http');
const lines = require('node:readline').createInterface({ input: process.stdin });
let last = Promise.resolve();
lines.on('line', (line) => {
  const { env } = JSON.parse(line);
  const host = 'HOST' in env ? env.HOST : '127.0.0.1:1';
  last = last.then(() => new Promise((resolve) => {
    const request = http.get({ port: process.env.PLAYED_ENDPOINTS_PORT, path: '/v1/credentials', headers: { host } });
    request.on('response', (response) => {
      response.resume();
      console.log(JSON.stringify({ key: String(process.pid) }));
      resolve();
    });
  }));
});`;

describe('a worker', () => {
  it('is refused before the first question if it does not connect to the played endpoints', async () => {
    open(`process.stdin.on('data', () => console.log('{"error":"none"}'))`);
    await expect(worker.ask(QUESTION)).rejects.toThrow(
      'The worker of Played connects to an address itself instead of the played endpoints',
    );
  });

  it('that ends is reported with its last lines', async () => {
    open(`console.error('no module of this name'); process.exit(1)`);
    await expect(worker.ask(QUESTION)).rejects.toThrow(/^The worker of Played ended\.\nno module of this name\n/);
  });

  it('is asked in one process, and in another one for variables that it reads only once', async () => {
    open(DIRECTED);
    const key = async (env: Record<string, string>): Promise<unknown> => {
      const { reply, asked } = await worker.ask({ ...QUESTION, env });
      expect(asked).toEqual([expect.objectContaining({ host: '10.0.0.1', path: '/v1/credentials' })]);
      return 'key' in reply ? reply.key : reply;
    };
    const first = await key({ HOST: '10.0.0.1' });
    expect(await key({ HOST: '10.0.0.1', OTHER: 'x' })).toBe(first);
    expect(await key({ HOST: '10.0.0.1', ONCE: 'x' })).not.toBe(first);
  });
});
