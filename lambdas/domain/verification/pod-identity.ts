/**
 * Determines which identity a pod uses from its spec alone. The webhook sets it at admission, and it never changes
 * afterwards. Source: github.com/aws/amazon-eks-pod-identity-webhook, pkg/handler; SDK credential chains: static keys
 * take
 * precedence over web identity, which takes precedence over container credentials. A pod with both sets of environment
 * variables therefore uses IRSA, and counts as `mixed`.
 */
import type { IdentityLoss, PodEvidence, PodIdentity } from '../migration/model.ts';
import type { Container, Pod } from '../kubernetes/objects.ts';
import { skippedContainers } from '../kubernetes/skip-containers.ts';

const POD_IDENTITY_AUDIENCE = 'pods.eks.amazonaws.com';
const IRSA_AUDIENCE = 'sts.amazonaws.com';

const ADDRESS = 'AWS_CONTAINER_CREDENTIALS_FULL_URI';
const POD_IDENTITY_KEYS = [ADDRESS, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'] as const;
const IRSA_KEYS = ['AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE'] as const;
const STATIC_KEY = 'AWS_ACCESS_KEY_ID';
/** Where the agent listens on every node. Source: github.com/aws/eks-pod-identity-agent, README. */
const AGENT_HOSTS = new Set(['169.254.170.23', '[fd00:ec2::23]']);

const has = ({ env }: Container, key: string): boolean => env[key] !== undefined;
/** Returns whether the pod has the name of a variable, but its value comes from another object (valueFrom). */
const isElsewhere = ({ env }: Container, key: string): boolean => Object.hasOwn(env, key) && env[key] === undefined;
const isAgent = (address: string | undefined): boolean =>
  address !== undefined && URL.canParse(address) && AGENT_HOSTS.has(new URL(address).hostname);

/**
 * Returns whether static keys come from an optional Secret, as in every EBS CSI driver (its chart,
 * templates/controller.yaml).
 */
const hasOptionalStaticKey = (container: Container): boolean =>
  isElsewhere(container, STATIC_KEY) && (container.optionalEnv ?? []).includes(STATIC_KEY);

/** Returns the variables that take precedence, or may take precedence, over the variables that the webhook adds. */
function hiddenBy(container: Container): string | undefined {
  const where = `container ${container.name}`;
  if (has(container, STATIC_KEY) || (isElsewhere(container, STATIC_KEY) && !hasOptionalStaticKey(container)))
    return `${where} sets ${STATIC_KEY}, and static keys take precedence over every role`;
  const elsewhere = [...IRSA_KEYS, ...POD_IDENTITY_KEYS].filter((key) => isElsewhere(container, key));
  return elsewhere.length === 0
    ? undefined
    : `${where} gets ${elsewhere.join(' and ')} from another object (valueFrom), so that the value is not in the pod`;
}

/** Returns whether all keys of Secrets or ConfigMaps become variables, which the pod does not show. */
const openBySource = ({ name, envFrom = [] }: Container): string | undefined =>
  envFrom.length === 0
    ? undefined
    : `container ${name} gets variables from ${envFrom.join(', ')} (envFrom), so that the pod does not show whether ${STATIC_KEY} or ${IRSA_KEYS[0]} is among them`;

/**
 * Returns variables that leave open whether the container uses the agent: if it already has one of the agent's two
 * variables, the webhook adds neither.
 */
function leftOpenBy(container: Container): string | undefined {
  const where = `container ${container.name}`;
  const [own, ...more] = POD_IDENTITY_KEYS.filter((key) => has(container, key));
  if (own !== undefined && more.length === 0)
    return `${where} sets ${own} itself, without ${POD_IDENTITY_KEYS.find((key) => key !== own) ?? ''}`;
  if (own !== undefined && !isAgent(container.env[ADDRESS]))
    return `${where} sets ${ADDRESS} itself to ${container.env[ADDRESS] ?? ''}, which is not the address of the agent`;
  return openBySource(container);
}

/**
 * Returns the containers that count: not those that the annotation of the pod, or of its template, excludes from the
 * webhook.
 */
export function notSkipped(containers: readonly Container[], annotations: Record<string, string>): Container[] {
  const skipped = skippedContainers(annotations);
  return containers.filter((container) => !skipped.has(container.name));
}

const judgedContainers = (pod: Pod): Container[] => notSkipped(pod.containers, pod.annotations);

/**
 * Returns why the identity of a pod on Pod Identity would be uncertain: variables that the pod does not show could take
 * precedence. Returns an empty list if there are none.
 */
export const hiddenVariables = (pod: Pod): string[] =>
  judgedContainers(pod).flatMap((container) => openBySource(container) ?? []);

type Reading = { is: 'pod-identity' | 'irsa' | 'both' | 'nothing' } | { is: 'unknown'; why: string };

function readContainer(container: Container): Reading {
  const hidden = hiddenBy(container);
  if (hidden !== undefined) return { is: 'unknown', why: hidden };
  const anyPodIdentity = POD_IDENTITY_KEYS.some((key) => has(container, key));
  if (IRSA_KEYS.some((key) => has(container, key))) return { is: anyPodIdentity ? 'both' : 'irsa' };
  const open = leftOpenBy(container);
  return open === undefined ? { is: anyPodIdentity ? 'pod-identity' : 'nothing' } : { is: 'unknown', why: open };
}

export interface Classified {
  identity: Exclude<PodIdentity, 'not-applicable'>;
  evidence: string;
}

/** Returns the identity of a pod, and the evidence for it in the spec; for `unknown`, what the spec does not show. */
export function classifyPod(pod: Pod): Classified {
  const containers = judgedContainers(pod);
  const readings = containers.map(readContainer);
  const of = (...kinds: Reading['is'][]): number => readings.filter(({ is }) => kinds.includes(is)).length;
  const audiences = new Set(pod.tokens.map((token) => token.audience));
  const all = containers.length === 1 ? 'its one container' : `all ${containers.length} containers`;
  const unless = containers.some(hasOptionalStaticKey)
    ? `; an optional Secret or ConfigMap could set ${STATIC_KEY}, which would take precedence`
    : '';

  if (of('nothing') === readings.length) {
    return {
      identity: 'node-role',
      evidence: `no container has credentials in its environment: the SDK falls back to the node role${unless}`,
    };
  }
  if (of('pod-identity') === readings.length && audiences.has(POD_IDENTITY_AUDIENCE)) {
    return { identity: 'pod-identity', evidence: `${ADDRESS} in ${all}, token for ${POD_IDENTITY_AUDIENCE}${unless}` };
  }
  if (of('irsa') === readings.length) {
    const role = containers[0]?.env['AWS_ROLE_ARN'] ?? 'unknown role';
    return {
      identity: 'irsa',
      evidence: `AWS_WEB_IDENTITY_TOKEN_FILE in ${all}, ${audiences.has(IRSA_AUDIENCE) ? `token for ${IRSA_AUDIENCE}, ` : ''}role ${role}${unless}`,
    };
  }
  const unknown = readings.flatMap((reading) => (reading.is === 'unknown' ? [reading.why] : []));
  if (of('irsa', 'both') === 0 && unknown.length > 0)
    return { identity: 'unknown', evidence: `it cannot be determined: ${unknown.join('; ')}` };
  const both = containers.filter((_, index) => readings[index]?.is === 'both').map(({ name }) => name);
  return {
    identity: 'mixed',
    evidence: [
      `${of('pod-identity', 'both')} of ${containers.length} containers have the environment of Pod Identity, ${of('irsa', 'both')} have that of IRSA, token audiences: ${[...audiences].join(', ') || 'none'}`,
      ...(both.length > 0
        ? [`with both, ${both.join(', ')} ${both.length === 1 ? 'uses' : 'use'} IRSA, to which SDKs give precedence`]
        : []),
      ...unknown,
    ].join('; '),
  };
}

export const NAME_LABEL = 'app.kubernetes.io/name';

/** When the current association of each service account was created, by `namespace/name`. */
export type AssociatedSince = ReadonlyMap<string, string>;

/**
 * Returns what the age of a pod shows in addition to its identity. The webhook processes a pod once, at its creation,
 * and
 * learns of a new association some seconds late (aws/eks-pod-identity-agent#52).
 */
function ageText({ createdAt }: Pod, identity: Classified['identity'], since: string | undefined): string {
  if (since === undefined) return '';
  // The creation time of a pod has whole seconds.
  const isOlder = Date.parse(createdAt) + 1000 <= Date.parse(since);
  if (identity === 'pod-identity')
    return isOlder ? `; admitted under an earlier association: the current one was created at ${since}` : '';
  if (isOlder) return `; created before its association, which was created at ${since}: only a new pod can use it`;
  return identity === 'irsa' || identity === 'node-role'
    ? `; created after its association, which was created at ${since}, but admitted without it: the webhook did not know it yet`
    : '';
}

/** The previous identity of service accounts that lose it, by `namespace/name`. */
export type LostIdentities = ReadonlyMap<string, PodIdentity>;

/** Identities that a pod can lose. */
export const isLosable = (identity: PodIdentity): boolean =>
  identity === 'irsa' || identity === 'pod-identity' || identity === 'mixed';

/** Returns the evidence of a pod that does not migrate, with its loss if its service account loses its identity. */
function ofBystander(pod: Pod, from: PodIdentity | undefined): Pick<PodEvidence, 'identity' | 'loss' | 'evidence'> {
  if (from === undefined)
    return {
      identity: 'not-applicable',
      evidence: `service account ${pod.serviceAccount} is not part of the migration`,
    };
  const { identity, evidence } = classifyPod(pod);
  return {
    identity,
    loss: { from, to: 'node-role' },
    evidence: `${evidence}; service account ${pod.serviceAccount} loses the add-on's role and has no association${isLosable(identity) ? ', so that the next pod falls back to the node role' : ''}`,
  };
}

/**
 * Returns evidence for the pods of an add-on. Pods of the planned service accounts count. Other pods with the same
 * `app.kubernetes.io/name` belong to the add-on too, but do not migrate. Pods of service accounts that lose their
 * identity
 * (`lost`) show the loss. Terminating pods are omitted, except those that can't end (`excluded`, by uid, with the
 * reason),
 * which are listed but do not count.
 */
export function collectEvidence(
  pods: Pod[],
  serviceAccounts: ReadonlySet<string>,
  associatedSince: AssociatedSince = new Map(),
  lost: LostIdentities = new Map(),
  excluded: ReadonlyMap<string, string> = new Map(),
): PodEvidence[] {
  const living = pods.filter(
    (pod) => (!pod.terminating || excluded.has(pod.uid)) && pod.phase !== 'Succeeded' && pod.phase !== 'Failed',
  );
  const names = new Set(
    living.filter((pod) => serviceAccounts.has(pod.serviceAccount)).map((pod) => pod.labels[NAME_LABEL]),
  );
  names.delete(undefined);
  const lostBy = ({ namespace, serviceAccount }: Pod): PodIdentity | undefined =>
    serviceAccounts.has(serviceAccount) ? undefined : lost.get(`${namespace}/${serviceAccount}`);
  return living
    .filter(
      (pod) =>
        serviceAccounts.has(pod.serviceAccount) || names.has(pod.labels[NAME_LABEL]) || lostBy(pod) !== undefined,
    )
    .map((pod) => {
      const { identity, evidence } = classifyPod(pod);
      const why = excluded.get(pod.uid);
      return {
        namespace: pod.namespace,
        name: pod.name,
        uid: pod.uid,
        serviceAccount: pod.serviceAccount,
        ready: pod.ready,
        ...(pod.restarts === undefined ? {} : { restarts: pod.restarts }),
        createdAt: pod.createdAt,
        ...(pod.node === undefined ? {} : { node: pod.node }),
        ...(why === undefined ? {} : { excluded: why }),
        ...(serviceAccounts.has(pod.serviceAccount)
          ? {
              identity,
              evidence: `${evidence}${ageText(pod, identity, associatedSince.get(`${pod.namespace}/${pod.serviceAccount}`))}`,
            }
          : ofBystander(pod, lostBy(pod))),
      };
    })
    .sort((a, b) => Number(!counts(a)) - Number(!counts(b)) || a.name.localeCompare(b.name));
}

/** Returns whether a pod counts for the verification: its service account migrates, and the pod is not excluded. */
const counts = ({ identity, loss, excluded }: Pick<PodEvidence, 'identity' | 'loss' | 'excluded'>): boolean =>
  identity !== 'not-applicable' && loss === undefined && excluded === undefined;

export const podsThatCount = (evidence: PodEvidence[]): PodEvidence[] => evidence.filter(counts);

/** Returns the previous identities of service accounts that lose theirs, by `namespace/name`. */
export const lostIdentities = (losses: readonly IdentityLoss[]): LostIdentities =>
  new Map(losses.map(({ namespace, serviceAccount, identity }) => [`${namespace}/${serviceAccount}`, identity]));
