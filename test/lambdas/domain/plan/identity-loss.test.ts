/** Whose pods lose their identity by a plan, and what the plan makes of it. */
import { describe, expect, it } from 'vitest';
import type { AttributedServiceAccount, Pod } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import type { AddonFacts } from '../../../../lambdas/domain/plan/facts.ts';
import { blockingChecks, planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { anAddon, anAssociation, aNodePod, aPod } from '../../eks-fixtures.ts';
import { aRequest, GRANTED, someFacts, ADDON, NAMESPACE, OTHER_ROLE, ROLE, SERVICE_ACCOUNT } from '../../fixtures.ts';
import { said, containing } from '../../matchers.ts';

const NODES = 'ebs-csi-node-sa';
const NAMED = { 'app.kubernetes.io/name': ADDON };

const annotated = (change: Partial<AttributedServiceAccount> = {}): AttributedServiceAccount => ({
  namespace: NAMESPACE,
  name: NODES,
  roleArn: ROLE,
  annotatedBy: ['eks'],
  labels: NAMED,
  annotations: {},
  managers: ['eks'],
  ...change,
});
const controller = annotated({ name: SERVICE_ACCOUNT });
/** A pod of the nodes that was admitted with the role. */
const nodePod = (change: Partial<Pod> = {}): Pod => ({ ...aPod('irsa'), ...aNodePodIdentity, ...change });
const { name, uid, serviceAccount, labels, owner } = aNodePod();
const aNodePodIdentity = { name, uid, serviceAccount, labels, ...(owner ? { owner } : {}) };

const planOf = (change: Partial<AddonFacts> = {}, request: Partial<MigrationRequestInput> = {}): Plan =>
  planMigration(
    someFacts({
      request: aRequest(request),
      roleGrants: GRANTED,
      annotated: { seen: [controller, annotated()] },
      pods: [aPod('irsa'), nodePod()],
      ...change,
    }),
  );
const lossesOf = (plan: Plan): string[] => plan.identityLosses.map((one) => one.serviceAccount);
const checkOf = (plan: Plan, id = 'identity-loss'): Check | undefined => plan.checks.find((one) => one.id === id);

describe('a service account that EKS gave the role of the add-on, and that takes no association from it', () => {
  it('blocks the plan, which says what its pods will fall to and both commands, whole', () => {
    const plan = planOf({}, { strategy: 'recreate', preserve: true });
    expect(blockingChecks(plan)).toEqual(['identity-loss']);
    expect(plan.identityLosses).toEqual([
      { namespace: NAMESPACE, serviceAccount: NODES, roleArn: ROLE, identity: 'irsa', pods: 1, accepted: false },
    ]);
    const { message, remedy } = checkOf(plan)!;
    expect(message).toMatch(
      /^1 pod with service account kube-system\/ebs-csi-node-sa will change from irsa to node-role/,
    );
    const command = `pod-identity migrate --account 111122223333 --region eu-west-1 --cluster dev --addon ${ADDON} --strategy recreate --preserve`;
    expect(remedy).toContain(`${command} --role ${NODES}=${ROLE} --deployed .`);
    expect(remedy).toContain(`${command} --accept identity-loss:${NODES}`);
  });

  it('repeats in both commands what the request accepts by name', () => {
    const accepted: Partial<MigrationRequestInput> = {
      iac: 'terraform',
      accept: ['owner:flux', 'unknown-credentials:a/b', 'image:c:v1'],
    };
    const { remedy } = checkOf(planOf({}, accepted))!;
    const options = '--iac terraform --accept owner:flux --accept unknown-credentials:a/b --accept image:c:v1';
    expect(remedy!.split(options)).toHaveLength(3);
  });

  it('may be accepted by name: a warning, and not another one for its name', () => {
    const plan = planOf({}, { accept: [`identity-loss:${NODES}`] });
    expect([plan.verdict, lossesOf(plan), checkOf(plan)?.status]).toEqual(['migrate', [NODES], 'warn']);
    expect(plan.identityLosses[0]!.accepted).toBe(true);
    expect(blockingChecks(planOf({}, { accept: ['identity-loss:ebs-csi-node'] }))).toEqual(['identity-loss']);
  });

  it('gets a standalone association where the request names its role', () => {
    const plan = planOf({}, { roles: { [NODES]: ROLE } });
    expect([plan.verdict, lossesOf(plan)]).toEqual(['migrate', []]);
    expect(plan.associations).toEqual([
      { namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT, roleArn: ROLE },
      { namespace: NAMESPACE, serviceAccount: NODES, roleArn: ROLE, standalone: true },
    ]);
    expect(checkOf(plan, 'role-service-accounts')).toMatchObject({ status: 'pass' });
    expect(plan.steps.map((step) => step.name).slice(0, 3)).toEqual(['begin', 'create-association', 'update-addon']);
    expect(plan.steps[1]).toMatchObject({
      what: containing('kube-system/ebs-csi-node-sa with role ebs-csi'),
      calls: ['eks:CreatePodIdentityAssociation'],
      undo: containing('once the add-on has its IRSA role again'),
    });
    expect(plan.steps[2]!.what).not.toContain(NODES);
  });

  it('has the trust of that role checked, as of any planned one', () =>
    expect(blockingChecks(planOf({}, { roles: { [NODES]: OTHER_ROLE } }))).toEqual(['role-exists']));

  it('names all of them in one command', () => {
    const seen = [controller, annotated(), annotated({ name: 'third-sa' })];
    const third = nodePod({ name: 'third', uid: 'third', serviceAccount: 'third-sa' });
    const plan = planOf({ annotated: { seen }, pods: [aPod('irsa'), nodePod(), third] });
    for (const { remedy } of plan.checks.filter(({ id }) => id === 'identity-loss'))
      expect(remedy).toContain(`--accept identity-loss:${NODES} --accept identity-loss:third-sa`);
  });

  it('has another hash once it is accepted, and the same with more pods', () => {
    const accepted = planOf({}, { accept: [`identity-loss:${NODES}`] });
    const pods = [aPod('irsa'), nodePod(), nodePod({ name: 'second', uid: 'second' })];
    const more = planOf({ pods }, { accept: [`identity-loss:${NODES}`] });
    expect(more.hash).toBe(accepted.hash);
    expect(planOf({}, { accept: [`identity-loss:${NODES}`, 'identity-loss:other-sa'] }).hash).not.toBe(accepted.hash);
  });

  it('does not block where no pod runs with it: that is a warning', () => {
    const plan = planOf({ pods: [aPod('irsa'), nodePod({ terminating: true })] });
    expect([plan.verdict, lossesOf(plan), checkOf(plan)?.status]).toEqual(['migrate', [NODES], 'warn']);
  });
});

describe('who loses nothing', () => {
  const only = (change: Partial<AttributedServiceAccount>) => ({ annotated: { seen: [annotated(change)] } });
  const none = { annotated: { seen: [controller] } };
  const EFS = 'aws-efs-csi-driver';
  const named = { labels: { 'app.kubernetes.io/name': EFS } };
  const ofEfs = { ...only(named), pods: [aPod('irsa'), nodePod(named)] };
  const efsUsesRole = { addons: [{ name: EFS, roleArn: ROLE }], associations: [], more: false };
  const owned = anAssociation({ id: 'a-efs', serviceAccount: NODES, ownerArn: anAddon().arn.replace(ADDON, EFS) });
  const migratingEfs = { ...ofEfs, roleUsers: { addons: [], associations: [owned], more: false } };
  const containers = aPod('irsa').containers.map((one) => ({ ...one, env: { ...one.env, AWS_ROLE_ARN: OTHER_ROLE } }));
  const cases: [string, Partial<AddonFacts>][] = [
    ['whose annotation another manager has set', only({ annotatedBy: ['kubectl'] })],
    ['whose annotation another manager has set as well', only({ annotatedBy: ['eks', 'helm'] })],
    ['with another role', only({ roleArn: OTHER_ROLE })],
    ['of another add-on that shares the role', { ...ofEfs, roleUsers: efsUsesRole }],
    ['of another add-on that migrates just now: its role is gone, and its annotations are not yet', migratingEfs],
    ['with an association', { bystanderAssociations: [anAssociation({ id: 'a-own', serviceAccount: NODES })] }],
    ['on the node role', { ...none, pods: [aPod('irsa'), aNodePod()] }],
    ['with another role in its pods', { ...none, pods: [aPod('irsa'), nodePod({ containers })] }],
    ['in another namespace', { ...none, pods: [aPod('irsa'), nodePod({ namespace: 'shop' })] }],
  ];
  it.each(cases)('a service account %s', (_, change) => {
    const plan = planOf(change);
    expect([plan.verdict, lossesOf(plan), checkOf(plan)]).toEqual(['migrate', [], undefined]);
  });
});

describe('an annotation that another manager has set', () => {
  const theirs = { annotated: { seen: [controller, annotated({ annotatedBy: ['kubectl'], roleArn: OTHER_ROLE })] } };
  it('goes with the service accounts of the add-on where a way deletes them', () => {
    const plan = planOf(theirs, { strategy: 'recreate' });
    expect(blockingChecks(plan)).toEqual(['identity-loss']);
    expect(plan.identityLosses).toMatchObject([{ serviceAccount: NODES, roleArn: OTHER_ROLE }]);
  });

  it('stays in place, and where they are preserved', () => {
    for (const request of [{ strategy: 'in-place' }, { strategy: 'recreate', preserve: true }] as const)
      expect(lossesOf(planOf(theirs, request))).toEqual([]);
  });

  it('goes by the ways that are left, or where none is left by those that were asked for', () => {
    const withdrawn = { ...theirs, offered: [{ version: 'v2', default: true, requiresIamPermissions: true }] };
    const left = planOf(withdrawn, { strategy: 'auto', maxDisruption: 'outage' });
    expect([left.attempts.map(({ strategy }) => strategy), lossesOf(left)]).toEqual([['in-place'], []]);
    const none = planOf(withdrawn, { strategy: 'recreate' });
    expect(blockingChecks(none)).toEqual(expect.arrayContaining(['version-offered', 'identity-loss']));
  });

  it('stays where it is not of the add-on', () => {
    const elsewhere = { 'app.kubernetes.io/name': 'shop' };
    const seen = [controller, annotated({ annotatedBy: ['kubectl'], labels: elsewhere })];
    const pods = [aPod('irsa'), nodePod({ labels: elsewhere })];
    expect(lossesOf(planOf({ annotated: { seen }, pods }, { strategy: 'recreate' }))).toEqual([]);
  });
});

describe('who loses something too', () => {
  const shared = { addons: [{ name: 'aws-efs-csi-driver', roleArn: ROLE }], associations: [], more: false };
  const owned = anAssociation({ id: 'a-owned', serviceAccount: NODES, ownerArn: anAddon().arn });
  const onPodIdentity = { ...aPod('pod-identity'), ...aNodePodIdentity };
  const unnamed = { annotated: { seen: [annotated({ labels: {} })] }, pods: [aPod('irsa'), nodePod({ labels: {} })] };
  const ofOwner: Partial<AddonFacts> = {
    annotated: { seen: [] },
    pods: [aPod('irsa'), onPodIdentity],
    roleUsers: { addons: [], associations: [owned], more: false },
  };
  const cases: [string, Partial<AddonFacts>, string?][] = [
    ['its own one, where another add-on shares the role', { roleUsers: shared }],
    ['one without a name, where another add-on shares the role', { roleUsers: shared, ...unnamed }],
    ['one whose pods have the role, and whose annotation is gone', { annotated: { seen: [controller] } }],
    ['one whose pods have the role, where service accounts may not be listed', { annotated: { error: '403' } }],
    ['one with an association that the add-on owns, and would not be asked for again', ofOwner, 'pod-identity'],
  ];
  it.each(cases)('%s', (_, change, identity = 'irsa') => {
    const plan = planOf(change);
    expect([blockingChecks(plan), lossesOf(plan)]).toEqual([['identity-loss'], [NODES]]);
    expect(plan.identityLosses[0]!.identity).toBe(identity);
  });
});

describe('a role for a service account that is not known as the one that loses it', () => {
  const unread = { pods: undefined, annotated: undefined, kubernetesError: 'Unauthorized (401)' };
  it('blocks where it does not have the identity of the add-on', () => {
    const plan = planOf({}, { roles: { shop: ROLE }, accept: [`identity-loss:${NODES}`] });
    expect(blockingChecks(plan)).toEqual(['role-service-accounts']);
    expect(checkOf(plan, 'role-service-accounts')?.remedy).toBe(`Name one of: ${SERVICE_ACCOUNT}, ${NODES}.`);
  });

  it.each([
    ['injected', 'unknown'],
    ['ready', 'unknown'],
    ['api', 'warn'],
  ] as const)('where nobody may look, with verification %s: %s', (verification, status) => {
    const plan = planOf(unread, { verification, roles: { [NODES]: ROLE } });
    expect(checkOf(plan, 'role-service-accounts')).toMatchObject(said(status, 'could not be read: Unauthorized (401)'));
    expect(plan.associations.some(({ standalone }) => standalone)).toBe(true);
  });

  it('says, where nobody may look, that losses are not known', () => {
    const plan = planOf(unread, { verification: 'api' });
    expect(plan.verdict).toBe('migrate');
    expect(checkOf(plan, 'kubernetes-access')?.message).toContain("other service accounts have the add-on's role");
  });
});

describe('an association that the service account has already', () => {
  const there = anAssociation({ id: 'a-of-nodes', serviceAccount: NODES });
  it('is kept where it has the role', () => {
    const plan = planOf({ associations: [there] }, { roles: { [NODES]: ROLE } });
    expect([plan.verdict, plan.existing, plan.purge, plan.carryOver]).toEqual(['migrate', ['a-of-nodes'], [], []]);
    expect(plan.checks.filter(({ id }) => id === 'associations').map(({ message }) => message)).toEqual([
      'No conflicting association exists.',
      'Association a-of-nodes for kube-system/ebs-csi-node-sa already has the planned role and is kept.',
    ]);
  });

  it.each([
    ['has another role', { roleArn: OTHER_ROLE }, /has role \S+third-party, and the request names/],
    ['is owned by an add-on', { ownerArn: anAddon().arn }, /is owned by an add-on/],
  ])('blocks where it %s', (_, change, message) => {
    const plan = planOf({ associations: [{ ...there, ...change }] }, { roles: { [NODES]: ROLE } });
    expect(blockingChecks(plan)).toEqual(['associations']);
    expect(checkOf(plan, 'associations')?.message).toMatch(message);
  });
});
