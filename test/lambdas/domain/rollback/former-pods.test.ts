import { describe, expect, it } from 'vitest';
import { hadIrsa, usedNoAssociation } from '../../../../lambdas/domain/rollback/former-pods.ts';
import type { PodIdentity } from '../../../../lambdas/domain/terms/evidence.ts';

const ANNOTATED = { annotated: ['controller'] };
const ACCEPTS = { accept: ['unknown-credentials:controller/plugin'] };
const NONE = { accept: [] };
const pod = (identity: PodIdentity, level?: 'injected') => ({
  serviceAccount: 'controller',
  identity,
  ...(level ? { level } : {}),
});

it.each([
  ['irsa', undefined, {}, true],
  ['mixed', undefined, {}, true],
  ['unknown', undefined, ANNOTATED, true],
  ['unknown', undefined, {}, false],
  ['unknown', 'injected', ANNOTATED, false],
  ['node-role', undefined, ANNOTATED, false],
  ['pod-identity', 'injected', ANNOTATED, false],
] as const)(
  'whether former pods had their role by IRSA %s at the level %s with the service accounts %j: %s',
  (identity, level, snapshot, expected) => expect(hadIrsa(pod(identity, level), snapshot)).toBe(expected),
);

describe('whether former pods used no association', () => {
  it.each([
    ['irsa', undefined, {}, NONE, true],
    ['unknown', undefined, ANNOTATED, ACCEPTS, true],
    ['mixed', undefined, ANNOTATED, ACCEPTS, true],
    // Containers on both, each of which is known.
    ['mixed', undefined, ANNOTATED, NONE, false],
    ['unknown', 'injected', ANNOTATED, ACCEPTS, false],
    ['unknown', undefined, {}, ACCEPTS, false],
    ['pod-identity', 'injected', ANNOTATED, ACCEPTS, false],
    ['node-role', undefined, ANNOTATED, ACCEPTS, false],
  ] as const)('%s at the level %s, %j, %j: %s', (identity, level, snapshot, request, expected) =>
    expect(usedNoAssociation([pod('irsa'), pod(identity, level)], snapshot, request)).toBe(expected),
  );

  it('cannot be said of a service account without pods', () =>
    expect(usedNoAssociation([], ANNOTATED, ACCEPTS)).toBe(false));
});
