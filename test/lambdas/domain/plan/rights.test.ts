/** Which calls the steps of a migration make, and those of its rollback, as the plan works them out. */
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../../../lambdas/domain/record/plan.ts';
import { type Call, callKey } from '../../../../lambdas/domain/plan/calls.ts';
import type { Facts } from '../../../../lambdas/domain/plan/facts.ts';
import { ASSOCIATE } from '../../../../lambdas/domain/plan/attempts.ts';
import { plannedAssociations } from '../../../../lambdas/domain/plan/plan.ts';
import { callsOf, deletes, rightsOf } from '../../../../lambdas/domain/plan/rights.ts';
import { accountFacts, anAccountAssociation, anAccountRequest } from '../../account-fixtures.ts';
import { addonArn, OTHER_ROLE, ROLE } from '../../example.ts';
import { anAddon, anAssociation, associationArn } from '../../eks-fixtures.ts';
import { aRequest, IN_PLACE, RECREATE, RECREATE_PRESERVING, someFacts } from '../../fixtures.ts';

const short = (resource: string): string =>
  resource
    .replace(/^arn:aws:(eks|iam):[^:]*:111122223333:/, '')
    .replace('00000000-0000-4000-8000-000000000000', 'NEW')
    .replace('a-00000000000000000', 'NEW');
const text = ({ action, resource, passedTo, onBehalf, requestTags = {} }: Call): string =>
  [
    action.replace('PodIdentityAssociation', 'PIA'),
    short(resource),
    ...(passedTo === undefined ? [] : [`to ${passedTo.replace('.amazonaws.com', '')}`]),
    ...Object.keys(requestTags).map((key) => `#${key}`),
    ...(onBehalf ? ['by EKS'] : []),
  ].join(' ');
/** By step, each right as its candidates. */
const needs = (facts: Facts, attempt: Attempt, planned = plannedAssociations(facts)): Record<string, string[]> => {
  const found: Record<string, string[]> = {};
  for (const { candidates, back } of rightsOf(facts, planned, attempt)) {
    const step = `${back ? '← ' : ''}${candidates[0]!.step}`;
    (found[step] ??= []).push(candidates.map(text).join(' | '));
  }
  return found;
};

const EBS = 'addon/dev/aws-ebs-csi-driver';
const OLD = short(addonArn(1));
const pass = (role: string): string[] => [
  `iam:PassRole ${short(role)} to pods.eks | iam:PassRole ${short(role)} to eks`,
  `iam:GetRole ${short(role)} by EKS`,
];
const IRSA = [`iam:PassRole ${short(ROLE)} to eks`, `iam:GetRole ${short(ROLE)} by EKS`];

const OWN_TAG = '#pod-identity-migrator/migration';
const CREATES_OWN = [
  `eks:CreatePIA cluster/dev ${OWN_TAG}`,
  ['cluster/dev', 'podidentityassociation/dev/NEW', '/createpodidentityassociation']
    .map((resource) => `eks:TagResource ${resource} ${OWN_TAG}`)
    .join(' | '),
  ...pass(ROLE),
];
/** The rollback deletes the migration's own associations, creates them again if it has to, and reads the IRSA role. */
const TAKES_AWAY = ['eks:DeletePIA podidentityassociation/dev/NEW', ...CREATES_OWN, `iam:GetRole ${short(ROLE)}`];

describe('rightsOf', () => {
  it('in place, of an add-on that has only its role', () =>
    expect(needs(someFacts(), IN_PLACE)).toEqual({
      'update-addon': [`eks:UpdateAddon ${OLD}`, ...pass(ROLE), 'eks:CreatePIA cluster/dev by EKS'],
      '← restore-addon': [`eks:UpdateAddon ${OLD}`, ...IRSA, 'eks:DeletePIA podidentityassociation/dev/NEW by EKS'],
      '← restore-associations': TAKES_AWAY,
    }));

  it('in place by what EKS says alone: EKS takes away what it has made', () => {
    const facts = someFacts({ request: aRequest({ verification: 'api' }) });
    expect(needs(facts, IN_PLACE)).not.toHaveProperty('← restore-associations');
  });

  it('recreate, with its tags', () => {
    const facts = someFacts({
      request: aRequest({ strategy: 'recreate' }),
      addon: anAddon({ tags: { team: 'a', 'aws:cloudformation:stack-name': 's' } }),
    });
    const create = [
      'eks:CreateAddon cluster/dev #team',
      `eks:TagResource cluster/dev #team | eks:TagResource ${EBS}/NEW #team | eks:TagResource /createaddon #team`,
    ];
    expect(needs(facts, RECREATE)).toEqual({
      'delete-addon': [`eks:DeleteAddon ${OLD}`],
      'create-addon': [...create, ...pass(ROLE), 'eks:CreatePIA cluster/dev by EKS'],
      '← restore-addon': [
        ...create,
        `eks:DeleteAddon ${EBS}/NEW`,
        `eks:UpdateAddon ${EBS}/NEW`,
        ...IRSA,
        'eks:DeletePIA podidentityassociation/dev/NEW by EKS',
        'eks:DeletePIA podidentityassociation/dev/NEW',
      ],
      '← restore-associations': TAKES_AWAY,
    });
  });

  it('after another attempt: what that attempt has created', () => {
    const { 'delete-addon': cascade, 'create-addon': over } = needs(someFacts(), RECREATE);
    expect(cascade).toContain('eks:DeletePIA podidentityassociation/dev/NEW by EKS');
    expect(over).toContain('eks:DeletePIA podidentityassociation/dev/NEW');
    const { 'delete-addon': preserving, 'create-addon': create } = needs(someFacts(), RECREATE_PRESERVING);
    expect(preserving).toEqual([`eks:DeleteAddon ${OLD}`]);
    expect(create).toContain('eks:DeletePIA podidentityassociation/dev/NEW');
  });

  it('with a conflicting association: its purge, and its complete restore', () => {
    const facts = someFacts({ associations: [anAssociation({ tags: { team: 'a' }, disableSessionTags: true })] });
    const left = short(associationArn('a-left00000000000001'));
    expect(needs(facts, IN_PLACE)).toMatchObject({
      'update-addon': expect.arrayContaining([`eks:DeletePIA ${left}`]) as string[],
      'carry-over': [
        'eks:UpdatePIA podidentityassociation/dev/NEW',
        ...pass(ROLE),
        'eks:TagResource podidentityassociation/dev/NEW #team',
      ],
      '← restore-associations': [
        ...TAKES_AWAY,
        'eks:CreatePIA cluster/dev #team',
        'eks:TagResource cluster/dev #team | eks:TagResource podidentityassociation/dev/NEW #team | eks:TagResource /createpodidentityassociation #team',
      ],
    });
  });

  it('of an add-on that owns associations: what EKS does to them with the rights of the role', () => {
    const own = anAssociation({ id: 'a-own000000000000001', ownerArn: addonArn(1), roleArn: OTHER_ROLE });
    const facts = someFacts({
      request: aRequest({ strategy: 'recreate' }),
      associations: [own],
      addon: anAddon({ podIdentityAssociations: [own.arn, associationArn('a-other')] }),
    });
    const mine = short(own.arn);
    const other = short(associationArn('a-other'));
    const { 'update-addon': update, '← restore-addon': back } = needs(facts, IN_PLACE);
    expect(update).toEqual([
      `eks:UpdateAddon ${OLD}`,
      ...pass(ROLE),
      'eks:CreatePIA cluster/dev by EKS',
      `eks:UpdatePIA ${mine} by EKS`,
      `eks:DeletePIA ${mine} by EKS`,
      `eks:DeletePIA ${other} by EKS`,
    ]);
    expect(back).toEqual(expect.arrayContaining([...pass(OTHER_ROLE), ...IRSA, `eks:UpdatePIA ${mine} by EKS`]));
    // EKS makes the one that is missing, and takes that away again.
    const both = [...plannedAssociations(facts), { ...plannedAssociations(facts)[0]!, serviceAccount: 'second' }];
    const two = needs(facts, IN_PLACE, both);
    expect(two['update-addon']).toContain('eks:CreatePIA cluster/dev by EKS');
    expect(two['← restore-addon']).toContain('eks:DeletePIA podidentityassociation/dev/NEW by EKS');
    const recreate = needs(facts, RECREATE);
    expect(recreate['delete-addon']).toEqual([
      `eks:DeleteAddon ${OLD}`,
      `eks:DeletePIA ${mine} by EKS`,
      `eks:DeletePIA ${other} by EKS`,
    ]);
    expect(recreate['← restore-addon']).toEqual(
      expect.arrayContaining([...pass(OTHER_ROLE), 'eks:CreatePIA cluster/dev by EKS']),
    );
    expect(needs(facts, RECREATE_PRESERVING)).toMatchObject({
      'delete-addon': [`eks:DeleteAddon ${OLD}`],
      'create-addon': expect.arrayContaining([`eks:DeletePIA ${mine}`]) as string[],
    });
  });

  it('of an association of the add-on with settings that its form lacks: passing its role again in the rollback', () => {
    const own = anAssociation({
      id: 'a-own000000000000001',
      ownerArn: addonArn(1),
      roleArn: OTHER_ROLE,
      disableSessionTags: true,
    });
    const facts = someFacts({
      request: aRequest({ strategy: 'recreate' }),
      associations: [own],
      addon: anAddon({ podIdentityAssociations: [own.arn] }),
    });
    for (const [attempt, updated] of [
      [IN_PLACE, short(own.arn)],
      [RECREATE, 'podidentityassociation/dev/NEW'],
    ] as const)
      expect(needs(facts, attempt)['← restore-associations']).toEqual(
        expect.arrayContaining([`eks:UpdatePIA ${updated}`, ...pass(OTHER_ROLE)]),
      );
    const tagged = { ...facts, associations: [{ ...own, disableSessionTags: false, tags: { team: 'a' } }] };
    expect(needs(tagged, IN_PLACE)['← restore-associations']).not.toEqual(
      expect.arrayContaining([expect.stringContaining('iam:PassRole')]),
    );
  });

  it('of an agent that is installed first: a create without role and tags', () => {
    const facts = someFacts({
      request: aRequest({ agent: 'install' }),
      agentAddon: undefined,
      agentWorkload: undefined,
      agentOffered: [{ version: 'v1', default: true, requiresIamPermissions: false }],
    });
    for (const attempt of [IN_PLACE, RECREATE])
      expect(needs(facts, attempt)['install-agent']).toEqual(['eks:CreateAddon cluster/dev']);
  });

  it('of a service account: the association, its tag, and that the rollback can delete it and create it again', () => {
    expect(needs(accountFacts(), ASSOCIATE)).toEqual({
      'create-association': CREATES_OWN,
      '← restore-associations': TAKES_AWAY,
    });
    const there = accountFacts({ request: anAccountRequest(), associations: [anAccountAssociation()] });
    expect(needs(there, ASSOCIATE)).toEqual({});
  });

  it('asks for no role that is refused without asking', () => {
    const passes = (change: Partial<Facts>, facts = someFacts()): string[] =>
      Object.values(needs({ ...facts, ...change }, RECREATE, plannedAssociations(facts)))
        .flat()
        .filter((one) => one.startsWith('iam:'));
    const irsa = [...IRSA, `iam:GetRole ${short(ROLE)}`];
    expect([passes({ passableRoleArns: [] }), passes({ roles: {} })]).toEqual([[], irsa]);
    expect(passes({}, someFacts({ request: aRequest({ roleArn: 'arn:aws:iam::444455556666:role/far' }) }))).toEqual(
      irsa,
    );
  });
});

it('callsOf has each call of several attempts once', () => {
  const facts = someFacts();
  const calls = callsOf(facts, plannedAssociations(facts), [IN_PLACE, RECREATE_PRESERVING, RECREATE]);
  expect(new Set(calls.map(callKey)).size).toBe(calls.length);
  expect(calls.map(({ step }) => step)).toEqual(
    expect.arrayContaining(['update-addon', 'create-addon', 'delete-addon']),
  );
  expect(callsOf(facts, [], [IN_PLACE])).toEqual([]);
});

it('deletes is said of a recreate, of a purge, and of an association that EKS might replace', () => {
  const says = (attempt: Attempt, change: Partial<Facts> = {}): boolean => {
    const facts: Facts = { ...someFacts(), ...change };
    return deletes(facts, plannedAssociations(facts), attempt);
  };
  expect([says(IN_PLACE), says(RECREATE_PRESERVING), says(RECREATE)]).toEqual([false, true, true]);
  expect(says(IN_PLACE, { associations: [anAssociation()] })).toBe(true);
  expect(says(IN_PLACE, { associations: [anAssociation({ ownerArn: addonArn(1) })] })).toBe(false);
  const reassigned = anAssociation({ ownerArn: addonArn(1), roleArn: OTHER_ROLE });
  expect(says(IN_PLACE, { associations: [reassigned] })).toBe(true);
});
