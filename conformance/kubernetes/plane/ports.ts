import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { HOST } from './flags.ts';

/**
 * Systems give ports above these to outgoing connections, of which a control plane opens hundreds: one could take a port
 * between the moment when it was found free and the start of the program, or during `reset`.
 */
const LOWEST = 16_384;
const HIGHEST = 32_767;
const MOST_TRIES = 1000;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });

/** Returns so many different ports that were free a moment ago. */
export const freePorts = async (count: number): Promise<number[]> => {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries += 1) {
    if (tries === MOST_TRIES)
      throw new Error(`Of ${MOST_TRIES} ports from ${LOWEST} to ${HIGHEST} on ${HOST}, not even ${count} are free.`);
    const port = randomInt(LOWEST, HIGHEST + 1);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
};
