import { describe, expect, it } from 'vitest';
import { ACCOUNT, CLUSTER, EBS_SA, failureOf, OTHER_ACCOUNT, roleArn, type Statement } from './fixture.ts';
import {
  CLUSTER_ARN,
  PODS,
  EKS,
  OPERATIONS,
  allow,
  pass,
  get,
  make,
  ebs,
  adot,
  to,
  single,
  CASES,
  KNOB,
  open,
  statementsOf,
  METRICS,
  LOGS,
} from './on-behalf-cases.ts';
import type { Case } from './on-behalf-cases.ts';

/** Permissions for an association, with a condition on passing its role. */
const passingWith = (condition: unknown): Statement[] => [
  allow('iam:PassRole', roleArn('ebs'), condition),
  ...statementsOf([get('ebs'), make()]),
];

describe.each(KNOB)('with iam:AssociatedResourceArn %s', (knob) => {
  it.each(Object.entries(CASES))('%s needs exactly the permissions for its changes', async (_name, given) => {
    const { eks, authorizer } = open(given, undefined, knob);
    await given.call(eks);
    expect(authorizer.denials).toEqual([]);
    const operation = /^eks:(Create|Update|Delete)Addon$/;
    expect(
      authorizer
        .uses()
        .filter(({ action }) => !operation.test(action))
        .map(({ action, resource }) => `${action} ${resource}`),
    ).toEqual(given.permissions.map(({ use }) => use));
  });

  const each = Object.entries(CASES).flatMap(([name, { permissions }]) =>
    permissions.map(({ use }, index) => [name, use, index] as const),
  );

  it.each(each)('%s is denied without %s, and changes nothing', async (name, _use, missing) => {
    const given = CASES[name]!;
    const others = given.permissions.filter((_permission, index) => index !== missing);
    const { eks, cluster, pass: wait, authorizer } = open(given, statementsOf(others), knob);
    const state = structuredClone(cluster);
    const message = given.permissions[missing]!.refusal;
    expect(await failureOf(given.call(eks))).toEqual({ name: 'AccessDeniedException', status: 403, message });
    expect(authorizer.denials).toHaveLength(1);
    wait(600);
    expect(cluster).toEqual(state);
  });

  it('ArnLikeIfExists with the cluster allows passing a role', async () => {
    const condition = {
      StringEquals: { 'iam:PassedToService': PODS },
      ArnLikeIfExists: { 'iam:AssociatedResourceArn': CLUSTER_ARN },
    };
    const given = CASES['CreateAddon with an association']!;
    const { eks, addon } = open(given, passingWith(condition), knob);
    await given.call(eks);
    expect(addon()?.associationIds).toHaveLength(1);
  });

  it(`ArnLike with the cluster ${knob === 'absent' ? 'allows passing no role' : 'allows passing a role'}`, async () => {
    const given = CASES['CreateAddon with an association']!;
    const { eks } = open(given, passingWith({ ArnLike: { 'iam:AssociatedResourceArn': CLUSTER_ARN } }), knob);
    const outcome = given.call(eks).then(
      () => 'passed',
      (error: Error) => error.message,
    );
    expect(await outcome).toBe(knob === 'absent' ? pass('ebs').refusal : 'passed');
  });
});

describe('iam:PassRole', () => {
  it.each([
    ['an association', 'CreatePodIdentityAssociation, whose target role is not passed', 'ebs', PODS, EKS],
    ['an association of an add-on', 'CreateAddon with an association', 'ebs', PODS, EKS],
    ['its service account', 'UpdateAddon with a role for its service account', 'irsa-only', EKS, PODS],
  ])(
    'for %s is checked for the service that gets the role, and no other',
    async (_what, name, role, service, other) => {
      const given = CASES[name]!;
      const permissions = statementsOf(given.permissions);
      await given.call(open(given).eks);
      const wrong = permissions.map((statement) =>
        statement['Action'] === 'iam:PassRole'
          ? allow('iam:PassRole', roleArn(role), { StringEquals: { 'iam:PassedToService': other } })
          : statement,
      );
      expect((await failureOf(given.call(open(given, wrong).eks))).message).toBe(pass(role, service).refusal);
    },
  );

  it.each([
    ['CreatePodIdentityAssociation, whose target role is not passed', PODS],
    ['CreatePodIdentityAssociation, whose target role is not passed', EKS],
    ['CreateAddon with an association', PODS],
    ['CreateAddon with an association', EKS],
  ] as const)(
    '%s requires the role of an association to be passed to %s, as the knob defines',
    async (name, service) => {
      const given = { ...CASES[name]!, knobs: { passedToService: service } };
      const passingTo = (named: string): Statement[] =>
        statementsOf(given.permissions).map((statement) =>
          statement['Action'] === 'iam:PassRole' ? pass('ebs', named).statement : statement,
        );
      await given.call(open(given, passingTo(service)).eks);
      const other = service === PODS ? EKS : PODS;
      expect((await failureOf(given.call(open(given, passingTo(other)).eks))).message).toBe(
        pass('ebs', service).refusal,
      );
    },
  );

  it.each([PODS, EKS] as const)(
    'for the role of IRSA is checked for EKS, also if roles of associations are passed to %s',
    async (passedToService) => {
      const given = { ...CASES['UpdateAddon with a role for its service account']!, knobs: { passedToService } };
      const { eks, authorizer } = open(given);
      await given.call(eks);
      expect(authorizer.uses().flatMap(({ passedTo }) => passedTo ?? [])).toEqual([EKS]);
    },
  );

  it('restricted to one cluster is denied for another, if EKS provides the cluster', async () => {
    const given = CASES['CreateAddon with an association']!;
    const elsewhere = { ArnLikeIfExists: { 'iam:AssociatedResourceArn': `${CLUSTER_ARN}-2` } };
    const { eks } = open(given, passingWith(elsewhere), 'cluster');
    expect((await failureOf(given.call(eks))).message).toBe(pass('ebs').refusal);
  });

  it.each([
    ['of another account', roleArn('ebs', OTHER_ACCOUNT)],
    ['that is empty', ''],
  ])('is not checked for a role %s', async (_what, role) => {
    const { eks, authorizer } = open({ ...CASES['UpdateAddon with another role']!, permissions: [] }, [
      allow('eks:*', '*'),
    ]);
    const refused = { name: 'AccessDeniedException', status: 403, message: 'Cross-account pass role is not allowed.' };
    const both = [to(METRICS, 'ebs'), { serviceAccount: LOGS, roleArn: role }];
    for (const call of [
      eks.updateAddon({ ...ebs, serviceAccountRoleArn: role }),
      eks.updateAddon({ ...ebs, podIdentityAssociations: [{ serviceAccount: EBS_SA, roleArn: role }] }),
      eks.createAddon({ ...adot, podIdentityAssociations: both }),
      eks.createPodIdentityAssociation({
        clusterName: CLUSTER,
        namespace: 'shop',
        serviceAccount: 'till',
        roleArn: role,
      }),
      eks.updatePodIdentityAssociation({ ...single, roleArn: role }),
    ])
      expect(await failureOf(call)).toEqual(refused);
    expect(authorizer.denials).toEqual([]);
  });

  it('is checked before the role itself', async () => {
    const { eks, grant } = open({ ...CASES['UpdateAddon with its first association']!, permissions: [] }, []);
    const nobody = { ...ebs, podIdentityAssociations: [to(EBS_SA, 'nobody')] };
    expect((await failureOf(eks.updateAddon(nobody))).message).toBe(pass('nobody').refusal);
    grant([...OPERATIONS, ...statementsOf([pass('nobody'), get('nobody'), make()])]);
    expect((await failureOf(eks.updateAddon(nobody))).message).toBe('Role provided in the request does not exist.');
  });
});

it('iam:GetRole on behalf depends on the tags of the role', async () => {
  const given = CASES['CreateAddon with an association']!;
  for (const key of ['aws:ResourceTag/for', 'iam:ResourceTag/for']) {
    const { eks, world } = open(given, [
      pass('ebs').statement,
      make().statement,
      allow('iam:GetRole', '*', { StringEquals: { [key]: 'pods' } }),
    ]);
    expect((await failureOf(given.call(eks))).message).toBe(get('ebs').refusal);
    world.accounts.get(ACCOUNT)!.roles.get('ebs')!.tags['for'] = 'pods';
    await given.call(eks);
  }
});

describe('a repeated call', () => {
  it('needs no permission for the changes of the first call', async () => {
    const given = CASES['CreateAddon with an association']!;
    const { eks, grant, authorizer } = open(given);
    const input = { ...ebs, clientRequestToken: 'once', podIdentityAssociations: [to(EBS_SA, 'ebs')] };
    const first = await eks.createAddon(input);
    grant(OPERATIONS);
    expect((await eks.createAddon(input)).addon?.addonArn).toBe(first.addon?.addonArn);
    expect(authorizer.denials).toEqual([]);
  });

  it('of DeleteAddon while the add-on is being deleted needs no further permission', async () => {
    const given: Case = { ...CASES['DeleteAddon with preserve false']!, knobs: { deleteWhileBusy: 'accept' } };
    const { eks, grant } = open(given);
    await given.call(eks);
    grant(OPERATIONS);
    expect(((await given.call(eks)) as { addon: { status: string } }).addon.status).toBe('DELETING');
  });

  it('is denied like the first, and does not store the token', async () => {
    const given = CASES['UpdateAddon with its first association']!;
    const { eks, grant, addon } = open(given, []);
    const input = { ...ebs, clientRequestToken: 'once', podIdentityAssociations: [to(EBS_SA, 'ebs')] };
    expect((await failureOf(eks.updateAddon(input))).message).toBe(pass('ebs').refusal);
    expect(addon()).toMatchObject({ status: 'ACTIVE', generation: 1, associationIds: [] });
    grant([...OPERATIONS, ...statementsOf([pass('other'), get('other'), make()])]);
    await eks.updateAddon({ ...input, podIdentityAssociations: [to(EBS_SA, 'other')] });
    expect(addon()).toMatchObject({ status: 'UPDATING', generation: 2 });
  });
});
