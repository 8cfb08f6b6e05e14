import { describe, expect, it } from 'vitest';
import type { Knobs } from '../../../sandbox/world/scenario.ts';
import {
  ACCOUNT,
  CALLER_SESSION,
  CLUSTER,
  EBS,
  EBS_SA,
  failureOf,
  openFixture,
  OTHER_ACCOUNT,
  REGION,
  roleArn,
} from './fixture.ts';
import type { Fixture, Statement } from './fixture.ts';

const EKS_ARN = `arn:aws:eks:${REGION}:${ACCOUNT}`;
const CLUSTER_ARN = `${EKS_ARN}:cluster/${CLUSTER}`;
const ADOT = 'adot';
const [METRICS, TRACES, LOGS] = ['adot-col-prom-metrics', 'adot-col-otlp-ingest', 'adot-col-container-logs'] as const;
const PODS = 'pods.eks.amazonaws.com';
const EKS = 'eks.amazonaws.com';
/** Calls as they are: the operation's own rights are tested elsewhere. */
const OPERATIONS: Statement[] = [
  { Effect: 'Allow', Action: ['eks:CreateAddon', 'eks:UpdateAddon', 'eks:DeleteAddon'], Resource: '*' },
];
const ON_BEHALF = { Bool: { 'aws:ViaAWSService': 'true' }, 'ForAnyValue:StringEquals': { 'aws:CalledVia': EKS } };

const allow = (action: string, resource: string, condition?: unknown): Statement => ({
  Effect: 'Allow',
  Action: action,
  Resource: resource,
  ...(condition === undefined ? {} : { Condition: condition }),
});

/** A right that EKS needs of the caller, and how a refusal names it. */
interface Right {
  statement: Statement;
  refusal: string;
  /** As the authorizer notes it: action and resource. */
  use: string;
}

const right = (action: string, resource: string, condition: unknown, named = resource): Right => ({
  statement: allow(action, resource, condition),
  refusal: `User: ${CALLER_SESSION} is not authorized to perform: ${action} on resource: ${named} because no identity-based policy allows the ${action} action`,
  use: `${action} ${resource}`,
});
const pass = (role: string, service = PODS): Right =>
  right('iam:PassRole', roleArn(role), {
    StringEquals: { 'iam:PassedToService': service, 'aws:ViaAWSService': 'false' },
    Null: { 'aws:CalledVia': 'true' },
  });
const get = (role: string): Right =>
  right(
    'iam:GetRole',
    roleArn(role),
    { ...ON_BEHALF, StringEquals: { 'aws:RequestedRegion': 'us-east-1' } },
    `role ${role}`,
  );
const make = (): Right =>
  right('eks:CreatePodIdentityAssociation', CLUSTER_ARN, {
    ...ON_BEHALF,
    StringEquals: { 'aws:RequestedRegion': REGION },
  });
const onAssociation = (action: string, id: string): Right =>
  right(`eks:${action}PodIdentityAssociation`, `${EKS_ARN}:podidentityassociation/${CLUSTER}/${id}`, ON_BEHALF);
/** Where the association is what the call itself is about. */
const itself = (action: string, resource: string): Right =>
  right(action, resource, { Bool: { 'aws:ViaAWSService': 'false' } });

const idOf = (index: number): string => `a-0000000000000000${index}`;
/** Associations of an add-on that is there, in that order. */
const own = (
  { addon, associate }: Fixture,
  name: string,
  associations: { serviceAccount: string; role: string; targetRoleArn?: string }[],
): void => {
  const owner = addon(name)!;
  associations.forEach(({ serviceAccount, role, ...more }, index) => {
    const { id } = associate({
      id: idOf(index),
      namespace: owner.namespace,
      serviceAccount,
      roleArn: roleArn(role),
      ownerArn: owner.arn,
      ...more,
    });
    owner.associationIds.push(id);
  });
};

interface Case {
  setup?: (fixture: Fixture) => void;
  addons?: string[];
  knobs?: Partial<Knobs>;
  call: (eks: Fixture['eks']) => Promise<unknown>;
  /** In the order in which they are asked. */
  rights: Right[];
}

const ebs = { clusterName: CLUSTER, addonName: EBS };
const adot = { clusterName: CLUSTER, addonName: ADOT };
const to = (serviceAccount: string, role: string): { serviceAccount: string; roleArn: string } => ({
  serviceAccount,
  roleArn: roleArn(role),
});
const ownsEbs = (fixture: Fixture): void => own(fixture, EBS, [{ serviceAccount: EBS_SA, role: 'ebs' }]);
const standAlone = ({ associate }: Fixture): void =>
  void associate({ id: idOf(0), serviceAccount: 'till', roleArn: roleArn('ebs') });
const single = { clusterName: CLUSTER, associationId: idOf(0) };
const ownsThree = (fixture: Fixture): void =>
  own(fixture, ADOT, [
    { serviceAccount: METRICS, role: 'ebs' },
    { serviceAccount: TRACES, role: 'ebs' },
    { serviceAccount: LOGS, role: 'ebs' },
  ]);

const CASES: Record<string, Case> = {
  'CreatePodIdentityAssociation, whose target role is not passed': {
    call: (eks) =>
      eks.createPodIdentityAssociation({
        clusterName: CLUSTER,
        namespace: 'shop',
        serviceAccount: 'till',
        roleArn: roleArn('ebs'),
        targetRoleArn: roleArn('far', OTHER_ACCOUNT),
      }),
    rights: [itself('eks:CreatePodIdentityAssociation', CLUSTER_ARN), pass('ebs'), get('ebs')],
  },
  'UpdatePodIdentityAssociation with a role': {
    setup: standAlone,
    call: (eks) => eks.updatePodIdentityAssociation({ ...single, roleArn: roleArn('other') }),
    rights: [
      itself('eks:UpdatePodIdentityAssociation', `${EKS_ARN}:podidentityassociation/${CLUSTER}/${idOf(0)}`),
      pass('other'),
      get('other'),
    ],
  },
  'UpdatePodIdentityAssociation with a target role alone': {
    setup: standAlone,
    call: (eks) => eks.updatePodIdentityAssociation({ ...single, targetRoleArn: roleArn('far', OTHER_ACCOUNT) }),
    rights: [itself('eks:UpdatePodIdentityAssociation', `${EKS_ARN}:podidentityassociation/${CLUSTER}/${idOf(0)}`)],
  },
  'UpdatePodIdentityAssociation with a target role alone, where EKS asks each time': {
    setup: standAlone,
    knobs: { updateAssociationPassesRole: true },
    call: (eks) => eks.updatePodIdentityAssociation({ ...single, targetRoleArn: roleArn('far', OTHER_ACCOUNT) }),
    rights: [
      itself('eks:UpdatePodIdentityAssociation', `${EKS_ARN}:podidentityassociation/${CLUSTER}/${idOf(0)}`),
      pass('ebs'),
      get('ebs'),
    ],
  },
  'CreateAddon without roles': { call: (eks) => eks.createAddon(ebs), rights: [] },
  'CreateAddon with an association': {
    call: (eks) => eks.createAddon({ ...ebs, podIdentityAssociations: [to(EBS_SA, 'ebs')] }),
    rights: [pass('ebs'), get('ebs'), make()],
  },
  'CreateAddon with a role for its service account': {
    call: (eks) => eks.createAddon({ ...ebs, serviceAccountRoleArn: roleArn('irsa-only') }),
    rights: [pass('irsa-only', EKS), get('irsa-only')],
  },
  'CreateAddon with both': {
    call: (eks) =>
      eks.createAddon({
        ...ebs,
        serviceAccountRoleArn: roleArn('irsa-only'),
        podIdentityAssociations: [to(EBS_SA, 'ebs')],
      }),
    rights: [pass('irsa-only', EKS), pass('ebs'), get('irsa-only'), get('ebs'), make()],
  },
  'CreateAddon over a failed copy': {
    addons: [ADOT],
    setup: (fixture) => {
      own(fixture, ADOT, [
        { serviceAccount: METRICS, role: 'ebs' },
        { serviceAccount: TRACES, role: 'ebs' },
      ]);
      fixture.addon(ADOT)!.status = 'CREATE_FAILED';
    },
    call: (eks) => eks.createAddon({ ...adot, podIdentityAssociations: [to(METRICS, 'ebs')] }),
    rights: [pass('ebs'), get('ebs'), onAssociation('Update', idOf(0)), onAssociation('Delete', idOf(1))],
  },
  'UpdateAddon that leaves the associations out': {
    addons: [EBS],
    setup: ownsEbs,
    call: (eks) => eks.updateAddon(ebs),
    rights: [],
  },
  'UpdateAddon with its first association': {
    addons: [EBS],
    call: (eks) => eks.updateAddon({ ...ebs, podIdentityAssociations: [to(EBS_SA, 'ebs')] }),
    rights: [pass('ebs'), get('ebs'), make()],
  },
  'UpdateAddon with the same association': {
    addons: [EBS],
    setup: ownsEbs,
    call: (eks) => eks.updateAddon({ ...ebs, podIdentityAssociations: [to(EBS_SA, 'ebs')] }),
    rights: [pass('ebs'), get('ebs')],
  },
  'UpdateAddon with another role': {
    addons: [EBS],
    setup: ownsEbs,
    call: (eks) => eks.updateAddon({ ...ebs, podIdentityAssociations: [to(EBS_SA, 'other')] }),
    rights: [pass('other'), get('other'), onAssociation('Update', idOf(0))],
  },
  'UpdateAddon that loses a target role': {
    addons: [EBS],
    setup: (fixture) =>
      own(fixture, EBS, [{ serviceAccount: EBS_SA, role: 'ebs', targetRoleArn: roleArn('far', OTHER_ACCOUNT) }]),
    call: (eks) => eks.updateAddon({ ...ebs, podIdentityAssociations: [to(EBS_SA, 'ebs')] }),
    rights: [pass('ebs'), get('ebs'), onAssociation('Update', idOf(0))],
  },
  'UpdateAddon that takes its associations away': {
    addons: [EBS],
    setup: ownsEbs,
    call: (eks) => eks.updateAddon({ ...ebs, podIdentityAssociations: [] }),
    rights: [onAssociation('Delete', idOf(0))],
  },
  'UpdateAddon with a role for its service account': {
    addons: [EBS],
    call: (eks) => eks.updateAddon({ ...ebs, serviceAccountRoleArn: roleArn('irsa-only') }),
    rights: [pass('irsa-only', EKS), get('irsa-only')],
  },
  'UpdateAddon that makes one, changes one, leaves one and takes one away': {
    addons: [ADOT],
    setup: (fixture) =>
      own(fixture, ADOT, [
        { serviceAccount: METRICS, role: 'ebs' },
        { serviceAccount: LOGS, role: 'irsa-only' },
        { serviceAccount: 'of-an-older-version', role: 'ebs' },
      ]),
    call: (eks) =>
      eks.updateAddon({
        ...adot,
        podIdentityAssociations: [to(METRICS, 'ebs'), to(TRACES, 'other'), to(LOGS, 'other')],
      }),
    rights: [
      pass('ebs'),
      pass('other'),
      get('ebs'),
      get('other'),
      make(),
      onAssociation('Update', idOf(1)),
      onAssociation('Delete', idOf(2)),
    ],
  },
  'UpdateAddon whose associations get new ids': {
    addons: [EBS],
    setup: ownsEbs,
    knobs: { newIdOnReplace: true },
    call: (eks) => eks.updateAddon({ ...ebs, podIdentityAssociations: [to(EBS_SA, 'ebs')] }),
    rights: [pass('ebs'), get('ebs'), make(), onAssociation('Delete', idOf(0))],
  },
  DeleteAddon: {
    addons: [ADOT],
    setup: ownsThree,
    call: (eks) => eks.deleteAddon(adot),
    rights: [0, 1, 2].map((index) => onAssociation('Delete', idOf(index))),
  },
  'DeleteAddon with preserve': {
    addons: [ADOT],
    setup: ownsThree,
    call: (eks) => eks.deleteAddon({ ...adot, preserve: true }),
    rights: [],
  },
  'DeleteAddon with preserve false': {
    addons: [EBS],
    setup: ownsEbs,
    call: (eks) => eks.deleteAddon({ ...ebs, preserve: false }),
    rights: [onAssociation('Delete', idOf(0))],
  },
  'DeleteAddon beside associations that it does not own': {
    addons: [EBS],
    setup: standAlone,
    call: (eks) => eks.deleteAddon(ebs),
    rights: [],
  },
};

const KNOB = ['absent', 'cluster'] as const;

const open = (
  { addons = [], setup, knobs = {} }: Case,
  as: Statement[],
  associatedResourceArn: (typeof KNOB)[number] = 'absent',
): Fixture => {
  const fixture = openFixture({
    addons: addons.map((name) => ({ name })),
    knobs: { ...knobs, associatedResourceArn },
    as: [...OPERATIONS, ...as],
  });
  setup?.(fixture);
  return fixture;
};

describe.each(KNOB)('with iam:AssociatedResourceArn %s', (knob) => {
  it.each(Object.entries(CASES))('%s needs exactly the rights to what it changes', async (_name, given) => {
    const { eks, authorizer } = open(
      given,
      given.rights.map(({ statement }) => statement),
      knob,
    );
    await given.call(eks);
    expect(authorizer.denials).toEqual([]);
    const operation = /^eks:(Create|Update|Delete)Addon$/;
    expect(
      authorizer
        .uses()
        .filter(({ action }) => !operation.test(action))
        .map(({ action, resource }) => `${action} ${resource}`),
    ).toEqual(given.rights.map(({ use }) => use));
  });

  const each = Object.entries(CASES).flatMap(([name, { rights }]) =>
    rights.map(({ use }, index) => [name, use, index] as const),
  );

  it.each(each)('%s is refused without %s, and nothing has changed', async (name, _use, missing) => {
    const given = CASES[name]!;
    const {
      eks,
      cluster,
      pass: wait,
      authorizer,
    } = open(
      given,
      given.rights.filter((_right, index) => index !== missing).map(({ statement }) => statement),
      knob,
    );
    const state = structuredClone(cluster);
    expect(await failureOf(given.call(eks))).toEqual({
      name: 'AccessDeniedException',
      status: 403,
      message: given.rights[missing]!.refusal,
    });
    expect(authorizer.denials).toHaveLength(1);
    wait(600);
    expect(cluster).toEqual(state);
  });

  it('ArnLikeIfExists of the cluster lets a role pass', async () => {
    const condition = {
      StringEquals: { 'iam:PassedToService': PODS },
      ArnLikeIfExists: { 'iam:AssociatedResourceArn': CLUSTER_ARN },
    };
    const given = CASES['CreateAddon with an association']!;
    const { eks, addon } = open(
      given,
      [allow('iam:PassRole', roleArn('ebs'), condition), get('ebs').statement, make().statement],
      knob,
    );
    await given.call(eks);
    expect(addon()?.associationIds).toHaveLength(1);
  });

  it(`ArnLike of the cluster ${knob === 'absent' ? 'lets none pass' : 'lets a role pass'}`, async () => {
    const given = CASES['CreateAddon with an association']!;
    const { eks } = open(
      given,
      [
        allow('iam:PassRole', roleArn('ebs'), { ArnLike: { 'iam:AssociatedResourceArn': CLUSTER_ARN } }),
        get('ebs').statement,
        make().statement,
      ],
      knob,
    );
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
  ])('for %s is passed to the service that takes it, and to no other', async (_what, name, role, service, other) => {
    const given = CASES[name]!;
    const rights = given.rights.map(({ statement }) => statement);
    await given.call(open(given, rights).eks);
    const wrong = rights.map((statement) =>
      statement['Action'] === 'iam:PassRole'
        ? allow('iam:PassRole', roleArn(role), { StringEquals: { 'iam:PassedToService': other } })
        : statement,
    );
    expect((await failureOf(given.call(open(given, wrong).eks))).message).toBe(pass(role, service).refusal);
  });

  it('on the cluster of the association alone is refused for another, where EKS names the cluster', async () => {
    const given = CASES['CreateAddon with an association']!;
    const elsewhere = { ArnLikeIfExists: { 'iam:AssociatedResourceArn': `${CLUSTER_ARN}-2` } };
    const { eks } = open(
      given,
      [allow('iam:PassRole', roleArn('ebs'), elsewhere), get('ebs').statement, make().statement],
      'cluster',
    );
    expect((await failureOf(given.call(eks))).message).toBe(pass('ebs').refusal);
  });

  it.each([
    ['of another account', roleArn('ebs', OTHER_ACCOUNT)],
    ['that is empty', ''],
  ])('is not even asked for a role %s', async (_what, role) => {
    const { eks, authorizer } = open({ ...CASES['UpdateAddon with another role']!, rights: [] }, [allow('eks:*', '*')]);
    const refused = { name: 'AccessDeniedException', status: 403, message: 'Cross-account pass role is not allowed.' };
    expect(await failureOf(eks.updateAddon({ ...ebs, serviceAccountRoleArn: role }))).toEqual(refused);
    expect(
      await failureOf(
        eks.updateAddon({ ...ebs, podIdentityAssociations: [{ serviceAccount: EBS_SA, roleArn: role }] }),
      ),
    ).toEqual(refused);
    expect(
      await failureOf(
        eks.createAddon({
          ...adot,
          podIdentityAssociations: [to(METRICS, 'ebs'), { serviceAccount: LOGS, roleArn: role }],
        }),
      ),
    ).toEqual(refused);
    expect(
      await failureOf(
        eks.createPodIdentityAssociation({
          clusterName: CLUSTER,
          namespace: 'shop',
          serviceAccount: 'till',
          roleArn: role,
        }),
      ),
    ).toEqual(refused);
    expect(await failureOf(eks.updatePodIdentityAssociation({ ...single, roleArn: role }))).toEqual(refused);
    expect(authorizer.denials).toEqual([]);
  });

  it('comes before the role itself is looked at', async () => {
    const { eks, grant } = open({ ...CASES['UpdateAddon with its first association']!, rights: [] }, []);
    const nobody = { ...ebs, podIdentityAssociations: [to(EBS_SA, 'nobody')] };
    expect((await failureOf(eks.updateAddon(nobody))).message).toBe(pass('nobody').refusal);
    grant([...OPERATIONS, ...[pass('nobody'), get('nobody'), make()].map(({ statement }) => statement)]);
    expect((await failureOf(eks.updateAddon(nobody))).message).toBe('Role provided in the request does not exist.');
  });
});

describe('iam:GetRole on behalf', () => {
  it('goes by the tags of the role', async () => {
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
});

describe('a call that is made again', () => {
  it('needs no right to what it changed the first time', async () => {
    const given = CASES['CreateAddon with an association']!;
    const { eks, grant, authorizer } = open(
      given,
      given.rights.map(({ statement }) => statement),
    );
    const input = { ...ebs, clientRequestToken: 'once', podIdentityAssociations: [to(EBS_SA, 'ebs')] };
    const first = await eks.createAddon(input);
    grant(OPERATIONS);
    expect((await eks.createAddon(input)).addon?.addonArn).toBe(first.addon?.addonArn);
    expect(authorizer.denials).toEqual([]);
  });

  it('of DeleteAddon while the add-on is being deleted needs none either', async () => {
    const given: Case = { ...CASES['DeleteAddon with preserve false']!, knobs: { deleteWhileBusy: 'accept' } };
    const { eks, grant } = open(
      given,
      given.rights.map(({ statement }) => statement),
    );
    await given.call(eks);
    grant(OPERATIONS);
    expect(((await given.call(eks)) as { addon: { status: string } }).addon.status).toBe('DELETING');
  });

  it('is refused while the first was, and remembers no token', async () => {
    const given = CASES['UpdateAddon with its first association']!;
    const { eks, grant, addon } = open(given, []);
    const input = { ...ebs, clientRequestToken: 'once', podIdentityAssociations: [to(EBS_SA, 'ebs')] };
    expect((await failureOf(eks.updateAddon(input))).message).toBe(pass('ebs').refusal);
    expect(addon()).toMatchObject({ status: 'ACTIVE', generation: 1, associationIds: [] });
    grant([...OPERATIONS, ...[pass('other'), get('other'), make()].map(({ statement }) => statement)]);
    await eks.updateAddon({ ...input, podIdentityAssociations: [to(EBS_SA, 'other')] });
    expect(addon()).toMatchObject({ status: 'UPDATING', generation: 2 });
  });
});
