/**
 * `npm run sbom [-- FILE]` writes the bill of materials of what ships, as CycloneDX JSON, to `dist/sbom.cdx.json` or
 * FILE. npm creates it from the lockfile, so it needs no network, is the same on every platform, and one commit always
 * gives the same bytes. ADR 59 says what npm leaves to this file.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { bundledPlaces, packedPlaces } from './licences/bundled.ts';
import { type Lock, nameAt, packagesOf, readLock } from './licences/lockfile.ts';

const ROOT = join(import.meta.dirname, '..');
const DEFAULT_FILE = join(ROOT, 'dist', 'sbom.cdx.json');

/** The property of a component whose code is in the Lambdas; its value is `true`. */
export const BUNDLED = 'eks-pod-identity-migrator:lambda-bundle';
/** The property of a component whose code is in the published package's command line; its value is `true`. */
export const PACKED = 'eks-pod-identity-migrator:command-line-bundle';

/** Folders of the packages that ship. A package may be in both. */
export interface Shipped {
  /** In the Lambdas' bundles. */
  lambdas: ReadonlySet<string>;
  /** In the published package's own bundles. */
  commandLine: ReadonlySet<string>;
}

const placesOf = ({ lambdas, commandLine }: Shipped): ReadonlySet<string> => new Set([...lambdas, ...commandLine]);

/** The part of npm's answer that is read; everything else is copied. https://cyclonedx.org/docs/1.5/json. */
const component = z.looseObject({
  'bom-ref': z.string().min(1),
  name: z.string().min(1),
  version: z.string().min(1),
  purl: z.string().startsWith('pkg:npm/'),
  properties: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  licenses: z
    .array(
      z.union([
        z.looseObject({ license: z.looseObject({ id: z.string() }) }),
        z.looseObject({ expression: z.string() }),
      ]),
    )
    .min(1),
  /** Absent for a package that comes in another package's archive. */
  hashes: z
    .array(z.object({ alg: z.string(), content: z.string().regex(/^[0-9a-f]{64,}$/) }))
    .min(1)
    .optional(),
});

const bill = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.string().regex(/^1\.\d+$/),
  metadata: z.looseObject({ component: z.looseObject({ name: z.string(), version: z.string() }) }),
  components: z.array(component),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()).default([]) })),
});
export type Bill = z.infer<typeof bill>;

export interface Manifest {
  name: string;
}

/** Returns npm's bill of every package in the lockfile, as text. Throws an Error that says what to do if npm fails. */
export const npmSbom = (npm = 'npm'): string => {
  // What ships is bundled, so for npm all of it is for development. npm lists everything, and shippedBill removes what
  // does not ship. --include overrides a NODE_ENV or an .npmrc that omits.
  const options = [
    '--sbom-format',
    'cyclonedx',
    '--sbom-type',
    'application',
    '--package-lock-only',
    '--include',
    'dev',
    '--include',
    'optional',
    '--include',
    'peer',
    '--offline',
    '--no-update-notifier',
  ];
  const { status, stdout, stderr, error } = spawnSync(npm, ['sbom', ...options], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined)
    throw new Error(
      `npm could not be started (${error.message}). The bill of materials needs npm 10 or newer on the PATH.`,
    );
  if (status !== 0)
    throw new Error(
      `npm sbom failed with ${status ?? 'a signal'}. It needs npm 10 or newer and a package-lock.json that matches package.json:\n${stderr.trim()}`,
    );
  return stdout;
};

/** Returns the reference by which npm names a component. */
const refOf = (path: string, version: string | undefined): string => `${nameAt(path)}@${version}`;

/**
 * Reduces npm's bill to what ships: removes all other packages, sets the project's name (npm sets the folder's), marks
 * where the components are, and removes the random serial number and the time, which are optional in
 * CycloneDX and would make every build differ. Throws a ZodError if the text is not a bill.
 */
export const shippedBill = (text: string, lock: Lock, shipped: Shipped, { name }: Manifest): Bill => {
  const { serialNumber: _, ...parsed } = bill.parse(JSON.parse(text));
  const { timestamp: __, ...metadata } = parsed.metadata;
  const refsOf = (places: Iterable<string>): Set<string> =>
    new Set([...places].map((path) => refOf(path, lock.get(path)?.version)));
  const ships = refsOf(placesOf(shipped));
  const marks = [
    { name: BUNDLED, value: 'true', refs: refsOf(shipped.lambdas) },
    { name: PACKED, value: 'true', refs: refsOf(shipped.commandLine) },
  ];
  const components = parsed.components
    .filter(({ 'bom-ref': ref }) => ships.has(ref))
    .map((one) => ({
      ...one,
      properties: [
        // For npm, everything that is bundled is for development.
        ...one.properties.filter((property) => property.name !== 'cdx:npm:package:development'),
        ...marks.filter(({ refs }) => refs.has(one['bom-ref'])).map(({ refs: _refs, ...mark }) => mark),
      ],
    }));
  const root = parsed.metadata.component['bom-ref'];
  return {
    ...parsed,
    metadata: { ...metadata, component: { ...metadata.component, name } },
    components,
    dependencies: parsed.dependencies
      .filter(({ ref }) => ref === root || ships.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => ships.has(other)) })),
  };
};

/**
 * Returns the problems of a bill, one line each: it must have every package that ships, and a hash for every package
 * that comes from the registry.
 */
export const problemsOf = ({ components }: Bill, lock: Lock, shipped: Shipped): string[] => {
  const byRef = new Map(components.map((one) => [one['bom-ref'], one]));
  const places = placesOf(shipped);
  const inLock = packagesOf(lock).filter(([path]) => places.has(path));
  const missing = inLock
    .map(([path, { version }]) => refOf(path, version))
    .filter((ref) => !byRef.has(ref))
    .map((ref) => `${ref} of package-lock.json ships and is missing`);
  const unhashed = inLock
    .filter(
      ([path, { inBundle, version }]) =>
        !inBundle && byRef.get(refOf(path, version))?.hashes === undefined && byRef.has(refOf(path, version)),
    )
    .map(([path, { version }]) => `${refOf(path, version)} has no hash`);
  const strays = [...places]
    .filter((path) => !lock.has(path))
    .map((path) => `${path} ships, and is not in package-lock.json`);
  return [...new Set([...missing, ...unhashed, ...strays])];
};

/** Writes the bill to a file and returns it. Rejects with an Error with all problems, without writing, if there are any. */
export const writeSbom = async (file = DEFAULT_FILE): Promise<Bill> => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  const lock = readLock(ROOT);
  const shipped = { lambdas: await bundledPlaces(), commandLine: await packedPlaces() };
  const made = shippedBill(npmSbom(), lock, shipped, manifest);
  const problems = problemsOf(made, lock, shipped);
  if (problems.length > 0)
    throw new Error(`The bill of materials is incomplete:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`);
  return made;
};

if (import.meta.main) {
  const file = process.argv[2] === undefined ? DEFAULT_FILE : resolve(process.argv[2]);
  const { components } = await writeSbom(file);
  const inLambdas = components.filter(({ properties }) => properties.some(({ name }) => name === BUNDLED)).length;
  console.log(
    `Wrote ${relative(process.cwd(), file)}: ${components.length} components, ${inLambdas} of them in the Lambdas.`,
  );
}
