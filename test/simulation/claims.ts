/**
 * Watches what the ledger claims about pods: each time that a step stores evidence of pods with the level `ready`, or a
 * record with `verified: ready`. Records what EKS Auth and STS give these pods at that moment, and what the pods show.
 */
import { podEvidence, type PodEvidence } from '../../lambdas/domain/terms/evidence.ts';
import { credentialsOfPod } from '../../sandbox/credentials/sessions.ts';
import { sourcesOf } from '../../sandbox/credentials/sources.ts';
import { fromAttributeValue, type AttributeValue } from '../../sandbox/direct/attribute-values.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import type { AgentWatch } from './agent-watch.ts';
import { keyOf } from './calls.ts';

/** One claim that pods are ready. */
export interface Claim {
  migrationId: string;
  call: Call;
  /** What is claimed: that these pods are ready, or that the migration is verified so. */
  of: 'pods' | 'migration';
  /** All evidence that the ledger has at that moment, or for `pods`, that of the item. */
  evidence: PodEvidence[];
  /** Why pods that are called ready have no credentials, by uid; pods that have some or are gone are missing. */
  lacking: ReadonlyMap<string, string>;
  /** The pods whose nodes had no agent at that moment, by uid; empty in runs without a cluster's ordinary life. */
  withoutAgent: ReadonlyMap<string, string>;
}

const EVIDENCE = /^VERIFICATION#[\w-]+#\d+$/;

export class ClaimWatch {
  /** In the order in which they were stored. */
  readonly claims: Claim[] = [];
  private readonly ready = new Set<string>();
  private readonly sandbox: Sandbox;
  private readonly cluster: ClusterState;

  private readonly agents: AgentWatch | undefined;

  constructor(sandbox: Sandbox, cluster: ClusterState, agents?: AgentWatch) {
    this.agents = agents;
    this.sandbox = sandbox;
    this.cluster = cluster;
    sandbox.world.log.onCall((call) => this.check(call));
  }

  private field(pk: string, sk: string, name: string): unknown {
    const value = this.sandbox.item(this.sandbox.outputs.tableName, { pk: { S: pk }, sk: { S: sk } })?.[name];
    return value === undefined ? undefined : fromAttributeValue(value as AttributeValue);
  }

  private evidenceIn(pk: string, sk: string): PodEvidence[] {
    return podEvidence.array().parse(this.field(pk, sk, 'pods') ?? []);
  }

  private latest(pk: string): PodEvidence[] {
    const skOf = (chunk: number): string => `VERIFICATION#latest#${String(chunk).padStart(5, '0')}`;
    const chunks = Number(this.field(pk, skOf(0), 'chunks') ?? 0);
    return Array.from({ length: chunks }, (_, chunk) => this.evidenceIn(pk, skOf(chunk))).flat();
  }

  /** Returns what EKS Auth and STS refuse to pods of the level `ready` now. */
  private lacking(evidence: readonly PodEvidence[]): Map<string, string> {
    const { world } = this.sandbox;
    const uids = new Set(evidence.flatMap(({ uid, level }) => (level === 'ready' ? [uid] : [])));
    return new Map(
      listObjects(this.cluster.kube, 'Pod').flatMap((pod): [string, string][] => {
        if (!uids.has(pod.metadata.uid) || pod.metadata.deletionTimestamp !== undefined) return [];
        if (sourcesOf(this.cluster.kube, pod).length === 0) return [[pod.metadata.uid, 'NoIdentity']];
        const refused = credentialsOfPod(world, this.cluster, pod).find(({ roleArn }) => roleArn === undefined);
        return refused ? [[pod.metadata.uid, refused.refused?.code ?? 'nothing']] : [];
      }),
    );
  }

  private claim(claim: Omit<Claim, 'lacking' | 'withoutAgent'>): void {
    const withoutAgent = this.agents?.now() ?? new Map<string, string>();
    this.claims.push({ ...claim, lacking: this.lacking(claim.evidence), withoutAgent });
  }

  private check(call: Call): void {
    if (call.step === undefined || call.service !== 'dynamodb' || !call.mutating || call.status >= 300) return;
    const { pk = '', sk = '' } = keyOf(call) ?? {};
    const migrationId = /^MIGRATION#(.*)$/.exec(pk)?.[1];
    if (migrationId === undefined) return;
    if (EVIDENCE.test(sk)) {
      const evidence = this.evidenceIn(pk, sk);
      if (!evidence.some(({ level }) => level === 'ready')) return;
      this.claim({ migrationId, call, of: 'pods', evidence });
    }
    if (sk !== 'RECORD') return;
    const isReady = this.field(pk, sk, 'verified') === 'ready';
    if (isReady && !this.ready.has(pk)) {
      this.claim({ migrationId, call, of: 'migration', evidence: this.latest(pk) });
    }
    if (isReady) this.ready.add(pk);
    else this.ready.delete(pk);
  }
}
