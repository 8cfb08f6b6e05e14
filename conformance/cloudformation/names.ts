/**
 * Makes values of two worlds comparable: names and ids that each world generates in its own way become
 * `<LogicalId>`. Whatever is around them, such as the rest of an ARN, stays as it is.
 */
import { isObject } from '../../sandbox/json.ts';

/** Replaces generated names and ids in a text. */
export type Rename = (text: string) => string;

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);

/** Returns a function that replaces each key by its value, the longest key first, where no letter or digit follows. */
const replacing = (names: ReadonlyMap<string, string>): Rename => {
  const keys = [...names.keys()].filter((key) => key !== '').toSorted((a, b) => b.length - a.length);
  if (keys.length === 0) return (text) => text;
  const pattern = new RegExp(`(?<![A-Za-z0-9])(?:${keys.map(escaped).join('|')})(?![A-Za-z0-9])`, 'g');
  return (text) => text.replaceAll(pattern, (found) => names.get(found) ?? found);
};

/** The lengths to which CloudFormation shortens generated names: S3's, IAM's and Lambda's, and Step Functions'. */
const LENGTHS = [63, 64, 80] as const;

/** The names that the sandbox generates for a logical id, according to `generatedName` in sandbox/assembly/physical.ts. */
const sandboxNames = (stackName: string, logicalId: string): string[] => {
  const name = `${stackName}-${logicalId}`;
  const short = LENGTHS.filter((longest) => name.length > longest).map(
    (longest) => name.slice(0, longest - 8) + name.slice(-8),
  );
  const all = [name, ...short];
  return [...all, ...all.map((each) => each.toLowerCase())];
};

/** What is generated in one world for one stack. */
export interface Generated {
  stackName: string;
  logicalIds: readonly string[];
  /** Ids without the stack's name in them, such as API Gateway's, by what replaces them. */
  ids: Readonly<Record<string, string>>;
}

/** Renames what the sandbox generates. */
export const sandboxRename = ({ stackName, logicalIds, ids }: Generated): Rename =>
  replacing(
    new Map([
      ...logicalIds.flatMap((logicalId) =>
        sandboxNames(stackName, logicalId).map((name): [string, string] => [name, `<${logicalId}>`]),
      ),
      ...Object.entries(ids).map(([replacement, id]): [string, string] => [id, replacement]),
    ]),
  );

/**
 * Renames what moto generates: create.py makes the random part of a name `GENERATED` and a number. A name that the
 * template gives may be the stack's with a logical id as well, and is renamed like the sandbox's.
 */
export const motoRename = (generated: Generated): Rename => {
  const byLower = new Map(generated.logicalIds.map((logicalId) => [logicalId.toLowerCase(), logicalId]));
  const pattern = new RegExp(`${escaped(generated.stackName)}-([A-Za-z0-9]+)-GENERATED\\d+`, 'gi');
  const rest = sandboxRename(generated);
  return (text) =>
    rest(
      text.replaceAll(pattern, (whole, logicalId: string) => {
        const known = byLower.get(logicalId.toLowerCase());
        return known === undefined ? whole : `<${known}>`;
      }),
    );
};

/** Returns the value with every text in it renamed, and every key. */
export const renamed = (value: unknown, rename: Rename): unknown => {
  if (typeof value === 'string') return rename(value);
  if (Array.isArray(value)) return value.map((each) => renamed(each, rename));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [rename(key), renamed(each, rename)]));
};
