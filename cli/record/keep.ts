/**
 * Decides which texts of a cluster enter a scenario: names and settings that the service decides on, and nothing that
 * could be a secret.
 */
import { parseRoleArn } from '../../lambdas/domain/aws/arn.ts';
import { ownerByTags } from '../../lambdas/domain/owners/signs.ts';
import type { Container } from '../../lambdas/ports/index.ts';
import type { ScenarioExtraEnv } from '../../sandbox/scenario/scenario-containers.ts';

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

/** Audiences of tokens that are no one's own. */
const AUDIENCES: ReadonlySet<string> = new Set([
  'sts.amazonaws.com',
  'sts.amazonaws.com.cn',
  'pods.eks.amazonaws.com',
  'https://kubernetes.default.svc',
  'https://kubernetes.default.svc.cluster.local',
]);

/** Returns the audience of a token if it is a known one. Any other is another audience still, which is all that matters. */
export const keptAudience = (audience: string): string => (AUDIENCES.has(audience) ? audience : NOT_RECORDED);

const isAny = (): boolean => true;

/** The annotations that are recorded, each with the form that its value must have. */
const ANNOTATIONS: readonly (readonly [RegExp, (value: string) => boolean])[] = [
  [/^eks\.amazonaws\.com\/role-arn$/, (value) => /^(arn:[\w+=,.@:/-]+)?$/.test(value)],
  [/^eks\.amazonaws\.com\/audience$/, (value) => AUDIENCES.has(value)],
  [/^eks\.amazonaws\.com\/sts-regional-endpoints$/, (value) => /^(true|false)$/i.test(value)],
  [/^eks\.amazonaws\.com\/token-expiration$/, (value) => /^\d+$/.test(value)],
  [/^eks\.amazonaws\.com\/skip-containers$/, isAny],
  [/^meta\.helm\.sh\/release-(name|namespace)$/, isAny],
  [/^argocd\.argoproj\.io\/tracking-id$/, isAny],
  [/^kustomize\.toolkit\.fluxcd\.io\/reconcile$/, (value) => /^(enabled|disabled)$/i.test(value)],
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

/** Returns the annotations that the webhook of EKS reads, and those of Helm, Argo CD and Flux; of the values, those with the form of such a value. */
export const keptAnnotations = (annotations: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(kept(annotations, (key) => ANNOTATIONS.some(([pattern]) => pattern.test(key)))).map(
      ([key, value]) => [
        key,
        ANNOTATIONS.some(([pattern, hasForm]) => pattern.test(key) && hasForm(value)) ? value : NOT_RECORDED,
      ],
    ),
  );

/** Returns the tags with their keys; of the values, only those by which the service recognizes the owner of a resource. */
export const keptTags = (tags: Readonly<Record<string, string>> | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tags ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, ownerByTags({ [key]: value }) ? value : NOT_RECORDED]),
  );

/** Returns a count or percentage, if the sandbox can express it. */
export const countOrShare = (value: number | string | undefined): number | string | undefined =>
  value === undefined || typeof value === 'number' || /^(\d\d?|100)%$/.test(value) ? value : undefined;

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
