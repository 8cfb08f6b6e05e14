/** A role that trusts the service accounts of a namespace by a pattern: migrated one by one, and retired at the end. */
import { describe, expect, it } from 'vitest';
import { silentProgress } from '../../cli/progress.ts';
import { isRefused, type Retired, type RetireRequest, retireAndFollow } from '../../cli/service/retire.ts';
import { createServiceAccount } from '../../sandbox/kubernetes/cluster-objects.ts';
import { hasCredentials } from '../../sandbox/credentials/sessions.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import { findRole } from '../../sandbox/world/world.ts';
import { inWorld, type OpenWorld } from './world.ts';
import { containing, matching, expectError } from '../lambdas/matchers.ts';

const ROLE = 'arn:aws:iam::111122223333:role/orders-prod';
const PATTERN = 'system:serviceaccount:orders:*';
const account = (name: string) => ({ serviceAccount: { namespace: 'orders', name }, annotation: 'remove' as const });
const trust = ({ backend }: OpenWorld): string => findRole(backend.sandbox.world, ROLE)!.trustPolicy;
const retire = (world: OpenWorld, request: Partial<RetireRequest> & { migrationId: string }): Promise<Retired> =>
  retireAndFollow(world.backend, { action: 'retire', dryRun: true, soakDays: 0, ...request }, silentProgress);
const patternCheck = ({ checks }: Retired) => checks.find(({ id }) => id === 'retire-pattern');
const everyPodWorks = ({ backend, cluster }: OpenWorld): boolean =>
  listObjects(cluster.kube, 'Pod')
    .filter(({ metadata }) => metadata.namespace === 'orders')
    .every((pod) => hasCredentials(backend.sandbox.world, cluster, pod));
const HOURS = 3_600_000;

describe('the trust of a pattern', () => {
  it('is retired once every service account that matches has an association, or is accepted by name', () =>
    inWorld({ scenario: 'pattern-trust' }, async (world) => {
      const first = await world.migrate(account('api'));
      expect(first.outcome).toBe('migrated');
      expect(first.plan?.checks.find(({ id }) => id === 'pattern-trust')).toMatchObject({
        status: 'warn',
        message: matching(/"system:serviceaccount:orders:\*"\. 2 other .*: orders\/\w+, orders\/\w+\./),
      });
      const before = trust(world);
      const { migrationId } = first;

      // The second application still uses the role by IRSA.
      const early = await retire(world, { migrationId });
      expect(isRefused(early)).toBe(true);
      expect(patternCheck(early)).toMatchObject({
        status: 'fail',
        message: containing('orders/worker (with the role in its annotation)'),
      });
      await expectError(
        retire(world, { migrationId, dryRun: false, accept: [`consumer:${PATTERN}`] }),
        'RetireRefused',
      );
      expect(trust(world)).toBe(before);

      expect((await world.migrate(account('worker'))).outcome).toBe('migrated');
      const almost = await retire(world, { migrationId });
      expect(patternCheck(almost)?.message).toContain(
        '1 of 2 others that exist and match have no association and would lose the role: orders/default.',
      );
      const retired = await retire(world, {
        migrationId,
        dryRun: false,
        accept: ['consumer:ServiceAccount/orders/default'],
      });
      expect(retired).toMatchObject({ done: true, roles: [{ roleArn: ROLE, result: 'removed' }] });
      expect(trust(world)).not.toContain('AssumeRoleWithWebIdentity');
      await world.later(24 * HOURS);
      expect(everyPodWorks(world)).toBe(true);

      expect(await retire(world, { migrationId, action: 'reinstate', dryRun: false })).toMatchObject({ done: true });
      expect(JSON.parse(trust(world))).toEqual(JSON.parse(before));
    }));

  it('stays if someone creates a service account that matches, until that is accepted too', () =>
    inWorld({ scenario: 'pattern-trust' }, async (world) => {
      const { migrationId } = await world.migrate(account('api'));
      await world.migrate(account('worker'));
      const accepted = { migrationId, accept: ['consumer:ServiceAccount/orders/default'] };
      expect(isRefused(await retire(world, accepted))).toBe(false);
      createServiceAccount(world.cluster, 'orders', 'intruder', world.backend.sandbox.clock.now());
      await expectError(retire(world, { ...accepted, dryRun: false }), 'RetireRefused', 'orders/intruder');
      expect(trust(world)).toContain(PATTERN);
      expect(await retire(world, { migrationId, dryRun: false, accept: [`consumer:${PATTERN}`] })).toMatchObject({
        done: true,
      });
    }));
});
