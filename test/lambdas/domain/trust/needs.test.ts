import { describe, expect, it } from 'vitest';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import { type RetireFacts, stillNeeded } from '../../../../lambdas/domain/trust/needs.ts';
import { notAllowed, readStores, SECRET_STORES } from '../../consumer-objects.ts';
import { aContainer, aPod, envOf, MIGRATION_ID, OTHER_ROLE, ROLE, TOKENS } from '../../fixtures.ts';
import { controller } from './policies.ts';
import { said, containing } from '../../matchers.ts';

const facts = (change: Partial<RetireFacts> = {}): RetireFacts => ({
  roleArn: ROLE,
  cluster: 'dev',
  serviceAccounts: [controller],
  addons: [{ name: 'aws-ebs-csi-driver' }, { name: 'vpc-cni', serviceAccountRoleArn: OTHER_ROLE }],
  annotated: [{ namespace: 'shop', name: 'checkout', roleArn: OTHER_ROLE }],
  pods: [aPod('pod-identity'), aPod('node-role', { name: 'coredns-1' })],
  consumers: { objects: {}, unread: [] },
  migration: { migrationId: MIGRATION_ID, status: 'ended', outcome: 'migrated', endedAt: '2026-01-05T09:00:00.000Z' },
  soakDays: 7,
  now: '2026-01-12T09:00:00.000Z',
  ...change,
});
const checkOf = (id: string, change: Partial<RetireFacts>): Check => {
  const found = stillNeeded(facts(change)).find((check) => check.id === id);
  if (!found) throw new Error(`no check ${id}`);
  return found;
};
const statuses = (change: Partial<RetireFacts> = {}): Record<string, string> =>
  Object.fromEntries(stillNeeded(facts(change)).map((check) => [check.id, check.status]));
const allPass = {
  'retire-outcome': 'pass',
  'retire-soak': 'pass',
  'retire-addons': 'pass',
  'retire-service-accounts': 'pass',
  'retire-pods': 'pass',
  'retire-consumers': 'pass',
};
const ended = facts().migration;

it('passes if nothing needs the trust any more', () => expect(statuses()).toEqual(allPass));

it('has a remedy for every check that does not pass', () => {
  const bad = facts({
    addons: [{ name: 'a', serviceAccountRoleArn: ROLE }],
    annotated: undefined,
    pods: [aPod('irsa')],
    consumers: readStores([], [notAllowed(SECRET_STORES)]),
    migration: { ...ended, status: 'running', outcome: undefined, endedAt: undefined },
  });
  const checks = stillNeeded(bad);
  expect(checks.map((check) => check.status)).toEqual(['fail', 'fail', 'fail', 'unknown', 'fail', 'unknown']);
  expect(checks.filter((check) => !/\w{5}/.test(check.remedy ?? ''))).toEqual([]);
});

describe('the migration', () => {
  it.each(['rolled-back', 'needs-human', 'blocked', 'planned', 'already-migrated', undefined] as const)(
    'that ended with outcome %s may still need IRSA',
    (outcome) => {
      expect(statuses({ migration: { ...ended, outcome } })).toEqual({ ...allPass, 'retire-outcome': 'fail' });
      expect(checkOf('retire-outcome', { migration: { ...ended, outcome } }).message).toContain(
        outcome ?? 'without an outcome',
      );
    },
  );

  it('has not ended if it is running again, even with an outcome of before', () =>
    expect(checkOf('retire-outcome', { migration: { ...ended, status: 'running' } })).toMatchObject(
      said('fail', 'still running'),
    ));
});

describe('the soak period', () => {
  it('is counted from the end of the migration, to the second', () => {
    const early = checkOf('retire-soak', { now: '2026-01-12T08:59:59.999Z' });
    expect(early).toMatchObject(said('fail', '6 days', '2026-01-12T09:00:00.000Z'));
    expect(checkOf('retire-soak', {}).status).toBe('pass');
    expect(checkOf('retire-soak', { soakDays: 0, now: '2026-01-05T09:00:00.000Z' }).status).toBe('pass');
    expect(checkOf('retire-soak', { soakDays: 1, now: '2026-01-05T09:00:01.000Z' }).message).toContain('Only 0 days');
  });

  it('has not begun before the migration has ended', () =>
    expect(checkOf('retire-soak', { migration: { ...ended, endedAt: undefined } })).toMatchObject({
      status: 'fail',
      remedy: containing('7 days'),
    }));
});

it('names the add-ons that use the role', () => {
  const check = checkOf('retire-addons', {
    addons: [
      { name: 'aws-efs-csi-driver', serviceAccountRoleArn: ROLE },
      { name: 'adot', serviceAccountRoleArn: ROLE },
    ],
  });
  expect(check).toMatchObject({
    status: 'fail',
    message: `aws-efs-csi-driver, adot of cluster dev still use ${ROLE} as the IRSA role.`,
  });
});

it('names the service accounts that have the role in their annotation', () =>
  expect(
    checkOf('retire-service-accounts', { annotated: [{ namespace: 'shop', name: 'checkout', roleArn: ROLE }] }),
  ).toMatchObject(said('fail', 'shop/checkout')));

describe('pods', () => {
  const env = envOf.irsa;
  const OWN = { volume: 'sts', audience: 'sts.amazonaws.com', path: 'token' };
  const BY_HAND = { AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/sts/token' };
  type Change = NonNullable<Parameters<typeof aPod>[1]>;
  const by = (given: NonNullable<Parameters<typeof aContainer>[0]>, change: Change = {}): Change => ({
    containers: [aContainer(given)],
    ...change,
  });
  const IRSA = { tokens: [TOKENS.irsa] };
  const VAULT = { volume: 'x', audience: 'vault', path: 'token' };
  const inShop = { namespace: 'shop', serviceAccount: 'checkout' };
  it.each<[string, Change, string]>([
    ['IRSA in its env', by({ env }, IRSA), 'fail'],
    ['IRSA in an init container only', { containers: [aContainer(), aContainer({ init: true, env })] }, 'fail'],
    ['both identities', by({ env: envOf.mixed }), 'fail'],
    ['IRSA with the role, and another service account', by({ env }, inShop), 'fail'],
    ['IRSA while terminating', by({ env }, { terminating: true }), 'fail'],
    ['IRSA, and succeeded', by({ env }, { phase: 'Succeeded' }), 'pass'],
    ['IRSA, and failed', by({ env }, { phase: 'Failed' }), 'pass'],
    ['IRSA with another role', by({ env: { ...env, AWS_ROLE_ARN: OTHER_ROLE } }, IRSA), 'pass'],
    ['the role without a token', by({ env: { AWS_ROLE_ARN: ROLE } }, { tokens: [] }), 'pass'],
    ['the role, and a token at a custom path', by({ env: { AWS_ROLE_ARN: ROLE } }, IRSA), 'fail'],
    ['a token for STS, and a role that only its configuration may name', by({}, IRSA), 'fail'],
    ['a token for STS, of one that is not in the trust', by({}, { ...IRSA, serviceAccount: 'other' }), 'pass'],
    ['a token for STS of its own, which retire-consumers names', by({}, { tokens: [OWN] }), 'pass'],
    ['a token file by hand, which retire-consumers names', by({ env: BY_HAND }, { tokens: [OWN] }), 'pass'],
    [
      'a token file that is set by hand, of a service account that is not in the trust',
      by({ env: BY_HAND }, { serviceAccount: 'other', tokens: [OWN] }),
      'fail',
    ],
    ['a token for another audience', by({}, { tokens: [VAULT] }), 'pass'],
  ])('with %s (%s): %s', (_, change, status) => {
    const check = checkOf('retire-pods', {
      pods: [aPod('pod-identity'), aPod('node-role', { name: 'the-one', ...change })],
    });
    expect([check.status, check.message.includes('the-one')]).toEqual([status, status === 'fail']);
  });

  it('that could not be listed make the check unknown, with the reason', () => {
    const change = { pods: undefined, annotated: undefined, kubernetesError: 'HTTP 401 from the API server' };
    expect(statuses(change)).toEqual({
      ...allPass,
      'retire-service-accounts': 'unknown',
      'retire-pods': 'unknown',
      'retire-consumers': 'unknown',
    });
    expect(checkOf('retire-pods', change).message).toContain('HTTP 401');
  });
});
