import { type ChildProcess, fork } from 'node:child_process';
import type { News, Order } from './share.ts';

/** Worlds are short-lived: more room for young objects reduces the time of garbage collection. */
export const NODE_OPTIONS = ['--max-semi-space-size=64'];

/**
 * Divides the runs of an order among this many child processes: each runs its part of the same list, so that the
 * results do not depend on their number. `onNews` may return false when enough is known; then the children are stopped.
 * Rejects if a child fails.
 */
export const distribute = async (
  order: Omit<Order, 'part' | 'parts'>,
  count: number,
  worker: URL,
  onNews: (news: News) => boolean | void,
): Promise<void> => {
  const children: ChildProcess[] = [];
  let enough = false;
  const one = (part: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(worker, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: NODE_OPTIONS });
      children.push(child);
      child.on('message', (news: News) => {
        if (onNews(news) !== false || enough) return;
        enough = true;
        for (const each of children) each.kill();
      });
      child.on('error', reject);
      child.on('exit', (code) =>
        code === 0 || enough ? resolve() : reject(new Error(`A worker ended with exit code ${String(code)}.`)),
      );
      child.send({ ...order, part, parts: count });
    });
  await Promise.all(Array.from({ length: count }, (_, part) => one(part)));
};
