/** retire-trust that restores what was retired: only on a ground for the role that holds now. */
import { describe, expect, test } from 'vitest';
import { clusterArn } from '../../../lambdas/domain/aws/arn.ts';
import { irsa } from '../domain/trust/policies.ts';
import {
  anAssociation,
  bothWays,
  target,
  NAMESPACE,
  OTHER_MIGRATION_ID,
  OTHER_ROLE,
  podIdentityStatement,
  policyText,
  ROLE,
  SERVICE_ACCOUNT,
} from '../fixtures.ts';
import { expectError, said } from '../matchers.ts';
import type { Begun } from './begun.ts';
import { blocking, dryRun, FREE, holders, migrated, policy, putBack, RETIRED, retirements, run } from './retiring.ts';
import { ec2Statement } from '../trust-examples.ts';

const it = test.extend('fakes', () => retired());
const theirs = { ...ec2Statement, Sid: 'Theirs' };
const own = policyText(theirs);
/** Allows EKS Pod Identity for the migrated service account, and for nobody else. */
const named = policyText({
  ...podIdentityStatement,
  Condition: {
    StringEquals: {
      'aws:RequestTag/kubernetes-namespace': NAMESPACE,
      'aws:RequestTag/kubernetes-service-account': SERVICE_ACCOUNT,
      'aws:RequestTag/eks-cluster-arn': clusterArn(target),
    },
  },
});

async function retired(): Promise<Begun> {
  const fakes = await migrated();
  await run(fakes);
  return fakes;
}
/** The role's owner writes their own trust policy and deletes the association. */
const revoke = (fakes: Begun, trust = own): void => {
  fakes.roles.trust[ROLE] = trust;
  fakes.eks.associations = [];
};

describe('reinstate', () => {
  it('restores the trust of the service account that still has its association', async ({ fakes }) =>
    expect(await putBack(fakes)).toMatchObject({ done: true, roles: [{ result: 'restored', after: bothWays }] }));

  it('does not restore trust that its owner has revoked, and prints the command for the owner', async ({ fakes }) => {
    revoke(fakes);
    const answer = await dryRun(fakes, { action: 'reinstate' });
    expect(blocking(answer)).toEqual(['reinstate-grant']);
    expect(answer.checks.at(-1)).toMatchObject(
      said(
        'fail',
        `may be given to ${NAMESPACE}/${SERVICE_ACCOUNT} (no finished association gives it to the service account; its trust policy does not allow EKS Pod Identity for the service account; the setting roleGrants does not name it)`,
        'If they want the trust back, they run: aws iam update-assume-role-policy',
      ),
    );
    await expectError(putBack(fakes), 'RetireRefused', 'nothing was changed. reinstate-grant: ');
    expect(policy(fakes)).toEqual(JSON.parse(own));
    expect(await retirements(fakes)).toEqual([expect.not.objectContaining({ undoneAt: expect.anything() as unknown })]);
    expect(await holders(fakes)).toEqual(FREE);
  });

  it('decides again under the lock', async ({ fakes }) => {
    const acquire = fakes.ledger.acquireLock.bind(fakes.ledger);
    fakes.ledger.acquireLock = async (...given) => {
      revoke(fakes);
      return acquire(...given);
    };
    await expectError(putBack(fakes), 'RetireRefused');
    expect(policy(fakes)).toEqual(JSON.parse(own));
  });

  const give = (change: object) => (fakes: Begun) => {
    revoke(fakes);
    fakes.eks.associations = [anAssociation({ roleArn: ROLE, ...change })];
  };
  it.each<[string, (fakes: Begun) => unknown, 'restored' | 'refused']>([
    ['an association gives the role to the service account', give({}), 'restored'],
    ['its association has another role', give({ roleArn: OTHER_ROLE }), 'refused'],
    ['another service account has an association with the role', give({ serviceAccount: 'other' }), 'refused'],
    [
      'a migration that has not ended has created the association',
      async (fakes) => {
        await fakes.ledger.putMigration({
          ...(await fakes.record()),
          migrationId: OTHER_MIGRATION_ID,
          status: 'running',
        });
        give({ tags: { 'pod-identity-migrator/migration': OTHER_MIGRATION_ID } })(fakes);
      },
      'refused',
    ],
    ['the trust policy names it for EKS Pod Identity', (fakes) => revoke(fakes, named), 'restored'],
    ['the trust policy allows EKS Pod Identity for all', (fakes) => revoke(fakes, RETIRED), 'refused'],
    [
      'the setting roleGrants names it',
      (fakes) => {
        revoke(fakes);
        fakes.settings.roleGrants = [
          { roles: [ROLE], clusters: ['cluster/*'], serviceAccounts: [`${NAMESPACE}/${SERVICE_ACCOUNT}`] },
        ];
      },
      'restored',
    ],
  ])('where %s', async (_, change, result) => {
    const fakes = await retired();
    await change(fakes);
    expect((await dryRun(fakes, { action: 'reinstate' })).roles).toMatchObject([
      { result: result === 'restored' ? 'would-restore' : 'refused' },
    ]);
  });

  it('restores a pattern only while the policy is the one that the retirement left', async () => {
    const trust = policyText(
      irsa(`system:serviceaccount:${NAMESPACE}:*`, { Sid: 'Irsa' }, 'StringLike'),
      podIdentityStatement,
    );
    const fakes = await migrated({}, { trustPolicies: { [ROLE]: trust } });
    fakes.roles.trust[ROLE] = trust;
    await run(fakes);
    fakes.roles.trust[ROLE] = policyText(podIdentityStatement, theirs);
    await expectError(putBack(fakes), 'RetireRefused', /was changed after the retirement.* by a pattern/);
    fakes.roles.trust[ROLE] = policyText(podIdentityStatement);
    expect(await putBack(fakes)).toMatchObject({ done: true });
  });
});
