import { describe, expect, it } from 'vitest';
import {
  absolute,
  mayHaveFile,
  tokensOf,
  unknownReferences,
  variablesOf,
  withRoot,
} from '../../../conformance/pods/container.ts';
import type { KubeVolume } from '../../../conformance/pods/kube-pod.ts';

const NOTHING = { values: new Map<number, string>(), imported: {}, referred: {} };
const secret = { secretKeyRef: { name: 's', key: 'k', optional: true } };
const VOLUMES: KubeVolume[] = [
  { name: 'token', projected: { sources: [{ serviceAccountToken: { audience: 'a', path: 'in/token' } }] } },
  { name: 'scratch', emptyDir: {} },
];

describe('the variables of a container', () => {
  const container = {
    name: 'c',
    env: [
      { name: 'A', value: 'a' },
      { name: 'B', value: '$(A)/$(C)/$$(A)' },
      { name: 'A', valueFrom: secret },
      { name: 'C', value: 'c' },
    ],
  };

  it('have references to variables before them replaced', () =>
    expect(variablesOf(container, NOTHING)).toEqual(
      new Map([
        ['A', 'a'],
        ['B', 'a/$(C)/$(A)'],
        ['C', 'c'],
      ]),
    ));
  it('have the value of an object that exists, and take precedence over envFrom', () => {
    const settled = { values: new Map([[2, 'hidden']]), imported: { C: 'imported', D: 'd' }, referred: {} };
    expect(Object.fromEntries(variablesOf(container, settled))).toEqual({
      A: 'hidden',
      B: 'a/imported/$(A)',
      C: 'c',
      D: 'd',
    });
  });
  it('may refer to names that the container does not define before', () =>
    expect(unknownReferences(container)).toEqual(['C']));
});

describe('the tokens of a container', () => {
  it.each([
    ['the whole volume', [{ name: 'token', mountPath: '/t/' }], ['/t/in/token']],
    ['a directory of it', [{ name: 'token', mountPath: '/t', subPath: 'in' }], ['/t/token']],
    ['the file', [{ name: 'token', mountPath: '/t/file', subPath: 'in/token' }], ['/t/file']],
    ['another file', [{ name: 'token', mountPath: '/t', subPath: 'out' }], []],
    [
      'hidden by a deeper mount',
      [
        { name: 'scratch', mountPath: '/t/in' },
        { name: 'token', mountPath: '/t' },
      ],
      [],
    ],
    [
      'not hidden by a mount above',
      [
        { name: 'token', mountPath: '/t/a' },
        { name: 'scratch', mountPath: '/t' },
      ],
      ['/t/a/in/token'],
    ],
    ['of an unknown volume', [{ name: 'none', mountPath: '/t' }], []],
  ])('%s', (_, volumeMounts, paths) =>
    expect([...tokensOf({ name: 'c', volumeMounts }, VOLUMES).keys()]).toEqual(paths),
  );

  it.each([
    ['/s/token', true],
    ['/t/other', false],
    ['/none', false],
    ['/sub', false],
  ])('%s may exist although the spec does not show it: %s', (path, may) => {
    const volumeMounts = [
      { name: 'scratch', mountPath: '/s' },
      { name: 'token', mountPath: '/t' },
    ];
    expect(mayHaveFile(path, { name: 'c', volumeMounts }, VOLUMES)).toBe(may);
  });
});

describe('paths', () => {
  it.each([
    ['/a/../b/', '/b'],
    ['C:\\var\\run', '/var/run'],
    ['a/b', undefined],
    ['', undefined],
  ])('%j is %j', (path, expected) => expect(absolute(path)).toBe(expected));

  it('are below the directory of the world, unless they are empty', () => {
    const variables = new Map([
      ['HOME', '/home'],
      ['AWS_CONFIG_FILE', 'relative'],
      ['AWS_WEB_IDENTITY_TOKEN_FILE', 'relative'],
      ['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', ''],
      ['AWS_PROFILE', '/a'],
    ]);
    expect(withRoot(variables, '/root')).toEqual({
      HOME: '/root/home',
      AWS_CONFIG_FILE: '/root/working-directory/relative',
      AWS_WEB_IDENTITY_TOKEN_FILE: 'relative',
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '',
      AWS_PROFILE: '/a',
    });
  });
});
