import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Check } from '../../../lambdas/domain/terms/check.ts';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import { planMigration } from '../../../lambdas/domain/plan/plan.ts';
import { rolesOf } from '../../../lambdas/domain/plan/roles.ts';
import {
  classify,
  locationReason,
  stateReason,
  unreachableCluster,
  type SeenAddon,
} from '../../../lambdas/domain/sweep/classify.ts';
import { sweepClass, sweepFinding } from '../../../lambdas/domain/sweep/model.ts';
import { aCluster, anAddon, aNodePod, aPod } from '../eks-fixtures.ts';
import { aRequest, someFacts, ADDON, OTHER_ROLE, ROLE, SERVICE_ACCOUNT, VERSION } from '../fixtures.ts';
import { forAllIn } from '../../for-all.ts';

const seen = { name: ADDON, version: VERSION };
const planWith = (change: Partial<Plan>): Plan => ({ ...planMigration(someFacts()), ...change });
const aCheck = (id: string, status: Check['status'] = 'fail', message = `${id} blocks the migration.`): Check => ({
  id,
  status,
  message,
  remedy: `Mend ${id}.`,
});
const blocked = (...checks: Check[]): Plan => planWith({ verdict: 'blocked', checks });

describe('the class of an add-on', () => {
  it('is ready if a migration would start, with the roles that it would lock', () => {
    const plan = planMigration(someFacts());
    expect(plan.verdict).toBe('migrate');
    const ready = { addon: ADDON, version: VERSION, class: 'ready', checks: [], roles: [ROLE] };
    expect(classify({ ...seen, plan, agentKnown: true })).toEqual(ready);
    const association = { namespace: 'kube-system', serviceAccount: SERVICE_ACCOUNT, roleArn: OTHER_ROLE };
    const other = { ...plan, associations: [association] };
    expect(classify({ ...seen, plan: other, agentKnown: true }).roles).toEqual([...rolesOf(other)].sort());
    expect(rolesOf(other)).toEqual(new Set([ROLE, OTHER_ROLE]));
    // In one order, whichever of them the add-on has.
    const associations = [{ ...association, roleArn: ROLE }];
    const turned = { ...other, addon: anAddon({ serviceAccountRoleArn: OTHER_ROLE }), associations };
    expect(classify({ ...seen, plan: turned, agentKnown: true }).roles).toEqual([ROLE, OTHER_ROLE].sort());
  });

  it('is blocked, with each blocking check once and its remedy', () => {
    const trusts = ['Of role a.', 'Of role b.'].map((message) => aCheck('role-trust', 'fail', message));
    const others = [aCheck('nodes', 'pass'), aCheck('agent'), aCheck('proxy', 'unknown')];
    const plan = blocked(aCheck('agent'), aCheck('webhook', 'warn'), ...trusts, ...others);
    expect(classify({ ...seen, plan, agentKnown: true })).toMatchObject({
      class: 'blocked',
      roles: [],
      checks: [
        { id: 'agent', message: 'agent blocks the migration.', remedy: 'Mend agent.' },
        { id: 'role-trust', message: 'Of role a. Of role b.', remedy: 'Mend role-trust.' },
        { id: 'proxy', message: 'proxy blocks the migration.', remedy: 'Mend proxy.' },
      ],
    });
  });

  it('is keep-irsa if IRSA is the better fit, with the reason first, whatever else blocks', () => {
    const plan = planMigration(someFacts({ cluster: aCluster({ onOutposts: true }), roles: {} }));
    for (const unanswered of [undefined, 'No answer from the API server.']) {
      const finding = classify({ ...seen, plan, agentKnown: false, unanswered });
      expect(finding).toMatchObject({ class: 'keep-irsa', roles: [] });
      expect(finding.checks.map(({ id, keepIrsa }) => [id, keepIrsa])).toEqual([
        ['unsupported-compute', true],
        ...finding.checks.slice(1).map(({ id }) => [id, undefined]),
      ]);
      expect(finding.checks.length).toBeGreaterThan(1);
    }
  });

  it('is blocked if pods would lose their identity, until the sweep accepts that', () => {
    const nodes = aNodePod({ ...aPod('irsa'), name: 'node', uid: 'node', serviceAccount: 'ebs-csi-node-sa' });
    const by = { annotatedBy: ['eks'], labels: {}, annotations: {}, managers: ['eks'] };
    const lost = { namespace: 'kube-system', name: 'ebs-csi-node-sa', roleArn: ROLE, ...by };
    const facts = { annotated: { seen: [lost] }, pods: [aPod('irsa'), nodes] };
    const classOf = (...acceptedLosses: string[]) => {
      const plan = planMigration(
        someFacts({
          ...facts,
          request: aRequest({ accept: acceptedLosses.map((name) => `identity-loss:${name}`) }),
        }),
      );
      return classify({ ...seen, plan, agentKnown: true });
    };
    expect(classOf()).toMatchObject({ class: 'blocked', checks: [{ id: 'identity-loss' }] });
    expect(classOf('ebs-csi-node-sa').class).toBe('ready');
  });

  const access = aCheck('kubernetes-access', 'unknown');
  const ROLE_UNKNOWN = aCheck('role-grant', 'unknown');
  const unanswered = 'No answer from the API server.';
  it.each<[string, Check[], boolean, string]>([
    ['nothing but that blocks', [access], true, 'unreachable'],
    ['an agent that EKS does not know may be there all the same', [access, aCheck('agent')], false, 'unreachable'],
    ['EKS knows the agent, which is not right', [access, aCheck('agent')], true, 'blocked'],
    ['the role does not let pods in', [access, aCheck('role-trust')], true, 'blocked'],
    ['an annotation could have shown whose the role is', [access, ROLE_UNKNOWN], true, 'unreachable'],
    ['nothing shows whose the role is', [access, aCheck('role-grant')], true, 'blocked'],
  ])('if the API server could not be read, and %s', (_, checks, agentKnown, expected) => {
    const finding = classify({ ...seen, plan: blocked(...checks), agentKnown, unanswered });
    expect([finding.class, finding.reason]).toEqual([expected, expected === 'unreachable' ? unanswered : undefined]);
    // A refusal is an answer: access can be granted.
    expect(classify({ ...seen, plan: blocked(...checks), agentKnown }).class).toBe('blocked');
  });

  it.each<[string, Partial<ReturnType<typeof anAddon>>, string[], string[], string]>([
    ['it has associations by its own word', { podIdentityAssociations: ['arn'] }, [], [], 'on-pod-identity'],
    ['each of its service accounts has one', {}, ['a', 'b'], ['b', 'a'], 'on-pod-identity'],
    ['one of them has none', {}, ['a', 'b'], ['a'], 'node-role'],
    ['none of them has one', {}, ['a'], [], 'node-role'],
    ['it is known to need rights, and its version takes no association', {}, [], [], 'node-role'],
    ['nobody knows it, and it takes associations', { name: 'somebodys-addon' }, ['a'], [], 'node-role'],
    ['nobody knows it, and it takes none', { name: 'somebodys-addon' }, [], [], 'not-concerned'],
    ['it needs no permissions', { name: 'coredns' }, [], [], 'not-concerned'],
  ])('without a role, if %s', (_, change, takes, associated, expected) => {
    const { serviceAccountRoleArn: _role, ...addon } = anAddon(change);
    const finding = classify({ name: addon.name, addon, takes, associated });
    expect(finding.class).toBe(expected);
    expect(finding.reason?.includes('no permissions in AWS') ?? false).toBe(expected === 'not-concerned');
  });

  it('is not-concerned if it was left out, and unreachable if it could not be read, with the reason', () => {
    const [none, reason] = [{ checks: [], roles: [] }, 'The sweep selects other add-ons.'];
    const found = { addon: ADDON, class: 'not-concerned', reason, ...none };
    expect(classify({ name: ADDON, leftOut: reason })).toEqual(found);
    const unread = { class: 'unreachable', reason: 'Rate exceeded', ...none };
    expect(classify({ ...seen, unread: unread.reason })).toEqual({ addon: ADDON, version: VERSION, ...unread });
  });

  const aBlockingCheck = fc
    .tuple(
      fc.constantFrom('agent', 'kubernetes-access', 'role-trust', 'cluster-exists'),
      fc.constantFrom('fail' as const, 'unknown' as const),
    )
    .map(([id, status]) => aCheck(id, status));
  const aPlan = fc.oneof(
    fc.constant(planMigration(someFacts())),
    fc.constant(planWith({ verdict: 'already-migrated' })),
    fc
      .array(aBlockingCheck, { minLength: 1, maxLength: 6 })
      .map((checks) => blocked(...checks, aCheck('webhook', 'warn'))),
    fc.constant(planMigration(someFacts({ cluster: aCluster({ onOutposts: true }) }))),
  );
  const anySeen: fc.Arbitrary<SeenAddon> = fc.oneof(
    fc.record({ name: fc.constant(ADDON), leftOut: fc.constant('left out') }),
    fc.record({ name: fc.constant(ADDON), unread: fc.constant('unread') }),
    fc.record({
      name: fc.constant(ADDON),
      addon: fc.constantFrom('coredns', 'vpc-cni', 'unknown').chain((name) =>
        fc.array(fc.constant('arn'), { maxLength: 2 }).map((podIdentityAssociations) => {
          const { serviceAccountRoleArn: _role, ...addon } = anAddon({ name, podIdentityAssociations });
          return addon;
        }),
      ),
      takes: fc.subarray(['a', 'b', 'c']),
      associated: fc.subarray(['a', 'b', 'c']),
    }),
    fc.record({
      name: fc.constant(ADDON),
      plan: aPlan,
      agentKnown: fc.boolean(),
      unanswered: fc.option(fc.constant('no answer'), { nil: undefined }),
    }),
  );
  it('is exactly one, with the fields of that class only', () => {
    const found = new Set<string>();
    forAllIn(500, anySeen, (one) => {
      const finding = classify(one);
      expect(sweepFinding.parse(finding)).toEqual(finding);
      found.add(finding.class);
      expect(finding.reason !== undefined).toBe(['not-concerned', 'unreachable'].includes(finding.class));
      expect(finding.checks.length > 0).toBe(['blocked', 'keep-irsa'].includes(finding.class));
      expect(finding.checks.some(({ keepIrsa }) => keepIrsa)).toBe(finding.class === 'keep-irsa');
      expect(finding.roles.length > 0).toBe(finding.class === 'ready');
      expect(new Set(finding.checks.map(({ id }) => id)).size).toBe(finding.checks.length);
      // Nothing is migrated that its plan does not let through.
      expect(finding.class === 'ready').toBe('plan' in one && one.plan.verdict === 'migrate');
    });
    expect([...found].sort()).toEqual([...sweepClass.options].sort());
  });
});

describe('a cluster', () => {
  it('is inspected while it is ACTIVE or UPDATING', () => {
    for (const status of ['ACTIVE', 'UPDATING']) expect(stateReason('dev', status)).toBeUndefined();
    for (const status of ['CREATING', 'DELETING', 'FAILED', 'PENDING'])
      expect(stateReason('dev', status)).toBe(`Cluster dev is ${status}.`);
  });
  it('has a finding of its own if nothing is known of it', () => {
    const finding = { class: 'unreachable', reason: 'why', checks: [], roles: [] };
    expect(sweepFinding.parse(unreachableCluster('why'))).toEqual(finding);
  });

  it('explain that a region is most likely not enabled', () => {
    const location = { account: '111122223333', region: 'eu-south-1' };
    const refused =
      'eks:ListClusters: UnrecognizedClientException: The security token included in the request is invalid. (request 1)';
    expect(locationReason(location, refused)).toBe(
      `Region eu-south-1 is most likely not enabled in account 111122223333: enable it there, or leave it out of the sweep. ${refused}`,
    );
    const denied = 'eks:ListClusters: AccessDeniedException: no';
    expect(locationReason(location, denied)).toBe(denied);
  });
});
