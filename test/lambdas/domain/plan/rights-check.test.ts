/** What the plan says of the steps' rights: it blocks before something is deleted, and warns where nothing would be. */
import { describe, expect, it } from 'vitest';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { MigrationRequestInput } from '../../../../lambdas/domain/request/request.ts';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import type { Call } from '../../../../lambdas/domain/plan/calls.ts';
import type { AddonFacts as Facts, CallAnswer } from '../../../../lambdas/domain/plan/facts.ts';
import { blockingChecks, planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { ADDON, OTHER_ROLE, ROLE, SERVICE_ACCOUNT } from '../../example.ts';
import { anAddon, anAssociation } from '../../eks-fixtures.ts';
import { answeredRights, aRequest, IN_PLACE, RECREATE_PRESERVING, someFacts, STEP_ROLES } from '../../fixtures.ts';
import { said, containing } from '../../matchers.ts';

const CLUSTER = 'arn:aws:eks:eu-west-1:111122223333:cluster/dev';
type Answering = (call: Call) => CallAnswer['decision'] | undefined;

/** The plan where IAM answers so to these calls, and allows all others. */
const planWith = (
  answering: Answering,
  request: Partial<MigrationRequestInput> = {},
  change: Partial<Facts> = {},
): Plan => {
  const facts = someFacts({ request: aRequest(request), ...change });
  const answerOf = (call: Call): CallAnswer => {
    const decision = answering(call) ?? 'allowed';
    return decision === 'unknown' ? { decision, why: 'who knows' } : { decision };
  };
  return planMigration({ ...facts, rights: answeredRights(facts, answerOf) });
};
const rightsOf = ({ checks }: Plan): Check[] => checks.filter(({ id }) => id === 'step-rights');
const refusing = (step: string, action: string): Answering => {
  return (call) => (call.step === step && call.action === action ? 'denied' : undefined);
};
const unreported = (step: string): Answering => {
  return (call) => (call.step === step ? 'unknown' : undefined);
};
const DELETE = 'eks:DeletePodIdentityAssociation';
const CREATE = 'eks:CreatePodIdentityAssociation';
const recreate = { strategy: 'recreate' } as const;
const tagged = { addon: anAddon({ tags: { team: 'storage' } }) };
const purgeable = { associations: [anAssociation()] };

describe('check step-rights', () => {
  it('passes where each call of the migration and of its rollback is allowed', () =>
    expect(rightsOf(planWith(() => undefined))).toMatchObject([{ status: 'pass' }]));

  it.each<[step: string, action: string, message: RegExp, change?: Partial<Facts>]>([
    [
      'create-addon',
      'eks:CreateAddon',
      /does not allow arn:aws:iam::111122223333:role\/create-addon \(create-addon\) to make eks:CreateAddon on arn:aws:eks:eu-west-1:111122223333:cluster\/dev\.$/,
    ],
    [
      'create-addon',
      'eks:TagResource',
      /make eks:TagResource on arn:\S+:cluster\/dev or arn:\S+:addon\/dev\/aws-ebs-csi-driver\/\S+ or arn:\S+:\/createaddon\.$/,
      tagged,
    ],
    [
      'create-addon',
      'iam:PassRole',
      /\(create-addon\) to pass arn:\S+ebs-csi to pods\.eks\.amazonaws\.com or eks\.amazonaws\.com\.$/,
    ],
    ['create-addon', CREATE, /make eks:CreatePodIdentityAssociation on \S+, which EKS makes with its permissions\.$/],
    ['delete-addon', 'eks:DeleteAddon', /role\/delete-addon \(delete-addon\) to make eks:DeleteAddon/],
    ['restore-addon', 'eks:CreateAddon', /\(restore-addon\) to make eks:CreateAddon on \S+ for the rollback\.$/],
    ['restore-addon', 'iam:PassRole', /addon\) to pass arn:\S+ebs-csi to eks\.amazonaws\.com for the rollback\.$/],
    [
      'restore-associations',
      CREATE,
      /\(restore-associations\) to make eks:CreatePodIdentityAssociation on \S+ for the rollback\.$/,
    ],
    [
      'restore-associations',
      'iam:PassRole',
      /ebs-csi to pods\.eks\.amazonaws\.com or eks\.amazonaws\.com for the rollback\.$/,
    ],
    ['create-addon', DELETE, /addon\) to make eks:DeletePodIdentityAssociation on/, purgeable],
  ])('blocks a recreate where IAM refuses %s the call %s', (step, action, message, change = {}) => {
    const plan = planWith(refusing(step, action), recreate, change);
    expect([blockingChecks(plan), rightsOf(plan)]).toMatchObject([['step-rights'], [said('fail', message)]]);
    expect(plan.attempts).toEqual([]);
  });

  it('says what to grant, and who grants it', () => {
    const [check] = rightsOf(planWith(refusing('create-addon', 'iam:PassRole'), recreate));
    expect(check!.remedy).toContain(
      `iam:PassRole on ${ROLE} with iam:PassedToService pods.eks.amazonaws.com and eks.amazonaws.com and iam:AssociatedResourceArn ${CLUSTER}. The deployment grants that for the CDK context passableRoleArns`,
    );
    const facts = someFacts({ request: aRequest(recreate) });
    const spoke = 'arn:aws:iam::111122223333:role/pod-identity-migrator-change';
    const rights = answeredRights(facts, ({ action }) => ({
      decision: action === 'eks:CreateAddon' ? 'denied' : 'allowed',
      why: 'its permissions boundary does not allow it',
    }));
    const [there] = rightsOf(
      planMigration({ ...facts, rights: { ...rights, roles: { ...STEP_ROLES, 'create-addon': spoke } } }),
    );
    expect(there).toMatchObject({
      message: containing('(its permissions boundary does not allow it)'),
      remedy: containing('The stack PodIdentityMigratorSpoke of that account grants that: check'),
    });
  });

  it.each<[string, string, Partial<MigrationRequestInput>]>([
    ['create-addon', 'eks:CreateAddon', { strategy: 'in-place' }],
    ['update-addon', 'eks:UpdateAddon', recreate],
    ['create-association', 'eks:CreatePodIdentityAssociation', recreate],
    ['restore-associations', 'eks:UpdatePodIdentityAssociation', recreate],
  ])('does not mind a refusal for %s of %s, which is not called: %j', (step, action, request) =>
    expect(rightsOf(planWith(refusing(step, action), request))).toMatchObject([{ status: 'pass' }]),
  );

  it('removes only the attempt that a denial concerns', () => {
    const withoutRecreate = planWith(refusing('create-addon', 'eks:CreateAddon'));
    expect(withoutRecreate).toMatchObject({ verdict: 'migrate', attempts: [IN_PLACE] });
    expect(rightsOf(withoutRecreate)).toMatchObject([
      said('warn', /Strategies ruled out by this: recreate with preserve\.$/),
    ]);
    expect(planWith(refusing('update-addon', 'iam:PassRole')).attempts).toEqual([RECREATE_PRESERVING]);
    expect(planWith(refusing('restore-addon', 'iam:PassRole')).attempts).toEqual([]);
  });

  it('asks about the next way too where no pod is looked at, and only one way is taken', () => {
    const api = { verification: 'api' } as const;
    expect(planWith(refusing('update-addon', 'eks:UpdateAddon'), api).attempts).toEqual([RECREATE_PRESERVING]);
    const neither = planWith(({ step }) => (/^(create|update)-addon$/.test(step) ? 'denied' : undefined), api);
    expect(blockingChecks(neither)).toEqual(['step-rights']);
  });
});

describe('what can not be told', () => {
  it('blocks what deletes, and says the way out', () => {
    const plan = planWith(unreported('create-addon'), recreate);
    expect(blockingChecks(plan)).toEqual(['step-rights']);
    expect(rightsOf(plan)).toMatchObject([
      said(
        'unknown',
        /all calls of strategy recreate without preserve: who knows\. Nothing is deleted before that is known\.$/,
        /iam:SimulatePrincipalPolicy .*or migrate in place, which deletes nothing: --strategy in-place \.$/,
      ),
    ]);
  });

  it('warns where a refusal would have changed nothing', () => {
    const plan = planWith(unreported('update-addon'), { strategy: 'in-place' });
    expect([plan, rightsOf(plan)]).toMatchObject([{ verdict: 'migrate', attempts: [IN_PLACE] }, [{ status: 'warn' }]]);
    expect(planWith(unreported('restore-addon'), { strategy: 'in-place' }).verdict).toBe('migrate');
  });

  it('blocks in place too where an association is deleted first, and says which', () => {
    const plan = planWith(unreported('update-addon'), { strategy: 'in-place' }, purgeable);
    expect(blockingChecks(plan)).toEqual(['step-rights']);
    expect(rightsOf(plan)[0]!.remedy).toContain(
      'aws eks delete-pod-identity-association --region eu-west-1 --cluster-name dev --association-id a-left00000000000001',
    );
  });

  it('blocks in place too where EKS might replace an association, and says how to keep it', () => {
    const owned = { associations: [anAssociation({ ownerArn: anAddon().arn, roleArn: OTHER_ROLE })] };
    const plan = planWith(unreported('restore-addon'), { strategy: 'in-place', roleArn: ROLE }, owned);
    expect(blockingChecks(plan)).toContain('step-rights');
    expect(rightsOf(plan)[0]!.remedy).toContain(
      `or keep the roles of the add-on's associations, which EKS might replace: --role ${SERVICE_ACCOUNT}=${OTHER_ROLE} .`,
    );
  });

  it('leaves auto the way that deletes nothing', () => {
    const plan = planWith(() => 'unknown');
    expect(plan).toMatchObject({ verdict: 'migrate', attempts: [IN_PLACE] });
    expect(rightsOf(plan).map(({ status }) => status)).toEqual(['warn', 'warn']);
  });

  it('is a role that the deployment does not name, and a call without an answer', () => {
    const facts = someFacts({ request: aRequest(recreate) });
    const messageOf = (rights: Facts['rights']): string => rightsOf(planMigration({ ...facts, rights }))[0]!.message;
    expect(messageOf({ roles: {}, answers: {} })).toContain(
      'the deployment does not configure the role of step delete-addon',
    );
    expect(messageOf({ roles: STEP_ROLES, answers: {} })).toContain('IAM gave no answer for step delete-addon');
  });

  it.each<[string, Answering, RegExp]>([
    [
      'a resource',
      ({ action, resource }) => (action === 'eks:TagResource' && resource === CLUSTER ? 'denied' : undefined),
      /create-addon may make eks:TagResource for arn:\S+:addon\/dev\/\S+, arn:\S+createaddon but not for arn:\S+cluster\/dev, and which of them EKS checks is not documented/,
    ],
    [
      'a service',
      ({ passedTo, step }) => (passedTo === 'eks.amazonaws.com' && step === 'create-addon' ? 'denied' : undefined),
      /may make iam:PassRole for pods\.eks\.amazonaws\.com but not for eks\.amazonaws\.com/,
    ],
  ])('is %s of which nobody knows whether EKS asks for it', (_what, answering, message) => {
    const plan = planWith(answering, recreate, tagged);
    expect(rightsOf(plan)).toMatchObject([said('unknown', message)]);
  });

  it('goes after a refusal', () => {
    const plan = planWith(
      ({ step }) => (step === 'create-addon' ? 'unknown' : step === 'delete-addon' ? 'denied' : undefined),
      recreate,
    );
    expect(rightsOf(plan).map(({ status }) => status)).toEqual(['fail']);
  });
});

it('asks about nothing where no way is left', () => {
  const plan = planWith(() => 'denied', recreate, { offered: [] });
  expect([blockingChecks(plan), rightsOf(plan)]).toEqual([['version-offered'], []]);
  expect(plan.addon?.name).toBe(ADDON);
});
