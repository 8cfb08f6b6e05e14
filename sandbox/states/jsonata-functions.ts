/**
 * The functions that Step Functions adds to JSONata, and JSONata functions that would not be reproducible here.
 * Sources: Step Functions Developer Guide, "Transforming data with JSONata"; for what it leaves out (missing arguments,
 * rounding, the generator behind a seed), results that users have reported from AWS.
 */
import { createHash } from 'node:crypto';
import jsonata from 'jsonata';
import type { Random } from '../random.ts';

/** An error in JSONata's form: a code of its catalogue and the values in that code's text. */
class JsonataError extends Error {
  readonly code: string;
  readonly index: number | undefined;
  readonly token: string | undefined;
  constructor(code: string, details: { message?: string; index?: number; token?: string }) {
    super(details.message ?? code);
    this.code = code;
    this.index = details.index;
    this.token = details.token;
  }
}

const failed = (message: string): JsonataError => new JsonataError('D3137', { message });
const wrongArgument = (token: string, index: number): JsonataError => new JsonataError('T0410', { token, index });

/** Checks that there are not too many arguments: AWS names the first excess argument. */
const atMost = (count: number, token: string, given: unknown[]): void => {
  if (given.length > count) throw wrongArgument(token, count + 1);
};

/** Fractions are truncated, not rounded. */
const integerOf = (value: unknown, token: string, index: number): number => {
  if (typeof value !== 'number') throw wrongArgument(token, index);
  return Math.trunc(value);
};

const parse = (...given: unknown[]): unknown => {
  atMost(1, 'parse', given);
  const [text] = given;
  if (text === undefined) return undefined;
  if (typeof text !== 'string') throw wrongArgument('parse', 1);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw failed('Invalid JSON');
  }
};

const partition = (...given: unknown[]): unknown => {
  atMost(2, 'partition', given);
  const [list, size] = given;
  if (list === undefined) return undefined;
  if (!Array.isArray(list)) throw wrongArgument('partition', 1);
  if (list.length === 0) return undefined;
  if (size === undefined) return [list];
  const length = integerOf(size, 'partition', 2);
  if (length < 0) throw failed('Second argument must be zero or greater');
  if (length === 0) return undefined;
  return Array.from(
    { length: Math.ceil(list.length / length) },
    (_, chunk) => list.slice(chunk * length, (chunk + 1) * length) as unknown[],
  );
};

/** Above this length AWS reports that the memory limit is exceeded. */
const MAX_RANGE = 360_145;

const range = (...given: unknown[]): unknown => {
  atMost(3, 'range', given);
  const [from, to, by] = given;
  const start = integerOf(from, 'range', 1);
  const end = integerOf(to, 'range', 2);
  if (by === undefined) return undefined;
  const step = integerOf(by, 'range', 3);
  if (step === 0 || (end - start) * step < 0) return undefined;
  if (start === end) return start;
  const length = Math.floor((end - start) / step) + 1;
  if (length > MAX_RANGE) throw failed('Expression evaluation memory limit exceeded: Check for excessive memory usage');
  return Array.from({ length }, (_, index) => start + index * step);
};

const HASHES = ['SHA-1', 'SHA-384', 'SHA-256', 'SHA-512', 'MD5'];

const hash = (...given: unknown[]): unknown => {
  atMost(2, 'hash', given);
  const [text, algorithm] = given;
  if (typeof text !== 'string') throw wrongArgument('hash', 1);
  if (algorithm === undefined) return undefined;
  if (typeof algorithm !== 'string') throw wrongArgument('hash', 2);
  if (!HASHES.includes(algorithm)) throw failed(`Hash algorithm '${algorithm}' must be one of ${HASHES.join(', ')}`);
  return createHash(algorithm.replace('SHA-', 'sha').toLowerCase()).update(text, 'utf8').digest('hex');
};

/**
 * Returns the first number of Java's java.util.Random with that seed, which is what AWS returns: 42 gives
 * 0.7275636800328681.
 */
const firstOfJavaRandom = (seed: number): number => {
  const MULTIPLIER = 0x5_deec_e66dn;
  const MASK = (1n << 48n) - 1n;
  let state = (BigInt(seed) ^ MULTIPLIER) & MASK;
  const next = (bits: bigint): bigint => {
    state = (state * MULTIPLIER + 0xbn) & MASK;
    return state >> (48n - bits);
  };
  return Number((next(26n) << 27n) + next(27n)) / 2 ** 53;
};

const fromMillis = jsonata('$fromMillis($time, $picture, $timezone)');

/** Returns the bindings for one evaluation at that time. The random generator is the execution's own. */
export const functionsAt = (time: number, random: Random): Record<string, (...given: unknown[]) => unknown> => ({
  parse,
  partition,
  range,
  hash,
  random: (...given) => {
    atMost(1, 'random', given);
    return given[0] === undefined ? random.next() : firstOfJavaRandom(integerOf(given[0], 'random', 1));
  },
  uuid: (...given) => {
    atMost(0, 'uuid', given);
    return random.uuid();
  },
  shuffle: (list) => {
    if (!Array.isArray(list)) return list === undefined ? undefined : [list];
    const shuffled = [...(list as unknown[])];
    for (let last = shuffled.length - 1; last > 0; last -= 1) {
      const other = random.integer(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]];
    }
    return shuffled;
  },
  now: (picture, timezone) => fromMillis.evaluate(undefined, { time, picture, timezone }),
  millis: () => time,
  eval: () => {
    throw failed('$eval is not available in Step Functions. Use $parse instead');
  },
});

/** The functions of JSONata 2.0.6, and those that Step Functions adds. */
const BUILT_IN = `
  abs append assert average base64decode base64encode boolean ceil clone contains count decodeUrl
  decodeUrlComponent distinct each encodeUrl encodeUrlComponent error eval exists filter floor
  formatBase formatInteger formatNumber fromMillis join keys length lookup lowercase map match max
  merge millis min not now number pad parseInteger power random reduce replace reverse round
  shuffle sift single sort split spread sqrt string substring substringAfter substringBefore sum
  toMillis trim type uppercase zip
  parse partition range hash uuid`;

/** The names of all functions that an expression may call, without the dollar sign. */
export const FUNCTIONS: ReadonlySet<string> = new Set(BUILT_IN.trim().split(/\s+/));
