/**
 * What the played consumers share: objects as the API server has them, tokens, and the answers of STS and EKS Auth. None
 * of it imports the service's own detection of consumers, which is judged by it.
 */
import { isObject } from '../json.ts';
import type { KubeObject, Pod } from '../objects/objects.ts';
import { isActive } from '../kubernetes/pods.ts';
import { getObject, listObjects, listResources } from '../objects/store.ts';
import { ROLE_ANNOTATION } from '../kubernetes/webhook.ts';
import type { ClusterState, World } from '../world/world.ts';
import { agentProblem } from '../credentials/agents.ts';
import { evaluatePodIdentity } from '../credentials/pod-identity.ts';
import { isRefusal } from '../credentials/refusal.ts';
import type { ContainerSource } from '../credentials/sources.ts';
import { evaluateWebIdentity } from '../credentials/web-identity.ts';

export interface Stage {
  world: World;
  cluster: ClusterState;
}

export interface Account {
  namespace: string;
  name: string;
}

/** Whether software gets credentials now, with its role, and why not in the words of the service that refuses. */
export interface Outcome {
  works: boolean;
  why: string;
  role?: string;
}

/** An object by which software uses the identity of a service account. */
export interface PlayedConsumer extends Outcome {
  /** `SecretStore/shop/aws`, or `ClusterIssuer/aws` for a cluster-scoped object. */
  name: string;
  serviceAccount: Account;
}

export const STS_AUDIENCE = 'sts.amazonaws.com';
const AUDIENCE_ANNOTATION = 'eks.amazonaws.com/audience';

/** Returns the value at a path; undefined if there is none. */
export const at = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((found, key) => (isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined), value);

/** Returns the text at a path; undefined if there is none, or it is empty. */
export const textAt = (value: unknown, ...path: string[]): string | undefined => {
  const found = at(value, ...path);
  return typeof found === 'string' && found !== '' ? found : undefined;
};

export const listAt = (value: unknown, ...path: string[]): readonly unknown[] => {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
};

export const textsAt = (value: unknown, ...path: string[]): string[] =>
  listAt(value, ...path).filter((one): one is string => typeof one === 'string');

/** Returns the objects of a custom resource; none if the cluster does not have its definition. */
export const customObjects = ({ cluster: { kube } }: Stage, group: string, plural: string): KubeObject[] => {
  const kind = kube.customKinds.get(`${plural}.${group}`);
  return kind ? listResources(kube, { ...kind, shortNames: [], verbs: [] }) : [];
};

export const nameOf = ({ kind, metadata: { namespace, name } }: KubeObject): string =>
  [kind, ...(namespace === undefined ? [] : [namespace]), name].join('/');

export const podsIn = ({ cluster: { kube } }: Stage, namespace?: string): Pod[] =>
  listObjects(kube, 'Pod', namespace).filter(isActive);

export const accountOf = ({ metadata, spec }: Pod): Account => ({
  namespace: metadata.namespace ?? 'default',
  name: spec.serviceAccountName ?? 'default',
});

/** Returns the service account itself; undefined if it does not exist. */
export const findAccount = ({ cluster: { kube } }: Stage, { namespace, name }: Account): KubeObject | undefined =>
  getObject(kube, 'ServiceAccount', namespace, name);

const failed = (why: string): Outcome => ({ works: false, why });
export const missingAccount = ({ name }: Account): Outcome => failed(`serviceaccounts "${name}" not found`);
export const noRole = ({ namespace, name }: Account): Outcome =>
  failed(`an IAM role must be associated with service account ${name} (namespace: ${namespace})`);

export const roleOf = (account: KubeObject): string | undefined =>
  account.metadata.annotations?.[ROLE_ANNOTATION] || undefined;

export const audienceOf = (account: KubeObject): string =>
  account.metadata.annotations?.[AUDIENCE_ANNOTATION] || STS_AUDIENCE;

/** Returns what STS answers to AssumeRoleWithWebIdentity with a new token of the service account. */
export const withWebIdentity = (
  { world, cluster }: Stage,
  { namespace, name }: Account,
  request: { role: string; audiences: readonly string[]; sessionName: string },
): Outcome => {
  const { role, audiences, sessionName } = request;
  const result = evaluateWebIdentity(
    world,
    cluster,
    { namespace, serviceAccount: name, audiences },
    { roleArn: role, sessionName },
  );
  return isRefusal(result)
    ? { works: false, why: `${result.refused.code}: ${result.refused.message}`, role }
    : { works: true, why: 'STS accepts its token', role };
};

/**
 * Returns what software gets that reads the role in the service account's annotation, and assumes it with a new token:
 * nothing without the annotation.
 */
export const withAnnotatedRole = (
  stage: Stage,
  account: Account,
  { sessionName, audiences }: { sessionName: string; audiences?: (object: KubeObject) => readonly string[] },
): Outcome => {
  const object = findAccount(stage, account);
  if (!object) return missingAccount(account);
  const role = roleOf(object);
  if (role === undefined) return noRole(account);
  return withWebIdentity(stage, account, { role, audiences: audiences?.(object) ?? [STS_AUDIENCE], sessionName });
};

/** Returns what the agent answers for a pod's token: without an association, nothing. */
export const withPodIdentity = ({ world, cluster }: Stage, pod: Pod): Outcome => {
  const { namespace, name: serviceAccount } = accountOf(pod);
  const { name, uid } = pod.metadata;
  const result =
    agentProblem(world, cluster, pod) ?? evaluatePodIdentity(world, cluster, { namespace, serviceAccount, name, uid });
  return isRefusal(result)
    ? failed(`${result.refused.code}: ${result.refused.message}`)
    : { works: true, why: 'EKS Auth accepts its token', role: result.roleArn };
};

/** Returns what a container's SDK gets if it asks now, without the credentials that it may still hold. */
export const askedBy = (stage: Stage, pod: Pod, { container, method, source }: ContainerSource): Outcome => {
  if (!source) return { works: true, why: `container ${container} uses ${method}, and no identity of its own` };
  if ('problem' in source) return failed(`${source.problem.code}: ${source.problem.message}`);
  if (source.method === 'pod-identity') return withPodIdentity(stage, pod);
  const { roleArn, audiences } = source;
  return withWebIdentity(stage, accountOf(pod), {
    role: roleArn,
    audiences,
    sessionName: pod.metadata.name.slice(0, 64),
  });
};

/** Returns one outcome for several pods: the first that fails, else the first. */
export const together = (outcomes: readonly Outcome[]): Outcome =>
  outcomes.find(({ works }) => !works) ?? outcomes[0] ?? failed('no pod runs');
