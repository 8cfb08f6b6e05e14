/** Looks at one cluster: what class each of its add-ons is in, by the plan that a migration of it would have. */
import { namespaceOf, NAMESPACE_UNKNOWN } from '../../domain/addons/registry.ts';
import type { Cluster } from '../../domain/aws/eks.ts';
import { classOf, isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import { irsaRoleOf } from '../../domain/verification/irsa.ts';
import type { Addon, Target } from '../../domain/migration/model.ts';
import { planMigration } from '../../domain/plan/plan.ts';
import { newAddonArn } from '../../domain/plan/rights-maker.ts';
import { classify, type SeenAddon, stateReason, unreachableCluster } from '../../domain/sweep/classify.ts';
import { requestOf } from '../../domain/sweep/items.ts';
import type { SweepFinding, SweepRequest } from '../../domain/sweep/model.ts';
import { nameLeftOut, tagLeftOut, tagsCluster } from '../../domain/sweep/selection.ts';
import type { AddonFacts } from '../../domain/plan/facts.ts';
import type { Clock, Ledger, Settings, TargetPorts } from '../../ports/index.ts';
import { readNamespace } from '../facts/addon-namespace.ts';
import { noFacts, readFacts } from '../facts/read-facts.ts';
import { type ClusterReads, memoPorts, type LocationMemory } from './memo.ts';
import { utcNow } from '../../runtime/utc.ts';

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
  /** Kubernetes version. */
  version?: string;
  findings: SweepFinding[];
  /** What kept the rest of it from being read. */
  brokenOff?: MigrationError;
}

/** What failed for a reason that has a name. A defect, and the end of the invocation's time, are thrown on. */
export function reasonOf(error: unknown): MigrationError {
  if (!isMigrationError(error) || error.name === 'OutOfTime') throw error;
  return error;
}

/** After retries: asking on would most likely fail too. */
const isStillPassing = ({ name }: MigrationError): boolean => classOf(name) === 'retryable';

/** Add-ons by name, each as far as it is known. */
class Survey {
  private readonly looking: Sources;
  private readonly cluster: Cluster;
  private readonly reads: ClusterReads;
  private readonly addons = new Map<string, Addon>();
  readonly seen = new Map<string, SeenAddon>();
  brokenOff: MigrationError | undefined;

  constructor(looking: Sources, cluster: Cluster, reads: ClusterReads) {
    this.looking = looking;
    this.cluster = cluster;
    this.reads = reads;
  }

  /** Each one's own failure is its own; where all calls fail, nothing more is asked. */
  private async attempt(names: readonly string[], read: (name: string) => Promise<void>): Promise<void> {
    for (const name of names) {
      if (this.brokenOff) return;
      try {
        await read(name);
      } catch (error) {
        const reason = reasonOf(error);
        this.note(name, { unread: reason.message });
        if (isStillPassing(reason)) this.brokenOff = reason;
      }
    }
  }

  private note(name: string, seen: { leftOut: string } | { unread: string }): void {
    this.seen.set(name, { name, version: this.addons.get(name)?.version, ...seen });
  }

  /** What it is, and whether it is one of the sweep's. */
  private async describe(name: string): Promise<void> {
    const addon = await this.reads.eks.describeAddon(name);
    if (!addon)
      return this.note(name, {
        unread: `EKS lists add-on ${name}, and knows nothing of it: it was deleted a moment ago.`,
      });
    this.addons.set(name, addon);
    const byTag = tagLeftOut(this.looking.request.selection, addon.tags, this.cluster.tags);
    if (byTag !== undefined) this.note(name, { leftOut: byTag });
  }

  private async judge(addon: Addon): Promise<SeenAddon> {
    const { name, version } = addon;
    if (irsaRoleOf({ addon }) === undefined) return this.support(addon);
    const { request, target, settings, ledger, clock } = this.looking;
    const empty = noFacts(requestOf(request, target, name, true), settings, utcNow(clock)) as AddonFacts;
    // None but the described ones: who else uses a role does not decide.
    const eks: ClusterReads['eks'] = { ...this.reads.eks, listAddons: () => Promise.resolve([...this.addons.keys()]) };
    const facts = await readFacts(
      empty,
      { ...this.reads, eks },
      { settings, ledger },
      {
        unanswered: 'tells',
        asking: 'thriftily',
      },
    );
    const silence = this.reads.silence();
    return {
      name,
      version,
      plan: planMigration(facts),
      agentKnown: facts.agentAddon !== undefined,
      ...(facts.kubernetesError !== undefined && silence !== undefined ? { unanswered: silence } : {}),
    };
  }

  /**
   * Which service accounts its version takes associations for, and which of them have one. Nothing is asked where it is
   * on Pod Identity by its own word. Unread where an association may be one of its own, and nothing says which namespace
   * it runs in.
   */
  private async support(addon: Addon): Promise<SeenAddon> {
    const { name, version } = addon;
    const seen = { name, version, addon };
    if (addon.podIdentityAssociations.length > 0) return { ...seen, takes: [], associated: [] };
    const configuration = await this.reads.eks.describeConfiguration(name, version);
    const takes = (configuration?.podIdentity ?? []).map(({ serviceAccount }) => serviceAccount);
    const refs = takes.length > 0 ? await this.reads.eks.listAssociationRefs() : [];
    const likely = refs.filter(({ serviceAccount }) => takes.includes(serviceAccount));
    if (likely.length === 0) return { ...seen, takes, associated: [] };
    const namespace = await readNamespace(this.reads.eks, addon, this.cluster.version);
    if (namespace === undefined)
      return {
        name,
        version,
        unread: `Whether add-on ${name} has an association is not known, since nothing says which namespace it runs in: ${NAMESPACE_UNKNOWN}. Associations for service accounts of such names: ${likely.map((ref) => `${ref.namespace}/${ref.serviceAccount}`).join(', ')}.`,
      };
    const own = likely.filter((ref) => ref.namespace === namespace).map(({ serviceAccount }) => serviceAccount);
    return { ...seen, takes, associated: takes.filter((account) => own.includes(account)) };
  }

  /** Of all add-ons that have a role: the role's ARN, and the add-on's, as it is and as it would be made again. */
  resources(): string[] {
    return [...this.addons.values()].flatMap((addon) => {
      const roleArn = irsaRoleOf({ addon });
      return roleArn === undefined ? [] : [roleArn, addon.arn, newAddonArn(this.looking.target, addon.name)];
    });
  }

  /**
   * Those that need few calls first, whatever happens then; of the others those of kube-system, since what is listed of
   * its workloads answers for the agent too.
   */
  private inOrder(names: readonly string[]): string[] {
    const location = (name: string): number => {
      const addon = this.addons.get(name);
      if (!addon || irsaRoleOf({ addon }) === undefined) return 0;
      return namespaceOf(addon) === 'kube-system' ? 1 : 2;
    };
    return [...names].sort((a, b) => location(a) - location(b));
  }

  async run(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const leftOut = nameLeftOut(this.looking.request.selection, name);
      if (leftOut !== undefined) this.note(name, { leftOut });
    }
    await this.attempt(
      names.filter((name) => !this.seen.has(name)),
      (name) => this.describe(name),
    );
    const open = names.filter((name) => this.addons.has(name) && !this.seen.has(name));
    await this.attempt(this.inOrder(open), async (name) => {
      const addon = this.addons.get(name);
      if (addon) this.seen.set(name, await this.judge(addon));
    });
    for (const name of names) if (!this.seen.has(name)) this.note(name, { unread: this.brokenOff?.message ?? '' });
  }
}

/**
 * One that is not looked into, such as one that is being deleted: each add-on that EKS still names, else the cluster as
 * a whole.
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
 * Undefined: the selection leaves the cluster out by its tags. Throws a defect, and OutOfTime where the invocation's
 * time is up; everything else that keeps it from being looked at is a finding.
 */
export async function inspectCluster(looking: Sources): Promise<ClusterInspection | undefined> {
  const { request, target, ports, memory, clock } = looking;
  let survey: Survey | undefined;
  const reads = memoPorts(ports, memory, clock, () => survey?.resources() ?? []);
  let version: { version?: string } = {};
  try {
    const cluster = await reads.eks.describeCluster();
    if (!cluster)
      return {
        findings: [
          unreachableCluster(
            `EKS lists cluster ${target.cluster}, and knows nothing of it: it was deleted a moment ago.`,
          ),
        ],
      };
    if (!tagsCluster(request.selection, cluster.tags)) return undefined;
    version = cluster.version === '' ? {} : { version: cluster.version };
    const reason = stateReason(target.cluster, cluster.status);
    if (reason !== undefined) return { ...version, ...(await outsideOf(looking, reads, reason)) };
    const names = [...(await reads.eks.listAddons())].sort();
    survey = new Survey(looking, cluster, reads);
    await survey.run(names);
    const { seen, brokenOff } = survey;
    return {
      ...version,
      findings: names.flatMap((name) => seen.get(name) ?? []).map(classify),
      ...(brokenOff ? { brokenOff } : {}),
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
