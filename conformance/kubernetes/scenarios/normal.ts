/** The normal form of texts: what differs between two runs of the same scenario by nature is replaced by a word. */

const ASSOCIATION_ID = /\ba-[a-z0-9]{17}\b/g;
const UUID = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z/g;
const HASH = /\b[0-9a-f]{64}\b/g;
const MIGRATION_ID = /\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b/g;
const ONE_DURATION = String.raw`\d+(?:\.\d+)? (?:second|minute|hour|day)s?\b`;
const DURATION = new RegExp(`${ONE_DURATION}(?:(?:,| and)? ${ONE_DURATION})*`, 'g');
/** The characters of random suffixes of names in Kubernetes. */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]';
/** The hash of a pod template is a number of up to ten digits, in the same characters. */
const POD_SUFFIX = new RegExp(`(?:-${RANDOM}{6,10})?-${RANDOM}{5}(?![\\w-])`);

/** A pod in a list, with what is said of it: `api-POD (2 restarts)`. */
const LISTED = String.raw`[\w.-]+-POD(?: \([^)]*\))?`;
const LIST = new RegExp(`${LISTED}(?:, ${LISTED})+`, 'g');
/** Lists of pods are in the order of their names, which are random. */
const inOrder = (list: string): string =>
  list
    .split(/, (?=[\w.-]+-POD)/)
    .sort()
    .join(', ');

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/**
 * Returns a function that replaces ids, times, durations and hashes in a text, and the names of pods of the given
 * workloads (`api-7f76b45f4c-k7dqq` becomes `api-POD`), whose lists it sorts. Names of a StatefulSet's pods stay: they do not depend on chance.
 */
export const normaliser = (workloads: readonly string[]): ((text: string) => string) => {
  // A longer name first, since one name can be the beginning of another.
  const names = [...new Set(workloads)].sort((a, b) => b.length - a.length).map(escaped);
  const pods = names.length === 0 ? undefined : new RegExp(`(?<![\\w-])(${names.join('|')})${POD_SUFFIX.source}`, 'g');
  return (text) =>
    (pods ? text.replaceAll(pods, '$1-POD').replaceAll(LIST, inOrder) : text)
      .replaceAll(ASSOCIATION_ID, 'ASSOCIATION')
      .replaceAll(UUID, 'UUID')
      .replaceAll(TIME, 'TIME')
      .replaceAll(HASH, 'HASH')
      .replaceAll(MIGRATION_ID, 'MIGRATION')
      .replaceAll(DURATION, 'DURATION');
};

/** Returns the value as JSON with sorted keys: the API server sorts the keys of maps, the sandbox keeps their order. */
export const sortedJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** Returns equal texts once, each with how often it occurs (`2 × text`), in alphabetical order. */
export const counted = (texts: readonly string[]): string[] => {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => `${count} × ${text}`).sort();
};
