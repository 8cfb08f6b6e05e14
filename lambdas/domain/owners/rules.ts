/**
 * The signs by which owners are recognized, as one table: tags of AWS resources, labels, annotations and field managers of
 * Kubernetes objects. Of several rules that match, the first one counts, so that the more specific tools come first: an
 * eksctl stack is a CloudFormation stack too. `docs/owners.md` is generated from it.
 */
import type { Owner, OwnerTool } from './model.ts';

/**
 * Where a sign is found. `tag`: of an add-on, association or role. `role-name`: CloudFormation tags neither roles nor
 * add-ons, but a role without a name of its own gets one from it. The others: of a service account.
 */
export type SignKind = 'tag' | 'role-name' | 'label' | 'annotation' | 'field-manager';

export interface OwnerRule {
  tool: OwnerTool;
  kind: SignKind;
  /** The key of the tag, label or annotation; the name of a role or a field manager. */
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

const CONVENTION = 'convention; none of these tools sets such a tag by itself';
const EKSCTL = 'github.com/eksctl-io/eksctl, pkg/apis/eksctl.io/v1alpha5/types.go';
const CDK = 'AWS CDK Developer Guide, "Identifiers": logical IDs end with eight hexadecimal digits';
const CLOUDFORMATION = 'CloudFormation User Guide, "Resource tag": tags with the prefix aws:cloudformation:';
const CAPA = 'github.com/kubernetes-sigs/cluster-api-provider-aws, api/v1beta2/tags.go, pkg/cloud/services/eks';
const ARGO = 'Argo CD documentation, "Resource Tracking"; common/common.go, ArgoCDSSAManager';
const FLUX = 'Flux documentation, Kustomization and HelmRelease';
const HELM = 'Helm documentation, "Labels and Annotations"; pkg/action/validate.go';
const KRO = 'github.com/kubernetes-sigs/kro, pkg/metadata/labels.go';

/** Rules with a fixed sign. What tags name by convention follows in `signs.ts`. */
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
    tool: 'eksctl',
    kind: 'role-name',
    key: /^eksctl-.+-[A-Za-z0-9]{12,13}$/,
    sure: 'likely',
    sign: '`eksctl-CLUSTER-…-RANDOM`',
    source: EKSCTL,
  },
  {
    tool: 'cdk',
    kind: 'role-name',
    key: /^.+-[A-Za-z]\w*[0-9A-F]{8}-(?=[A-Za-z0-9]*[A-Z0-9])[A-Za-z0-9]{12,13}$/,
    sure: 'likely',
    sign: '`STACK-…HEXADECIMAL-RANDOM`, with a logical ID that ends with eight hexadecimal digits',
    source: CDK,
  },
  {
    tool: 'cloudformation',
    kind: 'role-name',
    key: /^.+-[A-Za-z]\w*-(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{12,13}$/,
    sure: 'likely',
    sign: '`STACK-LOGICALID-RANDOM`',
    source: 'CloudFormation User Guide, "Name type"',
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
    tool: 'kro',
    kind: 'field-manager',
    key: /^kro\.run\//,
    sure: 'certain',
    sign: '`kro.run/…`',
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
