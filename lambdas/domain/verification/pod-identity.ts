/**
 * Which identity a pod uses, from its spec alone. The webhook writes it at admission and it never changes after.
 * Source: github.com/aws/amazon-eks-pod-identity-webhook, pkg/handler; SDK credential chains: static keys go before web
 * identity, and that before container credentials, so a pod with both sets of env is on IRSA in effect and counts as
 * `mixed`.
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
/** The name is in the pod, the value elsewhere (valueFrom). */
const isElsewhere = ({ env }: Container, key: string): boolean => Object.hasOwn(env, key) && env[key] === undefined;
const isAgent = (address: string | undefined): boolean =>
  address !== undefined && URL.canParse(address) && AGENT_HOSTS.has(new URL(address).hostname);

/** Every EBS CSI driver names static keys of a Secret that it can do without (its chart, templates/controller.yaml). */
const hasOptionalStaticKey = (container: Container): boolean =>
  isElsewhere(container, STATIC_KEY) && (container.optionalEnv ?? []).includes(STATIC_KEY);

/** Variables that outrank, or may outrank, whatever the webhook adds. */
function hiddenBy(container: Container): string | undefined {
  const where = `container ${container.name}`;
  if (has(container, STATIC_KEY) || (isElsewhere(container, STATIC_KEY) && !hasOptionalStaticKey(container)))
    return `${where} sets ${STATIC_KEY}, and static keys go before every role`;
  const elsewhere = [...IRSA_KEYS, ...POD_IDENTITY_KEYS].filter((key) => isElsewhere(container, key));
  return elsewhere.length === 0
    ? undefined
    : `${where} takes ${elsewhere.join(' and ')} from elsewhere (valueFrom), so that the value is not in the pod`;
}

/** Whole Secrets and ConfigMaps as variables: what they hold is not in the pod. */
const openBySource = ({ name, envFrom = [] }: Container): string | undefined =>
  envFrom.length === 0
    ? undefined
    : `container ${name} takes variables from ${envFrom.join(', ')} (envFrom), so that it is not in the pod whether ${STATIC_KEY} or ${IRSA_KEYS[0]} is among them`;

/**
 * Variables that leave open whether the agent is asked: where one of its two is there already, the webhook adds
 * neither.
 */
function leftOpenBy(container: Container): string | undefined {
  const where = `container ${container.name}`;
  const [own, ...more] = POD_IDENTITY_KEYS.filter((key) => has(container, key));
  if (own !== undefined && more.length === 0)
    return `${where} has ${own} of its own, without ${POD_IDENTITY_KEYS.find((key) => key !== own) ?? ''}`;
  if (own !== undefined && !isAgent(container.env[ADDRESS]))
    return `${where} has an ${ADDRESS} of its own, ${container.env[ADDRESS] ?? ''}, which is not the agent's`;
  return openBySource(container);
}

/** Containers that the pod's annotation (or its template's) tells the webhook to skip don't count. */
export function notSkipped(containers: readonly Container[], annotations: Record<string, string>): Container[] {
  const skipped = skippedContainers(annotations);
  return containers.filter((container) => !skipped.has(container.name));
}

const judgedContainers = (pod: Pod): Container[] => notSkipped(pod.containers, pod.annotations);

/**
 * Why it could not be told of a pod on Pod Identity whose credentials it takes, although no variable of its own says
 * so; empty where it could.
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

/** The class, and what in the spec makes it; of `unknown`, what is missing to judge. */
export function classifyPod(pod: Pod): Classified {
  const containers = judgedContainers(pod);
  const readings = containers.map(readContainer);
  const of = (...kinds: Reading['is'][]): number => readings.filter(({ is }) => kinds.includes(is)).length;
  const audiences = new Set(pod.tokens.map((token) => token.audience));
  const all = containers.length === 1 ? 'its one container' : `all ${containers.length} containers`;
  const unless = containers.some(hasOptionalStaticKey)
    ? `; an optional Secret or ConfigMap could set ${STATIC_KEY}, which would go before it`
    : '';

  if (of('nothing') === readings.length) {
    return {
      identity: 'node-role',
      evidence: `no container has credentials in its env: the SDK falls back to the node role${unless}`,
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
    return { identity: 'unknown', evidence: `it can't be told: ${unknown.join('; ')}` };
  const both = containers.filter((_, index) => readings[index]?.is === 'both').map(({ name }) => name);
  return {
    identity: 'mixed',
    evidence: [
      `${of('pod-identity', 'both')} of ${containers.length} containers have Pod Identity's env, ${of('irsa', 'both')} have IRSA's, token audiences: ${[...audiences].join(', ') || 'none'}`,
      ...(both.length > 0
        ? [`with both, ${both.join(', ')} ${both.length === 1 ? 'is' : 'are'} on IRSA in effect, which SDKs take first`]
        : []),
      ...unknown,
    ].join('; '),
  };
}

export const NAME_LABEL = 'app.kubernetes.io/name';

/** Since when service accounts have the association that they have now, by `namespace/name`. */
export type AssociatedSince = ReadonlyMap<string, string>;

/**
 * What a pod's age says beside its class. The webhook looks at a pod once, when it is created, and knows a new
 * association some seconds late (aws/eks-pod-identity-agent#52).
 */
function ageText({ createdAt }: Pod, identity: Classified['identity'], since: string | undefined): string {
  if (since === undefined) return '';
  // A pod's time has whole seconds.
  const isOlder = Date.parse(createdAt) + 1000 <= Date.parse(since);
  if (identity === 'pod-identity')
    return isOlder ? `; admitted under an earlier association: the present one is of ${since}` : '';
  if (isOlder) return `; created before its association, which is of ${since}: only a new pod can take it`;
  return identity === 'irsa' || identity === 'node-role'
    ? `; created after its association, which is of ${since}, but admitted without it: the webhook did not know it yet`
    : '';
}

/** What the pods of a service account had before, by `namespace/name` of those that lose it. */
export type LostIdentities = ReadonlyMap<string, PodIdentity>;

/** Identities that a pod can lose. */
export const isLosable = (identity: PodIdentity): boolean =>
  identity === 'irsa' || identity === 'pod-identity' || identity === 'mixed';

/** What of a pod that does not migrate is told: what it loses, where its service account loses something. */
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
 * Evidence for the pods of an add-on: those of the planned service accounts count; others that carry the same
 * `app.kubernetes.io/name` belong to the add-on too, but don't migrate. Of those, and of others, the pods of service
 * accounts that lose their identity (`lost`) show that. Pods on their way out are left out, but for those that can't end
 * (`excluded`, by uid, with why): these are listed, and don't count.
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

/** Whether the migration is verified on that pod: its service account migrates, and the pod is not excluded. */
const counts = ({ identity, loss, excluded }: Pick<PodEvidence, 'identity' | 'loss' | 'excluded'>): boolean =>
  identity !== 'not-applicable' && loss === undefined && excluded === undefined;

export const podsThatCount = (evidence: PodEvidence[]): PodEvidence[] => evidence.filter(counts);

/** By `namespace/name`, what the pods of these service accounts had. */
export const lostIdentities = (losses: readonly IdentityLoss[]): LostIdentities =>
  new Map(losses.map(({ namespace, serviceAccount, identity }) => [`${namespace}/${serviceAccount}`, identity]));
