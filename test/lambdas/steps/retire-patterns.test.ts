/** retire-trust of a role that trusts service accounts by patterns: who else would lose it. */
import { describe, expect, test } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { JsonObject } from '../../../lambdas/domain/trust/statements.ts';
import { irsa } from '../domain/trust/policies.ts';
import { aSecretStore, SECRET_STORES } from '../consumer-objects.ts';
import { anAssociation, aPod, NAMESPACE, OTHER_ROLE, podIdentityStatement, policyText, ROLE } from '../fixtures.ts';
import { containing, expectError, said } from '../matchers.ts';
import type { Begun } from './begun.ts';
import { blocking, dryRun, migrated, policy, putBack, retirements, RETIRED, run } from './retiring.ts';

const it = test.extend('fakes', () => withPattern());
const PATTERN = `system:serviceaccount:${NAMESPACE}:*`;
const byPattern = irsa(PATTERN, { Sid: 'Irsa' }, 'StringLike');
const TRUST = policyText(byPattern, podIdentityStatement);
const other = (name: string, namespace = NAMESPACE) => ({ namespace, name });
const ACCEPT_DNS = `ServiceAccount/${NAMESPACE}/dns`;

/** Migrated, and its role trusts the whole namespace, in which there are two other service accounts. */
async function withPattern(statement: JsonObject = byPattern): Promise<Begun> {
  const trust = policyText(statement, podIdentityStatement);
  const fakes = await migrated({}, { trustPolicies: { [ROLE]: trust } });
  fakes.roles.trust[ROLE] = trust;
  fakes.kubernetes.plainServiceAccounts = [other('dns'), other('proxy'), other('cart', 'shop')];
  return fakes;
}
const associate = (fakes: Begun, serviceAccount: string): void => {
  fakes.eks.associations = [
    ...fakes.eks.associations,
    anAssociation({ id: `a-${serviceAccount}`, serviceAccount, roleArn: OTHER_ROLE }),
  ];
};
const checkOf = (answer: Awaited<ReturnType<typeof run>>) => answer.checks.find(({ id }) => id === 'retire-pattern');

describe('retire with a pattern', () => {
  it('names the service accounts that would lose the role, and prints how to accept each', async ({ fakes }) => {
    const answer = await dryRun(fakes);
    expect(blocking(answer)).toEqual(['retire-pattern']);
    expect(checkOf(answer)?.message).toBe(
      `Role ${ROLE} trusts service accounts of this cluster by "${PATTERN}", and 2 of 2 others that exist and match have no association and would lose the role: ${NAMESPACE}/dns, ${NAMESPACE}/proxy.`,
    );
    expect(checkOf(answer)?.remedy).toContain(
      `--accept consumer:ServiceAccount/${NAMESPACE}/dns --accept consumer:ServiceAccount/${NAMESPACE}/proxy`,
    );
    expect(checkOf(answer)?.remedy).toContain(`--accept 'consumer:${PATTERN}'`);
    await expectError(run(fakes), 'RetireRefused');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('goes on once each has an association, or is accepted by name, and can be reinstated', async ({ fakes }) => {
    associate(fakes, 'proxy');
    expect(blocking(await dryRun(fakes))).toEqual(['retire-pattern']);
    expect(blocking(await dryRun(fakes, { accept: [`consumer:ServiceAccount/shop/dns`] }))).toEqual(['retire-pattern']);
    const answer = await run(fakes, { accept: [`consumer:${ACCEPT_DNS}`] });
    expect(answer).toMatchObject({ done: true, roles: [{ result: 'removed', before: TRUST, after: RETIRED }] });
    expect(checkOf(answer)?.message).toContain(
      `Of 2 others that exist and match, 1 have an association, and the rest are accepted by name: ${NAMESPACE}/dns.`,
    );
    expect(policy(fakes)).toEqual(JSON.parse(RETIRED));
    expect(await retirements(fakes)).toMatchObject([{ removed: [{ statement: byPattern }], before: TRUST }]);
    expect(await putBack(fakes)).toMatchObject({ done: true, roles: [{ result: 'restored' }] });
    expect(policy(fakes)).toEqual(JSON.parse(TRUST));
  });

  it('passes if all have one, or none other exists', async ({ fakes }) => {
    associate(fakes, 'dns');
    associate(fakes, 'proxy');
    expect(checkOf(await dryRun(fakes))).toMatchObject(said('pass', 'All 2'));
    fakes.kubernetes.plainServiceAccounts = [other('cart', 'shop')];
    expect(checkOf(await dryRun(fakes))?.message).toContain('no other service account that exists matches');
  });

  it('accepts the pattern for those without the annotation alone', async ({ fakes }) => {
    expect(blocking(await dryRun(fakes, { accept: [`consumer:${PATTERN}`] }))).toEqual([]);
    fakes.kubernetes.annotated = [{ ...other('agent'), roleArn: ROLE }];
    const answer = await dryRun(fakes, { accept: [`consumer:${PATTERN}`] });
    expect(blocking(answer)).toEqual(['retire-service-accounts', 'retire-pattern']);
    expect(checkOf(answer)?.message).toContain(`1 of 3 others that exist and match`);
    expect(checkOf(answer)?.message).toContain(`${NAMESPACE}/agent (with the role in its annotation)`);
  });

  it('of a statement without a condition on the subject is about every service account', async () => {
    const fakes = await withPattern({ ...byPattern, Condition: {} });
    const answer = await dryRun(fakes);
    expect(checkOf(answer)?.message).toContain('by a statement for every subject, and 3 of 3 others');
    expect(await run(fakes, { accept: ['consumer:*'] })).toMatchObject({ done: true });
    expect(await putBack(fakes)).toMatchObject({ done: true });
  });

  it('is refused if the service accounts may not be listed', async ({ fakes }) => {
    fakes.kubernetes.listServiceAccounts = () =>
      Promise.reject(new MigrationError('AccessDenied', 'may not list service accounts'));
    const answer = await dryRun(fakes, { accept: [`consumer:${PATTERN}`] });
    expect([checkOf(answer), answer.roles]).toMatchObject([{ status: 'unknown' }, [{ result: 'refused' }]]);
  });
});

describe('a consumer of a service account that loses the trust by a pattern', () => {
  const ISSUERS = 'issuers.cert-manager.io';
  /** It names the role itself, so that the service account needs no annotation. */
  const anIssuer = (role: string, serviceAccount = 'dns', namespace = NAMESPACE): object => ({
    kind: 'Issuer',
    metadata: { namespace, name: 'public' },
    spec: {
      acme: {
        solvers: [
          { dns01: { route53: { role, auth: { kubernetes: { serviceAccountRef: { name: serviceAccount } } } } } },
        ],
      },
    },
  });
  const NAME = `Issuer/${NAMESPACE}/public`;

  it('blocks until it is accepted by its own name, whatever its service account has', async ({ fakes }) => {
    associate(fakes, 'dns');
    associate(fakes, 'proxy');
    fakes.kubernetes.objects = { [ISSUERS]: [anIssuer(ROLE)] };
    for (const acceptedConsumers of [[], [PATTERN], [ACCEPT_DNS]]) {
      const answer = await dryRun(fakes, { accept: acceptedConsumers.map((name) => `consumer:${name}`) });
      expect(blocking(answer)).toEqual(['retire-consumers']);
      expect(answer.checks.find(({ id }) => id === 'retire-consumers')?.message).toContain(
        `1 object uses the web identity of ${NAMESPACE}/ebs-csi-controller-sa, ${NAMESPACE}/dns, and loses AWS access`,
      );
    }
    await expectError(run(fakes), 'RetireRefused');
    expect(fakes.journal.mutations()).toEqual([]);
    expect(await run(fakes, { accept: [`consumer:${NAME}`] })).toMatchObject({ done: true });
  });

  it.each<[string, (fakes: Begun) => void]>([
    ['names another role', ({ kubernetes }) => (kubernetes.objects = { [ISSUERS]: [anIssuer(OTHER_ROLE)] })],
    ['is of another one', ({ kubernetes }) => (kubernetes.objects = { [ISSUERS]: [anIssuer(ROLE, 'cart', 'shop')] })],
    [
      'uses the role of an annotation, which is another',
      ({ kubernetes }) => {
        kubernetes.annotated = [{ ...other('dns'), roleArn: OTHER_ROLE }];
        kubernetes.objects = { [SECRET_STORES]: [aSecretStore('aws', NAMESPACE, 'dns')] };
      },
    ],
  ])('does not block if it %s', async (_, put) => {
    const fakes = await withPattern();
    put(fakes);
    expect(blocking(await dryRun(fakes, { accept: [`consumer:${PATTERN}`] }))).toEqual([]);
  });

  it('blocks as a pod with a token of its own, whose role nothing shows', async ({ fakes }) => {
    const tokens = [{ volume: 'own', audience: 'sts.amazonaws.com', path: 'token' }];
    fakes.kubernetes.pods = [aPod('pod-identity'), aPod('node-role', { name: 'dns-1', serviceAccount: 'dns', tokens })];
    const answer = await dryRun(fakes, { accept: [`consumer:${PATTERN}`] });
    expect(blocking(answer)).toEqual(['retire-consumers']);
  });
});

describe('an attacker', () => {
  it('who creates a service account that matches while the locks are acquired stops the retirement', async () => {
    const fakes = await withPattern();
    const accepted = { accept: [`consumer:${ACCEPT_DNS}`, `consumer:ServiceAccount/${NAMESPACE}/proxy`] };
    const acquireLock = fakes.ledger.acquireLock.bind(fakes.ledger);
    fakes.ledger.acquireLock = (...given) => {
      fakes.kubernetes.plainServiceAccounts = [...fakes.kubernetes.plainServiceAccounts, other('late')];
      return acquireLock(...given);
    };
    await expectError(run(fakes, accepted), 'RetireRefused', `${NAMESPACE}/late`);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('who records the retirement of a pattern that the role never trusted gets nothing restored', async ({ fakes }) => {
    await run(fakes, { accept: [`consumer:${PATTERN}`] });
    const [note] = await retirements(fakes);
    for (const wide of ['system:serviceaccount:*:*', '*', 'system:serviceaccount:shop:*']) {
      const statement = irsa(wide, { Sid: 'Irsa' }, 'StringLike');
      await fakes.ledger.recordRetirement((await fakes.record()).migrationId, {
        ...note!,
        notedAt: new Date(Date.parse(note!.notedAt) + 1000).toISOString(),
        before: policyText(statement, podIdentityStatement),
        removed: [{ statement }],
      });
      await expectError(putBack(fakes), 'RetireRefused', "may not be this service's own");
      expect(policy(fakes)).toEqual(JSON.parse(RETIRED));
    }
  });

  it('who widens the trust by a pattern after the migration does not have it removed and restored', async () => {
    const fakes = await withPattern();
    fakes.roles.trust[ROLE] = policyText(irsa('*', {}, 'StringLike'), podIdentityStatement);
    expect(await dryRun(fakes, { accept: ['consumer:*'] })).toMatchObject({
      roles: [{ result: 'refused', why: containing('when the migration began') }],
    });
  });
});
