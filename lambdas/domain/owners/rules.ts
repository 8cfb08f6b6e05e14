/**
 * The signs by which owners are recognized, as one table: tags of AWS resources, labels, annotations and field managers of
 * Kubernetes objects. Of several rules that match, the first one counts, so that the more specific tools come first: an
 * eksctl stack is a CloudFormation stack too. `docs/owners.md` is generated from it.
 */
import type { Owner, OwnerTool } from './model.ts';

/** Where a sign is found. `tag`: of an add-on, association or role; the others: of a service account. */
export type SignKind = 'tag' | 'label' | 'annotation' | 'field-manager';

export interface OwnerRule {
  tool: OwnerTool;
  kind: SignKind;
  /** The key of the tag, label or annotation; the name of a field manager. */
  key: RegExp;
  value?: RegExp;
  /** Name of a field manager that the object must have too. */
  manager?: RegExp;
  sure: Exclude<Owner['sure'], 'stated'>;
  managedByAws?: true;
  /** The sign as text, for the documentation. */
  sign: string;
  /** Where the tool's behavior is documented or implemented. */
  source: string;
}

/**
 * Names by which tags such as `ManagedBy` name a tool. A value counts if one of the words in it is such a name: `terraform`,
 * `Managed by Terraform`, `terraform-cloud`.
 */
const NAMES: readonly (readonly [RegExp, OwnerTool])[] = [
  [/\b(terraform|opentofu|tofu|terragrunt|atlantis|spacelift)\b/i, 'terraform'],
  [/\bpulumi\b/i, 'pulumi'],
  [/\b(aws-cdk|cdk)\b/i, 'cdk'],
  [/\bcloudformation\b/i, 'cloudformation'],
  [/\beksctl\b/i, 'eksctl'],
  [/\bcrossplane\b/i, 'crossplane'],
  [/\b(ack|aws-controllers-k8s)\b/i, 'ack'],
  [/\b(cluster-api|capa|capi)\b/i, 'cluster-api'],
  [/\bkro\b/i, 'kro'],
  [/\bargo-?cd\b/i, 'argo-cd'],
  [/\bflux(cd)?\b/i, 'flux'],
  [/\bhelm\b/i, 'helm'],
];

/** Keys of tags whose value names the tool that manages a resource, by convention. */
export const TOOL_TAG = /^(managed|provisioned|created|deployed)[-_ ]?(by|with)$|^(provisioner|iac|iac[-_ ]?tool)$/i;
/** Those of them whose value names an owner even if it is no known tool. */
const OWNER_TAG = /^(managed[-_]?by|provisioner|iac)$/i;

const CONVENTION = 'convention; none of these tools sets such a tag by itself';
const EKSCTL = 'github.com/eksctl-io/eksctl, pkg/apis/eksctl.io/v1alpha5/types.go';
const CDK = 'AWS CDK Developer Guide, "Identifiers": logical IDs end with eight hexadecimal digits';
const CLOUDFORMATION = 'CloudFormation User Guide, "Resource tag": tags with the prefix aws:cloudformation:';
const CAPA = 'github.com/kubernetes-sigs/cluster-api-provider-aws, api/v1beta2/tags.go, pkg/cloud/services/eks';
const ARGO = 'Argo CD documentation, "Resource Tracking"; common/common.go, ArgoCDSSAManager';
const FLUX = 'Flux documentation, Kustomization and HelmRelease';
const HELM = 'Helm documentation, "Labels and Annotations"; pkg/action/validate.go';
const KRO = 'github.com/kubernetes-sigs/kro, pkg/metadata/labels.go';

/** Rules with a fixed sign. What tags name by convention follows in `ownerByTags`. */
export const OWNER_RULES: readonly OwnerRule[] = [
  {
    tool: 'ack',
    kind: 'tag',
    key: /^eks:eks-capability-arn$/,
    sure: 'certain',
    managedByAws: true,
    sign: '`eks:eks-capability-arn`',
    source: 'EKS User Guide, "ACK considerations for EKS", default tags',
  },
  {
    tool: 'ack',
    kind: 'tag',
    key: /^services\.k8s\.aws\/(controller-version|namespace)$/,
    sure: 'certain',
    sign: '`services.k8s.aws/controller-version`, `services.k8s.aws/namespace`',
    source: 'ACK documentation, "Managing Tags on your AWS Resources"',
  },
  {
    tool: 'crossplane',
    kind: 'tag',
    key: /^crossplane-(kind|name|providerconfig)$/,
    sure: 'certain',
    sign: '`crossplane-kind`, `crossplane-name`, `crossplane-providerconfig`',
    source: 'github.com/crossplane/crossplane-runtime, pkg/resource/resource.go, GetExternalTags',
  },
  {
    tool: 'cluster-api',
    kind: 'tag',
    key: /^sigs\.k8s\.io\/cluster-api-provider-aws\//,
    sure: 'certain',
    sign: '`sigs.k8s.io/cluster-api-provider-aws/…`',
    source: CAPA,
  },
  {
    tool: 'cluster-api',
    kind: 'tag',
    key: /^kubernetes\.io\/cluster\/.+/,
    value: /^owned$/,
    sure: 'likely',
    sign: '`kubernetes.io/cluster/NAME` = `owned`, which is the only tag of its add-ons and associations',
    source: CAPA,
  },
  {
    tool: 'eksctl',
    kind: 'tag',
    key: /^(alpha\.eksctl\.io|eksctl\.cluster\.k8s\.io)\//,
    sure: 'certain',
    sign: '`alpha.eksctl.io/…`, `eksctl.cluster.k8s.io/…`',
    source: EKSCTL,
  },
  {
    tool: 'eksctl',
    kind: 'tag',
    key: /^aws:cloudformation:stack-name$/,
    value: /^eksctl-/,
    sure: 'likely',
    sign: '`aws:cloudformation:stack-name` = `eksctl-…`',
    source: EKSCTL,
  },
  {
    tool: 'cdk',
    kind: 'tag',
    key: /^aws-cdk:/,
    sure: 'certain',
    sign: '`aws-cdk:…`',
    source: 'github.com/aws/aws-cdk: the prefix of the tags that its constructs set',
  },
  {
    tool: 'cdk',
    kind: 'tag',
    key: /^aws:cloudformation:logical-id$/,
    value: /[0-9A-F]{8}$/,
    sure: 'likely',
    sign: '`aws:cloudformation:logical-id` that ends with eight hexadecimal digits',
    source: CDK,
  },
  {
    tool: 'cloudformation',
    kind: 'tag',
    key: /^aws:cloudformation:/,
    sure: 'certain',
    sign: '`aws:cloudformation:…`',
    source: CLOUDFORMATION,
  },
  {
    tool: 'pulumi',
    kind: 'tag',
    key: /^pulumi:(project|stack)$/i,
    sure: 'likely',
    sign: '`pulumi:project`, `pulumi:stack`',
    source: CONVENTION,
  },
  {
    tool: 'terraform',
    kind: 'tag',
    key: /^(terraform|opentofu)$/i,
    value: /^(true|yes|1)$/i,
    sure: 'likely',
    sign: '`Terraform` = `true`',
    source: CONVENTION,
  },
  {
    tool: 'argo-cd',
    kind: 'annotation',
    key: /^argocd\.argoproj\.io\/tracking-id$/,
    sure: 'certain',
    sign: '`argocd.argoproj.io/tracking-id`',
    source: ARGO,
  },
  {
    tool: 'argo-cd',
    kind: 'label',
    key: /^argocd\.argoproj\.io\/instance$/,
    sure: 'certain',
    sign: '`argocd.argoproj.io/instance`',
    source: ARGO,
  },
  {
    tool: 'argo-cd',
    kind: 'label',
    key: /^app\.kubernetes\.io\/instance$/,
    manager: /^argocd-(application-)?controller$/,
    sure: 'certain',
    sign: '`app.kubernetes.io/instance` together with field manager `argocd-controller`',
    source: ARGO,
  },
  {
    tool: 'argo-cd',
    kind: 'field-manager',
    key: /^argocd-(application-)?controller$/,
    sure: 'certain',
    sign: '`argocd-controller`',
    source: ARGO,
  },
  {
    tool: 'flux',
    kind: 'label',
    key: /^(kustomize|helm)\.toolkit\.fluxcd\.io\/name$/,
    sure: 'certain',
    sign: '`kustomize.toolkit.fluxcd.io/name`, `helm.toolkit.fluxcd.io/name`',
    source: FLUX,
  },
  {
    tool: 'flux',
    kind: 'field-manager',
    key: /^(kustomize|helm)-controller$/,
    sure: 'certain',
    sign: '`kustomize-controller`, `helm-controller`',
    source: FLUX,
  },
  {
    tool: 'kro',
    kind: 'label',
    key: /^(internal\.)?kro\.run\/owned$/,
    value: /^true$/,
    sure: 'certain',
    sign: '`kro.run/owned` = `true`',
    source: KRO,
  },
  {
    tool: 'eksctl',
    kind: 'label',
    key: /^app\.kubernetes\.io\/managed-by$/,
    value: /^eksctl$/,
    sure: 'certain',
    sign: '`app.kubernetes.io/managed-by` = `eksctl`',
    source: EKSCTL,
  },
  {
    tool: 'helm',
    kind: 'annotation',
    key: /^meta\.helm\.sh\/release-name$/,
    sure: 'certain',
    sign: '`meta.helm.sh/release-name`',
    source: HELM,
  },
  {
    tool: 'helm',
    kind: 'label',
    key: /^app\.kubernetes\.io\/managed-by$/,
    value: /^Helm$/,
    sure: 'likely',
    sign: '`app.kubernetes.io/managed-by` = `Helm`',
    source: HELM,
  },
  {
    tool: 'helm',
    kind: 'field-manager',
    key: /^helm$/,
    sure: 'likely',
    sign: '`helm`',
    source: HELM,
  },
  {
    tool: 'pulumi',
    kind: 'field-manager',
    key: /^pulumi-/,
    sure: 'likely',
    sign: '`pulumi-…`',
    source: 'github.com/pulumi/pulumi-kubernetes, "Server-Side Apply"',
  },
  {
    tool: 'terraform',
    kind: 'field-manager',
    key: /^(terraform|hashicorp|opentofu)/i,
    sure: 'likely',
    sign: '`Terraform`, `HashiCorp`',
    source: 'github.com/hashicorp/terraform-provider-kubernetes: the user agent of its client, and field_manager',
  },
];

/** What a tool was recognized by. */
export interface Sign {
  tool: OwnerTool;
  sure: Owner['sure'];
  evidence: string;
  managedByAws?: true;
}

const WORDS: Record<SignKind, string> = {
  tag: 'tag',
  label: 'label',
  annotation: 'annotation',
  'field-manager': 'field manager',
};

const signOf = ({ tool, sure, kind, managedByAws }: OwnerRule, name: string): Sign => ({
  tool,
  sure,
  evidence: `${WORDS[kind]} ${name}`,
  ...(managedByAws ? { managedByAws } : {}),
});

type Texts = Readonly<Record<string, string>>;
const pair = (key: string, value: string): string => (value === '' ? key : `${key}=${value}`);

function matched(rule: OwnerRule, texts: Texts): Sign | undefined {
  const found = Object.entries(texts).find(
    ([key, value]) => rule.key.test(key) && (rule.value === undefined || rule.value.test(value)),
  );
  return found && signOf(rule, pair(...found));
}

/** Returns the tool that the value of a tag names, if it is a known one. */
const namedTool = (value: string): OwnerTool | undefined => NAMES.find(([name]) => name.test(value))?.[1];

function byConvention(tags: Texts): Sign | undefined {
  for (const [key, value] of Object.entries(tags)) {
    const tool = TOOL_TAG.test(key) ? namedTool(value) : undefined;
    if (tool !== undefined) return { tool, sure: 'likely', evidence: `tag ${pair(key, value)}` };
  }
  return undefined;
}

/** Returns the tool that the tags of an AWS resource show, or `undefined`. */
export function ownerByTags(tags: Texts): Sign | undefined {
  for (const rule of OWNER_RULES) {
    const sign = rule.kind === 'tag' ? matched(rule, tags) : undefined;
    if (sign) return sign;
  }
  return byConvention(tags);
}

/** What shows the owner of a Kubernetes object. */
export interface ObjectMarks {
  labels: Texts;
  annotations: Texts;
  /** Names of all its field managers. */
  managers: readonly string[];
}

/** Returns the tool that a Kubernetes object shows, or `undefined`. */
export function ownerByMarks({ labels, annotations, managers }: ObjectMarks): Sign | undefined {
  for (const rule of OWNER_RULES) {
    const { manager } = rule;
    if (rule.kind === 'tag' || (manager && !managers.some((one) => manager.test(one)))) continue;
    if (rule.kind === 'field-manager') {
      const found = managers.find((one) => rule.key.test(one));
      if (found !== undefined) return signOf(rule, found);
      continue;
    }
    const sign = matched(rule, rule.kind === 'label' ? labels : annotations);
    if (sign) return sign;
  }
  return undefined;
}

/** Returns the tool that a field manager belongs to, or `undefined`. */
export const ownerByManager = (manager: string): OwnerTool | undefined =>
  OWNER_RULES.find((rule) => rule.kind === 'field-manager' && rule.key.test(manager))?.tool;

/**
 * Returns what the tags name as the owner of a resource that is no known tool, such as `ManagedBy=platform-team`. What it
 * is, and whether it reverts anything, is not known.
 */
export function unknownOwner(tags: Texts): string | undefined {
  if (ownerByTags(tags)) return undefined;
  return Object.entries(tags).find(([key, value]) => OWNER_TAG.test(key) && value !== '')?.[1];
}
