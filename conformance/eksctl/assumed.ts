/** The settings of a scenario that only the sandbox assumes. */
import { z } from 'zod';
import { knobs } from '../../sandbox/world/knobs.ts';
import type { Scenario } from '../../sandbox/world/scenario.ts';

const DEFAULTS = knobs.parse({});

/** A duration is as good as another, where no source publishes one. */
const NOTABLE: ReadonlySet<unknown> = new Set(['likely', 'unknown']);

const confidences = (): Map<string, unknown> => {
  const { properties = {} } = z.toJSONSchema(knobs, { io: 'input' });
  return new Map(
    Object.entries(properties).map(([name, schema]) => [
      name,
      typeof schema === 'object' ? (schema as Record<string, unknown>)['confidence'] : undefined,
    ]),
  );
};

/**
 * Returns the knobs of a scenario that have another value than the default, where no source is certain what AWS does:
 * `podsKeepIdentityOnUpdate true`.
 */
export const assumedBy = ({ knobs: given }: Pick<Scenario, 'knobs'>): string[] => {
  const confidence = confidences();
  return Object.entries(given).flatMap(([name, value]) =>
    NOTABLE.has(confidence.get(name)) &&
    JSON.stringify(value) !== JSON.stringify(DEFAULTS[name as keyof typeof DEFAULTS])
      ? [`${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`]
      : [],
  );
};
