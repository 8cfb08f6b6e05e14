/**
 * `npm run licences` checks every package of the lockfile against the licence policy. A package that ships, in the
 * Lambdas' bundles or in that of the command line, must have a permissive licence; a development package may have another
 * licence if it is listed below by name. Exits with 1 if a package violates the policy. ADR 59
 * says why no package does this.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Lock, type LockEntry, nameAt, packagesOf, readLock } from './licences/lockfile.ts';
import { shippedPlaces } from './licences/bundled.ts';
import { NotSpdx, parseSpdx, unacceptable } from './licences/spdx.ts';

const ROOT = join(import.meta.dirname, '..');

/**
 * The permissive licences: they ask for a notice at most, and never that changes are published. All are on the Blue Oak
 * Council's list (https://blueoakcouncil.org/list).
 */
const PERMISSIVE: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
];

/** Development packages with another licence, by name, each with the reason why the licence does no harm. */
export const DEVELOPMENT_EXCEPTIONS: readonly {
  readonly packages: RegExp;
  readonly licence: string;
  readonly why: string;
}[] = [
  {
    packages: /^lightningcss(-[\w-]+)?$/,
    licence: 'MPL-2.0',
    why: 'the CSS minifier of vite, which vitest depends on; MPL-2.0 covers changes to its own files, and the project neither changes nor redistributes them',
  },
];

/** Why a licence is not accepted; the first pattern that matches decides. */
const KINDS: readonly [RegExp, string][] = [
  [/^AGPL/i, 'network copyleft: offering it as a service means publishing the whole source'],
  [/^LGPL/i, 'weak copyleft: users of a bundle must be able to replace that part'],
  [/^GPL/i, 'copyleft: what is distributed with it must have the same licence'],
  [/^SSPL/i, 'source-available: it covers everything that a service runs with'],
  [/^(BUSL|BSL-1\.1|Elastic|PolyForm|Commons-Clause)/i, 'source-available: it restricts use'],
  [/^(MPL|EPL|CDDL|CPL|EUPL|OSL)/i, 'weak copyleft: allowed only for the development packages that are named'],
  [/^(UNLICENSED|LicenseRef)/i, 'no public licence'],
];

const kindOf = (id: string): string =>
  `${id} (${KINDS.find(([pattern]) => pattern.test(id))?.[1] ?? 'not in the policy'})`;

export interface Violation {
  readonly name: string;
  readonly version: string;
  /** Its folder, such as `node_modules/zod`. */
  readonly path: string;
  /** As the package states it. */
  readonly licence: string;
  readonly problem: string;
  readonly ships: boolean;
}

export interface LicenceReport {
  readonly violations: readonly Violation[];
  /** For each stated licence: the number of packages that ship, and of development packages. */
  readonly counts: ReadonlyMap<string, { readonly ships: number; readonly develops: number }>;
}

export interface LicenceFacts {
  /** Folders of the packages that ship, because the bundle of the Lambdas or of the command line contains them. */
  bundled: ReadonlySet<string>;
  /** Reads the package.json in a folder, for a lockfile without a licence; undefined if it is not installed. */
  manifestAt: (path: string) => { license?: unknown; licenses?: unknown } | undefined;
}

/** Returns one licence of a package.json: a string, or the `type` of the old form `{ type, url }`. */
const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  return typeof value === 'object' && value !== null && 'type' in value ? textOf(value.type) : undefined;
};

/** Returns the stated licence, if any; npm reads several in the old form `licenses` as a choice. */
const licenceOf = (path: string, { license }: LockEntry, { manifestAt }: LicenceFacts): string | undefined => {
  const stated = textOf(license);
  if (stated !== undefined) return stated;
  const manifest = manifestAt(path);
  const several = Array.isArray(manifest?.licenses) ? manifest.licenses.map(textOf) : [];
  return (
    textOf(manifest?.license) ??
    (several.length > 0 && several.every((one) => one !== undefined) ? several.join(' OR ') : undefined)
  );
};

const isException = (name: string, id: string): boolean =>
  DEVELOPMENT_EXCEPTIONS.some(({ packages, licence }) => licence === id && packages.test(name));

/** Returns why the licence is refused; undefined if it is accepted. */
const problemOf = (name: string, licence: string | undefined, ships: boolean): string | undefined => {
  if (licence === undefined) return 'states no licence';
  try {
    const wrong = unacceptable(
      parseSpdx(licence),
      (id) => PERMISSIVE.includes(id) || (!ships && isException(name, id)),
    );
    return wrong.length === 0 ? undefined : wrong.map(kindOf).join(', ');
  } catch (error) {
    if (error instanceof NotSpdx) return error.message;
    throw error;
  }
};

/** Evaluates every package of a lockfile, from its arguments only. */
export const judgeLicences = (lock: Lock, facts: LicenceFacts): LicenceReport => {
  const judged = packagesOf(lock).map(([path, entry]) => {
    const ships = facts.bundled.has(path);
    const licence = licenceOf(path, entry, facts);
    return { path, entry, ships, licence, problem: problemOf(nameAt(path), licence, ships) };
  });
  const strays = [...facts.bundled]
    .filter((path) => !lock.has(path))
    .map((path) => ({
      path,
      entry: undefined,
      ships: true,
      licence: undefined,
      problem: 'is bundled, but is not in the lockfile',
    }));
  const counts = new Map<string, { ships: number; develops: number }>();
  for (const { licence = 'none', ships } of judged) {
    const count = counts.get(licence) ?? { ships: 0, develops: 0 };
    counts.set(licence, ships ? { ...count, ships: count.ships + 1 } : { ...count, develops: count.develops + 1 });
  }
  const violations = [...judged, ...strays].flatMap(({ path, entry, ships, licence, problem }): Violation[] => {
    if (problem === undefined) return [];
    const version = entry?.version ?? 'unknown';
    return [{ name: nameAt(path), version, path, licence: licence ?? 'none', problem, ships }];
  });
  return { violations, counts };
};

/** Prints the report as text: a table by licence, most frequent first, then each violation on a line. */
export const printLicences = ({ violations, counts }: LicenceReport): string => {
  const order = [...counts].sort(
    ([a, one], [b, other]) => other.ships + other.develops - one.ships - one.develops || (a < b ? -1 : 1),
  );
  const width = Math.max(...order.map(([licence]) => licence.length), 'licence'.length);
  const row = (licence: string, ships: number | string, develops: number | string): string =>
    `${licence.padEnd(width)}  ${String(ships).padStart(5)}  ${String(develops).padStart(11)}`;
  return [
    row('licence', 'ships', 'development'),
    ...order.map(([licence, { ships, develops }]) => row(licence, ships, develops)),
    '',
    ...violations.map(
      ({ name, version, path, licence, problem, ships }) =>
        `${name} ${version} in ${path}: ${licence}: ${problem}. ${ships ? 'It ships' : 'It is a development package'}. To see which package depends on it, run: npm ls --package-lock-only ${name}`,
    ),
    violations.length === 0
      ? 'Every package meets the licence policy (CONTRIBUTING.md, "Dependencies").'
      : `${violations.length} of ${[...counts.values()].reduce((sum, { ships, develops }) => sum + ships + develops, 0)} packages violate the licence policy. Choose another package, or propose an exception in scripts/licences.ts with its reason.`,
  ].join('\n');
};

/** Reads the package.json that is installed in a folder of the project. */
const installedManifest = (path: string): ReturnType<LicenceFacts['manifestAt']> => {
  const file = join(ROOT, path, 'package.json');
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as ReturnType<LicenceFacts['manifestAt']>)
    : undefined;
};

/** Evaluates the project's own packages. */
export const judgeProject = async (): Promise<LicenceReport> =>
  judgeLicences(readLock(ROOT), { bundled: await shippedPlaces(), manifestAt: installedManifest });

if (import.meta.main) {
  const report = await judgeProject();
  console.log(printLicences(report));
  if (report.violations.length > 0) process.exitCode = 1;
}
