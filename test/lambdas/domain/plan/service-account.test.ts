/** The plan for a service account that is no add-on's: what it decides, and what it does not need to know for that. */
import type { Container } from '../../../../lambdas/domain/kubernetes/objects.ts';
import { describe, expect, it } from 'vitest';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import type { ServiceAccountFacts } from '../../../../lambdas/domain/plan/facts.ts';
import { ASSOCIATE } from '../../../../lambdas/domain/plan/attempts.ts';
import { blockingChecks } from '../../../../lambdas/domain/plan/plan.ts';
import { planServiceAccount } from '../../../../lambdas/domain/plan/service-account.ts';
import { ACCOUNT_NAMESPACE, ACCOUNT_TRUST, accountIrsaStatement } from '../../account-example.ts';
import {
  accountFacts,
  anAccountAssociation,
  anAccountPod,
  anAccountRequest,
  aState,
  plannedAccount,
} from '../../account-fixtures.ts';
import { addonArn, OTHER_ROLE, ROLE, target } from '../../example.ts';
import { answeredRights, GRANTED, trusting, at, RUN, policyText, aCluster } from '../../fixtures.ts';
import { containing, said, matching } from '../../matchers.ts';

const plan = (change: Partial<ServiceAccountFacts> = {}): Plan => planServiceAccount(accountFacts(change));
const asked = (request: Partial<MigrationRequestInput>, change: Partial<ServiceAccountFacts> = {}): Plan =>
  plan({ request: anAccountRequest(request), ...change });
const checkOf = ({ checks }: Plan, id: string): Check => checks.find((one) => one.id === id)!;
const THERE = anAccountAssociation();
const bare = aState({ roleArn: undefined, annotatedBy: [] });
const withOtherRole = { associations: [anAccountAssociation({ roleArn: OTHER_ROLE })] };
const removing = { verification: 'api', annotation: 'remove' } as const;
const moved: Partial<ServiceAccountFacts> = { associations: [THERE], pods: [anAccountPod('pod-identity')] };
/** The API server lets nobody in. */
const noPods = { pods: undefined, workloads: undefined, nodes: undefined, webhooks: undefined };
const noAgent = { agentWorkload: undefined, agentPods: undefined };
const closed = { ...noPods, ...noAgent, serviceAccount: undefined, kubernetesError: 'kubernetes: 403' };

describe('a service account on IRSA', () => {
  it('is migrated by one association with the role that it has, and every check passes but what no API tells', () => {
    const { verdict, attempts, associations, existing, purge, carryOver, namespace, serviceAccount, addon, checks } =
      plan();
    const message = containing('supports EKS Pod Identity: ebs-plugin:v1 is not in the table.');
    const open = checks.filter(({ status }) => status !== 'pass');
    expect(open).toMatchObject([{ id: 'aws-sdk-version', status: 'warn', message }]);
    expect({ verdict, attempts, associations, existing, purge, carryOver, namespace, serviceAccount, addon }).toEqual({
      verdict: 'migrate',
      attempts: [ASSOCIATE],
      associations: [plannedAccount],
      existing: [],
      purge: [],
      carryOver: [],
      namespace: ACCOUNT_NAMESPACE,
      serviceAccount: aState(),
      addon: undefined,
    });
  });

  it('says what it looked at, each once', () => {
    const ids = plan().checks.map(({ id }) => id);
    const some =
      'lock-free cluster-exists service-account service-account-owner service-account-uses-irsa agent role-exists step-rights pass-role associations rollout kubernetes-access';
    expect(ids).toEqual(expect.arrayContaining(some.split(' ')));
    expect(ids.filter((id) => ['associations', 'rollout', 'service-account'].includes(id))).toHaveLength(3);
  });

  it('gets the role that the request names', () => {
    const [trustPolicy, both] = [parseTrust(ACCOUNT_TRUST), [ROLE, OTHER_ROLE]];
    const roles = Object.fromEntries(both.map((arn) => [arn, { trustPolicy }]));
    const rolePolicies = Object.fromEntries(both.map((arn) => [arn, { policies: [] }]));
    const named = asked({ roleArn: OTHER_ROLE }, { roleGrants: GRANTED, roles, rolePolicies });
    expect(named).toMatchObject({ verdict: 'migrate', associations: [{ ...plannedAccount, roleArn: OTHER_ROLE }] });
  });

  it('gets no role of another account, and names the command for a target role', () => {
    const foreign = ROLE.replace(target.account, '444455556666');
    const { remedy } = checkOf(asked({ roleArn: foreign }), 'role-account');
    expect(remedy).toContain(`pod-identity trust target-role --role-arn ${foreign}`);
  });

  it('keeps an association that it has with that role', () => {
    const kept = plan({ associations: [THERE] });
    expect(kept).toMatchObject({ verdict: 'migrate', existing: [THERE.id], associations: [plannedAccount] });
    const why = `${THERE.id} already gives payments/api role ${ROLE} and is kept`;
    expect(checkOf(kept, 'associations')).toMatchObject(said('pass', why));
  });

  it('is migrated again if its pods do not use the existing association, or its annotation is to be removed', () => {
    const pods = [anAccountPod('pod-identity'), anAccountPod('irsa', { name: 'api-2' })];
    expect(plan({ associations: [THERE], pods }).verdict).toBe('migrate');
    expect(asked({ annotation: 'remove' }, moved)).toMatchObject({ verdict: 'migrate', existing: [THERE.id] });
  });
});

describe('a service account that is on Pod Identity', () => {
  it.each<[string, Partial<MigrationRequestInput>, Partial<ServiceAccountFacts>]>([
    ['with its annotation kept', {}, moved],
    ['with its annotation gone', { annotation: 'remove' }, { ...moved, serviceAccount: bare }],
    ['without an annotation', {}, { ...moved, serviceAccount: bare }],
    ['with the role of the request', { roleArn: ROLE }, { ...moved, serviceAccount: aState({ roleArn: OTHER_ROLE }) }],
    ['and has no pods', {}, { ...moved, pods: [] }],
    ['and has third-party pods', {}, { ...moved, pods: [anAccountPod('irsa', { serviceAccount: 'web', labels: {} })] }],
    ['as EKS says, where that is enough', { verification: 'api' }, { ...moved, pods: [anAccountPod('irsa')] }],
    ['as EKS says, where nobody may look', { verification: 'api' }, { ...closed, associations: [THERE] }],
  ])('%s has nothing left to do', (_, request, change) => {
    const done = asked(request, change);
    const nothing = { attempts: [], steps: [], associations: [], trustRepairs: [] };
    expect(done).toMatchObject({ verdict: 'already-migrated', ...nothing });
    expect(done.checks.at(-1)).toMatchObject({ id: 'already-on-pod-identity', ...said('pass', THERE.id) });
    expect(blockingChecks(done)).toEqual([]);
  });

  it('does not report pods as configured that were not read, and accepts those whose source is unknown', () => {
    expect(asked({ verification: 'api' }, moved).checks.at(-1)?.message).toMatch(/; its pods were not checked\.$/);
    expect(plan(moved).checks.at(-1)?.message).toMatch(/, and all its pods have its configuration\.$/);
    const pod = anAccountPod('pod-identity');
    const withProfile = (change: Partial<Container>): Partial<ServiceAccountFacts> => {
      const containers = pod.containers.map((one) => ({ ...one, env: { ...one.env, AWS_PROFILE: 'x' }, ...change }));
      return { ...moved, pods: [{ ...pod, containers }] };
    };
    expect(plan(withProfile({})).verdict).toBe('already-migrated');
    expect(plan(withProfile({ mounts: [] })).verdict).not.toBe('already-migrated');
  });

  it.each<[string, Partial<MigrationRequestInput>, Partial<ServiceAccountFacts>]>([
    ['its association has another role than its annotation', {}, { ...moved, ...withOtherRole }],
    ['its association has another role than the request', { roleArn: OTHER_ROLE }, moved],
    ['a pod has another identity', {}, { ...moved, pods: [anAccountPod('node-role')] }],
    ['of a pod it can not be told', {}, { ...moved, pods: [anAccountPod('unknown')] }],
    ['the pods could not be seen', {}, { ...closed, associations: [THERE] }],
    ['the annotation to remove could not be read', removing, { ...closed, associations: [THERE] }],
  ])('is not called so where %s', (_, request, change) =>
    expect(asked(request, change).verdict).not.toBe('already-migrated'),
  );
});

describe('a plan is blocked', () => {
  const lock = { ...RUN, since: at(-9), running: true, recovering: false };
  const by = (request: Partial<MigrationRequestInput>, change: Partial<ServiceAccountFacts> = {}) => {
    return { request: anAccountRequest(request), ...change };
  };
  const ownedByEfs = { associations: [anAccountAssociation({ ownerArn: addonArn(1, 'aws-efs-csi-driver') })] };
  const noPassing = answeredRights(accountFacts(), ({ action }) => ({
    decision: action === 'iam:PassRole' ? 'denied' : 'allowed',
  }));
  const BARE = { serviceAccount: bare };
  const ofEks = { serviceAccount: aState({ annotatedBy: ['helm', 'eks'] }) };
  const irsaOnly = { roles: trusting(policyText(accountIrsaStatement)) };
  const toOther = by({ roleArn: ROLE }, { serviceAccount: aState({ roleArn: OTHER_ROLE }), ...withOtherRole });
  const passable = { passableRoleArns: [OTHER_ROLE] };
  const rows: Record<string, [string, Partial<ServiceAccountFacts>, RegExp][]> = {
    'lock-free': [['another execution holds the lock', { lock }, /has held the lock on payments\/api of cluster dev/]],
    'cluster-exists': [
      ['there is no cluster', { cluster: undefined }, /Cluster dev does not exist/],
      ['the cluster is not ACTIVE', { cluster: aCluster({ status: 'UPDATING' }) }, /UPDATING/],
    ],
    'service-account': [
      ['there is none', { serviceAccount: undefined }, /Service account payments\/api does not exist in cluster dev/],
    ],
    'service-account-owner': [
      ['it is of an add-on', { ownerAddon: 'aws-ebs-csi-driver' }, /belongs to add-on aws-ebs-csi-driver/],
      ['an add-on owns its association', { ...moved, ...ownedByEfs }, /belongs to add-on aws-efs-csi-driver/],
      ['EKS manages its annotation', ofEks, /belongs to an add-on: EKS itself has set its annotation/],
    ],
    'service-account-uses-irsa': [
      ['it has no annotation', BARE, /has no annotation eks\.amazonaws\.com\/role-arn: its pods use the node role/],
      [
        'it has no annotation but an association that its pods do not use',
        { ...BARE, associations: [THERE] },
        /no annotation eks\.amazonaws\.com\/role-arn, but association .*; some of its pods do not use the association/,
      ],
      ['it has no annotation, and the request names a role', by({ roleArn: ROLE }, BARE), /has no annotation/],
      [
        'the API server is closed, and no role is named',
        by({ verification: 'api' }, closed),
        /The IRSA role of the service account could not be read, and the request names no role/,
      ],
    ],
    associations: [
      [
        'its association has another role',
        withOtherRole,
        /has association .* with role .*third-party, and its annotation names .*ebs-csi/,
      ],
      ['the request names another role than its association has', toOther, /and the request names .*ebs-csi/],
    ],
    agent: [['there is no agent', { agentAddon: undefined, agentWorkload: undefined }, /not installed/]],
    'role-exists': [['its role is gone', { roles: {} }, /IAM has no role/]],
    'role-trust': [['the role does not let Pod Identity in', irsaOnly, /pods\.eks\.amazonaws\.com/]],
    'step-rights': [
      [
        'IAM does not let it pass the role',
        { rights: noPassing },
        /role\/create-association \(create-association\) to pass .*ebs-csi to pods\.eks\.amazonaws\.com or eks\.amazonaws\.com, .*\(restore-associations\) to pass .* for the rollback\.$/,
      ],
    ],
    'pass-role': [
      ['it may not be passed', passable, /does not allow it to pass .*ebs-csi to pods\.eks\.amazonaws\.com \(/],
      [
        'the deployment may not give the role of the annotation again',
        by({ annotation: 'remove', roleArn: OTHER_ROLE }, passable),
        /does not allow it to pass .*ebs-csi to pods by the annotation for the rollback/,
      ],
    ],
    'kubernetes-access': [
      ['no pod runs with it', { pods: [] }, /No pod runs with api, so/],
      ['pods that must be read are not', by({ roleArn: ROLE }, closed), /could not be read: kubernetes: 403/],
    ],
    annotation: [
      [
        'its annotation is to be removed and could not be read',
        by({ verification: 'api', roleArn: ROLE, annotation: 'remove' }, closed),
        /could not be read, so it cannot be removed/,
      ],
    ],
  };
  const each = Object.entries(rows).flatMap(([id, those]) => those.map((row) => [id, ...row] as const));
  it.each(each)('by %s where %s, and says so', (id, _, change, message) => {
    const blocked = plan(change);
    expect(blocked).toMatchObject({ verdict: 'blocked', attempts: [], steps: [], trustRepairs: [] });
    expect(blockingChecks(blocked)).toContain(id);
    const check = blocked.checks.find((one) => one.id === id && one.status !== 'pass' && one.status !== 'warn')!;
    expect([check.message, check.remedy]).toEqual([matching(message), matching(/\w{4,}/)]);
  });

  it('by the lock alone: nothing else is said of what was not read', () =>
    expect(plan({ lock }).checks.map(({ id }) => id)).toEqual(['lock-free']));

  it("by its owner, and names the add-on's own migration", () =>
    expect(checkOf(plan({ ownerAddon: 'aws-ebs-csi-driver' }), 'service-account-owner').remedy).toBe(
      'Migrate the add-on instead: pod-identity migrate --cluster dev --region eu-west-1 --account 111122223333 --addon aws-ebs-csi-driver --deployed',
    ));

  it('and tells both ways out of two roles', () => {
    const { remedy } = checkOf(plan({ associations: [anAccountAssociation({ roleArn: OTHER_ROLE })] }), 'associations');
    expect(remedy).toContain(`--role-arn ${OTHER_ROLE} .`);
    expect(remedy).toContain(
      `aws eks update-pod-identity-association --region eu-west-1 --cluster-name dev --association-id ${THERE.id} --role-arn ${ROLE}`,
    );
  });
});

describe('where the API server is closed', () => {
  it('the role that the request names is taken, where what EKS says is enough, with a warning', () => {
    const open = asked({ verification: 'api', roleArn: ROLE }, { ...closed, roleGrants: GRANTED });
    expect(open).toMatchObject({ verdict: 'migrate', associations: [plannedAccount], namespace: ACCOUNT_NAMESPACE });
    expect([open.serviceAccount, checkOf(open, 'service-account-uses-irsa').status]).toEqual([undefined, 'warn']);
    expect(checkOf(open, 'kubernetes-access').status).toBe('warn');
    // What nobody saw is not said to be there, or not.
    expect(open.checks.map(({ id }) => id)).not.toContain('service-account');
  });

  const GRANT =
    'pod-identity grant-access --cluster dev --region eu-west-1 --account 111122223333 --service-account payments/api';
  it.each<[string, Partial<MigrationRequestInput>, string[]]>([
    ['a warning', { verification: 'api', roleArn: ROLE }, ['service-account-uses-irsa', 'kubernetes-access']],
    ['no role that is named', { verification: 'api' }, ['service-account-uses-irsa']],
    ['pods that must be read', { roleArn: ROLE }, ['kubernetes-access']],
    [
      'an annotation that is to be removed',
      { verification: 'api', roleArn: ROLE, annotation: 'remove' },
      ['service-account-uses-irsa', 'kubernetes-access', 'annotation'],
    ],
  ])('(%s) says what to grant for that service account', (_, request, ids) => {
    const flags = request.annotation === 'remove' ? ' --annotation remove' : '';
    for (const id of ids) expect(checkOf(asked(request, closed), id).remedy).toContain(`${GRANT}${flags} --deployed`);
  });

  it.each<['keep' | 'remove', string]>([
    ['keep', ''],
    ['remove', ' --annotation remove'],
  ])('in part, says so too (annotation: %s)', (annotation, flags) => {
    const unseen = asked({ annotation }, { nodes: { error: 'forbidden' }, webhooks: { error: 'forbidden' } });
    for (const id of ['unsupported-compute', 'agent-nodes', 'webhook'])
      expect(checkOf(unseen, id).remedy?.endsWith(`${GRANT}${flags} --deployed`)).toBe(true);
  });
});
