/** How many questions a plan asks IAM about the calls of its steps, and which of the answers count. */
import { describe, expect, it } from 'vitest';
import { type Asking, callKey } from '../../../../lambdas/domain/plan/calls.ts';
import type { CallAnswer } from '../../../../lambdas/domain/plan/facts.ts';
import { plannedAssociations } from '../../../../lambdas/domain/plan/plan.ts';
import { callsOf } from '../../../../lambdas/domain/plan/rights.ts';
import { readRights } from '../../../../lambdas/use-cases/facts/read-rights.ts';
import { anAddon, anAssociation } from '../../eks-fixtures.ts';
import { newFakes } from '../../fakes.ts';
import { aRequest, IN_PLACE, RECREATE, someFacts, STEP_ROLES } from '../../fixtures.ts';
import { type Named, type Policies, policyOf, simulation } from './simulated-policies.ts';

const facts = someFacts({
  request: aRequest({ strategy: 'auto' }),
  addon: anAddon({ tags: { team: 'storage' } }),
  associations: [anAssociation({ tags: { team: 'web' }, disableSessionTags: true })],
});
const calls = callsOf(facts, plannedAssociations(facts), [IN_PLACE, RECREATE]);

/** As those of the service: roles may be passed to two services. */
const OWN = policyOf(
  { Effect: 'Allow', Action: ['eks:*', 'iam:GetRole'], Resource: '*' },
  {
    Effect: 'Allow',
    Action: 'iam:PassRole',
    Resource: '*',
    Condition: {
      StringEquals: { 'iam:PassedToService': ['pods.eks.amazonaws.com', 'eks.amazonaws.com'] },
      ArnLikeIfExists: { 'iam:AssociatedResourceArn': 'arn:aws:eks:*:*:cluster/*' },
    },
  },
);

interface Asked {
  decisions: CallAnswer['decision'][];
  questions: number;
  policiesRead: number;
}

async function ask(policies: Policies, asking: Asking, named: Named = 'policies'): Promise<Asked> {
  const fakes = newFakes();
  let questions = 0;
  fakes.roles.simulate = simulation(
    () => policies,
    named,
    () => (questions += 1),
  );
  const settings = { ...fakes.settings, actingRoles: STEP_ROLES };
  const { answers } = await readRights(fakes.roles, facts, calls, { settings, asking });
  return {
    decisions: [...new Set(calls.map((call) => answers[callKey(call)]!.decision))],
    questions,
    policiesRead: fakes.journal.of('roles.listPolicies').length,
  };
}

const ROLES_AND_SERVICES = new Set(calls.map(({ step, passedTo }) => `${step} ${passedTo}`)).size;

describe.each(['exactly', 'thriftily'] as const)('IAM, if asked %s', (asking) => {
  it.each(['policies', 'evaluated'] as const)(
    'gets one question for each role and service, and no policy is read: %s',
    async (named) =>
      expect(await ask({ own: OWN }, asking, named)).toEqual({
        decisions: ['allowed'],
        questions: ROLES_AND_SERVICES,
        policiesRead: 0,
      }),
  );

  it.each<[string, object]>([
    ['denies other regions', { StringNotEquals: { 'aws:RequestedRegion': ['eu-west-1', 'us-east-1'] } }],
    ['denies requests without a region', { Null: { 'aws:RequestedRegion': 'true' } }],
  ])('is not taken to deny everything if an organization %s', async (_what, Condition) => {
    const organization = policyOf(
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', Action: '*', Resource: '*', Condition },
    );
    expect((await ask({ own: OWN, organization }, asking)).decisions).toEqual(['allowed']);
  });

  it.each(['boundary', 'organization'] as const)(
    'is not taken to allow what a policy denies by a key of some of the calls: %s',
    async (limit) => {
      const limiting = policyOf(
        { Effect: 'Allow', Action: '*', Resource: '*' },
        {
          Effect: 'Deny',
          Action: '*',
          Resource: '*',
          Condition: { StringEquals: { 'aws:RequestTag/team': 'storage' } },
        },
      );
      expect((await ask({ own: OWN, [limit]: limiting }, asking)).decisions).toEqual(['allowed', 'denied']);
    },
  );

  it('is not taken to allow in all regions what the role may do in one', async () => {
    const own = policyOf({
      Effect: 'Allow',
      Action: '*',
      Resource: '*',
      Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } },
    });
    // The endpoint of IAM is in us-east-1.
    expect((await ask({ own }, asking)).decisions).toEqual(['allowed', 'denied']);
  });
});
