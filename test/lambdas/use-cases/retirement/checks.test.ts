/** Which end of a migration allows that its OIDC trust goes, and what the others are told. */
import { describe, expect, it } from 'vitest';
import type { Migration } from '../../../../lambdas/domain/record/migration.ts';
import { checkVerified } from '../../../../lambdas/use-cases/retirement/checks.ts';
import { aMigration, MIGRATION_ID } from '../../fixtures.ts';
import { matching, said } from '../../matchers.ts';

const NEEDS = 'add-on aws-ebs-csi-driver needs the OIDC trust, or may need it.';
const migrated: Partial<Migration> = { status: 'ended', outcome: 'migrated', verified: 'ready' };

describe('checkVerified', () => {
  it.each([
    ['injected', 'verified: injected (credentials configuration injected; use of the credentials not observed).'],
    ['ready', 'verified: ready (stable; use of the credentials not observed).'],
  ] as const)('passes an end that was verified on the pods, and names the level %s', (verified, text) =>
    expect(checkVerified(aMigration({ ...migrated, verified }), false)).toMatchObject({
      status: 'pass',
      message: `Migration ${MIGRATION_ID} ended migrated; ${text}`,
    }),
  );

  it.each<[Partial<Migration>, boolean, string]>([
    [{ status: 'running' }, false, `has not ended: ${NEEDS}`],
    [{ ...migrated, outcome: 'rolled-back' }, false, `ended rolled-back: ${NEEDS}`],
    [{ ...migrated, outcome: undefined }, false, `ended without an outcome: ${NEEDS}`],
    [{ ...migrated, verified: 'none' }, false, `ended migrated without a verification: ${NEEDS}`],
    [migrated, true, `was rolled back, or its rollback has begun (it ended migrated): ${NEEDS}`],
    [
      { ...migrated, verified: 'api' },
      true,
      `was rolled back, or its rollback has begun (it ended migrated): ${NEEDS}`,
    ],
    [{ ...migrated, outcome: 'rolled-back', verified: 'api' }, false, `ended rolled-back: ${NEEDS}`],
  ])('refuses %o (rollback begun: %s) and reports how it ended', (change, begunBack, text) =>
    expect(checkVerified(aMigration(change), begunBack)).toMatchObject({
      status: 'fail',
      message: `Migration ${MIGRATION_ID} ${text}`,
      remedy: matching(/^Name the migration that ended migrated and was verified on the pods/),
    }),
  );

  it.each([
    ['pods-not-seen', 'no pod was read', 'without --verification api.'],
    ['no-pods-to-verify', 'no pod was there to verify', 'while its pods run.'],
  ] as const)('names the commands that verify the pods, where EKS alone confirmed: %s', (warned, why, next) => {
    const warnings = [{ id: warned, status: 'warn' as const, message: 'x' }];
    expect(checkVerified(aMigration({ ...migrated, warnings, verified: 'api' }), false)).toMatchObject(
      said(
        'fail',
        `the EKS API alone: ${why}`,
        `pod-identity rollback ${MIGRATION_ID} --deployed , then migrate again ${next}`,
      ),
    );
  });
});
