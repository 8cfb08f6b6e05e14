/**
 * `npm run licences`: holds every package of the lockfile against the licence policy. What ships (dependencies, theirs,
 * and whatever the Lambdas' bundles contain) is under a permissive licence; what only develops the project may be under
 * one more, package by package. Ends with 1 where a package breaks the policy, and names each.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bringersOf, type Lock, type LockEntry, nameAt, packagesOf, readLock } from './licences/lockfile.ts';
import { bundledPlaces } from './licences/bundled.ts';
import { NotSpdx, parseSpdx, unacceptable } from './licences/spdx.ts';

const ROOT = join(import.meta.dirname, '..');

/**
 * Permissive: whoever uses, changes or passes on the project keeps a notice at most, and need not publish anything.
 * Those of the Blue Oak Council's list (https://blueoakcouncil.org/list) that something here is under, or is likely to
 * be one day.
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

/**
 * Packages that only develop the project and are under another licence: each by name, with the reason why that does no
 * harm.
 */
export const DEVELOPMENT_EXCEPTIONS: readonly {
  readonly packages: RegExp;
  readonly licence: string;
  readonly why: string;
}[] = [
  {
    packages: /^lightningcss(-[\w-]+)?$/,
    licence: 'MPL-2.0',
    why: 'the style sheet minifier that vite brings for vitest; MPL-2.0 binds changes to its own files, and the project neither changes nor passes them on',
  },
];

/** Why a licence is not accepted; the first that fits. */
const KINDS: readonly [RegExp, string][] = [
  [/^AGPL/i, 'network copyleft: whoever offers it as a service must publish the whole'],
  [/^LGPL/i, 'weak copyleft: a bundle would have to let its part be replaced'],
  [/^GPL/i, 'copyleft: what is passed on with it must be under it too'],
  [/^SSPL/i, 'source-available: it reaches to everything that a service is run with'],
  [/^(BUSL|BSL-1\.1|Elastic|PolyForm|Commons-Clause)/i, 'source-available: it forbids uses'],
  [/^(MPL|EPL|CDDL|CPL|EUPL|OSL)/i, 'weak copyleft, allowed for named development packages alone'],
  [/^(UNLICENSED|LicenseRef)/i, 'no public licence'],
];

const kindOf = (id: string): string =>
  `${id} (${KINDS.find(([pattern]) => pattern.test(id))?.[1] ?? 'unknown to the policy'})`;

export interface Violation {
  readonly name: string;
  readonly version: string;
  /** As the package states it. */
  readonly licence: string;
  readonly problem: string;
  /** The shortest way from the project to it, such as `vitest > vite > lightningcss`. */
  readonly broughtBy: string;
  readonly ships: boolean;
}

export interface LicenceReport {
  readonly violations: readonly Violation[];
  /** By licence as stated: how many packages ship, and how many only develop. */
  readonly counts: ReadonlyMap<string, { readonly ships: number; readonly develops: number }>;
}

export interface LicenceFacts {
  /** Places of the packages in the Lambdas' bundles: they ship, whatever the lockfile says of them. */
  bundled: ReadonlySet<string>;
  /** What an installed package.json says, for a lockfile that is silent; undefined where it isn't installed. */
  manifestAt: (place: string) => { license?: unknown; licenses?: unknown } | undefined;
}

/** One licence as a package.json may have it: a text, or the old form `{ type, url }`. */
const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  return typeof value === 'object' && value !== null && 'type' in value ? textOf(value.type) : undefined;
};

/** What the package says; several in the old form `licenses` are a choice, as npm reads them. Undefined: nothing. */
const licenceOf = (place: string, { license }: LockEntry, { manifestAt }: LicenceFacts): string | undefined => {
  const stated = textOf(license);
  if (stated !== undefined) return stated;
  const manifest = manifestAt(place);
  const several = Array.isArray(manifest?.licenses) ? manifest.licenses.map(textOf) : [];
  return (
    textOf(manifest?.license) ??
    (several.length > 0 && several.every((one) => one !== undefined) ? several.join(' OR ') : undefined)
  );
};

const isException = (name: string, id: string): boolean =>
  DEVELOPMENT_EXCEPTIONS.some(({ packages, licence }) => licence === id && packages.test(name));

/** Undefined where the licence is accepted. */
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

/** Judges every package of a lockfile. Decides from the arguments alone. */
export const judgeLicences = (lock: Lock, facts: LicenceFacts): LicenceReport => {
  const ways = bringersOf(lock);
  const judged = packagesOf(lock).map(([place, entry]) => {
    const ships = !entry.dev || facts.bundled.has(place);
    const licence = licenceOf(place, entry, facts);
    return { place, entry, ships, licence, problem: problemOf(nameAt(place), licence, ships) };
  });
  const strays = [...facts.bundled]
    .filter((place) => !lock.has(place))
    .map((place) => ({
      place,
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
  const violations = [...judged, ...strays].flatMap(({ place, entry, ships, licence, problem }): Violation[] => {
    if (problem === undefined) return [];
    const broughtBy = ways.get(place)?.join(' > ') ?? 'nothing that the lockfile knows';
    return [
      {
        name: nameAt(place),
        version: entry?.version ?? 'unknown',
        licence: licence ?? 'none',
        problem,
        broughtBy,
        ships,
      },
    ];
  });
  return { violations, counts };
};

/** The report as text: a table by licence, most frequent first, then each violation on a line. */
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
      ({ name, version, licence, problem, broughtBy, ships }) =>
        `${name} ${version}: ${licence}: ${problem}. ${ships ? 'It ships' : 'For development alone'}; brought by ${broughtBy}.`,
    ),
    violations.length === 0
      ? 'Every package is within the licence policy (CONTRIBUTING.md, "Dependencies").'
      : `${violations.length} outside the licence policy: choose another package, or argue the policy in scripts/licences.ts.`,
  ].join('\n');
};

/** The package.json that is installed at that place of the project. */
const installedManifest = (place: string): ReturnType<LicenceFacts['manifestAt']> => {
  const file = join(ROOT, place, 'package.json');
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as ReturnType<LicenceFacts['manifestAt']>)
    : undefined;
};

/** Judges the licences of the project's own packages. */
export const judgeProject = async (): Promise<LicenceReport> =>
  judgeLicences(readLock(ROOT), { bundled: await bundledPlaces(), manifestAt: installedManifest });

if (import.meta.main) {
  const report = await judgeProject();
  console.log(printLicences(report));
  if (report.violations.length > 0) process.exitCode = 1;
}
