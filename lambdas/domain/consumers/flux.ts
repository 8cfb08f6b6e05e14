/**
 * Finds the objects for which Flux uses the token of a service account (object-level workload identity). Objects without one
 * use the controllers' own pods, which EKS Pod Identity serves like any others.
 */
import type { Consumer } from './model.ts';
import {
  ANY,
  type ConsumerRule,
  consumerBy,
  type Detector,
  fieldAt,
  nameAt,
  type Seen,
  type SeenObject,
  textAt,
} from './seen.ts';

const SOURCE =
  'github.com/fluxcd/pkg, auth/access_token.go and auth/aws/provider.go: reads the annotation and calls AssumeRoleWithWebIdentity; fluxcd.io, "With EKS Pod Identity": only at the controller level';

interface FluxRule extends ConsumerRule {
  /** Returns the name of the service account; `undefined` if the object uses none for AWS. */
  account: (object: unknown) => string | undefined;
}

const rule = (
  kind: string,
  resource: string,
  of: Pick<FluxRule, 'field' | 'how' | 'instead' | 'account'> & { controller: string; since: string },
): FluxRule => ({
  product: 'Flux',
  resource,
  kind,
  needs: ['annotation', 'trust'],
  field: of.field,
  how: of.how,
  instead: of.instead,
  account: of.account,
  source: `${SOURCE}; ${of.controller} ${of.since} or later`,
});

/** A source with `provider` and `serviceAccountName`. */
const sourceRule = (kind: string, resource: string, controller: string, since: string): FluxRule =>
  rule(kind, resource, {
    controller,
    since,
    field: '`spec.serviceAccountName` with `spec.provider: aws`',
    how: 'gets tokens for it (spec.serviceAccountName)',
    instead: `Remove spec.serviceAccountName, and give the role to the service account of ${controller} by EKS Pod Identity.`,
    account: (object) =>
      textAt(object, 'spec', 'provider') === 'aws' ? nameAt(object, 'spec', 'serviceAccountName') : undefined,
  });

const INPUTS = 'resourcesetinputproviders.fluxcd.controlplane.io';

/** Flux Operator, which gets tokens by the same library. */
const INPUT_RULE: FluxRule = {
  product: 'Flux Operator',
  resource: INPUTS,
  kind: 'ResourceSetInputProvider',
  needs: ['annotation', 'trust'],
  field: '`spec.serviceAccountName` with `spec.type: ECRArtifactTag`',
  how: 'gets tokens for it (spec.serviceAccountName)',
  instead:
    'Remove spec.serviceAccountName, and give the role to the service account of flux-operator by EKS Pod Identity.',
  source: `github.com/controlplaneio-fluxcd/flux-operator, internal/controller/resourcesetinputprovider_controller.go, buildOCIOptions: a service account for the provider aws; ${SOURCE}`,
  account: (object) =>
    textAt(object, 'spec', 'type') === 'ECRArtifactTag' ? nameAt(object, 'spec', 'serviceAccountName') : undefined,
};

/** The service account is in a ConfigMap, and the service reads none. */
const remoteRule = (kind: string, resource: string, controller: string, since: string): FluxRule =>
  rule(kind, resource, {
    controller,
    since,
    field:
      '`spec.kubeConfig.configMapRef`: any service account of its namespace, since the service reads no ConfigMaps',
    how: 'may get tokens for it (serviceAccountName in the ConfigMap of spec.kubeConfig.configMapRef)',
    instead: `Check its ConfigMap: if it has provider: aws and this service account as serviceAccountName, remove that name, and give the role to the service account of ${controller} by EKS Pod Identity.`,
    account: (object) => (fieldAt(object, 'spec', 'kubeConfig', 'configMapRef') === undefined ? undefined : ANY),
  });

const KUSTOMIZATIONS = 'kustomizations.kustomize.toolkit.fluxcd.io';

const RULES: readonly FluxRule[] = [
  sourceRule('GitRepository', 'gitrepositories.source.toolkit.fluxcd.io', 'source-controller', '1.9.0'),
  sourceRule('OCIRepository', 'ocirepositories.source.toolkit.fluxcd.io', 'source-controller', '1.6.0'),
  sourceRule('Bucket', 'buckets.source.toolkit.fluxcd.io', 'source-controller', '1.7.0'),
  sourceRule('ImageRepository', 'imagerepositories.image.toolkit.fluxcd.io', 'image-reflector-controller', '0.35.0'),
  rule('Kustomization', KUSTOMIZATIONS, {
    controller: 'kustomize-controller',
    since: '1.6.0',
    field: '`spec.decryption.serviceAccountName`',
    how: 'gets tokens for it (spec.decryption.serviceAccountName)',
    instead:
      'Remove spec.decryption.serviceAccountName, and give the role to the service account of kustomize-controller by EKS Pod Identity.',
    account: (object) => nameAt(object, 'spec', 'decryption', 'serviceAccountName'),
  }),
  remoteRule('Kustomization', KUSTOMIZATIONS, 'kustomize-controller', '1.7.0'),
  remoteRule('HelmRelease', 'helmreleases.helm.toolkit.fluxcd.io', 'helm-controller', '1.4.0'),
  INPUT_RULE,
];

function consumerOf(one: SeenObject, { account, ...found }: FluxRule): Consumer[] {
  const name = account(one.object);
  return name === undefined
    ? []
    : [consumerBy(found, one, { serviceAccount: { namespace: one.namespace ?? ANY, name } })];
}

export const FLUX: Detector = {
  rules: RULES,
  find: (seen: Seen) => RULES.flatMap((each) => seen.objects(each.resource).flatMap((one) => consumerOf(one, each))),
};
