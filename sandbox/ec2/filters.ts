/** EC2's filters: all of a request must match, each by one of its values, which may have wildcards. */
import { matchesWildcard } from '../../lambdas/domain/policy/index.ts';
import { filtersOf, invalidValue } from './protocol.ts';

/** The values of a resource by the names of filters; empty for a filter of which the resource has no value. */
export type Facts = Record<string, string[]>;

const TAG = 'tag:';

/** Returns the values of a resource's tags by filters. `keys`: the name of the filter by the key alone. */
export const tagFacts = (tags: Record<string, string>, keys = 'tag-key'): Facts => ({
  [keys]: Object.keys(tags),
  ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${TAG}${key}`, [value]])),
});

/**
 * Returns the resources that match a request's filters. `names`: the filters of the action, apart from those of tags.
 * Throws QueryError for any other.
 */
export const filtered = <T>(
  parameters: Map<string, string>,
  resources: readonly T[],
  { names, factsOf, tagged }: { names: readonly string[]; factsOf: (resource: T) => Facts; tagged: boolean },
): T[] => {
  const filters = filtersOf(parameters);
  const wrong = filters.find(({ name }) => !names.includes(name) && !(tagged && name.startsWith(TAG)));
  if (wrong) throw invalidValue(`The filter '${wrong.name}' is invalid`);
  return resources.filter((resource) => {
    const facts = factsOf(resource);
    return filters.every(({ name, values }) =>
      (facts[name] ?? []).some((fact) => values.some((value) => matchesWildcard(value, fact))),
    );
  });
};
