import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, isAtLeast, readVersion } from '../../../../lambdas/domain/images/version.ts';
import type { ImageVersion } from '../../../../lambdas/domain/images/version.ts';
import { forAll } from '../../../for-all.ts';

const read = (text: string): ImageVersion => {
  const version = readVersion(text);
  expect(version).toBeDefined();
  return version!;
};
const small = fc.nat({ max: 4 });
const pre = fc.constantFrom('', '-rc.1', '-rc.2', '-rc.10', '-alpha', '-beta.1', '-rc', '-dev');
const release = fc.tuple(small, small, small, pre).map(([a, b, c, suffix]) => `v${a}.${b}.${c}${suffix}`);
const build = fc.constantFrom(
  '',
  '-eksbuild.1',
  '-debian-12-r3',
  '-alpine',
  '-distroless',
  '-eks-1-30-4',
  '+build.5',
  '-amd64',
  '-enterprise',
  '_2024',
);

describe('the version in a tag', () => {
  it('orders totally', () => {
    const compare = (a: string, b: string): number => Math.sign(compareVersions(read(a), read(b)));
    forAll(release, release, release, (a, b, c) => {
      expect([compare(a, b) + compare(b, a), compare(a, a)]).toEqual([0, 0]);
      expect(compare(a, b) <= 0 && compare(b, c) <= 0 && compare(a, c) > 0).toBe(false);
      // Only equal texts are equal versions here.
      expect(compare(a, b) === 0).toBe(a === b);
    });
  });

  it('is the same for all builds of it, with and without a v', () =>
    forAll(fc.tuple(small, small, small), build, ([a, b, c], suffix) => {
      const plain = read(`${a}.${b}.${c}`);
      expect(compareVersions(read(`${a}.${b}.${c}${suffix}`), plain)).toBe(0);
      expect(compareVersions(read(`v${a}.${b}.${c}${suffix}`), plain)).toBe(0);
    }));

  it('orders as written, also pre-releases', () => {
    const texts = [
      ['v1.9.9', '1.10.0-alpha.1', '1.10.0-beta', '1.10.0-rc.2', '1.10.0-rc.10', '1.10.0-eksbuild.1', '1.10.1'],
      ['2.0.0-rc1', '2.0.0'],
    ].flat();
    expect(texts.toSorted((a, b) => compareVersions(read(a), read(b)))).toEqual(texts);
  });

  it.each([
    ['2.32.5.20250327', [2, 32, 5]],
    ['1.300051.0b1096', [1, 300_051, 0]],
    ['v0.14.0-debian-11-r2', [0, 14, 0]],
    ['v3.1.4-eks-1-30-4', [3, 1, 4]],
    ['2.9', [2, 9]],
  ])('%s is read', (text, numbers) => expect(read(text)).toEqual({ numbers, pre: [] }));

  it.each(
    [
      ['latest', 'stable', 'main-1a2b3c', 'v3', '20240101', '', '1.0.r2-80-g8244505-2025.02.10.18.44', 'init-2.32.5'],
      ['1.2.x'],
    ].flat(),
  )('%s is none', (text) => expect(readVersion(text)).toBeUndefined());

  it.each<[string, string, boolean | undefined]>([
    ['1.26.0', '1.26.0', true],
    ['1.25.9', '1.26.0', false],
    ['1.26.0-rc.1', '1.26.0', false],
    ['1.26.0-eksbuild.1', '1.26.0', true],
    // A tag that moves with the newest patch version.
    ['1.26', '1.26.0', true],
    ['1.26', '1.26.3', undefined],
    ['1.25', '1.26.3', false],
    ['1.27', '1.26.3', true],
  ])('%s is at least %s: %s', (version, least, result) => expect(isAtLeast(read(version), read(least))).toBe(result));
});
