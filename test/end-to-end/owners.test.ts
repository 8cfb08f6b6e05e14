/**
 * Owners on both sides: a controller that would revert the migration blocks it and, once it is suspended and accepted, the
 * migration succeeds and stays; a tool whose next apply would revert it warns.
 */
import { describe, expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import type { OwnerTool } from '../../lambdas/domain/owners/model.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { inWorld } from './world.ts';
import { containing, matching } from '../lambdas/matchers.ts';

const EBS = 'aws-ebs-csi-driver';
const HOUR = 3_600_000;
const ACCOUNT = { namespace: 'payments', name: 'api' };
const CAPABILITY = 'arn:aws:eks:eu-west-1:111122223333:capability/catalogue-prod/ack/ack/12345678';

type Change = (cluster: ScenarioCluster, scenario: Scenario) => void;
const addonOf = (cluster: ScenarioCluster): ScenarioCluster['addons'][number] =>
  cluster.addons.find(({ name }) => name === EBS)!;
const changed =
  (...changes: Change[]) =>
  (scenario: Scenario): void => {
    for (const change of changes) change(scenario.accounts[0]!.clusters[0]!, scenario);
  };
const tagged =
  (tags: Record<string, string>): Change =>
  (cluster) =>
    void (addonOf(cluster).tags = tags);

const checkOf = (plan: Plan | undefined, tool: OwnerTool) => plan?.checks.find(({ id }) => id === `owner-${tool}`);

const CONTROLLERS: [OwnerTool & ('ack' | 'crossplane' | 'cluster-api'), string, Record<string, string>][] = [
  [
    'ack',
    'self-managed',
    { 'services.k8s.aws/controller-version': 'eks-1.9.1', 'services.k8s.aws/namespace': 'infra' },
  ],
  ['ack', 'an EKS capability', { 'eks:eks-capability-arn': CAPABILITY, 'eks:kubernetes-resource-name': 'ebs' }],
  ['crossplane', 'upjet', { 'crossplane-kind': 'addon.eks.aws.upbound.io', 'crossplane-name': 'ebs' }],
  ['cluster-api', 'of its add-ons', { 'kubernetes.io/cluster/catalogue-prod': 'owned' }],
];

describe('a controller that owns the add-on', () => {
  it.each(CONTROLLERS)(
    '%s, %s: blocks before anything changes, and migrates once it is suspended and accepted',
    async (tool, _, tags) => {
      const controllers: Change = (cluster) =>
        void (cluster.controllers = [{ tool, owns: 'add-on', name: EBS, everySeconds: 600, paused: false }]);
      await inWorld({ scenario: 'in-place', change: changed(tagged(tags), controllers) }, async (world) => {
        const { outcome, plan } = await world.migrate({ addon: EBS });
        const remedy = matching(new RegExp(`kubectl .*--accept owner:${tool}$`));
        expect([outcome, checkOf(plan, tool)]).toMatchObject(['blocked', { status: 'fail', remedy }]);
        expect(world.backend.sandbox.world.log.mutations().filter(({ service }) => service === 'eks')).toEqual([]);
        expect(plan?.owners).toMatchObject([{ owns: 'add-on', name: EBS, tool, reverts: 'by-itself' }]);
        expect(plan?.owners[0]?.managedByAws).toBe(tags['eks:eks-capability-arn'] ? true : undefined);

        for (const controller of world.cluster.controllers!) controller.paused = true;
        const report = await world.migrate({ addon: EBS, accept: [`owner:${tool}`] });
        expect([report.outcome, checkOf(report.plan, tool)]).toMatchObject(['migrated', { status: 'warn' }]);
        await world.later(24 * HOUR);
        expect(world.cluster.addons.get(EBS)?.associationIds).toHaveLength(1);
      });
    },
  );
});

it.each<[OwnerTool, Record<string, string>, Partial<MigrationRequestInput>]>([
  ['terraform', { ManagedBy: 'Terraform' }, {}],
  ['terraform', {}, { iac: 'terraform' }],
  ['pulumi', { 'pulumi:project': 'platform' }, {}],
  ['cloudformation', { CreatedBy: 'CloudFormation' }, {}],
  ['eksctl', { 'alpha.eksctl.io/cluster-name': 'catalogue-prod' }, {}],
  ['cdk', { 'aws-cdk:cr-owned:x': 'true' }, {}],
])('a tool that reverts with its next apply %s %j %j: warns, and migrates', (tool, tags, request) =>
  inWorld({ scenario: 'in-place', change: changed(tagged(tags)) }, async (world) => {
    const report = await world.migrate({ addon: EBS, ...request });
    expect(report.outcome).toBe('migrated');
    expect(checkOf(report.plan, tool)).toMatchObject({ status: 'warn', remedy: containing('--hand-off') });
  }),
);

describe('an owner of a role', () => {
  const REPAIRED = 'arn:aws:iam::111122223333:role/ebs-csi-driver';
  const roleTags =
    (tags: Record<string, string>): Change =>
    (_, { accounts }) => {
      for (const role of accounts[0]!.roles) if (role.arn === REPAIRED) role.tags = tags;
    };
  const ACK = { 'services.k8s.aws/controller-version': 'iam-1.3.0' };

  it('that would put the trust policy back blocks its repair', () =>
    inWorld({ scenario: 'trust-repair', change: changed(roleTags(ACK)) }, async (world) => {
      const report = await world.migrate({ addon: EBS, trust: 'repair' });
      expect(report.outcome).toBe('blocked');
      expect(checkOf(report.plan, 'ack')?.remedy).toContain('roles.iam.services.k8s.aws');
      expect(await world.migrate({ addon: EBS, trust: 'repair', accept: ['owner:ack'] })).toMatchObject({
        outcome: 'migrated',
      });
    }));

  it('that needs an apply warns about the statement', () =>
    inWorld({ scenario: 'trust-repair', change: changed(roleTags({ Terraform: 'true' })) }, async (world) => {
      const report = await world.migrate({ addon: EBS, trust: 'repair' });
      expect(report.outcome).toBe('migrated');
      expect(checkOf(report.plan, 'terraform')?.message).toContain('removes the added statement from the trust policy');
    }));
});

it.each<[OwnerTool, string, Record<string, string>, Record<string, string>]>([
  ['argo-cd', 'ARGOCD', {}, { 'argocd.argoproj.io/tracking-id': 'shop:/ServiceAccount:payments/api' }],
  ['flux', 'ACK', { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'f' }, {}],
  ['kro', 'KRO', { 'kro.run/owned': 'true' }, {}],
])(
  'an owner of a service account %s blocks the removal of the annotation, until it is accepted',
  async (tool, type, labels, annotations) => {
    const marked: Change = (cluster) => {
      cluster.capabilities = [{ name: 'managed', type: type as 'ACK', status: 'ACTIVE', tags: {} }];
      const api = cluster.workloads.find(({ name }) => name === 'api')!;
      const role = api.serviceAccountAnnotations;
      api.serviceAccountAnnotations = {};
      cluster.serviceAccounts.push({
        ...ACCOUNT,
        labels,
        annotations: { ...role, ...annotations },
        manager: 'kubectl',
      });
    };
    await inWorld({ scenario: 'service-account-irsa', change: changed(marked) }, async (world) => {
      const report = await world.migrate({ serviceAccount: ACCOUNT, annotation: 'remove' });
      expect([report.outcome, checkOf(report.plan, tool)]).toMatchObject(['blocked', { status: 'fail' }]);
      expect(report.plan?.owners.find(({ owns }) => owns === 'annotation')).toMatchObject({
        tool,
        name: 'payments/api',
        ...(tool === 'flux' ? {} : { managedByAws: true }),
      });
      const kept = await world.migrate({ serviceAccount: ACCOUNT, dryRun: true });
      expect([kept.outcome, checkOf(kept.plan, tool)]).toMatchObject(['planned', { status: 'pass' }]);
      expect(
        await world.migrate({ serviceAccount: ACCOUNT, annotation: 'remove', accept: [`owner:${tool}`] }),
      ).toMatchObject({ outcome: 'migrated' });
    });
  },
);

it('an owner of a conflicting association keeps it, until the request accepts that the migration deletes it', async () => {
  const conflicting: Change = ({ associations }) =>
    void Object.assign(associations[0]!, { tags: { ManagedBy: 'terraform' } });
  await inWorld({ scenario: 'in-place', change: changed(conflicting) }, async (world) => {
    const report = await world.migrate({ addon: EBS });
    expect(report.outcome).toBe('blocked');
    const check = report.plan?.checks.find(({ id }) => id === 'associations');
    expect(check?.remedy).toMatch(/--accept owner:terraform\.?$/);
    const accepted = await world.migrate({ addon: EBS, accept: ['owner:terraform'] });
    expect([accepted.outcome, accepted.plan?.purge]).toEqual(['migrated', report.plan?.existing]);
    expect(world.cluster.associations.has(report.plan?.existing[0] ?? '')).toBe(false);
  });
});

describe('the published scenarios', () => {
  const SA = (namespace: string, name: string): Partial<MigrationRequestInput> => ({
    serviceAccount: { namespace, name },
    annotation: 'remove',
  });
  type Found = [owns: string, tool: OwnerTool, sure: string];
  const both = (tool: OwnerTool, sure: string): Found[] => [
    ['role', tool, sure],
    ['trust-policy', tool, sure],
  ];

  it.each<[string, Partial<MigrationRequestInput>, Found[]]>([
    ['owners-at-next-apply', { addon: EBS }, [['add-on', 'terraform', 'likely'], ...both('terraform', 'likely')]],
    ['owners-at-next-apply', { addon: 'external-dns' }, both('cloudformation', 'likely')],
    [
      'owners-at-next-apply',
      { addon: 'external-dns', iac: 'cloudformation' },
      [['add-on', 'cloudformation', 'stated'], ...both('cloudformation', 'stated')],
    ],
    ['owners-at-next-apply', { addon: 'fluent-bit' }, [['add-on', 'eksctl', 'likely'], ...both('eksctl', 'certain')]],
    [
      'owners-at-next-apply',
      { addon: 'aws-fsx-csi-driver' },
      [['association', 'cdk', 'likely'], ...both('cdk', 'likely')],
    ],
    ['owners-at-next-apply', SA('harbor', 'registry'), [['annotation', 'helm', 'certain']]],
    [
      'owners-at-next-apply',
      SA('harbor', 'scanner'),
      [...both('eksctl', 'certain'), ['annotation', 'eksctl', 'certain']],
    ],
    ['owners-reconciling', { addon: EBS }, [['add-on', 'ack', 'certain'], ...both('ack', 'certain')]],
    [
      'owners-reconciling',
      { addon: 'external-dns' },
      [['add-on', 'crossplane', 'certain'], ...both('crossplane', 'certain')],
    ],
    ['owners-reconciling', { addon: 'fluent-bit' }, [['add-on', 'cluster-api', 'likely']]],
    ['owners-reconciling', SA('shop', 'cart'), [['annotation', 'argo-cd', 'certain']]],
    ['owners-reconciling', SA('shop', 'search'), [['annotation', 'flux', 'certain']]],
    ['owners-capabilities', { addon: EBS }, [['add-on', 'ack', 'certain'], ...both('ack', 'certain')]],
    ['owners-capabilities', SA('atlas', 'maps'), [['annotation', 'argo-cd', 'certain']]],
    ['owners-capabilities', SA('atlas', 'tiles'), [['annotation', 'kro', 'certain']]],
  ])('%s %j: who owns what', (scenario, request, expected) =>
    inWorld({ scenario }, async (world) => {
      const { plan, outcome } = await world.migrate({ ...request, dryRun: true });
      expect(plan?.owners.map(({ owns, tool, sure }) => [owns, tool, sure])).toEqual(expected);
      const byAws = plan?.owners.map(({ managedByAws }) => managedByAws);
      expect(byAws).toEqual(expected.map(() => (scenario === 'owners-capabilities' ? true : undefined)));
      const reverts = scenario !== 'owners-at-next-apply' || request.addon === 'aws-fsx-csi-driver';
      expect(outcome).toBe(reverts ? 'blocked' : 'planned');
    }),
  );
});
