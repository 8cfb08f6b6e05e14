/** Calls of one step, one by one, as the rights of a migration are put together from them. */
import { clusterArn, eksArn } from '../aws/arn.ts';
import type { Target } from '../migration/model.ts';
import { EKS_PRINCIPAL, POD_IDENTITY_PRINCIPAL } from '../policy/index.ts';
import type { ActingStep } from './acting.ts';
import type { Call } from './calls.ts';
import type { Facts } from './facts.ts';

/** What EKS has not made yet has an id that nobody knows: these have the form of one. */
const NEW_ADDON_ID = '00000000-0000-4000-8000-000000000000';
const NEW_ASSOCIATION_ID = 'a-00000000000000000';

export const newAddonArn = (target: Target, addon: string): string =>
  eksArn(target, `addon/${target.cluster}/${addon}/${NEW_ADDON_ID}`);

/** Creates whose tags EKS asks for, as they are called in the resource of an old refusal. */
type TaggingOperation = 'CreateAddon' | 'CreatePodIdentityAssociation';

/**
 * On which resource EKS asks eks:TagResource where a create has tags, nobody knows: the cluster
 * (AmazonGuardDutyServiceRolePolicy), what is made (Service Authorization Reference), or the operation
 * (rpadovani.com/eks-iam-permissions).
 */
export const taggedResources = (target: Target, operation: TaggingOperation, made: string): string[] => [
  clusterArn(target),
  made,
  eksArn(target, `/${operation.toLowerCase()}`),
];

/**
 * Of roles for pods, about whose service sources disagree, and of the one that IRSA uses; EKS reads each with its
 * caller's rights.
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

/** Each function returns one call, or those of which AWS asks one; where it returns several lists, each is asked. */
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
    /** EKS makes these with its caller's rights. */
    onBehalf: (calls: Call[]): Call[] => calls.map((call) => ({ ...call, onBehalf: true })),
    passing: passingOf(step),
  };
}
