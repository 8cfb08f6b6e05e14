/**
 * Migrations of what a controller puts back, as they go if nobody has noticed the controller: what it does undoes the
 * migration, and the migration ends in one of the ways that are left.
 */
import { describe, expect, it } from 'vitest';
import { managerOf } from '../../sandbox/kubernetes/managed-fields.ts';
import type { KubeObject } from '../../sandbox/objects/objects.ts';
import { getObject } from '../../sandbox/objects/store.ts';
import type { ControllerState } from '../../sandbox/world/controllers.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { inWorld, type OpenWorld } from './world.ts';
import { matching } from '../lambdas/matchers.ts';

type Controller = Pick<ControllerState, 'tool' | 'owns' | 'name' | 'everySeconds'>;

const EBS = 'aws-ebs-csi-driver';
const HOUR = 3_600_000;
const ACCOUNT = { namespace: 'payments', name: 'api' };
const ROLE_FIELD = '.metadata.annotations.eks.amazonaws.com/role-arn';
const accountOf = ({ cluster }: OpenWorld): KubeObject =>
  getObject(cluster.kube, 'ServiceAccount', ACCOUNT.namespace, ACCOUNT.name)!;
const REPAIRED = 'arn:aws:iam::111122223333:role/ebs-csi-driver';

const withController =
  (controller: Controller, { paused = false } = {}) =>
  (scenario: Scenario): void => {
    scenario.accounts[0]!.clusters[0]!.controllers = [{ ...controller, paused }];
  };

/** Returns the controller's own calls that changed something. */
const putBack = ({ backend }: OpenWorld, role: string): string[] =>
  backend.sandbox.world.log
    .mutations()
    .filter(({ caller }) => caller.endsWith(`/${role}`))
    .map(({ operation, status }) => `${operation} ${status}`);

describe('a controller of an add-on', () => {
  const crossplane = { tool: 'crossplane', owns: 'add-on', name: EBS, everySeconds: 600 } as const;

  it('takes a finished migration back with its next comparison, under its own role', () =>
    inWorld({ scenario: 'in-place', change: withController(crossplane) }, async (world) => {
      expect(await world.migrate({ addon: EBS, strategy: 'in-place' })).toMatchObject({ outcome: 'migrated' });
      expect(world.cluster.addons.get(EBS)).toMatchObject({ serviceAccountRoleArn: undefined });
      await world.later(HOUR);
      const addon = world.cluster.addons.get(EBS);
      expect(addon?.serviceAccountRoleArn).toMatch(/role\/catalogue-prod-ebs-csi-driver$/);
      expect([addon?.associationIds, putBack(world, 'catalogue-prod-crossplane')]).toEqual([[], ['UpdateAddon 200']]);
    }));

  it('does nothing while it is paused', () =>
    inWorld({ scenario: 'in-place', change: withController(crossplane, { paused: true }) }, async (world) => {
      expect(await world.migrate({ addon: EBS, strategy: 'in-place' })).toMatchObject({ outcome: 'migrated' });
      await world.later(24 * HOUR);
      expect(world.cluster.addons.get(EBS)?.associationIds).toHaveLength(1);
      expect(putBack(world, 'catalogue-prod-crossplane')).toEqual([]);
    }));

  it.each([
    [3, 'in-place'],
    [13, 'in-place'],
    [20, 'recreate'],
    [45, 'recreate'],
  ] as const)(
    'that compares every %d seconds ends a migration that it interrupts, %s, rolled back or with a person',
    (everySeconds, strategy) =>
      inWorld({ scenario: 'in-place', change: withController({ ...crossplane, everySeconds }) }, async (world) => {
        const report = await world.migrate({ addon: EBS, strategy });
        expect(putBack(world, 'catalogue-prod-crossplane')).not.toEqual([]);
        expect(['rolled-back', 'needs-human']).toContain(report.outcome);
        await world.later(HOUR);
        const serviceAccountRoleArn = matching(/catalogue-prod-ebs-csi-driver$/);
        expect(world.cluster.addons.get(EBS)).toMatchObject({ serviceAccountRoleArn, associationIds: [] });
      }),
  );
});

it('a controller of a trust policy takes a repair out again', async () => {
  const ack = { tool: 'ack', owns: 'trust-policy', name: REPAIRED, everySeconds: 600 } as const;
  await inWorld({ scenario: 'trust-repair', change: withController(ack) }, async (world) => {
    const role = world.backend.sandbox.world.accounts.get(world.target.account)!.roles.get('ebs-csi-driver')!;
    const before = role.trustPolicy;
    expect(await world.migrate({ addon: EBS, trust: 'repair' })).toMatchObject({ outcome: 'migrated' });
    expect(role.trustPolicy).toContain('pods.eks.amazonaws.com');
    await world.later(HOUR);
    expect(JSON.parse(role.trustPolicy)).toEqual(JSON.parse(before));
    expect(putBack(world, 'orders-dev-ack')).toEqual(['UpdateAssumeRolePolicy 200']);
  });
});

it.each([
  ['argo-cd', 'argocd-controller'],
  ['flux', 'kustomize-controller'],
] as const)('a controller of a service account puts the annotation back: %s', async (tool, manager) => {
  const controller = { tool, owns: 'annotation', name: 'payments/api', everySeconds: 180 } as const;
  const change = (scenario: Scenario): void => {
    withController(controller)(scenario);
    // With a label, the account has an owner of fields even without the annotation, so that owners are tracked.
    const labels = { 'app.kubernetes.io/instance': 'payments' };
    const own = { ...ACCOUNT, labels, annotations: {}, manager: 'helm', appliedBy: 'kubectl-create' } as const;
    scenario.accounts[0]!.clusters[0]!.serviceAccounts.push(own);
  };
  await inWorld({ scenario: 'service-account-irsa', change }, async (world) => {
    const { annotation } = world.readAccount(ACCOUNT);
    const report = await world.migrate({ serviceAccount: ACCOUNT, annotation: 'remove' });
    expect(report).toMatchObject({ outcome: 'migrated' });
    await world.later(HOUR);
    expect(world.readAccount(ACCOUNT)).toMatchObject({ annotation });
    expect(managerOf(world.cluster, accountOf(world), ROLE_FIELD)).toBe(manager);
    expect(putBack(world, `payments-prod-${tool}`)).toEqual([]);
  });
});

it('a controller of an association creates it again under another id, and puts back its role', async () => {
  const id = 'a-0123456789abcdefg';
  const change = (scenario: Scenario): void => {
    const [cluster] = scenario.accounts[0]!.clusters;
    const roleArn = 'arn:aws:iam::111122223333:role/payments-prod-api';
    cluster!.associations.push({ id, namespace: 'payments', serviceAccount: 'api', roleArn, tags: { team: 'pay' } });
    withController({ tool: 'cluster-api', owns: 'association', name: id, everySeconds: 600 })(scenario);
  };
  await inWorld({ scenario: 'service-account-irsa', change }, async (world) => {
    world.cluster.associations.delete(id);
    await world.later(HOUR);
    const [created] = [...world.cluster.associations.values()];
    expect(created).toMatchObject({ namespace: 'payments', serviceAccount: 'api', tags: { team: 'pay' } });
    expect(created?.id).not.toBe(id);
    created!.roleArn = 'arn:aws:iam::111122223333:role/other';
    await world.later(HOUR);
    expect([...world.cluster.associations.values()].map(({ roleArn }) => roleArn)).toEqual([
      'arn:aws:iam::111122223333:role/payments-prod-api',
    ]);
    expect(putBack(world, 'payments-prod-cluster-api')).toEqual([
      'CreatePodIdentityAssociation 200',
      'UpdatePodIdentityAssociation 200',
    ]);
  });
});
