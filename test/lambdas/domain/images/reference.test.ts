import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fullPath, imageText, isSameBuild, parseImage } from '../../../../lambdas/domain/images/reference.ts';
import type { ImageReference } from '../../../../lambdas/domain/images/reference.ts';
import { forAll } from '../../../for-all.ts';

const component = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,8}){0,2}$/);
/** A first component with a dot is the host of a registry. */
const firstComponent = fc
  .stringMatching(/^[a-z0-9]{1,8}(?:-[a-z0-9]{1,8}){0,2}$/)
  .filter((name) => name !== 'localhost');
const registry = fc.oneof(
  fc.constantFrom('localhost', 'localhost:5000', 'quay.io', '602401143452.dkr.ecr.eu-west-1.amazonaws.com'),
  fc.stringMatching(/^[a-z0-9]{1,8}(?:\.[a-z0-9]{1,8}){1,2}(?::[1-9][0-9]{0,3})?$/),
);
const digest = fc.stringMatching(/^sha256:[0-9a-f]{64}$/);
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/);

const reference: fc.Arbitrary<ImageReference> = fc
  .record({
    host: fc.option(registry),
    first: firstComponent,
    more: fc.array(component, { maxLength: 3 }),
    tag: fc.option(tag),
    digest: fc.option(digest),
  })
  .map(({ host, first, more, ...rest }) => ({
    ...(host === null ? {} : { registry: host }),
    path: [first, ...more].join('/'),
    ...(rest.tag === null ? {} : { tag: rest.tag }),
    ...(rest.digest === null ? {} : { digest: rest.digest }),
  }));

describe('a reference to an image', () => {
  it('round-trips', () => forAll(reference, (one) => expect(parseImage(imageText(one))).toEqual(one)));

  it('is what is printed again, or refused', () =>
    forAll(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9.:/@_-]{0,40}$/)), (text) => {
      const parsed = parseImage(text);
      expect([undefined, text]).toContain(parsed && imageText(parsed));
    }));

  it.each<[string, ImageReference]>([
    ['nginx', { path: 'nginx' }],
    ['nginx:1.29', { path: 'nginx', tag: '1.29' }],
    ['localhost/nginx', { registry: 'localhost', path: 'nginx' }],
    ['registry:5000/a/b:v1', { registry: 'registry:5000', path: 'a/b', tag: 'v1' }],
    ['velero/velero:v1.14.0', { path: 'velero/velero', tag: 'v1.14.0' }],
  ])('%s', (text, parsed) => expect(parseImage(text)).toEqual(parsed));

  it.each(
    [
      ['', ':v1', 'quay.io/', 'quay.io/Org/name', 'name:', 'name@sha256:12', 'a:b:c', 'a b', 'a//b'],
      [`a:${'x'.repeat(129)}`],
    ].flat(),
  )('is refused: %s', (text) => expect(parseImage(text)).toBeUndefined());

  it('of one component on Docker Hub is in library', () =>
    expect(
      ['registry:2', 'docker.io/registry:2', 'quay.io/registry:2', 'org/registry'].map((text) =>
        fullPath(parseImage(text)!),
      ),
    ).toEqual(['library/registry', 'library/registry', 'registry', 'org/registry']));

  it('in a mirror is the same build', () => {
    const same = (a: string, b: string): boolean => isSameBuild(parseImage(a)!, parseImage(b)!);
    expect(same('quay.io/org/name:v1', 'mirror.example.com/quay/org/name:v1')).toBe(true);
    expect(same('quay.io/org/name:v1', 'quay.io/org/name:v2')).toBe(false);
    expect(same('quay.io/org/name:v1', 'quay.io/org/other:v1')).toBe(false);
    expect(same('quay.io/org/name:v1', `quay.io/org/name:v1@sha256:${'0'.repeat(64)}`)).toBe(false);
  });
});
