/** A plan without a deployed service: what only a deployment knows neither blocks it nor passes as known. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { AddonFacts, CallAnswer } from '../../../../lambdas/domain/plan/facts.ts';
import { blocks } from '../../../../lambdas/domain/plan/attempts.ts';
import { callKey } from '../../../../lambdas/domain/plan/calls.ts';
import { attemptsBeforeRights, planMigration, plannedAssociations } from '../../../../lambdas/domain/plan/plan.ts';
import type { Preview } from '../../../../lambdas/domain/plan/preview.ts';
import { callsOf } from '../../../../lambdas/domain/plan/rights.ts';
import { ACTING_STEPS } from '../../../../lambdas/domain/steps/work.ts';
import { ROLE, someFacts } from '../../fixtures.ts';
import { said, containing } from '../../matchers.ts';
import { forAll } from '../../../for-all.ts';

const ME = 'arn:aws:iam::111122223333:role/people/me';

/** The facts of a preview, with the same answer of IAM to each call. */
const previewOf = (
  preview: Preview,
  answerTo: (index: number) => CallAnswer['decision'] = () => 'allowed',
  change: Partial<AddonFacts> = {},
): AddonFacts => {
  const facts = someFacts({ preview, passableRoleArns: ['*'], repairableRoleArns: [], ...change });
  const planned = plannedAssociations(facts);
  const calls = callsOf(facts, planned, attemptsBeforeRights(facts, planned).possible);
  return {
    ...facts,
    rights: {
      roles: preview.roleArn === undefined ? {} : Object.fromEntries(ACTING_STEPS.map((step) => [step, ME])),
      answers: Object.fromEntries(calls.map((call, index) => [callKey(call), { decision: answerTo(index) }])),
    },
  };
};
const checkIn = (facts: AddonFacts, id: string) => planMigration(facts).checks.find((check) => check.id === id);

describe('step-rights', () => {
  it("passes for the caller's own role, and names it", () =>
    expect(checkIn(previewOf({ roleArn: ME }), 'step-rights')).toMatchObject(
      said('pass', /^No deployed service was asked, so IAM was asked about your own role .*people\/me/),
    ));

  it('says why no role was asked about', () =>
    expect(checkIn(previewOf({ why: 'you are not using a role' }), 'step-rights')).toMatchObject(
      said('warn', 'IAM was asked about no other role: you are not using a role.'),
    ));

  it('never decides: whatever IAM answers, the plan has the same verdict and attempts', () => {
    const usual = planMigration(previewOf({ roleArn: ME }));
    expect(usual.verdict).toBe('migrate');
    expect(usual.attempts.length).toBeGreaterThan(1);
    const decisions = fc.array(fc.constantFrom('allowed' as const, 'denied' as const, 'unknown' as const), {
      minLength: 1,
      maxLength: 12,
    });
    forAll(decisions, fc.boolean(), (given, known) => {
      const facts = previewOf(known ? { roleArn: ME } : { why: 'no role' }, (index) => given[index % given.length]!);
      const { verdict, attempts, checks } = planMigration(facts);
      expect({ verdict, attempts }).toEqual({ verdict: usual.verdict, attempts: usual.attempts });
      const [check] = checks.filter(({ id }) => id === 'step-rights');
      expect(blocks(check!)).toBe(false);
      expect(check!.status === 'pass').toBe(known && given.every((one) => one === 'allowed'));
    });
  });
});

it('pass-role names the roles to cover, and the command that proposes the setting', () =>
  expect(checkIn(previewOf({ roleArn: ME }), 'pass-role')).toMatchObject(
    said('warn', ROLE, `passableRoleArns cover ${ROLE}`),
  ));

it('there is no check of a lock that nobody has read', () => {
  expect(checkIn(previewOf({ roleArn: ME }), 'lock-free')).toBeUndefined();
  expect(checkIn(someFacts(), 'lock-free')).toMatchObject({ status: 'pass' });
});

it('an API server that cannot be read leads to the command that gives the caller access', () => {
  const { pods: _, ...facts } = previewOf({ roleArn: ME }, undefined, { kubernetesError: 'list pods: Unauthorized' });
  expect(checkIn(facts, 'kubernetes-access')).toMatchObject({
    status: 'unknown',
    remedy: containing(`--principal-arn ${ME} --kubernetes-groups pod-identity-migrator:read`),
  });
});
