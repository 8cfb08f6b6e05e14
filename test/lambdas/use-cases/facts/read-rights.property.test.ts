/**
 * The plan asks IAM about several calls at once. For any policies of a role, its permissions boundary and its
 * organization, the answers are the same as if IAM were asked about each call by itself, with the keys of that call.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Asking, type Call, callKey, keysOf, missedKeys } from '../../../../lambdas/domain/plan/calls.ts';
import type { CallAnswer, Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { MigrationError } from '../../../../lambdas/domain/failures/errors.ts';
import { plannedAssociations } from '../../../../lambdas/domain/plan/plan.ts';
import { callsOf } from '../../../../lambdas/domain/plan/rights.ts';
import type { Roles } from '../../../../lambdas/ports/index.ts';
import { readRights } from '../../../../lambdas/use-cases/facts/read-rights.ts';
import { addonArn, OTHER_ROLE, ROLE } from '../../example.ts';
import { anAddon, anAssociation } from '../../eks-fixtures.ts';
import { newFakes } from '../../fakes.ts';
import { runs } from '../../../runs.ts';
import { aCluster, aRequest, RECREATE, someFacts, STEP_ROLES } from '../../fixtures.ts';
import { type Named, type Policies, policyOf, simulation } from './simulated-policies.ts';
import { forAllAsync } from '../../../for-all.ts';

const facts: Facts = someFacts({
  request: aRequest({ strategy: 'auto' }),
  cluster: aCluster({ tags: { env: 'dev' } }),
  addon: anAddon({ tags: { team: 'storage' } }),
  associations: [
    anAssociation({ tags: { team: 'web' }, disableSessionTags: true }),
    anAssociation({ id: 'a-own000000000000001', ownerArn: addonArn(1), roleArn: OTHER_ROLE }),
  ],
});
const { target } = facts.request;
const calls = callsOf(facts, plannedAssociations(facts), [RECREATE]);
/** In another account than the service's, one role makes all changes. */
const ONE_ROLE = Object.fromEntries(Object.keys(STEP_ROLES).map((step) => [step, STEP_ROLES['create-addon']]));

/** Asks about one call by itself: with its keys, and again with all if the policies depend on aws:ViaAWSService. */
async function askedAlone(
  simulate: Roles['simulate'],
  call: Call,
  principalArn: string,
): Promise<CallAnswer['decision']> {
  const keys = keysOf(call, principalArn, target);
  const { 'aws:ViaAWSService': _, ...own } = keys.known;
  for (const context of [own, keys.known]) {
    const question = { principalArn, actions: [call.action], resources: [call.resource], context };
    const [found] = await simulate(question);
    const { known, open } = missedKeys(found!.missing, keys);
    if (known.length > 0) continue;
    if (open.length > 0) return 'unknown';
    return found!.allowed ? 'allowed' : 'denied';
  }
  return 'unknown';
}

const action = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('*', '*', 'eks:*', 'iam:*') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'eks:CreateAddon',
      'eks:UpdateAddon',
      'eks:TagResource',
      'eks:*PodIdentityAssociation',
      'iam:PassRole',
      'iam:GetRole',
    ),
  },
);
const resource = fc.oneof(
  { weight: 9, arbitrary: fc.constant('*') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('*:cluster/*', '*:addon/*', '*createaddon', ROLE, '*${aws:RequestTag/team}*'),
  },
);
const OPERATORS = ['StringEquals', 'StringNotEquals', 'StringLike', 'StringNotLike'];
const single = fc
  .tuple(
    fc.constantFrom(...OPERATORS),
    fc.constantFrom('', '', '', 'IfExists'),
    fc.constantFrom<[string, string[]]>(
      ['aws:RequestedRegion', [target.region]],
      ['aws:RequestedRegion', ['us-east-1']],
      ['aws:RequestedRegion', [target.region, 'us-east-1']],
      ['aws:RequestTag/team', ['storage']],
      ['aws:RequestTag/pod-identity-migrator/migration', ['m*']],
      ['aws:ResourceTag/team', ['storage']],
      ['aws:ResourceTag/env', ['dev']],
      ['aws:ViaAWSService', ['true']],
      ['iam:PassedToService', ['pods.eks.amazonaws.com']],
      ['iam:PassedToService', ['eks.amazonaws.com', 'ec2.amazonaws.com']],
      ['aws:SourceVpc', ['vpc-1']],
    ),
  )
  .map(([operator, ifExists, [key, values]]) => ({ [`${operator}${ifExists}`]: { [key]: values } }));
const condition = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 4, arbitrary: single },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('aws:RequestTag/team', 'aws:ResourceTag/team', 'aws:TagKeys', 'iam:PassedToService'),
        fc.constantFrom('true', 'false'),
      )
      .map(([key, value]) => ({ Null: { [key]: value } })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('ForAllValues', 'ForAnyValue')
      .map((qualifier) => ({ [`${qualifier}:StringEquals`]: { 'aws:TagKeys': ['team'] } })),
  },
);
const statement = fc
  .record({ Effect: fc.constantFrom('Allow', 'Deny'), Action: action, Resource: resource, Condition: condition })
  .map(({ Condition, ...rest }) => ({ ...rest, ...(Condition ? { Condition } : {}) }));
const policy = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.array(statement, { minLength: 1, maxLength: 2 }))
  .map(([open, statements]) =>
    policyOf(...(open > 0 ? [{ Effect: 'Allow', Action: '*', Resource: '*' }] : []), ...statements),
  );
/** Half of the time. */
const sometimes = { freq: 2, nil: undefined };
const setting = fc.record({
  named: fc.constantFrom<Named>('evaluated', 'policies'),
  roles: fc.constantFrom(STEP_ROLES, ONE_ROLE),
  first: fc.record({ own: policy, boundary: fc.option(policy, sometimes) }),
  others: fc.record({ own: policy, boundary: fc.option(policy, sometimes) }),
  organization: fc.option(policy, sometimes),
});
type Setting = typeof setting extends fc.Arbitrary<infer Value> ? Value : never;

const refused = async (): Promise<never> => Promise.reject(new MigrationError('AccessDenied', 'You may not.'));

interface Compared {
  decisions: Set<string>;
  together: number;
  alone: number;
}

/** Asks about all calls together, and about each by itself, and throws if the answers differ. */
async function compare(asking: Asking, { named, roles, first, others, organization }: Setting): Promise<Compared> {
  const policiesOf = (arn: string): Policies => {
    const { own, boundary } = arn === STEP_ROLES['create-addon'] ? first : others;
    return { own, ...(boundary ? { boundary } : {}), ...(organization ? { organization } : {}) };
  };
  const counts = { together: 0, alone: 0 };
  const fakes = newFakes();
  fakes.roles.simulate = simulation(policiesOf, named, () => (counts.together += 1));
  // What IAM does not decide stays unknown.
  fakes.roles.listPolicies = refused;
  const { answers } = await readRights(fakes.roles, facts, calls, {
    settings: { ...fakes.settings, actingRoles: roles },
    asking,
  });
  const simulate = simulation(policiesOf, named, () => (counts.alone += 1));
  const decisions = new Set<string>();
  for (const call of calls) {
    const decision = await askedAlone(simulate, call, roles[call.step]!);
    expect({ call, decision: answers[callKey(call)]?.decision }).toEqual({ call, decision });
    decisions.add(decision);
  }
  return { decisions, ...counts };
}

describe.each(['exactly', 'thriftily'] as const)('asking IAM about several calls at once, %s', (asking) => {
  it('gives the same answers as asking about each by itself', async () => {
    const seen = new Set<string>();
    await forAllAsync(runs(120, 1200), setting, async (one) => {
      for (const decision of (await compare(asking, one)).decisions) seen.add(decision);
    });
    expect(seen).toEqual(new Set(['allowed', 'denied', 'unknown']));
  });
});
