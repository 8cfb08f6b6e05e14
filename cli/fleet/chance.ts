/** Random choices, determined by the seed. */
import type { Random } from '../../sandbox/random.ts';

/** Returns one of the items. Throws if there is none. */
export const pick = <T>(random: Random, of: readonly T[]): T => {
  const picked = of[random.integer(of.length)];
  if (picked === undefined) throw new Error('There is nothing to pick from.');
  return picked;
};

export const shuffled = <T>(random: Random, of: readonly T[]): T[] => {
  const rest = [...of];
  return of.flatMap(() => rest.splice(random.integer(rest.length), 1));
};

/** Returns a whole number from `least` to `most`, both inclusive. */
export const between = (random: Random, least: number, most: number): number =>
  least + random.integer(most - least + 1);

/** Returns a function that deals kinds: in each round, every kind occurs as often as its share. */
export const dealer = <T>(random: Random, shares: readonly (readonly [kind: T, share: number])[]): (() => T) => {
  const cards = shares.flatMap(([kind, share]) => Array.from({ length: share }, () => kind));
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = shuffled(random, cards);
    const [card] = left.splice(0, 1);
    return card ?? pick(random, cards);
  };
};
