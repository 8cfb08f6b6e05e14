import { expect, it } from 'vitest';
import { updateCandidates } from '../../../../lambdas/domain/aws/eks.ts';

const offered = (...versions: string[]) =>
  versions.map((one) => ({ version: one.replace('*', ''), default: one.endsWith('*'), requiresIamPermissions: true }));

it.each<[string, string[], string, string[]]>([
  ['the default and the newest', ['v4', 'v3*', 'v2', 'v1'], 'v1', ['v3', 'v4']],
  ['one version that is both', ['v4*', 'v1'], 'v1', ['v4']],
  ['the newest, if the default is installed', ['v4', 'v3', 'v2*'], 'v2', ['v4']],
  ['the newest, if the default is older', ['v4', 'v3', 'v2*'], 'v3', ['v4']],
  ['none, if the newest is installed', ['v4', 'v3*'], 'v4', []],
  ['any, if the installed version is no longer offered', ['v4', 'v3*'], 'v1', ['v3', 'v4']],
  ['none, if none is offered', [], 'v1', []],
])('the versions to update to are %s', (_, versions, installed, expected) =>
  expect(updateCandidates(offered(...versions), installed)).toEqual(expected),
);
