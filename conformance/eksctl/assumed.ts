/** The settings of a scenario that only the sandbox assumes. */
import { knobs } from '../../sandbox/knobs/knobs.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';

const DEFAULTS = knobs.parse({});

/** What is notable in comparison with the default, if it is not certain. */
const NOTABLE: ReadonlySet<unknown> = new Set(['likely', 'unknown']);

const CONFIDENCE = new Map<string, unknown>(
  Object.entries(knobs.shape).map(([name, schema]) => [name, schema.meta()?.['confidence']]),
);

/**
 * Returns the knobs of a scenario that have another value than the default, where no source is certain what AWS does:
 * `podsKeepIdentityOnUpdate true`. Durations are left out: AWS's vary.
 */
export const assumedBy = ({ knobs: given }: Pick<Scenario, 'knobs'>): string[] =>
  Object.entries(given).flatMap(([name, value]) =>
    NOTABLE.has(CONFIDENCE.get(name)) &&
    !name.endsWith('Seconds') &&
    JSON.stringify(value) !== JSON.stringify(DEFAULTS[name as keyof typeof DEFAULTS])
      ? [`${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`]
      : [],
  );
