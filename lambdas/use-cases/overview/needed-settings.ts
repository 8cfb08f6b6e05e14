/** Reads one cluster for the configuration of a deployment: which roles its migrations would pass, repair and grant. */
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import {
  type AddonRequest,
  migrationRequest,
  type MigrationRequestInput,
  type ServiceAccountRequest,
} from '../../domain/request/request.ts';
import type { Target } from '../../domain/terms/subject.ts';
import type { Facts } from '../../domain/plan/facts.ts';
import { neededSettings, type NeededSettings } from '../../domain/plan/needed-settings.ts';
import { planMigration } from '../../domain/plan/plan.ts';
import { planServiceAccount } from '../../domain/plan/service-account.ts';
import type { Plan } from '../../domain/record/plan.ts';
import type { Clock, Ledger, Settings, TargetPorts } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';
import { noFacts, readFacts, readServiceAccountFacts } from '../facts/read-facts.ts';
import { LocationMemory, memoPorts } from '../sweep/memo.ts';

export interface NeededSources {
  target: Target;
  /** In which every role may be passed and repaired. */
  settings: Settings;
  ledger: Pick<Ledger, 'getMigration'>;
  ports: TargetPorts;
  clock: Clock;
  /** Called with what is read next. */
  onProgress?: (what: string) => void;
}

export interface SubjectSettings extends NeededSettings {
  target: Target;
  /** The add-on's name, or `NAMESPACE/NAME` of the service account. */
  subject: string;
}

export interface ClusterSettings {
  subjects: SubjectSettings[];
  /** What could not be read, so that its roles are missing. */
  unread: { what: string; why: string }[];
}

/**
 * Returns ports that read everything once, and for service accounts of their own, ports that read each account itself: a
 * list does not show all of it.
 */
const sharedReads = (ports: TargetPorts, clock: Clock) => {
  const reads = memoPorts(ports, new LocationMemory(), clock, () => []);
  const getServiceAccount: TargetPorts['kubernetes']['getServiceAccount'] = (...given) =>
    ports.kubernetes.getServiceAccount(...given);
  return { reads, ofAccount: { ...reads, kubernetes: { ...reads.kubernetes, getServiceAccount } } };
};

/** Throws NotFound if the cluster does not exist; what else cannot be read is in the result. */
export async function readNeededSettings(sources: NeededSources): Promise<ClusterSettings> {
  const { target, settings, ledger, clock, ports, onProgress } = sources;
  const { reads, ofAccount } = sharedReads(ports, clock);
  const from = { settings, ledger };
  const options = { unanswered: 'reports', warnings: 'omitted' } as const;
  const found: ClusterSettings = { subjects: [], unread: [] };

  const emptyFor = (asked: Pick<MigrationRequestInput, 'addon' | 'serviceAccount'>): Facts =>
    noFacts(migrationRequest.parse({ ...asked, target, trust: 'repair', dryRun: true }), settings, utcNow(clock));
  const note = (subject: string, facts: Facts, plan: Plan): void => {
    const silence = plan.checks.find(({ id, status }) => id === 'kubernetes-access' && status === 'unknown');
    if (silence) found.unread.push({ what: `pods and service accounts of ${subject}`, why: silence.message });
    found.subjects.push({ target, subject, ...neededSettings(facts, plan) });
  };
  const addon = async (name: string): Promise<void> => {
    const empty = emptyFor({ addon: name });
    const request = empty.request as AddonRequest;
    const facts = await readFacts({ ...empty, request }, reads, from, options);
    note(name, facts, planMigration(facts));
  };
  const account = async (namespace: string, name: string): Promise<void> => {
    const empty = emptyFor({ serviceAccount: { namespace, name } });
    const facts = await readServiceAccountFacts(
      { ...empty, request: empty.request as ServiceAccountRequest },
      ofAccount,
      from,
      options,
    );
    const plan = planServiceAccount(facts);
    // The plan of the add-on that it belongs to has its roles.
    const isOwned = plan.checks.some(({ id, status }) => id === 'service-account-owner' && status === 'fail');
    if (!isOwned) note(`${namespace}/${name}`, facts, plan);
  };
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    onProgress?.(what);
    try {
      await work();
    } catch (error) {
      if (!isMigrationError(error)) throw error;
      found.unread.push({ what, why: error.message });
    }
  };

  if (!(await reads.eks.describeCluster()))
    throw new MigrationError(
      'NotFound',
      `Cluster ${target.cluster} does not exist in ${target.region} of account ${target.account}.`,
    );
  for (const name of [...(await reads.eks.listAddons())].sort()) await attempt(`add-on ${name}`, () => addon(name));
  await attempt('annotated service accounts', async () => {
    for (const { namespace, name } of await ports.kubernetes.listAnnotatedServiceAccounts())
      await attempt(`service account ${namespace}/${name}`, () => account(namespace, name));
  });
  return found;
}
