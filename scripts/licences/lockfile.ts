/** Reads `package-lock.json` as plain data. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const names = z.record(z.string(), z.string()).default({});

/**
 * One installed package, as lockfile version 3 has it:
 * https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json.
 */
const entry = z.object({
  /** Absent for a project without a version. */
  version: z.string().optional(),
  /** An SPDX expression as a rule; the licence check reports every other value. */
  license: z.unknown().optional(),
  resolved: z.string().optional(),
  /** Absent for a package that comes in another package's archive: that archive's hash covers both. */
  integrity: z.string().optional(),
  link: z.boolean().default(false),
  /** True if only devDependencies lead to the package. */
  dev: z.boolean().default(false),
  /** True if npm may leave the package out, for example on another platform. */
  optional: z.boolean().default(false),
  inBundle: z.boolean().default(false),
  hasInstallScript: z.boolean().default(false),
  bundleDependencies: z.union([z.array(z.string()), z.boolean()]).default([]),
  dependencies: names,
  devDependencies: names,
  optionalDependencies: names,
});
export type LockEntry = z.infer<typeof entry>;

const lockfile = z.object({ lockfileVersion: z.literal(3), packages: z.record(z.string(), entry) });

/** Maps a folder to its entry: '' is the project, `node_modules/a/node_modules/b` is a `b` that only `a` resolves. */
export type Lock = ReadonlyMap<string, LockEntry>;

/** Parses a lockfile. Throws a ZodError if it is not of version 3. */
export const parseLock = (text: string): Lock => new Map(Object.entries(lockfile.parse(JSON.parse(text)).packages));

/** Reads the lockfile of the project in the folder `root`. */
export const readLock = (root: string): Lock => parseLock(readFileSync(join(root, 'package-lock.json'), 'utf8'));

const FOLDER = 'node_modules/';

/** Returns the name of the package in a folder. */
export const nameAt = (path: string): string => path.slice(path.lastIndexOf(FOLDER) + FOLDER.length);

/** Returns the folder of the package that owns a file, as esbuild names files; undefined for the project's own files. */
export const pathOf = (file: string): string | undefined =>
  /node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];

/** Returns every entry except the project's own: its root, its workspaces and the links to those. */
export const packagesOf = (lock: Lock): [path: string, entry: LockEntry][] =>
  [...lock].filter(([path, { link, resolved }]) => path.includes(FOLDER) && !(link && lock.has(resolved ?? '')));
