/**
 * Finds the stores and generators for which the External Secrets Operator logs in to Vault with the IAM identity of its own
 * pods. Before 0.20.0, it insists on the token of IRSA for that, so that it fails as soon as these pods have EKS Pod Identity.
 */
import { parseImage } from '../images/reference.ts';
import { isAtLeast, readVersion } from '../images/version.ts';
import type { Pod } from '../kubernetes/objects.ts';
import type { ServiceAccountRef } from '../terms/subject.ts';
import type { Consumer } from './model.ts';
import { accountsOf, type ConsumerRule, consumerBy, type Detector, fieldAt, imagesOf, type Seen } from './seen.ts';

const PRODUCT = 'External Secrets Operator';
/** The first version that uses EKS Pod Identity for Vault: external-secrets/external-secrets#5201. */
const FIRST = readVersion('0.20.0');

const rule = (kind: string, resource: string, path: string): ConsumerRule & { path: readonly string[] } => ({
  product: PRODUCT,
  resource,
  kind,
  path: path.split('.'),
  field: `\`${path}\` without \`jwt\` and \`secretRef\`: the service accounts of the operator's pods; before 0.20.0, and in an unknown version`,
  needs: ['pods'],
  how: `makes the operator read the IRSA token of its own pods (${path})`,
  instead:
    'Update External Secrets to 0.20.0 or later, which uses EKS Pod Identity for it; if that version runs already, accept it.',
  source:
    'github.com/external-secrets/external-secrets, pkg/provider/vault/auth_iam.go in 0.19.2: an error without AWS_WEB_IDENTITY_TOKEN_FILE; external-secrets/external-secrets#4888, #5201, in 0.20.0',
});

const RULES = [
  rule('SecretStore', 'secretstores.external-secrets.io', 'spec.provider.vault.auth.iam'),
  rule('ClusterSecretStore', 'clustersecretstores.external-secrets.io', 'spec.provider.vault.auth.iam'),
  rule('VaultDynamicSecret', 'vaultdynamicsecrets.generators.external-secrets.io', 'spec.provider.auth.iam'),
  rule(
    'ClusterGenerator',
    'clustergenerators.generators.external-secrets.io',
    'spec.generator.vaultDynamicSecretSpec.provider.auth.iam',
  ),
];

const NAME = 'app.kubernetes.io/name';
/** Pods of the same image that log in nowhere, by their label. */
const OTHERS = new Set(['external-secrets-webhook', 'external-secrets-cert-controller']);

const isOperator = (pod: Pod): boolean =>
  !OTHERS.has(pod.labels[NAME] ?? '') && (pod.labels[NAME] === 'external-secrets' || imagesOf(pod, PRODUCT).length > 0);

/** Returns whether all containers of a pod show a version that uses EKS Pod Identity. */
const isNew = ({ containers }: Pod): boolean =>
  containers
    .filter(({ image }) => imagesOf({ containers: [{ image }] }, PRODUCT).length > 0)
    .map(({ image }) => readVersion(parseImage(image)?.tag ?? ''))
    .reduce(
      (all, version) => all && version !== undefined && FIRST !== undefined && isAtLeast(version, FIRST) === true,
      imagesOf({ containers }, PRODUCT).length > 0,
    );

/** Returns the service accounts of the operators that insist on IRSA, or may do so. */
const operatorsOf = ({ pods }: Seen): ServiceAccountRef[] =>
  accountsOf(pods.filter((pod) => isOperator(pod) && !isNew(pod)));

function consumersIn(seen: Seen, { path, ...found }: (typeof RULES)[number]): Consumer[] {
  const objects = seen.objects(found.resource);
  if (objects.length === 0) return [];
  const operators = operatorsOf(seen);
  return objects.flatMap((one) => {
    const iam = fieldAt(one.object, ...path);
    const isOwn = iam !== undefined && fieldAt(iam, 'jwt') === undefined && fieldAt(iam, 'secretRef') === undefined;
    return isOwn ? operators.map((serviceAccount) => consumerBy(found, one, { serviceAccount })) : [];
  });
}

export const EXTERNAL_SECRETS_WITH_VAULT: Detector = {
  rules: RULES,
  find: (seen) => RULES.flatMap((each) => consumersIn(seen, each)),
};
