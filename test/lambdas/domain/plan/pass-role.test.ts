/** Whether the roles may be passed, both ways, as the configuration and IAM's simulation say. */
import { describe, expect, it } from 'vitest';
import type { Check, MigrationRequestInput } from '../../../../lambdas/domain/model.ts';
import type { AddonFacts as Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { passingQuestions } from '../../../../lambdas/domain/plan/pass-role.ts';
import { planMigration, plannedAssociations } from '../../../../lambdas/domain/plan/plan.ts';
import {
  addonArn,
  anAssociation,
  aRequest,
  bothWays,
  IN_PLACE,
  mayPassAll,
  OTHER_ROLE,
  RECREATE,
  RECREATE_PRESERVING,
  ROLE,
  ROLES_OF_ACCOUNT,
  someFacts,
} from '../../fixtures.ts';

const PODS = 'pods.eks.amazonaws.com';
const EKS = 'eks.amazonaws.com';
const checkOf = (change: Partial<Facts>): Check =>
  planMigration(someFacts(change)).checks.find((check) => check.id === 'pass-role')!;
const blocks = (change: Partial<Facts>): boolean => planMigration(someFacts(change)).verdict === 'blocked';
const denied = (step: string, service: string): Facts['passing'] =>
  mayPassAll().map((one) =>
    one.step === step && one.service === service ? { ...one, allowed: { [ROLE]: false } } : one,
  );

describe('passingQuestions', () => {
  const asked = (ladder: Parameters<typeof passingQuestions>[2], change: Partial<Facts> = {}): unknown[] => {
    const facts = someFacts(change);
    return passingQuestions(facts, plannedAssociations(facts), ladder).map(({ step, service, roleArns }) => [
      step,
      service,
      roleArns,
    ]);
  };
  const back = ['restore-addon', EKS, [ROLE]];

  it.each([
    ['in place', [IN_PLACE], [['update-addon', PODS, [ROLE]], back]],
    ['recreate', [RECREATE], [['create-addon', PODS, [ROLE]], back]],
    [
      'both',
      [IN_PLACE, RECREATE_PRESERVING, RECREATE],
      [['update-addon', PODS, [ROLE]], ['create-addon', PODS, [ROLE]], back],
    ],
    ['no way', [], []],
  ])('%s: one for each step and service', (_, ladder, questions) => {
    expect(asked(ladder)).toEqual(questions);
  });
  it("asks for the roles of the add-on's own associations, which EKS makes again with it", () => {
    const own = anAssociation({ ownerArn: addonArn(1), roleArn: OTHER_ROLE });
    expect(asked([IN_PLACE], { associations: [own, anAssociation({ id: 'a-2' })] })).toEqual([
      ['update-addon', PODS, [ROLE]],
      back,
      ['restore-addon', PODS, [OTHER_ROLE]],
    ]);
  });
  it('asks for each role once, and for none that is refused without asking', () => {
    const podIdentity = ['ebs-csi-controller-sa', 'second-sa', 'third-sa', 'fourth-sa'].map((serviceAccount) => ({
      serviceAccount,
      recommendedManagedPolicies: [],
    }));
    const roles = {
      'third-sa': 'arn:aws:iam::444455556666:role/ebs',
      'fourth-sa': 'arn:aws:iam::111122223333:role/gone',
    };
    expect(asked([RECREATE], { podIdentity, request: aRequest({ roles }) })).toEqual([
      ['create-addon', PODS, [ROLE]],
      back,
    ]);
    expect(asked([RECREATE], { passableRoleArns: [] })).toEqual([]);
  });
});

describe('check pass-role', () => {
  it.each<[string, Partial<MigrationRequestInput>, string, string, RegExp]>([
    [
      'UpdateAddon',
      {},
      'update-addon',
      PODS,
      /role\/update-addon \(update-addon\) pass arn:aws:iam::111122223333:role\/app\/ebs-csi to pods\.eks\.amazonaws\.com\.$/,
    ],
    [
      'CreateAddon',
      { strategy: 'recreate' },
      'create-addon',
      PODS,
      /role\/create-addon \(create-addon\) pass .*ebs-csi to pods\.eks\.amazonaws\.com\.$/,
    ],
    [
      'the way back',
      {},
      'restore-addon',
      EKS,
      /role\/restore-addon \(restore-addon\) pass .*ebs-csi to eks\.amazonaws\.com for the way back\.$/,
    ],
  ])('fails where IAM denies it to %s, with role, service and what to grant', (_, request, step, service, message) => {
    const change = { request: aRequest(request), passing: denied(step, service) };
    expect(checkOf(change)).toMatchObject({ status: 'fail', message: expect.stringMatching(message) as string });
    expect(checkOf(change).remedy).toContain(
      `iam:PassRole on ${ROLE} with iam:PassedToService ${service} and iam:AssociatedResourceArn arn:aws:eks:eu-west-1:111122223333:cluster/dev`,
    );
    expect(blocks(change)).toBe(true);
  });
  it('does not ask about steps that no way has', () => {
    expect(checkOf({ request: aRequest({ strategy: 'in-place' }), passing: denied('create-addon', PODS) }).status).toBe(
      'pass',
    );
    expect(checkOf({ request: aRequest({ strategy: 'recreate' }), passing: denied('update-addon', PODS) }).status).toBe(
      'pass',
    );
    expect(checkOf({ passing: denied('restore-addon', PODS) }).status).toBe('pass');
  });

  it.each<[string, Facts['passing'], RegExp]>([
    ['no role is known', [], /the deployment does not say which role update-addon has/],
    [
      'IAM may not be asked',
      mayPassAll().map((one) => ({
        ...one,
        allowed: {},
        error: 'iam:SimulatePrincipalPolicy: AccessDenied: you may not.',
      })),
      /can't be told beforehand: iam:SimulatePrincipalPolicy: AccessDenied: you may not\.$/,
    ],
    [
      'IAM says nothing of a role',
      mayPassAll().map((one) => ({ ...one, allowed: {} })),
      /IAM did not answer for update-addon/,
    ],
  ])('warns where %s, and does not block', (_, passing, message) => {
    expect(checkOf({ passing })).toMatchObject({
      status: 'warn',
      message: expect.stringMatching(message) as string,
      remedy: expect.stringMatching(/SimulatePrincipalPolicy/) as string,
    });
    expect(blocks({ passing })).toBe(false);
  });
  it('lets a denial go before what can not be told', () => {
    expect(checkOf({ passing: denied('update-addon', PODS).filter((one) => one.step === 'update-addon') }).status).toBe(
      'fail',
    );
  });

  it('needs the configuration for the roles of associations that a rollback puts back', () => {
    const change = { associations: [anAssociation({ roleArn: OTHER_ROLE })], passableRoleArns: [ROLE] };
    expect(checkOf(change)).toMatchObject({
      status: 'fail',
      message: expect.stringContaining(`may not pass ${OTHER_ROLE} to ${PODS} for the way back`) as string,
    });
    expect(checkOf({ ...change, passableRoleArns: [ROLES_OF_ACCOUNT] }).status).toBe('pass');
  });
  it('reads no simulation for a role that the configuration forbids', () => {
    expect(
      checkOf({
        passableRoleArns: [ROLE],
        request: aRequest({ roleArn: OTHER_ROLE }),
        roles: { [ROLE]: { trustPolicy: bothWays }, [OTHER_ROLE]: { trustPolicy: bothWays } },
      }).message,
    ).toContain('it may pass');
  });
});
