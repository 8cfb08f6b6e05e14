/**
 * Determines from where a pod gets its credentials from its spec alone. The webhook sets it at admission, and it never
 * changes afterwards. Source: github.com/aws/amazon-eks-pod-identity-webhook, pkg/handler; for what SDKs do with it,
 * `credential-variables.ts`.
 */
import { accountOf } from '../terms/subject.ts';
import type { IdentityLoss } from '../terms/planned.ts';
import type { PodEvidence, PodIdentity } from '../terms/evidence.ts';
import type { Container, Pod } from '../kubernetes/objects.ts';
import { SKIP_ANNOTATION, skippedContainers } from '../kubernetes/skip-containers.ts';
import { some } from '../terms/check.ts';
import { shown } from '../text/text.ts';
import { type ContainerReading, MOST_VALUE, readContainer } from './container-credentials.ts';
import { IRSA_CONFIG, POD_IDENTITY_CONFIG } from './credential-variables.ts';

const ADDRESS = 'AWS_CONTAINER_CREDENTIALS_FULL_URI';

/**
 * Returns the containers that count: not those that the annotation of the pod, or of its template, excludes from the
 * webhook. Ephemeral containers are never among them: the webhook does not change them.
 */
export function notSkipped(containers: readonly Container[], annotations: Record<string, string>): Container[] {
  const skipped = skippedContainers(annotations);
  return containers.filter((container) => !skipped.has(container.name));
}

/** The part of a pod that decides from where it gets credentials. */
export type PodSpec = Pick<Pod, 'annotations' | 'containers' | 'tokens' | 'ephemeral'>;

/** A container that counts, with its reading. */
export interface ReadContainer extends ContainerReading {
  container: Container;
}

/** Returns the readings of the containers that count. */
export const readContainers = ({ containers, annotations, tokens }: PodSpec): ReadContainer[] =>
  notSkipped(containers, annotations).map((container) => ({ container, ...readContainer({ container, tokens }) }));

export interface Classified {
  identity: Exclude<PodIdentity, 'not-applicable'>;
  evidence: string;
  /**
   * Whether every container that counts has the complete configuration of EKS Pod Identity, and none is known to get
   * credentials from elsewhere.
   */
  injected: boolean;
  /** For `unknown`: each container whose source of credentials is unknown, with the reason, which names the container. */
  unknown: { container: string; why: string }[];
}

/** Returns whether no identity describes the container: its source is unknown, or it has none of AWS's roles. */
const isOpen = ({ is }: ReadContainer): boolean => is === 'unknown' || is === 'elsewhere' || is === 'static-keys';

/** A pod's author chooses the values, so that their length is limited. */
const short = (value: string): string => shown(value, MOST_VALUE);

const whyOf = ({ container, why }: ReadContainer): string => `container ${container.name} ${why}`;

/** The most notes in the evidence of a pod, which may have thousands of containers. */
const MOST_NOTES = 10;

/** Returns a clause with containers that do not count, if there are any. */
const uncounted = (kind: string, names: readonly string[], why: string): string[] =>
  names.length === 0
    ? []
    : [
        `${kind}${names.length === 1 ? '' : 's'} ${some(names)} ${names.length === 1 ? 'does' : 'do'} not count, since ${why} ${names.length === 1 ? 'it' : 'them'}`,
      ];

/** Returns what follows the evidence of every identity: what could override it, and what does not count. */
function asides(readings: readonly ReadContainer[], { ephemeral = [], containers, annotations }: PodSpec): string {
  const notes = [...new Set(readings.flatMap((one) => one.notes))].slice(0, MOST_NOTES);
  const skipped = skippedContainers(annotations);
  const excluded = containers.map(({ name }) => name).filter((name) => skipped.has(name));
  return [
    ...notes,
    ...uncounted('container', excluded, `the annotation ${SKIP_ANNOTATION} excludes`),
    ...uncounted('ephemeral container', ephemeral, 'the webhook never changes'),
  ]
    .map((text) => `; ${text}`)
    .join('');
}

const hasBoth = ({ is, container: { env } }: ReadContainer): boolean =>
  is === 'irsa' && (Object.hasOwn(env, ADDRESS) || Object.hasOwn(env, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'));

/** Returns the evidence of a pod whose containers use different sources, or one of whose containers has both. */
function mixedEvidence(readings: readonly ReadContainer[], { tokens }: PodSpec): string {
  const total = readings.length;
  const of = (wanted: (one: ReadContainer) => boolean): number => readings.filter(wanted).length;
  const both = readings.filter(hasBoth).map(({ container }) => container.name);
  const audiences = [...new Set(tokens.map(({ audience }) => audience))];
  return [
    `${of((one) => one.configured)} of ${total} containers have the environment of Pod Identity, ${of(({ is }) => is === 'irsa')} have that of IRSA, token audiences: ${some(audiences.map(short)) || 'none'}`,
    ...(both.length > 0
      ? [`with both, ${some(both)} ${both.length === 1 ? 'uses' : 'use'} IRSA, to which SDKs give precedence`]
      : []),
    ...(readings.some(isOpen) ? [some(readings.filter(isOpen).map(whyOf), '; ')] : []),
  ].join('; ');
}

/** Returns the identity of a pod, and the evidence for it in the spec; for `unknown`, what the spec does not show. */
export function classifyPod(pod: PodSpec): Classified {
  const readings = readContainers(pod);
  const isEach = (source: ContainerReading['is']): boolean => readings.every(({ is }) => is === source);
  const open = readings.filter(isOpen);
  const as = (identity: Classified['identity'], evidence: string): Classified => ({
    identity,
    evidence: `${evidence}${asides(readings, pod)}`,
    injected:
      readings.length > 0 && readings.every(({ is, configured }) => configured && (is === 'agent' || is === 'unknown')),
    unknown: open.map((one) => ({ container: one.container.name, why: whyOf(one) })),
  });
  const all = readings.length === 1 ? 'its one container' : `all ${readings.length} containers`;
  if (isEach('node-role'))
    return as('node-role', 'no container has credentials in its environment: the SDK falls back to the node role');
  if (isEach('agent')) return as('pod-identity', `${ADDRESS} in ${all}, token for ${POD_IDENTITY_CONFIG.audience}`);
  if (isEach('irsa') && !readings.some(hasBoth)) {
    const role = readings[0]?.container.env['AWS_ROLE_ARN'] ?? 'unknown role';
    const audience = pod.tokens.some((token) => token.audience === IRSA_CONFIG.audience)
      ? `token for ${IRSA_CONFIG.audience}, `
      : '';
    return as('irsa', `AWS_WEB_IDENTITY_TOKEN_FILE in ${all}, ${audience}role ${short(role)}`);
  }
  if (open.length > 0 && !readings.some(({ is }) => is === 'irsa'))
    return as('unknown', `it cannot be determined: ${some(open.map(whyOf), '; ')}`);
  return as('mixed', mixedEvidence(readings, pod));
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
      const { identity, evidence, injected } = classifyPod(pod);
      const why = excluded.get(pod.uid);
      const isPlanned = serviceAccounts.has(pod.serviceAccount);
      return {
        namespace: pod.namespace,
        name: pod.name,
        uid: pod.uid,
        serviceAccount: pod.serviceAccount,
        ready: pod.ready,
        ...(pod.readyAt === undefined ? {} : { readyAt: pod.readyAt }),
        ...(pod.restarts === undefined ? {} : { restarts: pod.restarts }),
        createdAt: pod.createdAt,
        ...(pod.node === undefined ? {} : { node: pod.node }),
        ...(why === undefined ? {} : { excluded: why }),
        ...(injected && isPlanned && why === undefined ? { level: 'injected' as const } : {}),
        ...(isPlanned
          ? {
              identity,
              evidence: `${evidence}${ageText(pod, identity, associatedSince.get(accountOf(pod)))}`,
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
  new Map(losses.map((one) => [accountOf(one), one.identity]));
