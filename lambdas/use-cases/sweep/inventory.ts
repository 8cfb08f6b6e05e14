/** Inspects one cluster: classifies each of its add-ons by the plan that a migration of it would have. */
import type { MigrationError } from '../../domain/failures/errors.ts';
import type { Target } from '../../domain/terms/subject.ts';
import { classify, stateReason, unreachableCluster } from '../../domain/sweep/classify.ts';
import { requestOf } from '../../domain/sweep/items.ts';
import type { SweepFinding } from '../../domain/sweep/model.ts';
import type { SweepRequest } from '../../domain/sweep/request.ts';
import { nameLeftOut, tagLeftOut, tagsCluster } from '../../domain/sweep/selection.ts';
import type { Clock, Ledger, Settings, TargetPorts } from '../../ports/index.ts';
import { type ClusterReads, memoPorts, type LocationMemory } from './memo.ts';
import { isStillPassing, reasonOf, Survey } from './survey.ts';

export interface Sources {
  request: SweepRequest;
  target: Target;
  settings: Settings;
  ledger: Pick<Ledger, 'getMigration'>;
  ports: TargetPorts;
  memory: LocationMemory;
  clock: Clock;
}

export interface ClusterInspection {
  /** The Kubernetes version. */
  version?: string;
  findings: SweepFinding[];
  /** The error that kept the rest of the cluster from being read. */
  brokenOff?: MigrationError;
}

/**
 * Returns the findings about a cluster that is not inspected, for example since it is being deleted: one for each add-on that
 * EKS still lists, otherwise one for the cluster.
 */
async function outsideOf(
  { request: { selection } }: Sources,
  { eks }: ClusterReads,
  reason: string,
): Promise<ClusterInspection> {
  try {
    const names = [...(await eks.listAddons())].sort();
    const findings = names.map((name) => {
      const leftOut = nameLeftOut(selection, name);
      return classify(leftOut === undefined ? { name, unread: reason } : { name, leftOut });
    });
    return { findings: findings.length > 0 ? findings : [unreachableCluster(reason)] };
  } catch (error) {
    const failure = reasonOf(error);
    return { findings: [unreachableCluster(reason)], ...(isStillPassing(failure) ? { brokenOff: failure } : {}) };
  }
}

/**
 * Returns undefined if the selection leaves the cluster out by its tags. Throws a defect, and OutOfTime if the invocation's
 * time is up; everything else that prevents the inspection is a finding.
 */
export async function inspectCluster(sources: Sources): Promise<ClusterInspection | undefined> {
  const { request, target, ports, memory, clock } = sources;
  let survey: Survey | undefined;
  const reads = memoPorts(ports, memory, clock, () => survey?.resources() ?? []);
  let version: { version?: string } = {};
  try {
    const cluster = await reads.eks.describeCluster();
    if (!cluster)
      return {
        findings: [
          unreachableCluster(`EKS lists cluster ${target.cluster} but does not describe it: it was just deleted.`),
        ],
      };
    if (!tagsCluster(request.selection, cluster.tags)) return undefined;
    version = cluster.version === '' ? {} : { version: cluster.version };
    const reason = stateReason(target.cluster, cluster.status);
    if (reason !== undefined) return { ...version, ...(await outsideOf(sources, reads, reason)) };
    const names = [...(await reads.eks.listAddons())].sort();
    survey = new Survey(
      {
        ...sources,
        requestFor: (addon) => requestOf(request, target, addon, true),
        leftOut: (addon, tags) =>
          tags ? tagLeftOut(request.selection, tags.addon, tags.cluster) : nameLeftOut(request.selection, addon),
      },
      cluster,
      reads,
    );
    await survey.run(names);
    const { seen, brokenOff } = survey;
    return {
      ...version,
      findings: names.flatMap((name) => seen.get(name) ?? []).map(classify),
      // An API server that does not answer concerns its own cluster alone.
      ...(brokenOff && brokenOff.message !== reads.silence() ? { brokenOff } : {}),
    };
  } catch (error) {
    const reason = reasonOf(error);
    return {
      ...version,
      findings: [unreachableCluster(reason.message)],
      ...(isStillPassing(reason) ? { brokenOff: reason } : {}),
    };
  }
}
