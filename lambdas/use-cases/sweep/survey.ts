/** Surveys the add-ons of one cluster: what is known about each, and the plan that a migration of it would have. */
import { namespaceOf, NAMESPACE_UNKNOWN } from '../../domain/addons/registry.ts';
import type { Cluster } from '../../domain/aws/eks.ts';
import { classOf, isMigrationError, type MigrationError } from '../../domain/failures/errors.ts';
import { irsaRoleOf } from '../../domain/verification/irsa.ts';
import type { Addon } from '../../domain/terms/observed.ts';
import type { AddonRequest } from '../../domain/request/request.ts';
import type { Target } from '../../domain/terms/subject.ts';
import { planMigration } from '../../domain/plan/plan.ts';
import { newAddonArn } from '../../domain/plan/rights-maker.ts';
import type { SeenAddon } from '../../domain/sweep/classify.ts';
import type { AddonFacts } from '../../domain/plan/facts.ts';
import type { Clock, Ledger, Settings } from '../../ports/index.ts';
import { readNamespace } from '../facts/addon-namespace.ts';
import { noFacts, readFacts } from '../facts/read-facts.ts';
import type { ReadingOptions } from '../facts/reading.ts';
import type { ClusterReads } from './memo.ts';
import { utcNow } from '../../runtime/utc.ts';

type Tags = Readonly<Record<string, string>>;

export interface SurveySources extends Pick<ReadingOptions, 'warnings'> {
  target: Target;
  /** Returns the request whose plan is made for an add-on. */
  requestFor: (addon: string) => AddonRequest;
  /** Returns why an add-on is left out, by its name and, once they are known, by its tags and those of its cluster. */
  leftOut?: (addon: string, tags?: { addon: Tags; cluster: Tags }) => string | undefined;
  settings: Settings;
  ledger: Pick<Ledger, 'getMigration'>;
  clock: Clock;
  /** Called with what is read next. */
  onProgress?: (what: string) => void;
}

/** Returns the error if it has one of the service's names. Throws a defect, and the end of the invocation's time. */
export function reasonOf(error: unknown): MigrationError {
  if (!isMigrationError(error) || error.name === 'OutOfTime') throw error;
  return error;
}

/** Returns whether the error persists after retries: further calls would most likely fail too. */
export const isStillPassing = ({ name }: MigrationError): boolean => classOf(name) === 'retryable';

/** The add-ons of a cluster by name, with what is known about each. */
export class Survey {
  private readonly sources: SurveySources;
  private readonly cluster: Cluster;
  private readonly reads: ClusterReads;
  private readonly addons = new Map<string, Addon>();
  readonly seen = new Map<string, SeenAddon>();
  brokenOff: MigrationError | undefined;

  constructor(sources: SurveySources, cluster: Cluster, reads: ClusterReads) {
    this.sources = sources;
    this.cluster = cluster;
    this.reads = reads;
  }

  /** Runs the read for each add-on and notes its failure; if all calls fail, makes no more of them. */
  private async attempt(names: readonly string[], read: (name: string) => Promise<void>): Promise<void> {
    for (const [index, name] of names.entries()) {
      if (this.brokenOff) return;
      this.sources.onProgress?.(`add-on ${index + 1} of ${names.length}: ${name}`);
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

  /** Reads the add-on, and whether the sweep selects it. */
  private async describe(name: string): Promise<void> {
    const addon = await this.reads.eks.describeAddon(name);
    if (!addon)
      return this.note(name, {
        unread: `EKS lists add-on ${name} but does not describe it: it was just deleted.`,
      });
    this.addons.set(name, addon);
    const byTag = this.sources.leftOut?.(name, { addon: addon.tags, cluster: this.cluster.tags });
    if (byTag !== undefined) this.note(name, { leftOut: byTag });
  }

  private async judge(addon: Addon): Promise<SeenAddon> {
    const { name, version } = addon;
    if (irsaRoleOf({ addon }) === undefined) return this.support(addon);
    const { requestFor, settings, ledger, clock, warnings } = this.sources;
    const empty = noFacts(requestFor(name), settings, utcNow(clock)) as AddonFacts;
    // Only the described add-ons are listed: other users of a role do not affect the class.
    const eks: ClusterReads['eks'] = { ...this.reads.eks, listAddons: () => Promise.resolve([...this.addons.keys()]) };
    const facts = await readFacts(
      { ...empty, oneOfMany: true },
      { ...this.reads, eks },
      { settings, ledger },
      {
        unanswered: 'reports',
        asking: 'thriftily',
        ...(warnings ? { warnings } : {}),
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
   * Reads which service accounts the add-on's version accepts associations for, and which of them have one. Nothing is read
   * if the add-on itself shows associations. The add-on is unread if an association may be its own and its namespace is
   * unknown.
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
        unread: `It is unknown whether add-on ${name} has an association, since its namespace is unknown: ${NAMESPACE_UNKNOWN}. Associations for service accounts with these names: ${likely.map((ref) => `${ref.namespace}/${ref.serviceAccount}`).join(', ')}.`,
      };
    const own = likely.filter((ref) => ref.namespace === namespace).map(({ serviceAccount }) => serviceAccount);
    return { ...seen, takes, associated: takes.filter((account) => own.includes(account)) };
  }

  /** Returns for all add-ons with a role: the role's ARN, the add-on's ARN, and the ARN that a new copy would have. */
  resources(): string[] {
    return [...this.addons.values()].flatMap((addon) => {
      const roleArn = irsaRoleOf({ addon });
      return roleArn === undefined ? [] : [roleArn, addon.arn, newAddonArn(this.sources.target, addon.name)];
    });
  }

  /**
   * Puts add-ons that need few calls first; among the others those of kube-system, since the list of its workloads answers
   * for the agent too.
   */
  private inOrder(names: readonly string[]): string[] {
    const rank = (name: string): number => {
      const addon = this.addons.get(name);
      if (!addon || irsaRoleOf({ addon }) === undefined) return 0;
      return namespaceOf(addon) === 'kube-system' ? 1 : 2;
    };
    return [...names].sort((a, b) => rank(a) - rank(b));
  }

  async run(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const leftOut = this.sources.leftOut?.(name);
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
