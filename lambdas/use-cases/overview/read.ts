/**
 * Reads one cluster for an overview: the plans of all its add-ons, and of all annotated service accounts that belong to no
 * add-on. Each question is asked only once. Changes nothing.
 */
import { MigrationError, isMigrationError } from '../../domain/failures/errors.ts';
import {
  migrationRequest,
  type AddonRequest,
  type ServiceAccountRequest,
  type MigrationRequestInput,
} from '../../domain/request/request.ts';
import type { Target } from '../../domain/terms/subject.ts';
import { accountItem, addonItem, causesOf, countsOf, unreadAccount } from '../../domain/overview/items.ts';
import type { Overview, OverviewItem } from '../../domain/overview/model.ts';
import { readAccessCommands, type Preview } from '../../domain/plan/preview.ts';
import type { ServiceAccountFacts } from '../../domain/plan/facts.ts';
import { planServiceAccount } from '../../domain/plan/service-account.ts';
import { stateReason } from '../../domain/sweep/classify.ts';
import type {
  AnnotatedServiceAccount,
  AttributedServiceAccount,
  Clock,
  Ledger,
  Settings,
  TargetPorts,
} from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';
import { noFacts, readServiceAccountFacts } from '../facts/read-facts.ts';
import type { AccountPorts } from '../facts/reading.ts';
import { REFUSED } from '../facts/refused-reads.ts';
import { type ClusterReads, LocationMemory, memoPorts } from '../sweep/memo.ts';
import { isStillPassing, reasonOf, Survey } from '../sweep/survey.ts';

export interface OverviewSources {
  target: Target;
  /** Only the service accounts of that namespace, and no add-ons. */
  namespace?: string | undefined;
  /** The options that the plans have in common. */
  options: Pick<MigrationRequestInput, 'trust' | 'accept' | 'iac' | 'verification' | 'agent'>;
  settings: Settings & { preview: Preview };
  ledger: Pick<Ledger, 'getMigration'>;
  ports: TargetPorts;
  clock: Clock;
  /** Called with what is read next. */
  onProgress?: (what: string) => void;
}

type Unread = Overview['unread'][number];

/** Errors that mean that something may not be read, or does not answer. */
const isRefusal = (error: unknown): error is MigrationError =>
  isMigrationError(error, ...REFUSED) || (isMigrationError(error) && isStillPassing(error));

/** Returns the ports of the plans of service accounts: the accounts themselves come from one list for each namespace. */
const accountPorts = (reads: ClusterReads): AccountPorts => ({
  ...reads,
  kubernetes: {
    ...reads.kubernetes,
    getServiceAccount: async (namespace, name) => {
      const all = await reads.kubernetes.listAttributedServiceAccounts(namespace);
      const found = all.find((one) => one.name === name);
      // An overview compares neither with a later state.
      return found && { ...found, uid: '', resourceVersion: '' };
    },
  },
});

class ClusterReading {
  readonly unread: Unread[] = [];
  private readonly sources: OverviewSources;
  private readonly reads: ClusterReads;

  constructor(sources: OverviewSources, reads: ClusterReads) {
    this.sources = sources;
    this.reads = reads;
  }

  private say(what: string): void {
    this.sources.onProgress?.(what);
  }

  /** Returns the annotated service accounts, by namespace and name; none if they may not be read. */
  async annotated(): Promise<AnnotatedServiceAccount[]> {
    const { namespace, ports, settings, target } = this.sources;
    this.say('service accounts');
    try {
      const silence = this.reads.silence();
      if (silence !== undefined) throw new MigrationError('ConnectionLost', silence);
      const found: AnnotatedServiceAccount[] | AttributedServiceAccount[] =
        namespace === undefined
          ? await ports.kubernetes.listAnnotatedServiceAccounts()
          : await this.reads.kubernetes.listAttributedServiceAccounts(namespace);
      return found.toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.unread.push({
        what: 'service accounts, pods and workloads',
        why: error.message,
        remedy: `Give yourself access to the API server of ${target.cluster}, and check that it is reachable from here: ${readAccessCommands({ target }, settings.preview)}`,
      });
      return [];
    }
  }

  private async facts({ namespace, name }: AnnotatedServiceAccount): Promise<ServiceAccountFacts> {
    const { target, options, settings, ledger, clock } = this.sources;
    const request = migrationRequest.parse({ ...options, target, serviceAccount: { namespace, name }, dryRun: true });
    const empty = noFacts(request, settings, utcNow(clock));
    return readServiceAccountFacts(
      { ...empty, oneOfMany: true, request: request as ServiceAccountRequest },
      accountPorts(this.reads),
      { settings, ledger },
      { unanswered: 'reports', warnings: 'omitted' },
    );
  }

  /** Returns the item of a service account; undefined if it belongs to an add-on. */
  private async item(account: AnnotatedServiceAccount): Promise<OverviewItem | undefined> {
    const facts = await this.facts(account);
    const plan = planServiceAccount(facts);
    const owned = plan.checks.some(({ id, status }) => id === 'service-account-owner' && status === 'fail');
    return owned ? undefined : accountItem(`${account.namespace}/${account.name}`, plan, facts.associations.length > 0);
  }

  async accounts(): Promise<OverviewItem[]> {
    const accounts = await this.annotated();
    const items: OverviewItem[] = [];
    let brokenOff: MigrationError | undefined;
    for (const [index, account] of accounts.entries()) {
      const name = `${account.namespace}/${account.name}`;
      if (brokenOff) {
        items.push(unreadAccount(name, brokenOff.message));
        continue;
      }
      this.say(`service account ${index + 1} of ${accounts.length}: ${name}`);
      try {
        const item = await this.item(account);
        if (item) items.push(item);
      } catch (error) {
        const reason = reasonOf(error);
        items.push(unreadAccount(name, reason.message));
        if (isStillPassing(reason)) brokenOff = reason;
      }
    }
    return items;
  }
}

/**
 * Reads the cluster. Throws NotFound if it does not exist, and every error that keeps it from being read at all; what keeps a
 * part of it from being read is in the result.
 */
export async function readOverview(sources: OverviewSources): Promise<Overview> {
  const { target, namespace, options, settings, ledger, ports, clock, onProgress } = sources;
  const progress = (what: string): void => onProgress?.(what);
  let survey: Survey | undefined;
  const reads = memoPorts(ports, new LocationMemory(), clock, () => survey?.resources() ?? []);
  progress('cluster');
  const cluster = await reads.eks.describeCluster();
  if (!cluster)
    throw new MigrationError(
      'NotFound',
      `Cluster ${target.cluster} does not exist in ${target.region} of account ${target.account}.`,
    );
  const reading = new ClusterReading(sources, reads);
  const reason = stateReason(target.cluster, cluster.status);
  const items: OverviewItem[] = [];
  if (reason === undefined) {
    if (namespace === undefined) {
      progress('add-ons');
      const names = [...(await reads.eks.listAddons())].sort();
      survey = new Survey(
        {
          target,
          requestFor: (addon): AddonRequest => ({
            ...migrationRequest.parse({ ...options, target, addon, dryRun: true }),
            addon,
          }),
          settings,
          ledger,
          clock,
          warnings: 'omitted',
          onProgress: progress,
        },
        cluster,
        reads,
      );
      await survey.run(names);
      const { seen } = survey;
      items.push(...names.flatMap((name) => seen.get(name) ?? []).map(addonItem));
    }
    items.push(...(await reading.accounts()));
  } else reading.unread.push({ what: `cluster ${target.cluster}`, why: reason });
  return {
    target,
    kubernetesVersion: cluster.version,
    readAt: utcNow(clock),
    ...(namespace === undefined ? {} : { namespace }),
    counts: countsOf(items),
    items,
    unread: reading.unread,
    causes: causesOf(items),
    keepIrsa: causesOf(items, 'keep-irsa'),
  };
}
