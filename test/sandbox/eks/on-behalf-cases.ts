/** EKS calls with the permissions that they need on the caller's behalf, and a cluster for them. */
import type { Knobs } from '../../../sandbox/world/scenario.ts';
import {
  ACCOUNT,
  CALLER_SESSION,
  CLUSTER,
  EBS,
  EBS_SA,
  openFixture,
  OTHER_ACCOUNT,
  REGION,
  roleArn,
} from './fixture.ts';
import type { Fixture, Statement } from './fixture.ts';

const EKS_ARN = `arn:aws:eks:${REGION}:${ACCOUNT}`;
export const CLUSTER_ARN = `${EKS_ARN}:cluster/${CLUSTER}`;
const ADOT = 'adot';
export const [METRICS, TRACES, LOGS] = [
  'adot-col-prom-metrics',
  'adot-col-otlp-ingest',
  'adot-col-container-logs',
] as const;
export const PODS = 'pods.eks.amazonaws.com';
export const EKS = 'eks.amazonaws.com';
/** Allows the operations themselves, whose permissions are tested elsewhere. */
export const OPERATIONS: Statement[] = [
  { Effect: 'Allow', Action: ['eks:CreateAddon', 'eks:UpdateAddon', 'eks:DeleteAddon'], Resource: '*' },
];
const ON_BEHALF = { Bool: { 'aws:ViaAWSService': 'true' }, 'ForAnyValue:StringEquals': { 'aws:CalledVia': EKS } };

export const allow = (action: string, resource: string, condition?: unknown): Statement => ({
  Effect: 'Allow',
  Action: action,
  Resource: resource,
  ...(condition === undefined ? {} : { Condition: condition }),
});

/** A permission that EKS requires of the caller, and the error without it. */
interface Permission {
  statement: Statement;
  refusal: string;
  /** Action and resource, as the authorizer records them. */
  use: string;
}

const permission = (action: string, resource: string, condition: unknown, named = resource): Permission => ({
  statement: allow(action, resource, condition),
  refusal: `User: ${CALLER_SESSION} is not authorized to perform: ${action} on resource: ${named} because no identity-based policy allows the ${action} action`,
  use: `${action} ${resource}`,
});
export const pass = (role: string, service = PODS): Permission =>
  permission('iam:PassRole', roleArn(role), {
    StringEquals: { 'iam:PassedToService': service, 'aws:ViaAWSService': 'false' },
    Null: { 'aws:CalledVia': 'true' },
  });
export const get = (role: string): Permission =>
  permission(
    'iam:GetRole',
    roleArn(role),
    { ...ON_BEHALF, StringEquals: { 'aws:RequestedRegion': 'us-east-1' } },
    `role ${role}`,
  );
export const make = (): Permission =>
  permission('eks:CreatePodIdentityAssociation', CLUSTER_ARN, {
    ...ON_BEHALF,
    StringEquals: { 'aws:RequestedRegion': REGION },
  });
const onAssociation = (action: string, id: string): Permission =>
  permission(`eks:${action}PodIdentityAssociation`, `${EKS_ARN}:podidentityassociation/${CLUSTER}/${id}`, ON_BEHALF);
/** Returns the permission for a call that operates on the association itself. */
const itself = (action: string, resource: string): Permission =>
  permission(action, resource, { Bool: { 'aws:ViaAWSService': 'false' } });

const idOf = (index: number): string => `a-0000000000000000${index}`;
/** Creates associations of an existing add-on, in that order. */
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

export interface Case {
  setup?: (fixture: Fixture) => void;
  addons?: string[];
  knobs?: Partial<Knobs>;
  call: (eks: Fixture['eks']) => Promise<unknown>;
  /** Permissions in the order in which they are checked. */
  permissions: Permission[];
}

export const ebs = { clusterName: CLUSTER, addonName: EBS };
export const adot = { clusterName: CLUSTER, addonName: ADOT };
export const to = (serviceAccount: string, role: string): { serviceAccount: string; roleArn: string } => ({
  serviceAccount,
  roleArn: roleArn(role),
});
const ownsEbs = (fixture: Fixture): void => own(fixture, EBS, [{ serviceAccount: EBS_SA, role: 'ebs' }]);
const standAlone = ({ associate }: Fixture): void =>
  void associate({ id: idOf(0), serviceAccount: 'till', roleArn: roleArn('ebs') });
export const single = { clusterName: CLUSTER, associationId: idOf(0) };
const ownsThree = (fixture: Fixture): void =>
  own(fixture, ADOT, [
    { serviceAccount: METRICS, role: 'ebs' },
    { serviceAccount: TRACES, role: 'ebs' },
    { serviceAccount: LOGS, role: 'ebs' },
  ]);

export const CASES: Record<string, Case> = {
  'CreatePodIdentityAssociation, whose target role is not passed': {
    call: (eks) =>
      eks.createPodIdentityAssociation({
        clusterName: CLUSTER,
        namespace: 'shop',
        serviceAccount: 'till',
        roleArn: roleArn('ebs'),
        targetRoleArn: roleArn('far', OTHER_ACCOUNT),
      }),
    permissions: [itself('eks:CreatePodIdentityAssociation', CLUSTER_ARN), pass('ebs'), get('ebs')],
  },
  'UpdatePodIdentityAssociation with a role': {
    setup: standAlone,
    call: (eks) => eks.updatePodIdentityAssociation({ ...single, roleArn: roleArn('other') }),
    permissions: [
      itself('eks:UpdatePodIdentityAssociation', `${EKS_ARN}:podidentityassociation/${CLUSTER}/${idOf(0)}`),
      pass('other'),
      get('other'),
    ],
  },
  'UpdatePodIdentityAssociation with only a target role': {
    setup: standAlone,
    call: (eks) => eks.updatePodIdentityAssociation({ ...single, targetRoleArn: roleArn('far', OTHER_ACCOUNT) }),
    permissions: [
      itself('eks:UpdatePodIdentityAssociation', `${EKS_ARN}:podidentityassociation/${CLUSTER}/${idOf(0)}`),
    ],
  },
  'UpdatePodIdentityAssociation with only a target role, if EKS checks each time': {
    setup: standAlone,
    knobs: { updateAssociationPassesRole: true },
    call: (eks) => eks.updatePodIdentityAssociation({ ...single, targetRoleArn: roleArn('far', OTHER_ACCOUNT) }),
    permissions: [
      itself('eks:UpdatePodIdentityAssociation', `${EKS_ARN}:podidentityassociation/${CLUSTER}/${idOf(0)}`),
      pass('ebs'),
      get('ebs'),
    ],
  },
  'CreateAddon without roles': { call: (eks) => eks.createAddon(ebs), permissions: [] },
  'CreateAddon with an association': {
    call: (eks) => eks.createAddon({ ...ebs, podIdentityAssociations: [to(EBS_SA, 'ebs')] }),
    permissions: [pass('ebs'), get('ebs'), make()],
  },
  'CreateAddon with a role for its service account': {
    call: (eks) => eks.createAddon({ ...ebs, serviceAccountRoleArn: roleArn('irsa-only') }),
    permissions: [pass('irsa-only', EKS), get('irsa-only')],
  },
  'CreateAddon with both': {
    call: (eks) =>
      eks.createAddon({
        ...ebs,
        serviceAccountRoleArn: roleArn('irsa-only'),
        podIdentityAssociations: [to(EBS_SA, 'ebs')],
      }),
    permissions: [pass('irsa-only', EKS), pass('ebs'), get('irsa-only'), get('ebs'), make()],
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
    permissions: [pass('ebs'), get('ebs'), onAssociation('Update', idOf(0)), onAssociation('Delete', idOf(1))],
  },
  'UpdateAddon without associations': {
    addons: [EBS],
    setup: ownsEbs,
    call: (eks) => eks.updateAddon(ebs),
    permissions: [],
  },
  'UpdateAddon with its first association': {
    addons: [EBS],
    call: (eks) => eks.updateAddon({ ...ebs, podIdentityAssociations: [to(EBS_SA, 'ebs')] }),
    permissions: [pass('ebs'), get('ebs'), make()],
  },
  'UpdateAddon with the same association': {
    addons: [EBS],
    setup: ownsEbs,
    call: (eks) => eks.updateAddon({ ...ebs, podIdentityAssociations: [to(EBS_SA, 'ebs')] }),
    permissions: [pass('ebs'), get('ebs')],
  },
  'UpdateAddon with another role': {
    addons: [EBS],
    setup: ownsEbs,
    call: (eks) => eks.updateAddon({ ...ebs, podIdentityAssociations: [to(EBS_SA, 'other')] }),
    permissions: [pass('other'), get('other'), onAssociation('Update', idOf(0))],
  },
  'UpdateAddon that clears a target role': {
    addons: [EBS],
    setup: (fixture) =>
      own(fixture, EBS, [{ serviceAccount: EBS_SA, role: 'ebs', targetRoleArn: roleArn('far', OTHER_ACCOUNT) }]),
    call: (eks) => eks.updateAddon({ ...ebs, podIdentityAssociations: [to(EBS_SA, 'ebs')] }),
    permissions: [pass('ebs'), get('ebs'), onAssociation('Update', idOf(0))],
  },
  'UpdateAddon that removes its associations': {
    addons: [EBS],
    setup: ownsEbs,
    call: (eks) => eks.updateAddon({ ...ebs, podIdentityAssociations: [] }),
    permissions: [onAssociation('Delete', idOf(0))],
  },
  'UpdateAddon with a role for its service account': {
    addons: [EBS],
    call: (eks) => eks.updateAddon({ ...ebs, serviceAccountRoleArn: roleArn('irsa-only') }),
    permissions: [pass('irsa-only', EKS), get('irsa-only')],
  },
  'UpdateAddon that creates, changes, keeps and removes an association': {
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
    permissions: [
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
    permissions: [pass('ebs'), get('ebs'), make(), onAssociation('Delete', idOf(0))],
  },
  DeleteAddon: {
    addons: [ADOT],
    setup: ownsThree,
    call: (eks) => eks.deleteAddon(adot),
    permissions: [0, 1, 2].map((index) => onAssociation('Delete', idOf(index))),
  },
  'DeleteAddon with preserve': {
    addons: [ADOT],
    setup: ownsThree,
    call: (eks) => eks.deleteAddon({ ...adot, preserve: true }),
    permissions: [],
  },
  'DeleteAddon with preserve false': {
    addons: [EBS],
    setup: ownsEbs,
    call: (eks) => eks.deleteAddon({ ...ebs, preserve: false }),
    permissions: [onAssociation('Delete', idOf(0))],
  },
  'DeleteAddon with associations that it does not own': {
    addons: [EBS],
    setup: standAlone,
    call: (eks) => eks.deleteAddon(ebs),
    permissions: [],
  },
};

export const KNOB = ['absent', 'cluster'] as const;

export const open = (
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
