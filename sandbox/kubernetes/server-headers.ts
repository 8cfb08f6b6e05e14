/**
 * Headers that an API server adds to each answer: the id of the request in the audit log, and the FlowSchema and
 * PriorityLevelConfiguration of its queue (k8s.io/apiserver, server/filters and util/flowcontrol).
 */
import { createHash } from 'node:crypto';
import { Random } from '../random.ts';
import type { ClusterState } from '../world/world.ts';
import type { User } from './access.ts';

const HEALTH = /^\/(healthz|livez|readyz)(\/|$)/;

/** Returns the FlowSchema and the priority level of a request (k8s.io/apiserver, apis/flowcontrol/bootstrap). */
const flowOf = ({ username, groups }: User, path: string): [schema: string, level: string] => {
  if (groups.includes('system:masters')) return ['exempt', 'exempt'];
  if (HEALTH.test(path)) return ['probes', 'exempt'];
  if (groups.includes('system:nodes')) return ['system-nodes', 'system'];
  if (groups.includes('system:serviceaccounts:kube-system')) return ['kube-system-service-accounts', 'workload-high'];
  if (username.startsWith('system:kube-')) return [username.slice('system:'.length), 'workload-high'];
  if (groups.includes('system:serviceaccounts')) return ['service-accounts', 'workload-low'];
  return groups.includes('system:authenticated') ? ['global-default', 'global-default'] : ['catch-all', 'catch-all'];
};

export class ServerHeaders {
  private readonly random: Random;
  private readonly uids = new Map<string, string>();
  private readonly cluster: ClusterState;

  constructor(cluster: ClusterState) {
    this.cluster = cluster;
    this.random = this.randomOf('audit');
  }

  private randomOf(what: string): Random {
    return new Random(createHash('sha256').update(`${this.cluster.arn} ${what}`).digest().readUInt32BE());
  }

  private uidOf(object: string): string {
    const uid = this.uids.get(object) ?? this.randomOf(object).uuid();
    this.uids.set(object, uid);
    return uid;
  }

  /** Returns the headers of an answer. `user`: undefined if the request was refused before it was queued. */
  of(user: User | undefined, path: string): Record<string, string> {
    const audit = { 'audit-id': this.random.uuid() };
    if (!user) return audit;
    const [schema, level] = flowOf(user, path);
    return {
      ...audit,
      'x-kubernetes-pf-flowschema-uid': this.uidOf(`FlowSchema ${schema}`),
      'x-kubernetes-pf-prioritylevel-uid': this.uidOf(`PriorityLevelConfiguration ${level}`),
    };
  }
}
