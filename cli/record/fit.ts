/**
 * Leaves out what a scenario cannot express, so that one unusual object does not prevent a recording. What is left out is
 * reported.
 */
import { formatPath, parseScenario, ScenarioError } from '../../sandbox/build/load.ts';
import type { Scenario, ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import type { Unread } from './reader.ts';

type Path = readonly (string | number)[];
type Container = Record<string | number, unknown>;

/** Each round removes at least one part; more problems than that mean that the recording itself is wrong. */
const MOST_ROUNDS = 50;

const parentOf = (root: unknown, path: Path): Container | undefined => {
  let found: unknown = root;
  for (const part of path.slice(0, -1)) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Container)[part];
  }
  return typeof found === 'object' && found !== null ? (found as Container) : undefined;
};

/**
 * Returns the path of what to remove: the field itself if it exists, otherwise the item of a list that has the problem.
 * Undefined if that would be the cluster or the account.
 */
const removable = (root: unknown, path: Path): Path | undefined => {
  const exists = parentOf(root, path)?.[path.at(-1) ?? ''] !== undefined;
  const index = path.findLastIndex((part) => typeof part === 'number');
  const item = path.slice(0, index + 1);
  const chosen = exists && typeof path.at(-1) === 'string' ? path : item;
  const isWhole = chosen.length <= 4 && typeof chosen.at(-1) === 'number' && chosen[0] === 'accounts';
  const isList = chosen.at(-2) === 'roles' || chosen.length > 4;
  return chosen.length === 0 || (isWhole && !isList) ? undefined : chosen;
};

const remove = (root: unknown, path: Path): void => {
  const parent = parentOf(root, path);
  const last = path.at(-1);
  if (parent === undefined || last === undefined) return;
  if (Array.isArray(parent) && typeof last === 'number') parent.splice(last, 1);
  else delete parent[last];
};

/** Returns a valid scenario. Adds what it leaves out to `unread`. Throws a ScenarioError if nothing can be left out. */
export const fitted = (input: ScenarioInput, unread: Unread[]): { input: ScenarioInput; scenario: Scenario } => {
  const rest = structuredClone(input);
  for (let round = 0; ; round += 1) {
    try {
      return { input: rest, scenario: parseScenario(JSON.stringify(rest), 'recorded') };
    } catch (error) {
      if (!(error instanceof ScenarioError) || round >= MOST_ROUNDS) throw error;
      // The last of a list comes first, so that the other positions stay correct.
      const found = error.problems
        .map(({ path, message }) => ({ path: removable(rest, path), message }))
        .sort((a, b) => formatPath(b.path ?? []).localeCompare(formatPath(a.path ?? []), 'en', { numeric: true }));
      if (found.length === 0 || found.some(({ path }) => path === undefined)) throw error;
      const done = new Set<string>();
      for (const { path = [], message } of found) {
        const what = formatPath(path);
        if (done.has(what)) continue;
        done.add(what);
        unread.push({ what, why: message, effect: 'it is left out' });
        remove(rest, path);
      }
    }
  }
};
