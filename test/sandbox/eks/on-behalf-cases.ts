/** EKS calls with the permissions that they need on the caller's behalf, and a cluster for them. */
import type { Knobs } from '../../../sandbox/scenario/scenario.ts';
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
  type Fixture,
  type Statement,
} from './fixture.ts';

const EKS_ARN = `arn:aws:eks:${REGION}:${ACCOUNT}`;
export const CLUSTER_ARN = `${EKS_ARN}:cluster/${CLUSTER}`;
const ADOT = 'adot';
const FAR = roleArn('far', OTHER_ACCOUNT);
export const METRICS = 'adot-col-prom-metrics';
const TRACES = 'adot-col-otlp-ingest';
export const LOGS = 'adot-col-container-logs';
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
  own(
    fixture,
    ADOT,
    [METRICS, TRACES, LOGS].map((serviceAccount) => ({ serviceAccount, role: 'ebs' })),
  );
const ownsForeign = (fixture: Fixture): void =>
  own(fixture, EBS, [{ serviceAccount: EBS_SA, role: 'ebs', targetRoleArn: FAR }]);
const failedCopy = (fixture: Fixture): void => {
  own(fixture, ADOT, [
    { serviceAccount: METRICS, role: 'ebs' },
    { serviceAccount: TRACES, role: 'ebs' },
  ]);
  fixture.addon(ADOT)!.status = 'CREATE_FAILED';
};
const ownsOld = (fixture: Fixture): void =>
  own(fixture, ADOT, [
    { serviceAccount: METRICS, role: 'ebs' },
    { serviceAccount: LOGS, role: 'irsa-only' },
    { serviceAccount: 'of-an-older-version', role: 'ebs' },
  ]);

const withRole = (role: string) => ({ podIdentityAssociations: [to(EBS_SA, role)] });
const IRSA = { serviceAccountRoleArn: roleArn('irsa-only') };
const createWith =
  (more: object = {}): Case['call'] =>
  (eks) =>
    eks.createAddon({ ...ebs, ...more });
const updateWith =
  (more: object = {}): Case['call'] =>
  (eks) =>
    eks.updateAddon({ ...ebs, ...more });
const deleteWith =
  (more: object = {}): Case['call'] =>
  (eks) =>
    eks.deleteAddon({ ...ebs, ...more });
const till = { clusterName: CLUSTER, namespace: 'shop', serviceAccount: 'till', roleArn: roleArn('ebs') };
const retarget: Case['call'] = (eks) => eks.updatePodIdentityAssociation({ ...single, targetRoleArn: FAR });
const SINGLE = itself('eks:UpdatePodIdentityAssociation', `${EKS_ARN}:podidentityassociation/${CLUSTER}/${idOf(0)}`);
const OWNING = { addons: [EBS], setup: ownsEbs };
const OWNING_THREE = { addons: [ADOT], setup: ownsThree };
const removed = (index: number): Permission => onAssociation('Delete', idOf(index));
const updated = (index: number): Permission => onAssociation('Update', idOf(index));

export const CASES: Record<string, Case> = {
  'CreatePodIdentityAssociation, whose target role is not passed': {
    call: (eks) => eks.createPodIdentityAssociation({ ...till, targetRoleArn: FAR }),
    permissions: [itself('eks:CreatePodIdentityAssociation', CLUSTER_ARN), pass('ebs'), get('ebs')],
  },
  'UpdatePodIdentityAssociation with a role': {
    setup: standAlone,
    call: (eks) => eks.updatePodIdentityAssociation({ ...single, roleArn: roleArn('other') }),
    permissions: [SINGLE, pass('other'), get('other')],
  },
  'UpdatePodIdentityAssociation with only a target role': { setup: standAlone, call: retarget, permissions: [SINGLE] },
  'UpdatePodIdentityAssociation with only a target role, if EKS checks each time': {
    setup: standAlone,
    knobs: { updateAssociationPassesRole: true },
    call: retarget,
    permissions: [SINGLE, pass('ebs'), get('ebs')],
  },
  'CreateAddon without roles': { call: createWith(), permissions: [] },
  'CreateAddon with an association': {
    call: createWith(withRole('ebs')),
    permissions: [pass('ebs'), get('ebs'), make()],
  },
  'CreateAddon with a role for its service account': {
    call: createWith(IRSA),
    permissions: [pass('irsa-only', EKS), get('irsa-only')],
  },
  'CreateAddon with both': {
    call: createWith({ ...IRSA, ...withRole('ebs') }),
    permissions: [pass('irsa-only', EKS), pass('ebs'), get('irsa-only'), get('ebs'), make()],
  },
  'CreateAddon over a failed copy': {
    addons: [ADOT],
    setup: failedCopy,
    call: createWith({ ...adot, podIdentityAssociations: [to(METRICS, 'ebs')] }),
    permissions: [pass('ebs'), get('ebs'), updated(0), removed(1)],
  },
  'UpdateAddon without associations': { ...OWNING, call: updateWith(), permissions: [] },
  'UpdateAddon with its first association': {
    addons: [EBS],
    call: updateWith(withRole('ebs')),
    permissions: [pass('ebs'), get('ebs'), make()],
  },
  'UpdateAddon with the same association': {
    ...OWNING,
    call: updateWith(withRole('ebs')),
    permissions: [pass('ebs'), get('ebs')],
  },
  'UpdateAddon with another role': {
    ...OWNING,
    call: updateWith(withRole('other')),
    permissions: [pass('other'), get('other'), updated(0)],
  },
  'UpdateAddon that clears a target role': {
    addons: [EBS],
    setup: ownsForeign,
    call: updateWith(withRole('ebs')),
    permissions: [pass('ebs'), get('ebs'), updated(0)],
  },
  'UpdateAddon that removes its associations': {
    ...OWNING,
    call: updateWith({ podIdentityAssociations: [] }),
    permissions: [removed(0)],
  },
  'UpdateAddon with a role for its service account': {
    addons: [EBS],
    call: updateWith(IRSA),
    permissions: [pass('irsa-only', EKS), get('irsa-only')],
  },
  'UpdateAddon that creates, changes, keeps and removes an association': {
    addons: [ADOT],
    setup: ownsOld,
    call: updateWith({
      ...adot,
      podIdentityAssociations: [to(METRICS, 'ebs'), to(TRACES, 'other'), to(LOGS, 'other')],
    }),
    permissions: [pass('ebs'), pass('other'), get('ebs'), get('other'), make(), updated(1), removed(2)],
  },
  'UpdateAddon whose associations get new ids': {
    ...OWNING,
    knobs: { newIdOnReplace: true },
    call: updateWith(withRole('ebs')),
    permissions: [pass('ebs'), get('ebs'), make(), removed(0)],
  },
  DeleteAddon: { ...OWNING_THREE, call: deleteWith(adot), permissions: [0, 1, 2].map(removed) },
  'DeleteAddon with preserve': { ...OWNING_THREE, call: deleteWith({ ...adot, preserve: true }), permissions: [] },
  'DeleteAddon with preserve false': { ...OWNING, call: deleteWith({ preserve: false }), permissions: [removed(0)] },
  'DeleteAddon with associations that it does not own': {
    addons: [EBS],
    setup: standAlone,
    call: deleteWith(),
    permissions: [],
  },
};

export const KNOB = ['absent', 'cluster'] as const;

export const statementsOf = (permissions: Permission[]): Statement[] => permissions.map(({ statement }) => statement);

/** `as`: permissions in addition to those for the operations; by default those of the case. */
export const open = (
  { addons = [], setup, knobs = {}, permissions }: Case,
  as: Statement[] = statementsOf(permissions),
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
