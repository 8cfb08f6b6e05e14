/** What the plan reads about roles: as little as it can, and nothing that is only advice stops it. */
import { describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/errors.ts';
import type { Check, Plan } from '../../../lambdas/domain/model.ts';
import { planStep } from '../../../lambdas/steps/plan/handler.ts';
import { invoke, newFakes, type Fakes } from '../fakes.ts';
import {
  ADDON,
  addonArn,
  anAddon,
  anAssociation,
  EXECUTION,
  irsaStatement,
  MIGRATION_ID,
  NAMESPACE,
  NODE_ROLE,
  OTHER_ROLE,
  policyText,
  ROLE,
  ROLES_OF_ACCOUNT,
  SERVICE_ACCOUNT,
  STEP_ROLES,
  target,
} from '../fixtures.ts';

const CLUSTER_ARN = 'arn:aws:eks:eu-west-1:111122223333:cluster/dev';
const run = async (fakes: Fakes, request: object = {}): Promise<{ answer: unknown; plan: Plan }> => {
  const answer = await invoke(
    planStep,
    { migrationId: MIGRATION_ID, executionArn: EXECUTION, request: { target, addon: ADDON, ...request } },
    fakes,
  );
  return { answer, plan: (await fakes.ledger.getMigration(MIGRATION_ID))!.plan! };
};
const checkOf = ({ plan }: { plan: Plan }, id: string): Check => plan.checks.find((check) => check.id === id)!;
const others = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    anAssociation({ id: `a-other${index}`, namespace: 'web', serviceAccount: `shop-${index}`, roleArn: OTHER_ROLE }),
  );
const refused = (call: string): MigrationError =>
  new MigrationError('AccessDenied', `${call}: AccessDenied: you may not.`);

function deployed(): Fakes {
  const fakes = newFakes();
  fakes.settings.passingRoles = STEP_ROLES;
  return fakes;
}

describe('associations', () => {
  it('are read in one go, the planned ones among them', async () => {
    const fakes = deployed();
    const own = anAssociation();
    fakes.eks.associations = [...others(3), own];
    const { plan } = await run(fakes);
    expect(plan.existing).toEqual([own.id]);
    expect(fakes.journal.of('eks.listAllAssociations')).toEqual([[100]]);
    for (const call of ['eks.listAssociations', 'eks.countAssociations'])
      expect(fakes.journal.names()).not.toContain(call);
    expect(checkOf({ plan }, 'association-quota').message).toContain('No association is added');
  });
  it('are asked for by service account, and counted, where the cluster has too many of them', async () => {
    const fakes = deployed();
    const own = anAssociation();
    fakes.eks.associations = [...others(100), own];
    const found = await run(fakes);
    expect(found.plan.existing).toEqual([own.id]);
    expect(fakes.journal.of('eks.listAssociations')).toEqual([[NAMESPACE, SERVICE_ACCOUNT]]);
    expect(fakes.journal.names()).not.toContain('eks.countAssociations');
    expect(checkOf(found, 'role-sharing')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('more associations than the 100') as string,
    });
    fakes.eks.associations = others(101);
    expect(checkOf(await run(fakes), 'association-quota').message).toContain('has 102 of at most');
  });
  it('are asked for by service account where all of them may not be listed', async () => {
    const fakes = deployed();
    fakes.eks.associations = [anAssociation()];
    fakes.journal.failNext('eks.listAllAssociations', 'before', refused('eks:ListPodIdentityAssociations'));
    const found = await run(fakes);
    expect([found.plan.verdict, found.plan.existing]).toEqual(['migrate', ['a-left00000000000001']]);
    expect(checkOf(found, 'role-sharing')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('eks:ListPodIdentityAssociations: AccessDenied') as string,
    });
  });
});

describe('who else uses a role', () => {
  it('is read of other add-ons alone, each once', async () => {
    const fakes = deployed();
    fakes.eks.addons.set(
      'aws-efs-csi-driver',
      anAddon({ name: 'aws-efs-csi-driver', arn: addonArn(1, 'aws-efs-csi-driver') }),
    );
    fakes.eks.addons.set(
      'coredns',
      anAddon({ name: 'coredns', arn: addonArn(1, 'coredns'), serviceAccountRoleArn: undefined }),
    );
    fakes.eks.associations = [anAssociation({ id: 'a-shop', namespace: 'web', serviceAccount: 'shop' })];
    const found = await run(fakes);
    expect(checkOf(found, 'role-sharing')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('add-on aws-efs-csi-driver, association a-shop for web/shop') as string,
    });
    expect(fakes.journal.of('eks.describeAddon').flat()).toEqual([
      ADDON,
      'eks-pod-identity-agent',
      'aws-efs-csi-driver',
      'coredns',
    ]);
    expect(fakes.journal.of('eks.listAddons')).toHaveLength(1);
  });
  it.each(['eks.listAddons', 'eks.describeAddon'])('is told as not known where %s is refused', async (call) => {
    const withAnother = (): Fakes => {
      const fakes = deployed();
      fakes.eks.addons.set('coredns', anAddon({ name: 'coredns' }));
      return fakes;
    };
    // The last such call of a run: the plan needs to describe its own add-on and the agent's.
    const undisturbed = withAnother();
    await run(undisturbed);
    const fakes = withAnother();
    fakes.journal.failAt(undisturbed.journal.names().lastIndexOf(call), 'before', refused(call));
    const found = await run(fakes);
    expect(found.plan.verdict).toBe('migrate');
    expect(checkOf(found, 'role-sharing')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining(`can't be told: ${call}: AccessDenied`) as string,
    });
  });
});

describe('policies of the roles', () => {
  it('are read of the planned roles that are there, not of the one that is left', async () => {
    const fakes = deployed();
    fakes.roles.trust[OTHER_ROLE] = fakes.roles.trust[ROLE];
    fakes.roles.policies[OTHER_ROLE] = [
      { name: 'hop', document: policyText({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }) },
    ];
    const found = await run(fakes, { roleArn: OTHER_ROLE });
    expect(fakes.journal.of('roles.listPolicies')).toEqual([[OTHER_ROLE], [NODE_ROLE]]);
    expect(checkOf(found, 'session-tags')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('policy hop') as string,
    });
  });
  it('that may not be read are told as such', async () => {
    const fakes = deployed();
    fakes.journal.failNext('roles.listPolicies', 'before', refused('iam:ListRolePolicies'));
    const found = await run(fakes);
    expect([found.plan.verdict, checkOf(found, 'session-tags').status]).toEqual(['migrate', 'warn']);
  });
});

describe('the simulation of PassRole', () => {
  it('is asked once for each step of the ladder and service, about the cluster', async () => {
    const fakes = deployed();
    const found = await run(fakes);
    const associatedResourceArn = CLUSTER_ARN;
    expect(fakes.journal.of('roles.mayPass').flat()).toEqual([
      {
        principalArn: STEP_ROLES['update-addon'],
        roleArns: [ROLE],
        service: 'pods.eks.amazonaws.com',
        associatedResourceArn,
      },
      {
        principalArn: STEP_ROLES['create-addon'],
        roleArns: [ROLE],
        service: 'pods.eks.amazonaws.com',
        associatedResourceArn,
      },
      {
        principalArn: STEP_ROLES['restore-addon'],
        roleArns: [ROLE],
        service: 'eks.amazonaws.com',
        associatedResourceArn,
      },
    ]);
    expect(checkOf(found, 'pass-role').status).toBe('pass');
  });
  it('is asked for what is left of the ladder, and not where nothing is', async () => {
    const fakes = deployed();
    fakes.eks.offered = [];
    await run(fakes);
    expect(
      fakes.journal
        .of('roles.mayPass')
        .flat()
        .map((question) => (question as { principalArn: string }).principalArn),
    ).toEqual([STEP_ROLES['update-addon'], STEP_ROLES['restore-addon']]);
    fakes.journal.clear();
    await run(fakes, { strategy: 'recreate' });
    expect(fakes.journal.of('roles.mayPass')).toEqual([]);
  });
  it('blocks where it says no', async () => {
    const fakes = deployed();
    fakes.roles.passable[ROLE] = false;
    const found = await run(fakes);
    expect(found.answer).toMatchObject({ verdict: 'blocked', blockedBy: ['pass-role'] });
    expect(checkOf(found, 'pass-role').message).toContain(STEP_ROLES['update-addon']);
  });
  it('that may not be asked is told as such', async () => {
    const fakes = deployed();
    for (let time = 0; time < 3; time += 1)
      fakes.journal.failNext('roles.mayPass', 'before', refused('iam:SimulatePrincipalPolicy'));
    const found = await run(fakes);
    expect(found.plan.verdict).toBe('migrate');
    expect(checkOf(found, 'pass-role')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('iam:SimulatePrincipalPolicy: AccessDenied: you may not.') as string,
    });
  });
  it('is not asked where the deployment names no role', async () => {
    const fakes = newFakes();
    fakes.settings.passingRoles = {};
    const found = await run(fakes);
    expect(fakes.journal.names()).not.toContain('roles.mayPass');
    expect([found.plan.verdict, checkOf(found, 'pass-role').status]).toEqual(['migrate', 'warn']);
  });
});

it.each(['eks.listAllAssociations', 'eks.listAddons', 'roles.listPolicies', 'roles.mayPass'])(
  '%s that fails for a moment is tried again, not left out',
  async (call) => {
    const fakes = deployed();
    fakes.journal.failNext(call, 'before', new MigrationError('Throttled', 'too many'));
    await expect(run(fakes)).rejects.toMatchObject({ name: 'Throttled' });
    const { plan } = await run(fakes);
    expect(plan.checks.filter((check) => check.status !== 'pass')).toEqual([]);
  },
);

describe('a repair', () => {
  const irsaOnly = policyText(irsaStatement);
  const withIrsaOnly = (repairableRoleArns: string[]): Fakes => {
    const fakes = deployed();
    fakes.settings.repairableRoleArns = repairableRoleArns;
    fakes.roles.trust[ROLE] = irsaOnly;
    return fakes;
  };
  it('stands in the plan and the answer; nothing is written yet', async () => {
    const fakes = withIrsaOnly([ROLES_OF_ACCOUNT]);
    const { answer, plan } = await run(fakes, { trust: 'repair' });
    expect(answer).toMatchObject({ verdict: 'migrate', repairsTrust: true });
    expect(plan.trustRepairs).toMatchObject([{ roleArn: ROLE, before: irsaOnly }]);
    expect([fakes.journal.mutations(), fakes.roles.trust[ROLE]]).toEqual([[], irsaOnly]);
  });
  it('is shown by a dry run', async () => {
    const { answer, plan } = await run(withIrsaOnly([ROLE]), { trust: 'repair', dryRun: true });
    expect(answer).toMatchObject({ verdict: 'planned', repairsTrust: true });
    expect(plan.trustRepairs).toHaveLength(1);
  });
  it.each<[string, string[], object, string[]]>([
    ['was not asked for', [ROLES_OF_ACCOUNT], {}, ['role-trust']],
    ['is not enabled', [], { trust: 'repair' }, ['role-trust', 'trust-repair']],
  ])('is none where it %s', async (_, repairable, request, blockedBy) => {
    const { answer, plan } = await run(withIrsaOnly(repairable), request);
    expect(answer).toMatchObject({ verdict: 'blocked', repairsTrust: false, blockedBy });
    expect(plan.trustRepairs).toEqual([]);
  });
});
