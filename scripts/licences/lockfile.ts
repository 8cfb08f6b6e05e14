/** `package-lock.json` as plain data: what is in it, what of it ships, and who brings a package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const names = z.record(z.string(), z.string()).default({});

/**
 * One installed package, as lockfile version 3 has it:
 * https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json.
 */
const entry = z.object({
  /** Absent of the project itself where it has none. */
  version: z.string().optional(),
  /** An SPDX expression; whatever else the package says of itself is judged as unknown. */
  license: z.unknown().optional(),
  resolved: z.string().optional(),
  /** Absent of what comes in another package's archive, which has the hash for both. */
  integrity: z.string().optional(),
  link: z.boolean().default(false),
  /** Reached by devDependencies alone. */
  dev: z.boolean().default(false),
  inBundle: z.boolean().default(false),
  hasInstallScript: z.boolean().default(false),
  bundleDependencies: z.union([z.array(z.string()), z.boolean()]).default([]),
  dependencies: names,
  devDependencies: names,
  optionalDependencies: names,
  peerDependencies: names,
});
export type LockEntry = z.infer<typeof entry>;

const lockfile = z.object({ lockfileVersion: z.literal(3), packages: z.record(z.string(), entry) });

/** Entries by their place: '' for the project itself, `node_modules/a/node_modules/b` for a b that only a sees. */
export type Lock = ReadonlyMap<string, LockEntry>;

/** Throws a ZodError for what is no lockfile of version 3. */
export const parseLock = (text: string): Lock => new Map(Object.entries(lockfile.parse(JSON.parse(text)).packages));

/** The lockfile of the project in that folder. */
export const readLock = (root: string): Lock => parseLock(readFileSync(join(root, 'package-lock.json'), 'utf8'));

const FOLDER = 'node_modules/';

/** The package's name by its place. */
export const nameAt = (place: string): string => place.slice(place.lastIndexOf(FOLDER) + FOLDER.length);

/** The place of the package that a file belongs to, as esbuild names files; undefined for a file of no package. */
export const placeOf = (file: string): string | undefined =>
  /node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];

/** Everything but the project itself, by place. */
export const packagesOf = (lock: Lock): [place: string, entry: LockEntry][] =>
  [...lock].filter(([place]) => place !== '');

/** Where Node finds a package from a place on: beside it, or in any folder above. */
const placeSeenFrom = (lock: Lock, place: string, name: string): string | undefined => {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf(`/${FOLDER}`)))) {
    const there = folder === '' ? FOLDER + name : `${folder}/${FOLDER}${name}`;
    if (lock.has(there)) return there;
    if (folder === '') return undefined;
  }
};

/**
 * Who brings each package: the shortest way to it from the project, as names. What ships is walked first, so that a
 * package that both need is told as one that ships.
 */
export const bringersOf = (lock: Lock): ReadonlyMap<string, readonly string[]> => {
  const ways = new Map<string, readonly string[]>([['', []]]);
  const walk = (from: string[], asked: (one: LockEntry) => Record<string, string>[]): void => {
    for (const place of from) {
      const one = lock.get(place);
      for (const name of one === undefined ? [] : asked(one).flatMap((group) => Object.keys(group))) {
        const there = placeSeenFrom(lock, place, name);
        if (there === undefined || ways.has(there)) continue;
        ways.set(there, [...(ways.get(place) ?? []), name]);
        // A list that grows while it is walked: breadth first.
        from.push(there);
      }
    }
  };
  walk([''], ({ dependencies, optionalDependencies, peerDependencies }) => [
    dependencies,
    optionalDependencies,
    peerDependencies,
  ]);
  walk([''], ({ dependencies, devDependencies, optionalDependencies, peerDependencies }) => [
    dependencies,
    devDependencies,
    optionalDependencies,
    peerDependencies,
  ]);
  return ways;
};
