import * as fc from 'fast-check';
import { parsePolicy } from '../../../../lambdas/domain/policy/index.ts';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import { describe, expect, it } from 'vitest';
import { plan as planSchema, type Plan } from '../../../../lambdas/domain/record/plan.ts';
import type { AddonFacts as Facts, CallAnswer } from '../../../../lambdas/domain/plan/facts.ts';
import { blockingChecks, planMigration, plannedAssociations } from '../../../../lambdas/domain/plan/plan.ts';
import { addonArn, OTHER_ROLE, ROLE, ROLES_OF_ACCOUNT, target } from '../../example.ts';
import { at, OTHER_EXECUTION, OTHER_MIGRATION_ID } from '../../run-examples.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';
import { aCluster, agentDaemonSet, anAddon, anAssociation, aPod, associationArn } from '../../eks-fixtures.ts';
import {
  answeredRights,
  aRequest,
  IN_PLACE,
  GRANTED,
  RECREATE_PRESERVING,
  someFacts,
  trusting,
  aWorkload,
  planned,
  aMigratedAddon,
} from '../../fixtures.ts';
import { said, matching } from '../../matchers.ts';
import { runs } from '../../../runs.ts';
import { forAllIn } from '../../../for-all.ts';

/** The controller was scaled by hand. */
const managers = { eks: '.spec.selector', 'kubectl-edit': '.spec.replicas' };
const managedFields = Object.entries(managers).map(([manager, field]) => ({ manager, fields: [field] }));
const edited = [aWorkload({ managedFields })];

/** The value of its key is not known in advance. */
const onAccount = { ...podIdentityStatement, Condition: { StringEquals: { 'aws:PrincipalAccount': '111122223333' } } };

const EMPTY = {
  offered: [],
  podIdentity: [],
  roles: {},
  associations: [],
  pods: undefined,
  agentAddon: undefined,
  agentWorkload: undefined,
};
const ADMINISTRATOR = { name: 'AdministratorAccess', arn: 'arn:aws:iam::aws:policy/AdministratorAccess' };
const INSTRUMENTATIONS = { group: 'opentelemetry.io', version: 'v1alpha1', plural: 'instrumentations' };
const otherLock = { migrationId: OTHER_MIGRATION_ID, executionArn: OTHER_EXECUTION, since: at(-60), recovering: false };
const ids = (plan: Plan): string[] => plan.checks.map((check) => check.id);

describe('planMigration', () => {
  it('says migrate when nothing blocks, with what it will do', () => {
    const plan = planMigration(someFacts());
    expect(plan).toMatchObject({
      verdict: 'migrate',
      strategy: 'auto',
      preserve: false,
      attempts: [IN_PLACE, RECREATE_PRESERVING],
      namespace: 'kube-system',
      associations: [planned],
      existing: [],
      purge: [],
      carryOver: [],
      trustRepairs: [],
      addon: { name: 'aws-ebs-csi-driver' },
    });
    expect(ids(plan).join(' ')).toBe(
      [
        'lock-free cluster-exists addon-installed addon-uses-irsa addon-risk pod-identity-support version-offered',
        'configuration-valid field-managers step-rights agent role-account role-exists role-trust role-grant',
        'role-sharing session-tags pass-role rollback-trust associations association-quota owners',
        'platform-version node-role unsupported-compute agent-nodes webhook static-credentials aws-sdk-version',
        'kubernetes-access consumers duration',
      ].join(' '),
    );
    expect(plan.checks.filter((check) => check.status !== 'pass').map((check) => check.id)).toEqual([]);
    expect(blockingChecks(plan)).toEqual([]);
  });

  it('stops at a lock that another run holds', () => {
    const plan = planMigration(someFacts({ lock: { ...otherLock, running: true } }));
    expect([plan.verdict, ids(plan), plan.attempts, plan.steps]).toEqual(['blocked', ['lock-free'], [], []]);
  });
  it('stops at a cluster that is not there', () => {
    const plan = planMigration(someFacts({ cluster: undefined, addon: undefined, ...EMPTY }));
    expect(plan).toMatchObject({ verdict: 'blocked', steps: [], associations: [] });
    expect([ids(plan), plan.addon]).toEqual([['lock-free', 'cluster-exists'], undefined]);
  });
  it('stops at an add-on that is not there', () => {
    const plan = planMigration(someFacts({ addon: undefined, ...EMPTY }));
    expect([plan.verdict, ids(plan)]).toEqual(['blocked', ['lock-free', 'cluster-exists', 'addon-installed']]);
  });

  it('knows an add-on that has moved already', () => {
    const moved = aMigratedAddon([associationArn('a-1')]);
    const plan = planMigration(someFacts({ addon: moved, agentAddon: undefined, agentWorkload: undefined }));
    expect(plan).toMatchObject({ verdict: 'already-migrated', attempts: [], steps: [], associations: [], purge: [] });
    expect(plan.checks.at(-1)).toMatchObject({ id: 'already-on-pod-identity', ...said('pass', '1 associations') });
  });
  it('does not call it moved while it still has its IRSA role', () => {
    const both = anAddon({ podIdentityAssociations: [associationArn('a-1')] });
    expect(planMigration(someFacts({ addon: both })).verdict).toBe('migrate');
  });

  it('goes on over a warning', () => {
    const other = { ...irsaStatement, Sid: 'x', Principal: { Federated: 'arn:other' } };
    const roles = trusting(policyText(other, podIdentityStatement));
    const plan = planMigration(someFacts({ associations: [anAssociation()], roles }));
    const warnings = plan.checks.filter((check) => check.status === 'warn').map((check) => check.id);
    expect(warnings).toEqual(['role-sharing', 'rollback-trust', 'associations']);
    const left = ['a-left00000000000001'];
    expect(plan).toMatchObject({ verdict: 'migrate', existing: left, purge: left });
  });
  it('lists each blocking check once', () => {
    const plan = planMigration(
      someFacts({
        pods: undefined,
        kubernetesError: 'no',
        request: aRequest({ roles: { shop: ROLE, cart: ROLE } }),
        roleGrants: GRANTED,
        agentAddon: undefined,
        agentWorkload: undefined,
      }),
    );
    expect(blockingChecks(plan)).toEqual(['agent', 'role-service-accounts', 'kubernetes-access']);
  });

  it('blocks exactly on fail and unknown, and every check but a pass has a remedy', () => {
    const maybe = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
    const facts = fc
      .record({
        request: maybe(
          aRequest(),
          aRequest({ preserve: true }),
          aRequest({ maxDisruption: 'outage' }),
          aRequest({ strategy: 'recreate' }),
          aRequest({ strategy: 'recreate', maxDisruption: 'rolling' }),
          aRequest({ strategy: 'in-place', resolveConflicts: 'NONE' }),
          aRequest({ addon: 'vpc-cni', strategy: 'recreate' }),
          aRequest({ addon: 'adot', maxDisruption: 'outage', resolveConflicts: 'OVERWRITE' }),
          aRequest({ addon: 'coredns' }),
          aRequest({ addon: 'somebodys', maxDisruption: 'outage' }),
          aRequest({ roleArn: OTHER_ROLE }),
          aRequest({ roles: { shop: ROLE } }),
          aRequest({ trust: 'repair' }),
          aRequest({ accept: ['condition-key:aws:PrincipalAccount'] }),
        ),
        cluster: maybe(
          undefined,
          aCluster(),
          aCluster({ status: 'CREATING' }),
          aCluster({ autoMode: true }),
          aCluster({ oidcIssuer: undefined }),
        ),
        addon: maybe(
          undefined,
          anAddon(),
          anAddon({ status: 'DEGRADED' }),
          anAddon({ serviceAccountRoleArn: undefined }),
          aMigratedAddon(['a']),
          anAddon({ version: 'v0' }),
        ),
        agentWorkload: maybe(undefined, agentDaemonSet(), agentDaemonSet({ ready: 1 })),
        podIdentity: maybe(someFacts().podIdentity, []),
        newerVersionWithPodIdentity: maybe(undefined, 'v2'),
        roles: maybe<Facts['roles']>(
          { [ROLE]: { trustPolicy: parseTrust(bothWays) } },
          {},
          { [ROLE]: { trustPolicy: parseTrust('{') } },
          { [ROLE]: { trustPolicy: parseTrust(policyText(irsaStatement)) } },
          { [ROLE]: { trustPolicy: parseTrust(policyText(irsaStatement, onAccount)) } },
        ),
        repairableRoleArns: maybe([], [ROLE], [OTHER_ROLE]),
        roleUsers: maybe<Facts['roleUsers']>(undefined, {
          addons: [{ name: 'adot', roleArn: ROLE }],
          associations: [anAssociation({ namespace: 'web', serviceAccount: 'shop' })],
          more: true,
          error: 'no',
        }),
        rolePolicies: maybe<Facts['rolePolicies']>(
          {},
          { [ROLE]: { policies: [], error: 'no' } },
          {
            [ROLE]: { policies: [ADMINISTRATOR, { name: 'odd', document: parsePolicy('{', 'identity') }] },
          },
        ),
        associations: maybe(
          [],
          [anAssociation()],
          [anAssociation({ tags: { iac: 'pulumi' } })],
          [anAssociation({ targetRoleArn: OTHER_ROLE, externalId: 'x', tags: { team: 'a' } })],
          [anAssociation({ roleArn: OTHER_ROLE })],
          [anAssociation({ ownerArn: addonArn(1) })],
        ),
        associationCount: maybe(undefined, 5000),
        passableRoleArns: maybe([ROLES_OF_ACCOUNT], []),
        configurationSchema: maybe(undefined, someFacts().configurationSchema, '{"type":"array"}', '{'),
        workloads: maybe(someFacts().workloads, undefined, edited),
        lock: maybe(undefined, undefined, undefined, { ...otherLock, running: false, outcome: 'needs-human' as const }),
        customResources: maybe(
          [],
          [{ kind: INSTRUMENTATIONS, instances: ['web/shop'] }],
          [{ kind: INSTRUMENTATIONS, instances: [], error: 'Forbidden' }],
        ),
        pods: maybe(undefined, [], [aPod('irsa')]),
      })
      .map(someFacts);
    const answers = fc.constantFrom<CallAnswer>(
      { decision: 'allowed' },
      { decision: 'denied', why: 'no' },
      { decision: 'unknown', why: 'who knows' },
    );
    forAllIn(runs(800, 2500), facts, answers, fc.boolean(), (others, answer, always) => {
      const isAnswered = (step: string): boolean => always || step === 'create-addon';
      const rights = answeredRights(others, ({ step }) => (isAnswered(step) ? answer : { decision: 'allowed' }));
      const some = { ...others, rights };
      const plan = planMigration(some);
      expect(planSchema.parse(plan)).toEqual(plan);
      const blocking = plan.checks.filter((check) => check.status === 'fail' || check.status === 'unknown');
      expect(['blocked', 'keep-irsa'].includes(plan.verdict)).toBe(blocking.length > 0);
      // One reason to keep IRSA decides, and is what a reader sees first.
      const reasons = plan.checks.filter(({ keepIrsa }) => keepIrsa);
      expect(plan.verdict === 'keep-irsa').toBe(reasons.length > 0);
      expect(plan.checks.slice(0, reasons.length)).toEqual(reasons);
      expect(reasons.every(({ status, remedy }) => status === 'fail' && /^Keep IRSA\b/.test(remedy ?? ''))).toBe(true);
      expect(plan.steps.length > 0).toBe(plan.verdict === 'migrate');
      expect(plan.attempts.length > 0).toBe(plan.verdict === 'migrate');
      expect(plan.trustRepairs.length === 0 || plan.verdict === 'migrate').toBe(true);
      expect(plan.existing).toEqual(expect.arrayContaining(plan.purge));
      const cutting = plan.attempts.filter(({ strategy, preserve }) => strategy === 'recreate' && !preserve);
      expect(some.request.addon === 'vpc-cni' && cutting.length > 0).toBe(false);
      expect(plan.checks.filter((check) => check.status !== 'pass' && !check.remedy)).toEqual([]);
      // No message shows a hole where a name should be.
      for (const check of plan.checks)
        expect(`${check.message} ${check.remedy ?? ''}`).not.toMatch(/undefined|null|\[object|NaN| {2}/);
    });
  });
});

describe('plannedAssociations', () => {
  const two = [...someFacts().podIdentity, { serviceAccount: 'second-sa', recommendedManagedPolicies: [] }];
  const rolesFor = (change: Parameters<typeof aRequest>[0]): (string | undefined)[] =>
    plannedAssociations(someFacts({ request: aRequest(change), podIdentity: two })).map((one) => one.roleArn);

  it('gives every service account of the version its present role', () => expect(rolesFor({})).toEqual([ROLE, ROLE]));
  it("takes the request's role before it, and a role by name before both", () => {
    expect(rolesFor({ roleArn: OTHER_ROLE })).toEqual([OTHER_ROLE, OTHER_ROLE]);
    expect(rolesFor({ roleArn: OTHER_ROLE, roles: { 'second-sa': ROLE } })).toEqual([OTHER_ROLE, ROLE]);
  });
  it('is not misled by a service account that is called like a member of every object', () => {
    const podIdentity = [{ serviceAccount: 'constructor', recommendedManagedPolicies: [] }];
    expect(plannedAssociations(someFacts({ podIdentity })).map((one) => one.roleArn)).toEqual([ROLE]);
  });
  it('plans nothing where no role is known', () =>
    expect(plannedAssociations(someFacts({ addon: anAddon({ serviceAccountRoleArn: undefined }) }))).toEqual([]));
});

describe('the hash of a plan', () => {
  const hashOf = (change: Partial<Facts>): string => planMigration(someFacts(change)).hash;
  const base = hashOf({});

  it('is a SHA-256 that equal facts share', () =>
    expect([base, hashOf({})]).toEqual([matching(/^[0-9a-f]{64}$/), base]));
  it.each<[string, Partial<Facts>]>([
    ['the role', { request: aRequest({ roleArn: OTHER_ROLE }) }],
    ['the present role of the add-on', { addon: anAddon({ serviceAccountRoleArn: OTHER_ROLE }) }],
    ['the trust policy', { roles: trusting(policyText(podIdentityStatement)) }],
    ['the version', { addon: anAddon({ version: 'v1.40.0-eksbuild.1' }) }],
    ['the configuration', { addon: anAddon({ configurationValues: '{}' }) }],
    ['the associations there', { associations: [anAssociation()] }],
    ['the service accounts', { podIdentity: [{ serviceAccount: 'other', recommendedManagedPolicies: [] }] }],
    ['preserve', { request: aRequest({ preserve: true }) }],
    ['the strategy', { request: aRequest({ strategy: 'in-place' }) }],
    ['how far it may go', { request: aRequest({ maxDisruption: 'outage' }) }],
    ['consent', { request: aRequest({ resolveConflicts: 'OVERWRITE' }) }],
    ['a way that is left out', { workloads: edited }],
    ['what is carried over', { associations: [anAssociation({ targetRoleArn: OTHER_ROLE })] }],
    ['the keys that are accepted', { request: aRequest({ accept: ['condition-key:aws:PrincipalAccount'] }) }],
    ['the consumers that are accepted', { request: aRequest({ accept: ['consumer:SecretStore/shop/aws'] }) }],
    ['the target roles that are accepted', { request: aRequest({ accept: [`target-role:${OTHER_ROLE}`] }) }],
    ['the network policies that are accepted', { request: aRequest({ accept: ['network-policy:NetworkPolicy/a/b'] }) }],
    ['the cluster asked for', { request: aRequest({ target: { ...target, region: 'eu-west-2' } }) }],
  ])('changes with %s', (_, change) => expect(hashOf(change)).not.toBe(base));
  it.each<[string, Partial<Facts>]>([
    ['a repair that is not needed', { request: aRequest({ trust: 'repair' }), repairableRoleArns: [ROLE] }],
    ['who else uses it', { roleUsers: { addons: [{ name: 'adot', roleArn: ROLE }], associations: [], more: false } }],
    ['the requester and the reason', { request: aRequest({ requestedBy: 'me', reason: 'because' }) }],
    ['how many nodes the agent runs on', { agentWorkload: agentDaemonSet({ desired: 9, ready: 9 }) }],
  ])('does not change with %s', (_, change) => expect(hashOf(change)).toBe(base));

  it('changes with what a repair writes', () => {
    const repaired = (statement: object): Plan =>
      planMigration(
        someFacts({
          request: aRequest({ trust: 'repair' }),
          repairableRoleArns: [ROLE],
          roles: trusting(policyText(irsaStatement, statement)),
        }),
      );
    const plans = ['sts:AssumeRole', 'sts:TagSession'].map((Action) => repaired({ ...podIdentityStatement, Action }));
    for (const { trustRepairs, verdict } of plans) expect([trustRepairs.length, verdict]).toEqual([1, 'migrate']);
    expect(plans[0]?.hash).not.toBe(plans[1]?.hash);
  });

  it('does not change with the order of keys', () => {
    const shuffled = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).toReversed()) as T;
    const tags = { team: 'storage', a: '1', b: '2' };
    const roles = { [ROLE]: { trustPolicy: parseTrust(bothWays) }, [OTHER_ROLE]: undefined };
    const other = hashOf({ addon: shuffled(anAddon({ tags: shuffled(tags) })), roles: shuffled(roles) });
    expect(other).toBe(hashOf({ addon: anAddon({ tags }), roles }));
  });
  it('does change with the order of a list', () => {
    const two = [anAssociation({ id: 'a-1' }), anAssociation({ id: 'a-2' })];
    expect(hashOf({ associations: two })).not.toBe(hashOf({ associations: two.toReversed() }));
  });
});
