/**
 * Decides which texts of a cluster enter a scenario: names and settings that the service decides on, and nothing that
 * could be a secret.
 */
import { parseRoleArn } from '../../lambdas/domain/aws/arn.ts';
import { ownerByTags } from '../../lambdas/domain/owners/signs.ts';
import type { Container } from '../../lambdas/ports/index.ts';
import type { ScenarioExtraEnv } from '../../sandbox/world/scenario-containers.ts';

/** Replaces a text that is not recorded. */
export const NOT_RECORDED = 'not-recorded';

const LABELS = [
  /^app\.kubernetes\.io\/(name|instance|component|part-of|managed-by)$/,
  /^(app|k8s-app)$/,
  /^eks\.amazonaws\.com\/(component|fargate-profile)$/,
  /^argocd\.argoproj\.io\/instance$/,
  /^(kustomize|helm)\.toolkit\.fluxcd\.io\/(name|namespace)$/,
  /^(internal\.)?kro\.run\/owned$/,
  /^pkg\.crossplane\.io\/provider$/,
];

const ANNOTATIONS = [
  /^eks\.amazonaws\.com\/(role-arn|audience|sts-regional-endpoints|token-expiration|skip-containers)$/,
  /^meta\.helm\.sh\/release-(name|namespace)$/,
  /^argocd\.argoproj\.io\/tracking-id$/,
  /^kustomize\.toolkit\.fluxcd\.io\/reconcile$/,
];

const kept = (all: Readonly<Record<string, string>>, isKept: (key: string) => boolean): Record<string, string> =>
  Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => isKept(key))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/** Returns the labels that show what an object belongs to, and those that something selects it by. */
export const keptLabels = (
  labels: Readonly<Record<string, string>>,
  selected: ReadonlySet<string> = new Set(),
): Record<string, string> => kept(labels, (key) => selected.has(key) || LABELS.some((pattern) => pattern.test(key)));

/** Returns the annotations that the webhook of EKS reads, and those of Helm, Argo CD and Flux. */
export const keptAnnotations = (annotations: Readonly<Record<string, string>>): Record<string, string> =>
  kept(annotations, (key) => ANNOTATIONS.some((pattern) => pattern.test(key)));

/** Returns the tags with their keys; of the values, only those by which the service recognizes the owner of a resource. */
export const keptTags = (tags: Readonly<Record<string, string>> | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tags ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, ownerByTags({ [key]: value }) ? value : NOT_RECORDED]),
  );

const AGENT_URIS = new Set(['http://169.254.170.23/v1/credentials', 'http://[fd00:ec2::23]/v1/credentials']);
const AGENT_ADDRESSES = ['169.254.170.23', 'fd00:ec2::23'];

/** Values that select a source of credentials and are no secrets, each in the form that it must have. */
const VALUES: Record<string, (value: string) => boolean> = {
  AWS_ROLE_ARN: (value) => parseRoleArn(value) !== undefined,
  AWS_CONTAINER_CREDENTIALS_FULL_URI: (value) => AGENT_URIS.has(value),
  AWS_WEB_IDENTITY_TOKEN_FILE: (value) => /^\/[\w./-]+$/.test(value),
};

/** Returns which addresses of the agent a NO_PROXY has. */
const noProxy = (value: string): string =>
  AGENT_ADDRESSES.filter((address) => value.includes(address)).join(',') || NOT_RECORDED;

const valueOf = (name: string, value: string): string => {
  if (/^no_proxy$/i.test(name)) return noProxy(value);
  return Object.hasOwn(VALUES, name) && VALUES[name]?.(value) === true ? value : NOT_RECORDED;
};

/** Returns the names of a container's variables; a scenario needs a value or a source, which are placeholders. */
export const keptVariables = ({
  env,
  optionalEnv = [],
}: Pick<Container, 'env' | 'optionalEnv'>): Pick<ScenarioExtraEnv, 'name' | 'value' | 'secret'>[] =>
  Object.entries(env)
    .filter(([name]) => /^[A-Za-z_][\w.-]*$/.test(name))
    .map(([name, value]) =>
      value === undefined
        ? { name, secret: { name: NOT_RECORDED, key: NOT_RECORDED, optional: optionalEnv.includes(name) } }
        : { name, value: valueOf(name, value) },
    );
