/** The parts of a soak: commands of this project, small enough that an interruption loses little. */

/** One command of a soak. `name` identifies it in the log, across invocations. */
export interface Part {
  name: string;
  /** Arguments of `node`, relative to the project's root. */
  command: readonly string[];
  /** Variables of its environment. */
  environment?: Readonly<Record<string, string>>;
}

/** How many runs of each kind a soak has. */
export interface Extent {
  /** Number of random runs. */
  seeds: number;
  /** Seed of the first of them. */
  from: number;
  /** Number of random policies for the evaluator. */
  documents: number;
}

/** The seeds for the tests' properties, which always have the same one in `npm test`. */
const PROPERTY_SEEDS = 10;

/** Fits into a night of a machine with two cores, with time to spare. */
export const USUAL: Extent = { seeds: 50_000, from: 1, documents: 5_000_000 };

/** The exhaustive list of runs is divided into this many parts, each of which takes about a minute. */
const EXHAUSTIVE_PARTS = 40;
/** The number of parts for the runs with third-party changes. */
const INTERFERENCE_PARTS = 20;
const SEEDS_A_PART = 1000;
const DOCUMENTS_A_PART = 250_000;

const SIMULATE = 'test/simulation/main.ts';
const VITEST = 'node_modules/vitest/vitest.mjs';

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Cuts a count into pieces of at most `size`: the number of each piece's first member, from 0, and its length. */
const pieces = (count: number, size: number): { first: number; length: number }[] =>
  range(Math.ceil(count / size)).map((index) => ({
    first: index * size,
    length: Math.min(size, count - index * size),
  }));

/** Returns the parts in the order in which they run: those that find the most in the least time come first. */
export const partsOf = ({ seeds, from, documents }: Extent): Part[] => [
  { name: 'mutants', command: [SIMULATE, '--mutants'] },
  { name: 'grids', command: [VITEST, 'run', '--project', 'grids'] },
  { name: 'processes', command: [VITEST, 'run', '--project', 'processes'] },
  ...range(PROPERTY_SEEDS).map((index) => ({
    name: `tests with seed ${index + 1} of ${PROPERTY_SEEDS} for their properties`,
    command: [VITEST, 'run', '--project', 'pure', '--project', 'rest'],
    environment: { PROPERTY_SEED: `${index + 1}` },
  })),
  ...range(EXHAUSTIVE_PARTS).map((index) => ({
    name: `exhaustive ${index + 1} of ${EXHAUSTIVE_PARTS}`,
    command: [SIMULATE, '--exhaustive', '--thorough', '--every', `${EXHAUSTIVE_PARTS}`, '--offset', `${index}`],
  })),
  ...range(INTERFERENCE_PARTS).map((index) => ({
    name: `interferences ${index + 1} of ${INTERFERENCE_PARTS}`,
    command: [SIMULATE, '--interferences', '--thorough', '--every', `${INTERFERENCE_PARTS}`, '--offset', `${index}`],
  })),
  ...pieces(seeds, SEEDS_A_PART).map(({ first, length }) => ({
    name: `seeds ${from + first} to ${from + first + length - 1}`,
    command: [SIMULATE, '--seeds', `${length}`, '--from', `${from + first}`],
  })),
  // Each piece has a seed of its own, from which all of its documents follow.
  ...pieces(documents, DOCUMENTS_A_PART).map(({ first, length }) => ({
    name: `${length} policies of seed ${first / DOCUMENTS_A_PART + 1}`,
    command: ['test/fuzz/policies.ts', '--documents', `${length}`, '--seed', `${first / DOCUMENTS_A_PART + 1}`],
  })),
];
