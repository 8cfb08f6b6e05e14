/**
 * Random numbers with a text as their seed: runs that share a limit do not act in lockstep, and each can be replayed.
 */
import { hash } from 'node:crypto';

/** Returns a source of numbers from 0 up to 1, the same ones for the same text. */
export function randomFrom(text: string): () => number {
  let count = 0;
  return () => hash('sha256', `${text} ${(count += 1)}`, 'buffer').readUInt32BE() / 2 ** 32;
}
