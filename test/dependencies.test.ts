/** The dependency policy of CONTRIBUTING.md: exact versions, nothing undeclared, permissive licences. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundledPlaces, bundleInMemory, shippedPlaces } from '../scripts/licences/bundled.ts';
import { type Lock, nameAt, packagesOf, parseLock, pathOf, readLock } from '../scripts/licences/lockfile.ts';
import { parseSpdx, unacceptable } from '../scripts/licences/spdx.ts';
import {
  DEVELOPMENT_EXCEPTIONS,
  judgeLicences,
  judgeProject,
  type LicenceFacts,
  printLicences,
} from '../scripts/licences.ts';
import { LAMBDAS } from '../scripts/stamp.ts';
import { textsIn } from './lib/texts.ts';
import { words } from './words.ts';

const ROOT = join(import.meta.dirname, '..');

interface Manifest {
  name: string;
  version: string;
  devDependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  overrides: Record<string, unknown>;
  allowScripts: Record<string, boolean>;
}
const manifestOf = (file: string): Manifest => JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as Manifest;
const manifest = manifestOf('package.json');
const lock = readLock(ROOT);
const bundled = await bundledPlaces();
const shipped = await shippedPlaces();
/** Where packages are named, with their folder in the lockfile. The published package has no dependencies. */
const SECTIONS = [
  { section: 'devDependencies', place: '', versions: manifest.devDependencies },
  {
    section: 'optionalDependencies',
    place: 'tools/node',
    versions: manifestOf('tools/node/package.json').optionalDependencies,
  },
] as const;

const EXACT = /^\d+\.\d+\.\d+(-[\w.-]+)?$/;
/** Versions that are ranges, tags or addresses, at any depth. */
const inexact = (versions: Record<string, unknown>): string[] =>
  Object.entries(versions).flatMap(([name, version]) => {
    if (typeof version === 'object' && version !== null)
      return inexact(version as Record<string, unknown>).map((inner) => `${name} > ${inner}`);
    return EXACT.test(String(version)) ? [] : [`${name}: ${String(version)}`];
  });

describe('versions', () => {
  it.each([...SECTIONS, { section: 'overrides', versions: manifest.overrides }])(
    'are exact in $section',
    ({ versions }) => {
      expect(Object.keys(versions).length).toBeGreaterThan(0);
      expect(inexact(versions)).toEqual([]);
    },
  );

  it('that are not exact are found', () => {
    const versions = {
      a: '^1.0.0',
      b: '~1.0.0',
      c: '1.x',
      d: 'latest',
      e: '>=1.0.0',
      f: 'github:a/b',
      g: { h: '*', i: '1.0.0' },
      j: '1.0.0-rc.1',
      k: '',
      l: '1.0.0 || 2.0.0',
    };
    expect(inexact(versions).map((one) => one.split(':')[0])).toEqual([
      'a',
      'b',
      'c',
      'd',
      'e',
      'f',
      'g > h',
      'k',
      'l',
    ]);
  });

  it.each(SECTIONS)('are those of the lockfile: $section', ({ section, place, versions }) => {
    expect(lock.get(place)?.[section]).toEqual(versions);
    const locked = Object.keys(versions).map((name) => [name, lock.get(`node_modules/${name}`)?.version]);
    expect(Object.fromEntries(locked)).toEqual(versions);
  });

  it('of peers include the ones that the project is developed with', () => {
    expect(Object.keys(manifest.peerDependencies).length).toBeGreaterThan(0);
    expect(Object.entries(manifest.peerDependencies)).toEqual(
      Object.keys(manifest.peerDependencies).map((name) => [name, `^${manifest.devDependencies[name]}`]),
    );
  });
});

describe('the lockfile', () => {
  /** Packages that neither have a hash nor are in the archive of one that has. */
  const unhashed = (of: Lock): string[] =>
    packagesOf(of)
      .filter(([path, { integrity, inBundle, link }]) => {
        if (integrity !== undefined) return !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity);
        const owner = [...of].find(
          ([other, { bundleDependencies, integrity: hash }]) =>
            hash !== undefined && bundleDependencies !== false && path.startsWith(`${other}/node_modules/`),
        );
        return link || !inBundle || owner === undefined;
      })
      .map(([path]) => path);

  it('has a hash for every package', () => {
    expect(packagesOf(lock).length).toBeGreaterThan(100);
    expect(unhashed(lock)).toEqual([]);
  });

  it('without a hash for a package is found', () => {
    const packages = {
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '1.0.0', integrity: 'sha1-abc' },
      'node_modules/c/node_modules/d': { version: '1.0.0', inBundle: true },
    };
    expect(unhashed(parseLock(JSON.stringify({ lockfileVersion: 3, packages })))).toEqual([
      'node_modules/a',
      'node_modules/b',
      'node_modules/c/node_modules/d',
    ]);
  });

  it('has everything from the npm registry', () => {
    // npm may be configured to omit the address; then it asks the configured registry.
    const elsewhere = packagesOf(lock).filter(
      ([, { resolved }]) => resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'),
    );
    expect(elsewhere).toEqual([]);
  });

  it('runs install scripts only for the packages that package.json allows', () => {
    // Packages that npm may leave out, such as one for macOS, are asked about where they are installed.
    const withScript = packagesOf(lock).filter(([, { hasInstallScript, optional }]) => hasInstallScript && !optional);
    expect([...new Set(withScript.map(([path]) => nameAt(path)))].sort()).toEqual(
      Object.keys(manifest.allowScripts).sort(),
    );
  });
});

interface Import {
  name: string;
  /** Type imports are erased before anything runs. */
  typeOnly: boolean;
}
/** Returns the packages that a file imports or requires; neither files of the project nor Node's own modules. */
function importsOf(text: string): Import[] {
  const statements = [...text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"\n]+)['"]/gm)].map(
    ([, type, from]) => ({ from: from!, typeOnly: type !== undefined }),
  );
  const calls = [
    ...text.matchAll(/\b(?:import|require|require\.resolve|import\.meta\.resolve)\(\s*['"`]([^'"`\n$]+)/g),
  ].map(([, from]) => ({ from: from!, typeOnly: false }));
  return [...statements, ...calls]
    .filter(({ from }) => !/^(\.|\/|node:)/.test(from))
    .map(({ from, typeOnly }) => ({
      name: from
        .split('/')
        .slice(0, from.startsWith('@') ? 2 : 1)
        .join('/'),
      typeOnly,
    }));
}

const SHIPPED = ['lib', 'lambdas', 'cli', 'sandbox'];
/** Run by those who build or develop the project, from a clone with its development packages. */
const DEVELOPMENT = ['bin', 'scripts', 'test', 'bench', 'conformance'];
const importsUnder = (folder: string): (Import & { file: string })[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    // Without the tests whose samples resemble imports.
    .filter((file) => file.endsWith('.ts') && !/^(architecture|dependencies)\.test\.ts$/.test(file))
    .flatMap((file) =>
      importsOf(readFileSync(join(ROOT, folder, file), 'utf8')).map((one) => ({ ...one, file: join(folder, file) })),
    );

const develops = (name: string): boolean => Object.hasOwn(manifest.devDependencies, name);
const hasTypes = (name: string): boolean =>
  develops(name) || develops(`@types/${name.replace('@', '').replace('/', '__')}`);
const isPeer = (name: string): boolean => Object.hasOwn(manifest.peerDependencies, name);
const ships = (name: string): boolean => shipped.has(`node_modules/${name}`) || isPeer(name);

/** Development packages that are run or read, and never imported. */
const TOOLS = /^(@types\/.*|@vitest\/coverage-v8|aws-cdk|oxfmt|oxlint|oxlint-tsgolint|typescript)$/;

describe('imports', () => {
  it.each(SHIPPED)('of %s/ are in the published package, or its peers', (folder) => {
    const imports = importsUnder(folder);
    expect(imports.length).toBeGreaterThan(0);
    expect(
      imports
        .filter(({ name, typeOnly }) => !(typeOnly ? hasTypes(name) : ships(name) && develops(name)))
        .map(({ file, name }) => `${file} imports ${name}`),
    ).toEqual([]);
  });

  it.each(DEVELOPMENT)('of %s/ are development dependencies', (folder) =>
    expect(
      importsUnder(folder)
        .filter(({ name, typeOnly }) => !(typeOnly ? hasTypes(name) : develops(name)))
        .map(({ file, name }) => `${file} imports ${name}`),
    ).toEqual([]),
  );

  it('use every package that is not run as a tool', () => {
    const imported = new Set([...SHIPPED, ...DEVELOPMENT].flatMap(importsUnder).map(({ name }) => name));
    expect(Object.keys(manifest.devDependencies).filter((name) => !imported.has(name) && !TOOLS.test(name))).toEqual(
      [],
    );
  });

  it('are all found by this test', () => {
    const text = [
      "import a from 'one';",
      "import { b, type B } from '@two/scoped/deep.js';",
      "import type { C } from 'three';",
      "import {\n  d,\n} from 'four';",
      "import type {\n  E,\n} from 'five';",
      "import 'six';",
      "export * from 'seven';",
      "export type { F } from 'eight';",
      "const g = await import('nine');",
      'const h = require(`ten/${name}`);',
      "export const text = `taken from`;\nconst from = 'eleven';",
      "import i from './twelve.ts';",
      "import j from 'node:fs';",
    ].join('\n');
    const seen = importsOf(text);
    expect(seen.filter(({ typeOnly }) => !typeOnly).map(({ name }) => name)).toEqual(words`
      one @two/scoped four six seven nine ten
    `);
    expect(seen.filter(({ typeOnly }) => typeOnly).map(({ name }) => name)).toEqual(['three', 'five', 'eight']);
  });
});

/** Returns a lockfile of packages by location; the project depends on the top-level ones. */
const lockOf = (packages: Record<string, object>): Lock => {
  const top = Object.keys(packages).filter((path) => path.split('node_modules/').length === 2);
  const project = { name: 'project', devDependencies: Object.fromEntries(top.map((path) => [nameAt(path), '1.0.0'])) };
  return parseLock(
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': project,
        ...Object.fromEntries(Object.entries(packages).map(([path, one]) => [path, { version: '1.0.0', ...one }])),
      },
    }),
  );
};
const nothing: LicenceFacts = { bundled: new Set(), manifestAt: () => undefined };
/** All packages ship, if `facts` doesn't name the ones that do. */
const violationsOf = (packages: Parameters<typeof lockOf>[0], facts: Partial<LicenceFacts> = {}) =>
  judgeLicences(lockOf(packages), { ...nothing, bundled: new Set(Object.keys(packages)), ...facts }).violations;
const inDevelopment: Partial<LicenceFacts> = { bundled: new Set() };

describe('licences', () => {
  it('of everything in the lockfile are within the policy', async () =>
    expect((await judgeProject()).violations).toEqual([]));

  it('have no unnecessary exception', () => {
    const used = DEVELOPMENT_EXCEPTIONS.filter(({ packages, licence }) =>
      packagesOf(lock).some(
        ([path, { license }]) => !shipped.has(path) && license === licence && packages.test(nameAt(path)),
      ),
    );
    expect(used).toEqual(DEVELOPMENT_EXCEPTIONS);
  });

  it.each([
    ['AGPL-3.0-only', 'network copyleft'],
    ['GPL-2.0', '(copyleft'],
    ['GPL-3.0-or-later', '(copyleft'],
    ['LGPL-3.0-or-later', 'weak copyleft'],
    ['SSPL-1.0', 'source-available'],
    ['BUSL-1.1', 'source-available'],
    ['MPL-2.0', 'weak copyleft'],
    ['UNLICENSED', 'no public licence'],
    ['Frobnicate-1.0', 'not in the policy'],
    ['SEE LICENSE IN LICENSE.md', 'is not an SPDX expression'],
    ['Apache 2.0', 'is not an SPDX expression'],
    ['MIT AND GPL-2.0', 'GPL-2.0 (copyleft'],
    ['GPL-2.0-only WITH Classpath-exception-2.0', 'GPL-2.0-only (copyleft'],
    [undefined, 'states no licence'],
  ])('%s fails in what ships', (license, problem) => {
    const [violation, ...others] = violationsOf({
      'node_modules/a': { license: 'MIT', dependencies: { b: '1' } },
      'node_modules/a/node_modules/b': { license },
    });
    expect(others).toEqual([]);
    expect(violation).toMatchObject({
      name: 'b',
      version: '1.0.0',
      licence: license ?? 'none',
      path: 'node_modules/a/node_modules/b',
      ships: true,
    });
    expect(violation!.problem).toContain(problem);
  });

  it.each([
    'MIT',
    'MIT-0',
    '0BSD',
    'ISC',
    'Apache-2.0',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'BlueOak-1.0.0',
    '(MIT OR GPL-3.0-or-later)',
    'Apache-2.0 WITH LLVM-exception',
    'MIT AND ISC',
    'Apache-2.0+',
  ])('%s may ship', (license) => expect(violationsOf({ 'node_modules/a': { license } })).toEqual([]));

  it('binds AND closer than OR, and brackets closer than both', () => {
    const isAllowed = (id: string): boolean => id === 'MIT';
    expect(unacceptable(parseSpdx('MIT OR A AND B'), isAllowed)).toEqual([]);
    expect(unacceptable(parseSpdx('(MIT OR A) AND B'), isAllowed)).toEqual(['B']);
    expect(unacceptable(parseSpdx('A AND MIT OR B AND A'), isAllowed)).toEqual(['A', 'B']);
  });

  it.each(['', '(', '()', '(MIT', 'MIT)', 'MIT OR', 'OR MIT', 'MIT ISC', 'MIT or ISC', 'MIT WITH', 'MIT / ISC'])(
    '%o is not an expression',
    (text) => expect(() => parseSpdx(text)).toThrow(/is not an SPDX expression/),
  );

  it('of development packages may be other ones if the package is named', () => {
    const folder = 'node_modules/lightningcss';
    expect(
      violationsOf(
        { [folder]: { license: 'MPL-2.0' }, [`${folder}-linux-x64-gnu`]: { license: 'MPL-2.0' } },
        inDevelopment,
      ),
    ).toEqual([]);
    expect(violationsOf({ 'node_modules/another': { license: 'MPL-2.0' } }, inDevelopment)).toMatchObject([
      { name: 'another', ships: false, path: 'node_modules/another' },
    ]);
    expect(violationsOf({ [folder]: { license: 'GPL-3.0-only' } }, inDevelopment)).toHaveLength(1);
    expect(violationsOf({ [folder]: { license: 'MPL-2.0' } })).toMatchObject([{ name: 'lightningcss', ships: true }]);
  });

  it('of a package that is bundled and not in the lockfile are refused', () =>
    expect(violationsOf({}, { bundled: new Set(['node_modules/@a/stray']) })).toMatchObject([
      { name: '@a/stray', problem: 'is bundled, but is not in the lockfile' },
    ]));

  it('are read from the package itself if the lockfile has none, in their old forms too', () => {
    const judged = (said: object) =>
      violationsOf({ 'node_modules/a': {} }, { manifestAt: (path) => (path === 'node_modules/a' ? said : undefined) });
    expect(judged({ license: 'MIT' })).toEqual([]);
    expect(judged({ license: { type: 'MIT', url: 'https://example.com' } })).toEqual([]);
    expect(judged({ licenses: [{ type: 'MIT' }, { type: 'GPL-2.0' }] })).toEqual([]);
    expect(judged({ licenses: [{ type: 'AGPL-3.0' }] })).toMatchObject([{ licence: 'AGPL-3.0' }]);
    expect(judged({ licenses: [] })).toMatchObject([{ licence: 'none' }]);
  });

  it('are printed as a table, and each violation by name', () => {
    const text = printLicences(
      judgeLicences(
        lockOf({
          'node_modules/a': { license: 'MIT' },
          'node_modules/b': { license: 'MIT' },
          'node_modules/c': { license: 'GPL-2.0' },
        }),
        { ...nothing, bundled: new Set(['node_modules/a']) },
      ),
    );
    expect(text).toMatch(/^MIT +1 +1$/m);
    expect(text).toMatch(/^GPL-2\.0 +0 +1$/m);
    expect(text).toContain(
      'c 1.0.0 in node_modules/c: GPL-2.0: GPL-2.0 (copyleft: what is distributed with it must have the same licence). It is a development package. To see which package depends on it, run: npm ls --package-lock-only c',
    );
    expect(text).toMatch(/\n1 of 3 packages violate the licence policy\. Choose another package, or propose/);
  });
});

describe('the bundle that is checked', async () => {
  const { outputFiles, metafile } = await bundleInMemory();

  it('is the one that is deployed, byte for byte', () => {
    const deployed = readdirSync(LAMBDAS).sort();
    expect([...outputFiles.map(({ path }) => basename(path)), 'browser'].sort()).toEqual(deployed);
    expect(
      outputFiles
        .filter(({ path, contents }) => !readFileSync(join(LAMBDAS, basename(path))).equals(contents))
        .map(({ path }) => basename(path)),
    ).toEqual([]);
  });

  it("has nothing else but the style and the script of the report's page", () => {
    const { 'tsconfig.json': _, ...sources } = textsIn(join(ROOT, 'lambdas/report-page/browser'));
    expect(textsIn(join(LAMBDAS, 'browser'))).toEqual(sources);
  });

  it('consists of packages of the lockfile', () => {
    expect(
      Object.keys(metafile.inputs).filter((file) => file.includes('node_modules/') && pathOf(file) === undefined),
    ).toEqual([]);
    expect([...bundled].filter((path) => !lock.has(path))).toEqual([]);
    expect([...bundled]).toEqual(
      expect.arrayContaining(['node_modules/@middy/core', 'node_modules/@aws-sdk/client-eks', 'node_modules/zod']),
    );
  });

  it.each([
    ['node_modules/zod/v4/core/util.js', 'node_modules/zod'],
    ['node_modules/@aws-sdk/core/dist-es/index.js', 'node_modules/@aws-sdk/core'],
    ['node_modules/a/node_modules/@b/c/index.js', 'node_modules/a/node_modules/@b/c'],
    ['../elsewhere/node_modules/a/index.js', 'node_modules/a'],
    ['lambdas/steps/plan/handler.ts', undefined],
    ['step:plan', undefined],
  ])('%s is a file of %s', (file, path) => expect(pathOf(file)).toBe(path));
});
