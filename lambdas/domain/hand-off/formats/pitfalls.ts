/**
 * What goes wrong with the code of a hand-off in one format, and for which hand-offs it can go wrong. What holds for every
 * tool is in `../order.ts`.
 */
import type { HandOff, HandOffFormat } from '../../terms/hand-off.ts';

interface Pitfall {
  formats: readonly HandOffFormat[];
  applies: (handOff: HandOff) => boolean;
  text: string;
}

const TERRAFORM: readonly HandOffFormat[] = ['terraform', 'terraform-module'];

const hasBlocks = ({ addon }: HandOff): boolean => addon !== undefined && addon.associations.length > 0;
const isOnIrsa = ({ addon }: HandOff): boolean => addon?.addRoleArn !== undefined;
const isToBecomePodIdentity = (handOff: HandOff): boolean => hasBlocks(handOff) && !isOnIrsa(handOff);
const isToLoseItsRole = (handOff: HandOff): boolean =>
  isToBecomePodIdentity(handOff) && handOff.addon?.removeRoleArn !== undefined;
const has =
  (action: HandOff['associations'][number]['action']) =>
  ({ associations }: HandOff): boolean =>
    associations.some((one) => one.action === action);

const hasAnnotation =
  (action: HandOff['annotations'][number]['action']) =>
  ({ annotations }: HandOff): boolean =>
    annotations.some((one) => one.action === action);
const isAccountOf = ({ annotations }: HandOff, program: string): boolean =>
  annotations.some(({ namespace, serviceAccount }) =>
    [namespace, serviceAccount].some((name) => name.replaceAll('-', '').includes(program.replaceAll('-', ''))),
  );

/** In the order in which they are printed: the most harmful first. */
export const PITFALLS: readonly Pitfall[] = [
  {
    formats: TERRAFORM,
    applies: isToBecomePodIdentity,
    text: 'Role removed, but no association in the code: the apply succeeds, the add-on loses its associations, and its pods get the role of the node.',
  },
  {
    formats: TERRAFORM,
    applies: ({ addon }) => (addon?.associations.length ?? 0) > 1,
    text: 'A service account left out: the next apply deletes its association, and its pods lose their role.',
  },
  {
    formats: TERRAFORM,
    applies: isToLoseItsRole,
    text: 'Role kept next to the associations: the apply sets the role again. Removing it later is refused with `Cross-account pass role is not allowed`.',
  },
  {
    formats: TERRAFORM,
    applies: isToLoseItsRole,
    text: '`-refresh=false`, or a plan file from before the migration: the provider sends an empty role ARN, and EKS refuses it with `Cross-account pass role is not allowed`. Run an ordinary plan, which refreshes.',
  },
  {
    formats: TERRAFORM,
    applies: has('do-not-import'),
    text: 'An association that the add-on owns, imported as a resource of its own: nothing warns, and removing that resource later deletes the association that the pods use.',
  },
  {
    formats: TERRAFORM,
    applies: ({ associations }) => associations.some(({ action, tags }) => action === 'import' && hasTags(tags)),
    text: 'Tags left out of the resource: the apply that imports it removes them.',
  },
  {
    formats: TERRAFORM,
    applies: (handOff) => has('import')(handOff) && !handOff.associations.every(({ tags }) => hasTags(tags)),
    text: '`tags = {}` shows a change in every plan (terraform-aws-eks#3138). Leave `tags` out instead.',
  },
  {
    formats: ['terraform-module'],
    applies: ({ addon }) => addon !== undefined,
    text: 'v21 sets `most_recent = true` by default, so its next apply also changes the version of the add-on. `addon_version` prevents it.',
  },
  {
    formats: ['terraform-module'],
    applies: ({ addon }) => addon?.removeRoleArn !== undefined,
    text: 'If a submodule iam-role-for-service-accounts-eks (iam-role-for-service-accounts since v6) defines the role, removing the submodule deletes the role that the associations use. Keep it, or define the role elsewhere first.',
  },
  {
    formats: ['terraform-module'],
    applies: hasBlocks,
    text: 'terraform-aws-modules/eks-pod-identity creates standalone associations. Do not use its `associations` for an add-on: the apply fails with `Association already exists`.',
  },
  {
    formats: ['terraform-module'],
    applies: hasBlocks,
    text: 'aws-ia/eks-blueprints-addons has no argument for associations (terraform-aws-eks-blueprints-addons#289). Move the add-on to the module above, with a `moved` block.',
  },
  {
    formats: ['cloudformation'],
    applies: isToBecomePodIdentity,
    text: '`PodIdentityAssociations` is complete: an update deletes the association of a service account that it does not contain.',
  },
  {
    formats: ['cloudformation'],
    applies: ({ trust }) => trust.length > 0,
    text: 'CloudFormation compares templates, not the account: an update that does not change the role does not touch its trust policy, and the next one that does replaces the whole policy.',
  },
  {
    formats: ['cloudformation'],
    applies: has('import'),
    text: 'A resource that is added by an ordinary update instead of an import: the update fails with `Association already exists`.',
  },
  {
    formats: ['cloudformation'],
    applies: has('do-not-import'),
    text: 'An association that the add-on owns needs no resource, and must not be imported: deleting that resource later deletes the association that the pods use.',
  },
  {
    formats: ['cloudformation'],
    applies: ({ addon }) => addon !== undefined,
    text: 'CDK: use `CfnAddon`, or an escape hatch. The L2 construct `Addon` has neither property (aws-cdk#36351).',
  },
  {
    formats: ['cloudformation'],
    applies: has('import'),
    text: 'CDK: `ServiceAccount` with the identity type POD_IDENTITY adds an agent add-on of its own, which fails if there already is one in the stack (aws-cdk#32580). Use `CfnPodIdentityAssociation`.',
  },
  {
    formats: ['cloudformation'],
    applies: isToLoseItsRole,
    text: 'The former template: CloudFormation does not compare it with the account, so nothing happens until an update changes the add-on, for example its version. That update sends the former role, too.',
  },
  {
    formats: ['eksctl'],
    applies: isToLoseItsRole,
    text: 'The former file: `eksctl update addon` refuses it, and its message proposes `podIdentityAssociations: []`. That deletes the associations, and the pods lose their role.',
  },
  {
    formats: ['eksctl'],
    applies: hasBlocks,
    text: 'The list of the add-on is the single source of truth: `eksctl update addon` deletes associations that it does not contain, with the roles that eksctl created for them.',
  },
  {
    formats: ['eksctl'],
    applies: isToBecomePodIdentity,
    text: '`serviceAccountRoleARN` next to `podIdentityAssociations` is a validation error.',
  },
  {
    formats: ['eksctl'],
    applies: hasBlocks,
    text: '`useDefaultPodIdentityAssociations` and `addonsConfig.autoApplyPodIdentityAssociations` create other roles with the recommended policies.',
  },
  {
    formats: ['eksctl'],
    applies: has('do-not-import'),
    text: '`eksctl update podidentityassociation` and `delete podidentityassociation` refuse an association that an add-on owns. Use `eksctl update addon`.',
  },
  {
    formats: ['eksctl'],
    applies: (handOff) => handOff.serviceAccount !== undefined && has('import')(handOff),
    text: 'Remove the entry of iam.serviceAccounts from the file only. `eksctl delete iamserviceaccount` deletes the stack with the role, which the association uses.',
  },
  {
    formats: ['helm-values'],
    applies: hasAnnotation('remove'),
    text: 'While the former values are in Git, Argo CD with self-heal and Flux add the annotation again.',
  },
  {
    formats: ['helm-values'],
    applies: hasAnnotation('restore'),
    text: 'While the values without the annotation are in Git, Argo CD with self-heal and Flux remove it again.',
  },
  {
    formats: ['helm-values'],
    applies: hasAnnotation('remove'),
    text: 'If the chart itself or another values file sets the annotation, removing it here is not enough. Set it to null.',
  },
  {
    formats: ['helm-values'],
    applies: hasAnnotation('remove'),
    text: 'Programs that use the annotation of another service account lose its role: a SecretStore with `auth.jwt`, a TriggerAuthentication of KEDA, the Secrets Store CSI driver. Change them first.',
  },
  {
    formats: ['helm-values'],
    applies: (handOff) => hasAnnotation('remove')(handOff) && isAccountOf(handOff, 'external-secrets'),
    text: 'External Secrets: omit `auth.jwt` in each SecretStore, so that the controller uses its own credentials (external-secrets#6966).',
  },
  {
    formats: ['helm-values'],
    applies: (handOff) => hasAnnotation('remove')(handOff) && isAccountOf(handOff, 'argocd'),
    text: 'Argo CD: do not set `roleARN` in `awsAuthConfig` of a cluster secret to the role of the pods themselves (argo-cd#17064).',
  },
];

const hasTags = (tags: Readonly<Record<string, string>>): boolean => Object.keys(tags).length > 0;

/** Returns the pitfalls that apply to this hand-off in a format. */
export const pitfallsOf = (handOff: HandOff, format: HandOffFormat): string[] =>
  PITFALLS.filter(({ formats, applies }) => formats.includes(format) && applies(handOff)).map(({ text }) => text);
