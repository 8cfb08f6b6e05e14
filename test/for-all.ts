/** Properties: what holds for all values that the arbitraries of fast-check generate. */
import * as fc from 'fast-check';

/**
 * The seed of every property, so that the same commit has the same result each time. `npm run soak` sets others: it finds
 * what the cases of this seed do not contain.
 */
export const SEED = Number(process.env['PROPERTY_SEED'] ?? 20_260_105);

const optionsOf = (numRuns: number | undefined) => ({ seed: SEED, ...(numRuns === undefined ? {} : { numRuns }) });

type Arbitraries<Values> = { [Index in keyof Values]: fc.Arbitrary<Values[Index]> };
/** Returns false or throws where the property is broken; expectations may be its expression, whatever they return. */
type Predicate<Values extends unknown[]> = (...values: Values) => boolean | void;
type Property<Values extends [unknown, ...unknown[]]> = [...Arbitraries<Values>, Predicate<Values>];

/** Asserts that a property holds in `numRuns` runs. */
export function forAllIn<Values extends [unknown, ...unknown[]]>(
  numRuns: number | undefined,
  ...property: Property<Values>
): void {
  const arbitraries = property.slice(0, -1) as Arbitraries<Values>;
  const predicate = property.at(-1) as Predicate<Values>;
  const isKept = (...values: Values): boolean => predicate(...values) !== false;
  fc.assert(fc.property(...arbitraries, isKept), optionsOf(numRuns));
}

/** Asserts that a property holds, in as many runs as fast-check makes by default. */
export const forAll = <Values extends [unknown, ...unknown[]]>(...property: Property<Values>): void =>
  forAllIn(undefined, ...property);

/** Asserts that an asynchronous property holds in `numRuns` runs; undefined: in as many as fast-check makes by default. */
export async function forAllAsync<Values extends [unknown, ...unknown[]]>(
  numRuns: number | undefined,
  ...property: [...Arbitraries<Values>, (...values: Values) => Promise<unknown>]
): Promise<void> {
  const arbitraries = property.slice(0, -1) as Arbitraries<Values>;
  const predicate = property.at(-1) as (...values: Values) => Promise<unknown>;
  const isKept = async (...values: Values): Promise<boolean> => (await predicate(...values)) !== false;
  await fc.assert(fc.asyncProperty(...arbitraries, isKept), optionsOf(numRuns));
}
