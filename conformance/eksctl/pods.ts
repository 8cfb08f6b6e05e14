/** Judges what a migration led to, by what each pod had before it and what EKS Auth and STS give it in the end. Pure. */
import { counted } from '../kubernetes/scenarios/normal.ts';
import type { PodCredentials } from '../kubernetes/scenarios/pod-credentials.ts';

/** How a pod ended whose containers had a role before. */
export const ENDS = ['pod-identity', 'named-role', 'irsa', 'accepted', 'no-role', 'gone'] as const;
/**
 * `pod-identity`, `irsa`: every container that had a role has it, by that way; `named-role`: it has another role that
 * the request names for its service account; `accepted`: it has no role, and the request accepted by name what the plan
 * had warned of; `no-role`: it lost its role otherwise; `gone`: the workload has fewer pods than before.
 */
export type PodEnd = (typeof ENDS)[number];

export interface PodEnds {
  /** Pods whose containers had a role before, by how they ended. */
  counts: Partial<Record<PodEnd, number>>;
  /** Pods among them that are not ready in the end. */
  notReady: number;
  /** Pods that have a role in the end, and had none before. */
  gained: number;
  /** What each pod had, and what it has, equal ones once with their number. */
  pods: string[];
}

type Container = PodCredentials['containers'][number];
const workloadKey = ({ namespace, workload }: PodCredentials): string => `${namespace} ${workload}`;
const roleOf = ({ roleArn }: Container): string | undefined => roleArn;

/** The roles that a container of a workload had, by the container's name. */
type Held = Map<string, Set<string>>;

const heldBefore = (before: readonly PodCredentials[]): Map<string, Held> => {
  const all = new Map<string, Held>();
  for (const pod of before) {
    const held = all.get(workloadKey(pod)) ?? new Map<string, Set<string>>();
    all.set(workloadKey(pod), held);
    for (const container of pod.containers) {
      const role = roleOf(container);
      if (role !== undefined) held.set(container.container, (held.get(container.container) ?? new Set()).add(role));
    }
  }
  return all;
};

const wordOf = ({ method, roleArn, refused }: Container): string => {
  if (roleArn !== undefined)
    return `${roleArn.split('/').at(-1) ?? ''} by ${method}${refused ? ' until it expires' : ''}`;
  return refused ? `none: ${method} refused, ${refused.code}` : method;
};

/** Returns what the containers of a pod have, those that have the same together. */
const podWords = (containers: readonly Container[]): string =>
  [...new Set(containers.map(wordOf))].join('; ') || 'none';

/** Pods that only ever have the role of their node say nothing about a migration. */
const hasNothing = (words: string): boolean => words === 'node-role' || words === 'none' || words === 'not there';

/** What the requests accept and name, by service account. */
export interface Consent {
  /** Service accounts whose pods may lose their role. */
  accepted: ReadonlySet<string>;
  /** Roles that service accounts are given. */
  roles: ReadonlyMap<string, string>;
}

export const NO_CONSENT: Consent = { accepted: new Set(), roles: new Map() };

const endOf = ({ containers, serviceAccount }: PodCredentials, held: Held, { accepted, roles }: Consent): PodEnd => {
  const concerned = containers.filter(({ container }) => held.has(container));
  const all = (isSo: (one: Container) => boolean): boolean => concerned.length >= held.size && concerned.every(isSo);
  const works = ({ roleArn, refused }: Container): boolean => roleArn !== undefined && refused === undefined;
  if (all((one) => works(one) && held.get(one.container)?.has(one.roleArn ?? '') === true))
    return all(({ method }) => method === 'pod-identity') ? 'pod-identity' : 'irsa';
  if (all((one) => works(one) && roles.get(serviceAccount) === one.roleArn)) return 'named-role';
  return accepted.has(serviceAccount) ? 'accepted' : 'no-role';
};

export const podEnds = (
  before: readonly PodCredentials[],
  after: readonly PodCredentials[],
  consent: Consent = NO_CONSENT,
): PodEnds => {
  const held = heldBefore(before);
  const counts: PodEnds['counts'] = {};
  const add = (end: PodEnd, by = 1): void => void (counts[end] = (counts[end] ?? 0) + by);
  const words = new Map(before.map((pod) => [workloadKey(pod), podWords(pod.containers)]));
  let [notReady, gained] = [0, 0];
  const texts: string[] = [];
  for (const pod of after) {
    const own = held.get(workloadKey(pod)) ?? new Map<string, Set<string>>();
    const now = `${podWords(pod.containers)}${pod.ready ? '' : ', not ready'}`;
    if (own.size > 0) {
      add(endOf(pod, own, consent));
      if (!pod.ready) notReady += 1;
    } else if (pod.containers.some((one) => roleOf(one) !== undefined)) gained += 1;
    const was = words.get(workloadKey(pod)) ?? 'not there';
    if (!hasNothing(was) || !hasNothing(now)) texts.push(`${pod.workload} in ${pod.namespace}: ${was} → ${now}`);
  }
  for (const [key, own] of held) {
    const count = (pods: readonly PodCredentials[]): number => pods.filter((pod) => workloadKey(pod) === key).length;
    const fewer = own.size === 0 ? 0 : count(before) - count(after);
    if (fewer > 0) add('gone', fewer);
  }
  return { counts, notReady, gained, pods: counted(texts) };
};
