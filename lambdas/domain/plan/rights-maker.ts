/** Builds the calls of one step, from which the rights of a migration are composed. */
import { clusterArn, eksArn } from '../aws/arn.ts';
import type { Target } from '../terms/subject.ts';
import { EKS_PRINCIPAL, POD_IDENTITY_PRINCIPAL } from '../policy/index.ts';
import type { ActingStep } from '../steps/work.ts';
import type { Call } from './calls.ts';
import type { Facts } from './facts.ts';

/** IDs in the form that EKS uses, for resources that do not exist yet and whose IDs are not known. */
const NEW_ADDON_ID = '00000000-0000-4000-8000-000000000000';
const NEW_ASSOCIATION_ID = 'a-00000000000000000';

export const newAddonArn = (target: Target, addon: string): string =>
  eksArn(target, `addon/${target.cluster}/${addon}/${NEW_ADDON_ID}`);

/** Create operations for which EKS authorizes tagging, by their name in the resource of a reported denial. */
type TaggingOperation = 'CreateAddon' | 'CreatePodIdentityAssociation';

/**
 * It is not known on which resource EKS authorizes eks:TagResource for a create with tags: the cluster
 * (AmazonGuardDutyServiceRolePolicy), the created resource (Service Authorization Reference), or the operation
 * (rpadovani.com/eks-iam-permissions).
 */
const taggedResources = (target: Target, operation: TaggingOperation, made: string): string[] => [
  clusterArn(target),
  made,
  eksArn(target, `/${operation.toLowerCase()}`),
];

/**
 * The services to which roles for pods, on which sources disagree, and the IRSA role are passed. EKS reads each role with
 * its caller's permissions.
 */
const passingOf =
  (step: ActingStep) =>
  ({ podRoles = [], irsa = [] }: { podRoles?: readonly string[]; irsa?: readonly string[] }): Call[][] => {
    const pass = (resource: string, passedTo: string): Call => ({ step, action: 'iam:PassRole', resource, passedTo });
    return [
      ...podRoles.map((role) => [POD_IDENTITY_PRINCIPAL, EKS_PRINCIPAL].map((service) => pass(role, service))),
      ...irsa.map((role) => [pass(role, EKS_PRINCIPAL)]),
      ...[...new Set([...podRoles, ...irsa])].map((role): Call[] => [
        { step, action: 'iam:GetRole', resource: role, onBehalf: true },
      ]),
    ];
  };

export type Making = ReturnType<typeof makerOf>;

/** Each function returns one call, or several of which AWS authorizes one. If it returns several lists, each is needed. */
export function makerOf(step: ActingStep, { request: { target }, cluster }: Facts) {
  const arn = clusterArn(target);
  const clusterTags = cluster?.tags ?? {};
  const one = (action: string, resource: string, rest: Partial<Call> = {}): Call[] => [
    { step, action, resource, ...rest },
  ];
  const onCluster = (action: string, requestTags: Call['requestTags'] = {}): Call[] =>
    one(action, arn, { resourceTags: clusterTags, requestTags });
  const onTagged =
    (action: string) =>
    (resource: string, resourceTags: Call['resourceTags'] = {}): Call[] =>
      one(action, resource, { resourceTags });
  const tagNew = (operation: TaggingOperation, made: string, requestTags: NonNullable<Call['requestTags']>): Call[][] =>
    Object.keys(requestTags).length === 0
      ? []
      : [
          taggedResources(target, operation, made).flatMap((resource) =>
            one('eks:TagResource', resource, {
              requestTags,
              ...(resource === arn ? { resourceTags: clusterTags } : {}),
            }),
          ),
        ];
  const newAddon = (addon: string): string => newAddonArn(target, addon);
  return {
    newAddon,
    newAssociation: eksArn(target, `podidentityassociation/${target.cluster}/${NEW_ASSOCIATION_ID}`),
    createAddon: (addon: string, tags: Record<string, string>): Call[][] => [
      onCluster('eks:CreateAddon', tags),
      ...tagNew('CreateAddon', newAddon(addon), tags),
    ],
    updateAddon: onTagged('eks:UpdateAddon'),
    deleteAddon: onTagged('eks:DeleteAddon'),
    createAssociation: (tags: Call['requestTags'] = {}): Call[] => onCluster('eks:CreatePodIdentityAssociation', tags),
    update: onTagged('eks:UpdatePodIdentityAssociation'),
    delete: onTagged('eks:DeletePodIdentityAssociation'),
    tag: (resource: string, requestTags: Record<string, string>): Call[] =>
      one('eks:TagResource', resource, { requestTags }),
    tagNew,
    readRole: (role: string): Call[] => one('iam:GetRole', role),
    /** Marks calls that EKS makes with its caller's permissions. */
    onBehalf: (calls: Call[]): Call[] => calls.map((call) => ({ ...call, onBehalf: true })),
    passing: passingOf(step),
  };
}
