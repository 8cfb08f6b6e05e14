/** The commands that suspend a controller for one resource, so that it does not revert a migration. */
import { shellCommand } from '../text/shell.ts';
import type { OwnedThing, OwnerTool } from './model.ts';
import type { FoundOwner } from './detect.ts';
import { TOOLS } from './tools.ts';

/** Placeholders for names that neither tags nor labels show. */
const NAME = 'NAME';
const NAMESPACE = 'NAMESPACE';

const annotate = (kind: string, name: string, namespace: string | undefined, annotation: string): string =>
  shellCommand(['kubectl', 'annotate', kind, name], namespace === undefined ? undefined : ['-n', namespace], [
    annotation,
    '--overwrite',
  ]);

const ACK_KINDS: Partial<Record<OwnedThing, string>> = {
  'add-on': 'addons.eks.services.k8s.aws',
  association: 'podidentityassociations.eks.services.k8s.aws',
  role: 'roles.iam.services.k8s.aws',
  'trust-policy': 'roles.iam.services.k8s.aws',
};
const CROSSPLANE_KINDS: Partial<Record<OwnedThing, string>> = {
  'add-on': 'addons.eks.aws.upbound.io',
  association: 'podidentityassociations.eks.aws.upbound.io',
  role: 'roles.iam.aws.upbound.io',
  'trust-policy': 'roles.iam.aws.upbound.io',
};

const CAPA_KEYS = /^(?:sigs\.k8s\.io\/cluster-api-provider-aws|kubernetes\.io)\/cluster\/(.+)$/;
const capaCluster = (marks: FoundOwner['marks']): string =>
  Object.keys(marks).flatMap((key) => CAPA_KEYS.exec(key)?.[1] ?? [])[0] ?? NAME;

/** The name of the application in a tracking id, `APPLICATION:GROUP/KIND:NAMESPACE/NAME`. */
const application = (marks: FoundOwner['marks']): string =>
  marks['argocd.argoproj.io/tracking-id']?.split(':')[0] ??
  marks['argocd.argoproj.io/instance'] ??
  marks['app.kubernetes.io/instance'] ??
  NAME;

function suspendFlux(marks: FoundOwner['marks']): string {
  const [kind, group] =
    marks['helm.toolkit.fluxcd.io/name'] === undefined ? ['kustomization', 'kustomize'] : ['helmrelease', 'helm'];
  return shellCommand(
    ['flux', 'suspend', kind, marks[`${group}.toolkit.fluxcd.io/name`] ?? NAME],
    ['-n', marks[`${group}.toolkit.fluxcd.io/namespace`] ?? NAMESPACE],
  );
}

/** The command for each tool that reverts changes by itself. Sources: `rules.ts`, and the documentation of each tool. */
const COMMANDS: Partial<Record<OwnerTool, (found: FoundOwner) => string>> = {
  ack: ({ owner: { owns }, marks }) =>
    annotate(
      ACK_KINDS[owns] ?? 'KIND',
      marks['eks:kubernetes-resource-name'] ?? NAME,
      marks['eks:kubernetes-namespace'] ?? marks['services.k8s.aws/namespace'] ?? NAMESPACE,
      'services.k8s.aws/read-only=true',
    ),
  crossplane: ({ owner: { owns }, marks }) =>
    annotate(
      marks['crossplane-kind'] ?? CROSSPLANE_KINDS[owns] ?? 'KIND',
      marks['crossplane-name'] ?? NAME,
      undefined,
      'crossplane.io/paused=true',
    ),
  'cluster-api': ({ marks }) =>
    shellCommand(
      ['kubectl', 'patch', 'clusters.cluster.x-k8s.io', capaCluster(marks), '-n', NAMESPACE],
      ['--type', 'merge', '-p', '{"spec":{"paused":true}}'],
    ),
  kro: () => annotate('KIND', NAME, NAMESPACE, 'kro.run/reconcile=suspended'),
  'argo-cd': ({ marks }) => shellCommand(['argocd', 'app', 'set', application(marks), '--sync-policy', 'none']),
  flux: ({ marks }) => suspendFlux(marks),
};

/** Returns the commands that suspend a tool for what it owns, each once; none for a tool that reverts nothing by itself. */
export const suspendCommands = (found: readonly FoundOwner[]): string[] => [
  ...new Set(found.flatMap((one) => COMMANDS[one.owner.tool]?.(one) ?? [])),
];

/** What the code of a controller must contain afterwards. */
const CHANGES: Partial<Record<OwnerTool, string>> = {
  ack: 'replace spec.serviceAccountRoleARN with spec.podIdentityAssociations',
  crossplane: 'replace spec.forProvider.serviceAccountRoleArn with spec.forProvider.podIdentityAssociation',
  'cluster-api': 'remove serviceAccountRoleARN from spec.addons of the AWSManagedControlPlane',
};

/** Returns what to change in a tool's own resource before it is resumed, as a clause. */
export const codeChange = (tool: OwnerTool, things: readonly OwnedThing[]): string =>
  things.includes('add-on') && CHANGES[tool] !== undefined
    ? CHANGES[tool]
    : `change the resource of ${TOOLS[tool].title}`;
