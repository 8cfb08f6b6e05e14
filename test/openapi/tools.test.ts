/** What checks the API's document and generates clients of it: pinned, and no dependency of the project. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonText } from '../../scripts/json-text.ts';
import { nameAt, packagesOf, readLock } from '../../scripts/licences/lockfile.ts';

const ROOT = join(import.meta.dirname, '../..');
const TOOLS = join(ROOT, 'tools/openapi');

describe('the tools of tools/openapi', () => {
  it('have exact versions, and a hash each', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(TOOLS, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(Object.values(devDependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    const packages = packagesOf(readLock(TOOLS));
    expect(packages.length).toBeGreaterThan(100);
    const odd = packages.filter(
      ([, { integrity, resolved = 'https://registry.npmjs.org/', inBundle }]) =>
        !(inBundle || integrity?.startsWith('sha512-')) || !resolved.startsWith('https://registry.npmjs.org/'),
    );
    expect(odd.map(([location]) => location)).toEqual([]);
  });
  it('have a line each in the lockfile', () => {
    const lock = readFileSync(join(TOOLS, 'package-lock.json'), 'utf8');
    expect(lock, 'Run `npm run lock --prefix tools/openapi`.').toBe(jsonText(JSON.parse(lock)));
  });
  it('are pinned where they come from PyPI, what they bring too', () => {
    const lines = readFileSync(join(TOOLS, 'requirements.txt'), 'utf8').split('\n');
    const pins = lines.filter((line) => line !== '' && !line.startsWith('#'));
    expect(pins.length).toBeGreaterThan(20);
    expect(pins.filter((line) => !/^[\w.-]+==[\w.]+$/.test(line))).toEqual([]);
  });
  it('are none of the project', () =>
    expect(
      packagesOf(readLock(ROOT))
        .map(([location]) => nameAt(location))
        .filter((name) => /spectral|redocly|^openapi-typescript$/.test(name)),
    ).toEqual([]));
});
