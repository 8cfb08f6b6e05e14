/** Rollbacks to an IRSA that no longer works: its OIDC provider, its audience or its trust is gone. */
import { describe, expect, it } from 'vitest';
import { cancel } from '../../cli/service/cancel.ts';
import { CredentialWatch } from '../simulation/credentials.ts';
import { matching, expectError } from '../lambdas/matchers.ts';
import { ADDON, identityOf } from './fixture.ts';
import { type Asked, inWorld, type OpenWorld, type WorldOptions } from './world.ts';

const ACCOUNT = { namespace: 'payments', name: 'api' };
const OF_ACCOUNT: [WorldOptions, Asked] = [{ scenario: 'service-account-irsa' }, { serviceAccount: ACCOUNT }];
const OF_ADDON: [WorldOptions, Asked] = [{ scenario: 'in-place' }, { addon: ADDON, strategy: 'in-place' }];
const BY_EKS: [WorldOptions, Asked] = [{ scenario: 'in-place' }, { ...OF_ADDON[1], verification: 'api' }];

/** Breaks IRSA, and returns what repairs it. */
type Break = (world: OpenWorld) => () => void;
const accountOf = ({ backend }: OpenWorld) => backend.sandbox.world.accounts.get('111122223333')!;
const noProvider: Break = (world) => {
  const { oidcProviders = new Map() } = accountOf(world);
  const all = [...oidcProviders];
  oidcProviders.clear();
  return () => all.forEach(([arn, provider]) => oidcProviders.set(arn, provider));
};
const noAudience: Break = (world) => {
  const all = [...(accountOf(world).oidcProviders?.values() ?? [])];
  for (const provider of all) provider.clientIds = ['another-audience'];
  return () => all.forEach((provider) => (provider.clientIds = ['sts.amazonaws.com']));
};
const noStatement: Break = (world) => {
  const all = [...accountOf(world).roles.values()].map((role) => [role, role.trustPolicy] as const);
  for (const [role, trustPolicy] of all) {
    const { Statement, ...rest } = JSON.parse(trustPolicy) as { Statement: { Action: unknown }[] };
    const kept = Statement.filter(({ Action }) => !JSON.stringify(Action).includes('WebIdentity'));
    if (kept.length > 0) role.trustPolicy = JSON.stringify({ ...rest, Statement: kept });
  }
  return () => all.forEach(([role, trustPolicy]) => (role.trustPolicy = trustPolicy));
};

const associations = ({ cluster }: OpenWorld): number =>
  [...cluster.associations.values()].filter(({ deletedUntil }) => deletedUntil === undefined).length;

const PROVIDER =
  /^aws iam create-open-id-connect-provider .* --url https:\/\/oidc\.eks\.\S+ --client-id-list sts\.amazonaws\.com$/;
const AUDIENCE = /^aws iam add-client-id-to-open-id-connect-provider .* --client-id sts\.amazonaws\.com$/;
const STATEMENT = /^aws iam update-assume-role-policy .*AssumeRoleWithWebIdentity/;

it.each<[string, [WorldOptions, Asked], Break, RegExp]>([
  ['a service account without the OIDC provider', OF_ACCOUNT, noProvider, PROVIDER],
  ['a service account without the audience', OF_ACCOUNT, noAudience, AUDIENCE],
  ['a service account without the OIDC statement', OF_ACCOUNT, noStatement, STATEMENT],
  ['an add-on without the OIDC provider', OF_ADDON, noProvider, PROVIDER],
  ['an add-on whose associations EKS would remove', BY_EKS, noAudience, AUDIENCE],
])('a cancelled migration keeps the associations if IRSA no longer works %s', (_, [options, asked], broken, command) =>
  inWorld(options, async (world) => {
    const execution = await world.start(asked);
    await world.until(execution, asked.addon === undefined ? 'WaitForRollout' : 'AwaitActive');
    const repair = broken(world);
    await cancel(world.backend, { migrationId: execution.name, requestedBy: 'kim', reason: 'not today' });
    const stopped = await world.settled(execution.name);
    expect(stopped).toMatchObject({
      outcome: 'needs-human',
      failure: {
        message: matching(/IrsaNotWorking: .*Pods on EKS Pod Identity keep it.*pod-identity rollback \S+$/s),
      },
    });
    expect(stopped.restoreCommands.filter((line) => !line.startsWith(':'))).toEqual([
      matching(command),
      `pod-identity rollback ${execution.name} --deployed`,
    ]);
    const watch = new CredentialWatch(world.backend.sandbox.world, world.cluster);
    await world.later(600_000);
    expect([watch.gaps, associations(world)]).toEqual([[], 1]);
    repair();

    expect(await world.rollBack({ migrationId: execution.name })).toMatchObject({ outcome: 'rolled-back' });
    expect(new Set(identityOf(world.cluster, asked.serviceAccount?.name ?? 'ebs-csi-controller-sa'))).toEqual(
      new Set(['irsa']),
    );
  }),
);

it('an add-on that was deleted is created again, and the end does not claim that its pods have credentials', async () => {
  const faults = [
    { kind: 'access-denied' as const, step: 'create-addon', operation: 'CreateAddon', times: 'all' as const },
  ];
  await inWorld({ scenario: 'ebs-csi-irsa', faults }, async (world) => {
    let repair = (): void => {};
    world.onFirst(
      ({ operation }) => operation === 'DeleteAddon',
      () => void (repair = noProvider(world)),
    );
    const stopped = await world.migrate({ addon: ADDON, strategy: 'recreate' });
    expect(stopped).toMatchObject({ outcome: 'needs-human', failure: { message: matching(/IrsaNotWorking: /) } });
    expect(world.cluster.addons.get(ADDON)?.status).toBe('ACTIVE');
    repair();
    expect(await world.rollBack({ migrationId: stopped.migrationId })).toMatchObject({ outcome: 'rolled-back' });
  });
});

describe('a rollback on demand', () => {
  it.each<[string, Break, RegExp]>([
    ['OIDC provider', noProvider, /IAM has no OIDC provider .*create-open-id-connect-provider/],
    ['audience', noAudience, /does not have the audience .*add-client-id-to-open-id-connect-provider/],
    ['OIDC statement', noStatement, /not certain that the OIDC trust .*update-assume-role-policy/],
  ])('is refused if the %s is gone, with the command, and begins once it is back', async (_, broken, why) => {
    const [options, asked] = OF_ACCOUNT;
    await inWorld(options, async (world) => {
      const { migrationId } = await world.migrate(asked);
      const repair = broken(world);
      const watch = new CredentialWatch(world.backend.sandbox.world, world.cluster);
      await expectError(world.rollBack({ migrationId }), 'RollbackRefused', why);
      expect(watch.gaps).toEqual([]);
      repair();
      expect([await world.rollBack({ migrationId }), watch.gaps]).toMatchObject([{ outcome: 'rolled-back' }, []]);
    });
  });

  it('goes on with a warning if the provider may not be read', async () => {
    const faults = ['take-over', 'restore-associations'].map((step) => ({
      kind: 'access-denied' as const,
      step,
      operation: 'GetOpenIDConnectProvider',
      times: 'all' as const,
    }));
    await inWorld({ ...OF_ACCOUNT[0], faults }, async (world) => {
      const { migrationId } = await world.migrate(OF_ACCOUNT[1]);
      expect(await world.rollBack({ migrationId })).toMatchObject({
        outcome: 'rolled-back',
        warnings: [{ id: 'irsa-not-read' }],
      });
    });
  });
});

it('a rollback returns to an IRSA that did not work before the migration either', async () => {
  // The add-on has a claim to its role without the OIDC provider.
  await inWorld(OF_ADDON[0], async (world) => {
    noProvider(world);
    const { outcome, migrationId } = await world.migrate(OF_ADDON[1]);
    expect(outcome).toBe('migrated');
    expect(await world.rollBack({ migrationId })).toMatchObject({ outcome: 'rolled-back', warnings: [] });
  });
});
