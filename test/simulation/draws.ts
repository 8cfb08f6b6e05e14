/** Turns a seed's random numbers into values. */
import type { Random } from '../../sandbox/random.ts';

export const pick = <T>(random: Random, from: readonly T[]): T => {
  const value = from[Math.floor(random.next() * from.length)];
  if (value === undefined) throw new Error('The list to pick from is empty.');
  return value;
};
export const chance = (random: Random, probability: number): boolean => random.next() < probability;
/** Runs have 60 to 200 calls; a fault beyond the end of a run has no effect. */
const LAST_CALL = 160;
export const anyCall = (random: Random): number => 1 + Math.floor(random.next() * LAST_CALL);
