/**
 * Counts pods by workload, page by page. It keeps counts, times and one example for each workload, and nothing else of a
 * pod, so that memory depends only on the number of workloads.
 */
import { readContainer } from '../verification/container-credentials.ts';
import { classifyPod } from '../verification/pod-identity.ts';
import type { Compute, Container, Node, Pod } from '../kubernetes/objects.ts';
import { SOURCES, type Counts, type Source } from './model.ts';

/**
 * Platforms without EKS Pod Identity. Source: EKS User Guide, "EKS Pod Identities", considerations: it supports Linux EC2
 * nodes, and hybrid nodes through the agent's own DaemonSets.
 */
export type Unsupported = 'Fargate' | 'Windows';

/** The label of pods on Fargate. Source: EKS User Guide, "Define which Pods use AWS Fargate when launched". */
const FARGATE_LABEL = 'eks.amazonaws.com/fargate-profile';

/** Nodes that are not Linux machines, by name. */
export type NodeKinds = ReadonlyMap<string, Unsupported>;

export const nodeKinds = (nodes: readonly Node[]): NodeKinds => {
  const kindOf = ({ compute, os }: { compute: Compute; os: Node['os'] }): Unsupported | undefined =>
    compute === 'fargate' ? 'Fargate' : os === 'windows' ? 'Windows' : undefined;
  return new Map(
    nodes.flatMap((node) => {
      const kind = kindOf(node);
      return kind === undefined ? [] : [[node.name, kind] as const];
    }),
  );
};

const hasKeys = ({ tokens }: Pod, container: Container): boolean =>
  readContainer({ container, tokens }).is === 'static-keys';

/**
 * Returns how a pod gets its credentials, with the evidence in its spec. Static keys take precedence: every SDK reads the
 * environment first (AWS SDKs and Tools Reference Guide, "Standardized credential providers"; `readContainer`).
 */
export function sourceOf(pod: Pod, on: Unsupported | undefined): { source: Source; evidence: string } {
  const keyed = pod.containers.filter((container) => hasKeys(pod, container));
  const others = pod.containers.filter((container) => !keyed.includes(container));
  const { identity, evidence } = classifyPod(keyed.length === 0 ? pod : { ...pod, containers: others });
  if (keyed.length > 0) {
    const why = `AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the env of ${keyed.map(({ name }) => name).join(', ')}`;
    return others.length > 0 && identity !== 'node-role'
      ? { source: 'mixed', evidence: `${why}; other containers: ${evidence}` }
      : { source: 'static-keys', evidence: why };
  }
  if (identity !== 'node-role' || on !== 'Fargate') return { source: identity, evidence };
  // EKS User Guide, "Simplify compute management with AWS Fargate", considerations: pods on Fargate have no access to
  // instance metadata.
  return {
    source: 'none',
    evidence: 'no container has credentials in its environment, and Fargate has no node role to fall back to',
  };
}

export interface WorkloadTally {
  namespace: string;
  kind: string;
  name: string;
  serviceAccount: string;
  total: number;
  ready: number;
  by: Map<Source, number>;
  /** An example pod of the most important source: see `WORTH_SHOWING`. */
  example: { pod: string; evidence: string; source: Source };
  since: string;
  youngest: string;
  /** Creation time of the youngest pod that is not on Pod Identity. */
  youngestOther?: string;
  /** Number of pods by their AWS_ROLE_ARN. */
  irsaRoles: Map<string, number>;
  on: Map<Unsupported, number>;
  /** Names of containers with static keys. */
  keyed: Set<string>;
  /** Values of the label `app.kubernetes.io/name`. */
  labels: Set<string>;
}

/** The sources by importance, which decides the example that is kept if a workload's pods differ. */
const WORTH_SHOWING: readonly Source[] = [
  'mixed',
  'unknown',
  'static-keys',
  'irsa',
  'node-role',
  'none',
  'pod-identity',
];
const NAME_LABEL = 'app.kubernetes.io/name';
/** The maximum number of different values kept for one workload. Pods of one template have one or two. */
const MOST = 20;

const more = <Key>(counted: Map<Key, number>, key: Key): void => {
  if (counted.has(key) || counted.size < MOST) counted.set(key, (counted.get(key) ?? 0) + 1);
};

const note = (known: Set<string>, value: string): void => {
  if (known.size < MOST) known.add(value);
};

const rolesOf = (pod: Pod): Set<string> => new Set(pod.containers.flatMap(({ env }) => env['AWS_ROLE_ARN'] ?? []));

const isGone = ({ terminating, phase }: Pod): boolean => terminating || phase === 'Succeeded' || phase === 'Failed';

/** A static pod has its node as the owner of its mirror pod, so it is its own workload. */
const ownerOf = ({ owner, name }: Pod): { kind: string; name: string } =>
  owner === undefined || owner.kind === 'Node' ? { kind: 'Pod', name } : owner;

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export class Tally {
  private readonly found = new Map<string, WorkloadTally>();
  private readonly nodes: NodeKinds;

  constructor(nodes: NodeKinds) {
    this.nodes = nodes;
  }

  add(pods: readonly Pod[]): void {
    for (const pod of pods) if (!isGone(pod)) this.count(pod);
  }

  private count(pod: Pod): void {
    const { kind, name } = ownerOf(pod);
    const on = pod.labels[FARGATE_LABEL] === undefined ? this.nodes.get(pod.node ?? '') : 'Fargate';
    const { source, evidence } = sourceOf(pod, on);
    const key = [pod.namespace, kind, name, pod.serviceAccount].join('/');
    let found = this.found.get(key);
    if (found === undefined) {
      found = {
        namespace: pod.namespace,
        kind,
        name,
        serviceAccount: pod.serviceAccount,
        total: 0,
        ready: 0,
        by: new Map(),
        example: { pod: pod.name, evidence, source },
        since: pod.createdAt,
        youngest: pod.createdAt,
        irsaRoles: new Map(),
        on: new Map(),
        keyed: new Set(),
        labels: new Set(),
      };
      this.found.set(key, found);
    }
    found.total += 1;
    if (pod.ready) found.ready += 1;
    more(found.by, source);
    if (on !== undefined) more(found.on, on);
    if (pod.createdAt < found.since) found.since = pod.createdAt;
    if (pod.createdAt > found.youngest) found.youngest = pod.createdAt;
    if (source !== 'pod-identity' && pod.createdAt > (found.youngestOther ?? '')) found.youngestOther = pod.createdAt;
    for (const role of rolesOf(pod)) more(found.irsaRoles, role);
    for (const container of pod.containers) if (hasKeys(pod, container)) note(found.keyed, container.name);
    const label = pod.labels[NAME_LABEL];
    if (label !== undefined) note(found.labels, label);
    const rank = WORTH_SHOWING.indexOf(source) - WORTH_SHOWING.indexOf(found.example.source);
    // Equal sources are ordered by name, so that the example does not depend on the order of pages.
    if (rank < 0 || (rank === 0 && pod.name < found.example.pod)) found.example = { pod: pod.name, evidence, source };
  }

  /** Returns the workloads, sorted by namespace, kind, name and service account. */
  workloads(): WorkloadTally[] {
    return [...this.found.values()].sort(
      (a, b) =>
        order(a.namespace, b.namespace) ||
        order(a.kind, b.kind) ||
        order(a.name, b.name) ||
        order(a.serviceAccount, b.serviceAccount),
    );
  }
}

/** Returns the source that all pods have, or `mixed`. */
export const identityOf = ({ by }: Pick<WorkloadTally, 'by'>): Source => {
  const [only, ...others] = by.keys();
  return only === undefined || others.length > 0 ? 'mixed' : only;
};

/** Returns the counts in the order of `SOURCES`. */
export const countsOf = (by: ReadonlyMap<Source, number>): Counts =>
  Object.fromEntries(
    SOURCES.flatMap((source) => {
      const n = by.get(source);
      return n === undefined ? [] : [[source, n]];
    }),
  );
