/** What the plan reads about roles: as little as it can, and nothing that is only advice stops it. */
import { describe, expect, test, vi } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Check } from '../../../lambdas/domain/terms/check.ts';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import type { RolePolicy, SimulationQuestion } from '../../../lambdas/ports/index.ts';
import { readRoleUsers } from '../../../lambdas/use-cases/facts/read-roles.ts';
import { newFakes, type Fakes } from '../fakes.ts';
import {
  ADDON,
  addonArn,
  ISSUER,
  NAMESPACE,
  NODE_ROLE,
  OTHER_ROLE,
  ROLE,
  ROLES_OF_ACCOUNT,
  SERVICE_ACCOUNT,
} from '../example.ts';
import { MIGRATION_ID } from '../run-examples.ts';
import { irsaStatement, podIdentityStatement, policyText } from '../trust-examples.ts';
import { anAddon, anAssociation, aMigratedAddon } from '../eks-fixtures.ts';
import { STEP_ROLES } from '../fixtures.ts';
import { expectError, said } from '../matchers.ts';
import { runPlan } from './planning.ts';

const it = test.extend('fakes', () => deployed());
const CLUSTER_ARN = 'arn:aws:eks:eu-west-1:111122223333:cluster/dev';
const run = async (fakes: Fakes, request: object = {}): Promise<{ answer: unknown; plan: Plan }> => {
  const answer = await runPlan(fakes, request);
  return { answer, plan: (await fakes.ledger.getMigration(MIGRATION_ID))!.plan! };
};
const checkOf = ({ plan }: { plan: Plan }, id: string): Check => plan.checks.find((check) => check.id === id)!;
const others = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    anAssociation({ id: `a-other${index}`, namespace: 'web', serviceAccount: `shop-${index}`, roleArn: OTHER_ROLE }),
  );
const refused = (call: string) => new MigrationError('AccessDenied', `${call}: AccessDenied: you may not.`);

function deployed(): Fakes {
  const fakes = newFakes();
  fakes.settings.actingRoles = STEP_ROLES;
  return fakes;
}

describe('associations', () => {
  it('are read in one go, the planned ones among them', async ({ fakes }) => {
    const own = anAssociation();
    fakes.eks.associations = [...others(3), own];
    const { plan } = await run(fakes);
    expect([plan.existing, fakes.journal.of('eks.listAllAssociations')]).toEqual([[own.id], [[100]]]);
    for (const call of ['eks.listAssociations', 'eks.countAssociations'])
      expect(fakes.journal.names()).not.toContain(call);
    expect(checkOf({ plan }, 'association-quota').message).toContain('does not increase the number of associations');
  });
  it('are asked for by service account, and counted, where the cluster has too many of them', async ({ fakes }) => {
    const own = anAssociation();
    fakes.eks.associations = [...others(100), own];
    const found = await run(fakes);
    expect(found.plan.existing).toEqual([own.id]);
    expect(fakes.journal.of('eks.listAssociations')).toEqual([[NAMESPACE, SERVICE_ACCOUNT]]);
    expect(fakes.journal.names()).not.toContain('eks.countAssociations');
    expect(checkOf(found, 'role-sharing')).toMatchObject(said('warn', 'more associations than the 100'));
    fakes.eks.associations = others(101);
    expect(checkOf(await run(fakes), 'association-quota').message).toContain('will have 102 of at most');
  });
  it('are asked for by service account where all of them may not be listed', async ({ fakes }) => {
    fakes.eks.associations = [anAssociation()];
    fakes.journal.failNext('eks.listAllAssociations', 'before', refused('eks:ListPodIdentityAssociations'));
    const found = await run(fakes);
    expect([found.plan.verdict, found.plan.existing]).toEqual(['migrate', ['a-left00000000000001']]);
    expect(checkOf(found, 'role-sharing')).toMatchObject(said('warn', 'eks:ListPodIdentityAssociations: AccessDenied'));
  });
});

describe('who else uses a role', () => {
  /** The role's trust policy names another service account too. */
  const shared = (): Fakes => {
    const fakes = deployed();
    const subject = `${ISSUER.replace('https://', '')}:sub`;
    fakes.roles.trust[ROLE] = policyText(podIdentityStatement, {
      ...irsaStatement,
      Condition: {
        StringEquals: {
          ...irsaStatement.Condition.StringEquals,
          [subject]: [irsaStatement.Condition.StringEquals[subject], 'system:serviceaccount:web:shop'],
        },
      },
    });
    return fakes;
  };
  it('is read of no add-on where its trust policy allows IRSA for none but the planned service accounts', async () => {
    const fakes = deployed();
    fakes.eks.addons.set('coredns', anAddon({ name: 'coredns', arn: addonArn(1, 'coredns') }));
    const found = await run(fakes);
    expect(fakes.journal.names()).not.toContain('eks.listAddons');
    expect(fakes.journal.of('eks.describeAddon')).toEqual([[ADDON]]);
    expect(checkOf(found, 'role-sharing')).toMatchObject(
      said('pass', 'allows IRSA only for the planned service accounts and names no other identity provider, and'),
    );
  });
  it('is read where the add-on has given the role to a service account that is not planned', async ({ fakes }) => {
    fakes.kubernetes.annotated = [{ namespace: NAMESPACE, name: 'ebs-csi-node-sa', roleArn: ROLE }];
    await run(fakes);
    expect(fakes.journal.of('eks.listAddons')).toHaveLength(1);
  });
  it('is read of other add-ons alone, each once', async () => {
    const fakes = shared();
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
    expect(checkOf(found, 'role-sharing')).toMatchObject(
      said('warn', 'add-on aws-efs-csi-driver, association a-shop for web/shop'),
    );
    expect(fakes.journal.of('eks.describeAddon').flat()).toEqual([ADDON, 'aws-efs-csi-driver', 'coredns']);
    expect(fakes.journal.of('eks.listAddons')).toHaveLength(1);
  });
  it('names add-ons that have a role alone', async () => {
    const { eks } = deployed();
    eks.addons.set('coredns', anAddon({ name: 'coredns', serviceAccountRoleArn: undefined }));
    const { addons, seen } = await readRoleUsers(eks, [], { associations: [], more: false });
    expect(addons).toEqual([{ name: ADDON, roleArn: ROLE }]);
    expect(seen.map(({ name }) => name)).toContain('coredns');
  });
  it('reads the associations again if an add-on has got one since, as one that is being migrated has', async () => {
    const { eks } = deployed();
    const lists = vi.spyOn(eks, 'listAllAssociations');
    const since = anAssociation({
      id: 'a-since',
      arn: 'arn:aws:eks:eu-west-1:111122223333:podidentityassociation/dev/a-since',
      roleArn: ROLE,
    });
    eks.addons.set('coredns', aMigratedAddon([since.arn], { name: 'coredns' }));
    eks.associations.push(since);
    const users = await readRoleUsers(eks, [], { associations: [], more: false });
    expect(users.associations.map(({ id }) => id)).toContain('a-since');
    await readRoleUsers(eks, [], users);
    expect(lists).toHaveBeenCalledTimes(1);
  });
  it.each(['eks.listAddons', 'eks.describeAddon'])('is told as not known where %s is refused', async (call) => {
    const withAnother = (): Fakes => {
      const fakes = shared();
      fakes.eks.addons.set('coredns', anAddon({ name: 'coredns' }));
      return fakes;
    };
    // The last such call of a run: the plan needs to describe its own add-on.
    const undisturbed = withAnother();
    await run(undisturbed);
    const fakes = withAnother();
    fakes.journal.failAt(undisturbed.journal.names().lastIndexOf(call), 'before', refused(call));
    const found = await run(fakes);
    expect(found.plan.verdict).toBe('migrate');
    expect(checkOf(found, 'role-sharing')).toMatchObject(said('warn', `others: ${call}: AccessDenied`));
  });
});

describe('policies of the roles', () => {
  it('are read of the planned roles that are there, not of the one that is left', async ({ fakes }) => {
    fakes.roles.trust[OTHER_ROLE] = fakes.roles.trust[ROLE];
    fakes.roles.policies[OTHER_ROLE] = [
      { name: 'hop', document: policyText({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }) },
    ];
    const found = await run(fakes, { roleArn: OTHER_ROLE });
    expect(fakes.journal.of('roles.listPolicies')).toEqual([[OTHER_ROLE]]);
    expect(checkOf(found, 'session-tags')).toMatchObject(said('warn', 'policy hop'));
  });
  it('that may not be read are told as such', async ({ fakes }) => {
    fakes.journal.failNext('roles.listPolicies', 'before', refused('iam:ListRolePolicies'));
    const found = await run(fakes);
    expect([found.plan.verdict, checkOf(found, 'session-tags').status]).toEqual(['migrate', 'warn']);
  });
});

describe('the rights of the steps', () => {
  const asked = (fakes: Fakes): SimulationQuestion[] =>
    (fakes.journal.of('roles.simulate').flat() as SimulationQuestion[]).filter(
      ({ principalArn }) => principalArn !== NODE_ROLE,
    );
  const recreate = { strategy: 'recreate' };
  const allow = (Action: string | string[], Condition?: object): RolePolicy[] => [
    {
      name: 'own',
      document: policyText({ Effect: 'Allow', Action, Resource: '*', ...(Condition ? { Condition } : {}) }),
    },
  ];
  const unasked = (fakes: Fakes, policies: RolePolicy[] = allow('*')): Fakes => {
    fakes.roles.simulate = async () => Promise.reject(refused('iam:SimulatePrincipalPolicy'));
    for (const arn of Object.values(STEP_ROLES)) fakes.roles.policies[arn] = policies;
    return fakes;
  };

  const stepOf = ({ principalArn }: SimulationQuestion): string => principalArn.split('/').at(-1)!;
  /** The actions of the questions with that key, and its value, by step. */
  const askedWith = (fakes: Fakes, key: string): string[] =>
    asked(fakes).flatMap((question) =>
      question.context[key] === undefined
        ? []
        : [`${stepOf(question)} ${question.actions.join(' ')} ${question.context[key].join(' ')}`],
    );

  it('are asked for in one question for each role and service that it passes roles to', async ({ fakes }) => {
    fakes.eks.addons.set(ADDON, anAddon({ tags: { team: 'a' } }));
    const found = await run(fakes);
    const questions = asked(fakes).map((question) => [
      stepOf(question),
      question.actions.join(' '),
      question.context['iam:PassedToService']?.[0],
    ]);
    const passing = (step: string): (string | undefined)[][] => [
      [step, 'iam:PassRole', 'pods.eks.amazonaws.com'],
      [step, 'iam:PassRole', 'eks.amazonaws.com'],
    ];
    const CREATE = 'eks:CreatePodIdentityAssociation';
    const DELETE = 'eks:DeletePodIdentityAssociation';
    expect(questions).toHaveLength(12);
    expect(questions).toEqual(
      expect.arrayContaining([
        ['update-addon', `${CREATE} eks:UpdateAddon iam:GetRole`, undefined],
        ...passing('update-addon'),
        [
          'restore-addon',
          `eks:CreateAddon eks:DeleteAddon ${DELETE} eks:TagResource eks:UpdateAddon iam:GetRole`,
          undefined,
        ],
        ['restore-addon', 'iam:PassRole', 'eks.amazonaws.com'],
        ['restore-associations', `${CREATE} ${DELETE} eks:TagResource iam:GetRole`, undefined],
        ...passing('restore-associations'),
        ['delete-addon', 'eks:DeleteAddon', undefined],
        ['create-addon', `eks:CreateAddon ${CREATE} ${DELETE} eks:TagResource iam:GetRole`, undefined],
        ...passing('create-addon'),
      ]),
    );
    for (const { context, actions } of asked(fakes))
      expect(context['iam:AssociatedResourceArn']).toEqual(
        actions.includes('iam:PassRole') ? [CLUSTER_ARN] : undefined,
      );
    expect([checkOf(found, 'step-rights').status, fakes.journal.of('roles.getBoundary')]).toEqual(['pass', []]);
  });
  it('are asked for again with the tags and the regions of the calls if the policies depend on them', async ({
    fakes,
  }) => {
    fakes.eks.addons.set(ADDON, anAddon({ tags: { team: 'a' } }));
    fakes.roles.used.push('aws:RequestTag/team', 'aws:RequestedRegion');
    const found = await run(fakes, recreate);
    expect(checkOf(found, 'step-rights').status).toBe('pass');
    expect(askedWith(fakes, 'aws:RequestTag/team')).toEqual([
      'create-addon eks:CreateAddon eks:TagResource a',
      'restore-addon eks:CreateAddon eks:TagResource a',
    ]);
    expect(askedWith(fakes, 'aws:RequestedRegion')).toEqual(
      expect.arrayContaining([
        'create-addon eks:CreatePodIdentityAssociation eu-west-1',
        'create-addon iam:GetRole us-east-1',
      ]),
    );
  });
  it.each(['boundary', 'organization'] as const)(
    'are asked for with the keys of each call if a policy takes part whose keys IAM does not report: %s',
    async (limit) => {
      const fakes = deployed();
      fakes.eks.addons.set(ADDON, anAddon({ tags: { team: 'a' } }));
      fakes.roles.limitedBy.push(limit);
      await run(fakes, recreate);
      expect(askedWith(fakes, 'aws:RequestTag/team')).toEqual([
        'create-addon eks:CreateAddon eks:TagResource a',
        'restore-addon eks:CreateAddon eks:TagResource a',
      ]);
      expect(askedWith(fakes, 'aws:RequestedRegion')).toEqual(
        expect.arrayContaining([
          'create-addon eks:CreatePodIdentityAssociation eu-west-1',
          'create-addon iam:GetRole us-east-1',
        ]),
      );
      // No question is wasted: the first one has all keys of its calls, and shows that there is such a policy.
      const merged = asked(fakes).filter(({ context }) => context['aws:RequestedRegion'] === undefined);
      expect(merged).toEqual([]);
    },
  );
  it('are checked for the remaining attempts, and not if none remain', async ({ fakes }) => {
    fakes.eks.offered = [];
    await run(fakes);
    expect(new Set(asked(fakes).map(({ principalArn }) => principalArn))).toEqual(
      new Set([STEP_ROLES['update-addon'], STEP_ROLES['restore-addon'], STEP_ROLES['restore-associations']]),
    );
    fakes.journal.clear();
    await run(fakes, recreate);
    expect(asked(fakes)).toEqual([]);
  });
  it('block where one is missing', async ({ fakes }) => {
    fakes.roles.refused.push({ action: 'eks:CreateAddon', principalArn: STEP_ROLES['create-addon'] });
    const found = await run(fakes, recreate);
    expect(found.answer).toMatchObject({ verdict: 'blocked', blockedBy: ['step-rights'] });
    expect(checkOf(found, 'step-rights').message).toContain(STEP_ROLES['create-addon']);
  });
  it('are asked for again with what the policies ask for besides, where that is known', async ({ fakes }) => {
    fakes.roles.missing.push('aws:viaawsservice', 's3:prefix', 'aws:RequestTag/none');
    for (const arn of Object.values(STEP_ROLES)) fakes.roles.policies[arn] = [{ name: 'AWSReadOnly' }];
    const found = await run(fakes, { strategy: 'in-place' });
    const via = asked(fakes).flatMap(({ context }) => context['aws:ViaAWSService'] ?? []);
    expect(new Set(via)).toEqual(new Set(['true', 'false']));
    // That it misses what it was given is not believed.
    expect(checkOf(found, 'step-rights').status).toBe('warn');
    expect(asked(fakes)[0]!.context).not.toHaveProperty('aws:ViaAWSService');
  });
  it('are judged by the policies of the role where the simulation rests on what nobody knows', async ({ fakes }) => {
    fakes.roles.missing.push('aws:SourceVpc');
    for (const arn of Object.values(STEP_ROLES)) fakes.roles.policies[arn] = allow('*');
    expect(checkOf(await run(fakes, recreate), 'step-rights').status).toBe('pass');
    for (const arn of Object.values(STEP_ROLES))
      fakes.roles.policies[arn] = allow('*', { StringEquals: { 'aws:SourceVpc': 'vpc-1' } });
    const found = await run(fakes, recreate);
    expect(found.answer).toMatchObject({ blockedBy: ['step-rights'] });
    expect(checkOf(found, 'step-rights')).toMatchObject(
      said('unknown', 'aws:SourceVpc, which is not known beforehand'),
    );
  });

  describe('that IAM may not be asked about', () => {
    it('are judged by the policies of the role, and its boundary', async () => {
      const fakes = unasked(deployed());
      expect(checkOf(await run(fakes, recreate), 'step-rights').status).toBe('pass');
      // Each role once.
      for (const call of ['roles.listPolicies', 'roles.getBoundary']) {
        const roles = fakes.journal
          .of(call)
          .flat()
          .filter((arn) => Object.values(STEP_ROLES).includes(arn as string));
        expect(roles).toHaveLength(new Set(roles).size);
      }
      fakes.roles.boundaries[STEP_ROLES['create-addon']] = {
        name: 'bound',
        document: policyText(
          { Effect: 'Allow', Action: '*', Resource: '*' },
          { Effect: 'Deny', Action: 'eks:CreateAddon', Resource: '*' },
        ),
      };
      const bounded = await run(fakes, recreate);
      expect(bounded.answer).toMatchObject({ verdict: 'blocked', blockedBy: ['step-rights'] });
      expect(checkOf(bounded, 'step-rights')).toMatchObject(
        said('fail', /make eks:CreateAddon .*the permissions boundary: .*denies/),
      );
    });
    const CREATE = STEP_ROLES['create-addon'];
    const DENY_ALL = { name: 'AWSDenyAll', arn: 'arn:aws:iam::aws:policy/AWSDenyAll' };
    const POWER = { name: 'PowerUserAccess' };
    const ODD = { name: 'odd', document: '{' };
    const [LIST, GET] = ['iam:ListRolePolicies', 'iam:GetPolicy'];
    const unread = (call: string) => async () => Promise.reject(refused(call));
    it.each<[string, string, (fakes: Fakes) => unknown]>([
      ['one of AWS', 'the content of AWSDenyAll was not read', ({ roles }) => roles.policies[CREATE]!.push(DENY_ALL)],
      ['a boundary', 'the content of PowerUserAccess was not read', ({ roles }) => (roles.boundaries[CREATE] = POWER)],
      ['a policy that is none', 'the policy is not valid', ({ roles }) => (roles.policies[CREATE] = [ODD])],
      ['unread policies', `${LIST}: AccessDenied: you may not`, ({ roles }) => (roles.listPolicies = unread(LIST))],
      ['an unread boundary', `${GET}: AccessDenied: you may not`, ({ roles }) => (roles.getBoundary = unread(GET))],
    ])('can not be told by %s: a recreate is blocked, in place goes on', async (_what, why, change) => {
      const fakes = unasked(deployed());
      change(fakes);
      const found = await run(fakes, recreate);
      expect(found.answer).toMatchObject({ blockedBy: ['step-rights'] });
      expect(checkOf(found, 'step-rights')).toMatchObject(
        said('unknown', `iam:SimulatePrincipalPolicy: AccessDenied: you may not; `),
      );
      expect(checkOf(found, 'step-rights').message).toContain(why);
      for (const request of [{ strategy: 'in-place' }, {}]) {
        const again = unasked(deployed());
        change(again);
        const { plan } = await run(again, request);
        expect([plan.verdict, plan.attempts.map(({ strategy }) => strategy)]).toEqual(['migrate', ['in-place']]);
      }
    });
  });

  it('are not asked for where the deployment names no role', async () => {
    const fakes = newFakes();
    fakes.settings.actingRoles = {};
    const found = await run(fakes);
    expect(asked(fakes)).toEqual([]);
    expect(found.plan).toMatchObject({ verdict: 'migrate', attempts: [{ strategy: 'in-place' }] });
  });
});

it.each(['eks.listAllAssociations', 'eks.listAddons', 'roles.listPolicies', 'roles.simulate'])(
  '%s that fails for a moment is tried again, not left out',
  async (call) => {
    const fakes = deployed();
    if (call === 'eks.listAddons')
      fakes.kubernetes.annotated = [{ namespace: NAMESPACE, name: 'ebs-csi-node-sa', roleArn: ROLE }];
    fakes.journal.refuseNext(call, 'Throttled', 'too many');
    await expectError(run(fakes), 'Throttled');
    const { plan } = await run(fakes);
    expect(plan.checks.filter(({ status, id }) => status !== 'pass' && id !== 'identity-loss')).toEqual([]);
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
});
