/**
 * Each role that the service assumes in another account has the rights that it uses, and no other, and each step may
 * assume those that it works with, and no other: over these runs no call is refused, and every action that is
 * granted is used. Nothing is called there in any other way. `spokes.grid.test.ts` follows a whole run without each right, and every
 * run with all of them.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../../lambdas/domain/access/spokes.ts';
import { nameOf, titleOf } from './grants.ts';
import { runFor, unused, usesOf } from './proving.ts';
import { deployed, followAll, grants, isOfSpoke, ran } from './spoke-proof-runs.ts';
import { FEW_SPOKE_RUNS as RUNS } from './spoke-runs.ts';

beforeAll(() => followAll(RUNS));

describe('the rights of the roles in other accounts', () => {
  it.each(RUNS)('are enough: $name', (run) =>
    expect(ran.get(run)).toMatchObject({ denied: [], refusals: [], failures: [], forbidden: [], ends: run.ends }),
  );

  it('are all used', () => expect(unused(grants, usesOf(ran))).toEqual([]));

  it('would not be, had one of them an action more', () => {
    const read = grants.find(({ holder }) => holder === 'spoke read');
    expect(unused([...grants, { ...read!, action: 'eks:DeleteCluster', resources: ['*'] }], usesOf(ran))).toEqual([
      'spoke read eks:DeleteCluster',
    ]);
  });

  it('are those of every capability; the roles for API servers have none', () => {
    expect(deployed.roles.filter(({ arn }) => isOfSpoke(arn)).map(({ arn }) => arn.split('/')[1])).toEqual(
      expect.arrayContaining(CAPABILITIES.map((capability) => `pod-identity-migrator-${capability}`)),
    );
    expect(new Set(grants.map(({ holder }) => holder).filter((holder) => holder.startsWith('spoke ')))).toEqual(
      new Set(['spoke read', 'spoke change', 'spoke trust']),
    );
  });

  it("are what every call there rests on: the service's own roles have called nothing of EKS and IAM", () => {
    const own = usesOf(ran).filter(
      ({ principalArn, action }) => !isOfSpoke(principalArn) && /^(eks|iam):/.test(action),
    );
    expect(own).toEqual([]);
  });
});

it.each(grants.map((grant) => [titleOf(grant), grant] as const))(
  'without one of them a run would fail by its name: %s',
  (_, grant) => expect(ran.get(runFor(grant, ran))!.missedWithout(grant)).toBe(nameOf(grant)),
);
