/**
 * Handles the end of a migration that needs a person: collects the restore commands, and lists what a rollback on
 * demand leaves as another principal has changed it.
 */
import { changedByThirdParty, classifyCopy } from '../../domain/addons/copies.ts';
import { decidedByPerson, isTaken, leftAsChanged, takenAssociations } from '../../domain/rollback/decisions.ts';
import { isEndedBy } from '../../domain/failures/ended-by.ts';
import { addonRestoreCommands, isCreatedAgain } from '../../domain/restore-commands/add-on.ts';
import { accountRestoreCommands } from '../../domain/restore-commands/service-account.ts';
import { sessionsRestoreCommands, webhookRestoreCommands } from '../../domain/restore-commands/questions.ts';
import { irsaRestoreCommands } from '../../domain/restore-commands/irsa.ts';
import { endLines } from '../../domain/restore-commands/lines.ts';
import { healthWarnings } from '../../domain/restore-commands/health.ts';
import type { Offer } from '../../domain/restore-commands/version.ts';
import { trustToEdit } from '../../domain/restore-commands/trust.ts';
import { type AddonSnapshot, isOfAddon, type Migration, type Snapshot } from '../../domain/record/migration.ts';
import type { Association } from '../../domain/terms/observed.ts';
import type { Check } from '../../domain/terms/check.ts';
import type { Failure } from '../../domain/terms/outcome.ts';
import { readsPods } from '../../domain/request/request.ts';
import { standingTrustChanges } from '../../domain/rollback/recovery.ts';
import { createdByThirdParty } from '../../domain/rollback/associations.ts';
import { accountTaken, associationText, foreignAssociations } from '../../domain/migration/service-account.ts';
import type { Clock, HandlerDependencies, TargetPorts, Telemetry, WorkloadRef } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { readAddonUntilSure } from '../confirmed/reads.ts';
import { readAccount } from '../confirmed/service-account.ts';
import { forecastGap } from './remove-associations.ts';
import { strangeRepair } from '../migration/trust.ts';

async function workloadsOf(
  { kubernetes }: TargetPorts,
  { planned: migrating, identityLosses }: Snapshot,
): Promise<WorkloadRef[]> {
  const planned = [...migrating, ...identityLosses];
  const found: WorkloadRef[] = [];
  for (const namespace of new Set(planned.map((one) => one.namespace))) {
    for (const { kind, name, serviceAccount } of await kubernetes.listWorkloads(namespace)) {
      if (planned.some((one) => one.namespace === namespace && one.serviceAccount === serviceAccount))
        found.push({ kind, namespace, name });
    }
  }
  return found;
}

/** Returns what EKS offers of the add-on for the cluster as it is now: it may have been upgraded since the plan. */
async function offerOf({ eks }: TargetPorts, { addon }: AddonSnapshot): Promise<Offer | undefined> {
  const cluster = await eks.describeCluster();
  return (
    cluster && {
      kubernetes: cluster.version,
      versions: await eks.listOfferedVersions(addon.name, cluster.version),
    }
  );
}

/** `findings`: what a person must know, including what may not be pasted since third parties wrote parts of it. */
export interface RestoreCommands {
  commands: string[];
  findings: Check[];
}
export const NO_RESTORE_COMMANDS: RestoreCommands = { commands: [], findings: [] };

type Observer = Pick<HandlerDependencies, 'ledger' | 'portsFor' | 'clock' | 'telemetry'>;

/** Returns undefined and logs the reason if something can't be read: a failing read may be why a person is needed. */
const trying =
  ({ log }: Telemetry) =>
  async <T>(what: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      log.warn(`could not read ${what}`, {
        error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      });
      return undefined;
    }
  };

/** Returns the restore commands of a rollback that has stopped to ask a person; undefined if it stopped for another reason. */
async function askingRestoreCommands(
  record: Migration,
  snapshot: Snapshot,
  observer: Observer,
  failure: Failure | undefined,
): Promise<string[] | undefined> {
  // The step that stopped has written them, with what it read.
  if (isEndedBy(failure, 'IrsaNotWorking'))
    return record.restoreCommands.length > 0 ? record.restoreCommands : irsaRestoreCommands(record.migrationId);
  const {
    migrationId,
    request: { target },
  } = record;
  const { portsFor, clock, telemetry } = observer;
  const isWebhook = isEndedBy(failure, 'WebhookStillInjects');
  if (!isWebhook && !isEndedBy(failure, 'SessionsMayEnd')) return undefined;
  const facts = { migrationId, target, planned: snapshot.planned };
  if (isWebhook) return webhookRestoreCommands(facts);
  const { kubernetes } = portsFor(target);
  const read = await trying(telemetry)('the API server', () => forecastGap(snapshot.planned, { kubernetes, clock }));
  if (!read) return sessionsRestoreCommands(facts);
  const { decision, workloads, pods } = read;
  if (decision.do === 'go') return sessionsRestoreCommands({ ...facts, workloads });
  const { slow, unreplaced } = decision;
  const gap = slow && { ...slow, pods, now: clock.now() };
  return sessionsRestoreCommands({ ...facts, workloads: slow ? workloads : [] }, gap, { unreplaced, now: clock.now() });
}

/** Returns the commands for the present state, as far as it can be read. `failure` is the error that ended the rollback. */
export async function restoreCommands(
  noted: Migration,
  observer: Observer,
  failure?: Failure,
): Promise<RestoreCommands> {
  const { ledger, portsFor, clock, telemetry } = observer;
  // A change that this service does not make is not turned into a command, which a person might paste.
  const record = {
    ...noted,
    trustChanges: noted.trustChanges.filter((one) => strangeRepair(noted, one) === undefined),
  };
  const { migrationId, request } = record;
  const { target } = request;
  const tryTo = trying(telemetry);
  // Without a snapshot nothing was begun, and there is nothing to restore.
  const snapshot = await ledger.getSnapshot(migrationId);
  if (!snapshot) return { commands: endLines(migrationId), findings: [] };
  const asking = await askingRestoreCommands(record, snapshot, observer, failure);
  if (asking) return { commands: asking, findings: [] };
  const ports = portsFor(target);
  const list = (): Promise<Association[]> => listPlannedAssociations(ports.eks, snapshot.planned);
  const seen = await tryTo('EKS', async () => ({
    addon: isOfAddon(snapshot) ? await readAddonUntilSure(ports.eks, snapshot.addon.name, clock) : undefined,
    associations: await list(),
  }));
  const offer =
    isOfAddon(snapshot) && seen && isCreatedAgain(seen.addon)
      ? await tryTo('the offered versions', () => offerOf(ports, snapshot))
      : undefined;
  const workloads = await tryTo('the API server', () => workloadsOf(ports, snapshot));
  const { serviceAccount: was } = snapshot;
  const account =
    was && (await tryTo('the service account', async () => ({ now: await readAccount(ports.kubernetes, was, clock) })));
  const trust: Record<string, string | null> = {};
  for (const { roleArn } of standingTrustChanges(record)) {
    const read = await tryTo(`role ${roleArn}`, async () => ({
      policy: (await ports.roles.getRole(roleArn))?.trustPolicy ?? null,
    }));
    if (read) trust[roleArn] = read.policy;
  }
  const shared = { target, record, trust, ...(workloads ? { workloads } : {}) };
  const commands = isOfAddon(snapshot)
    ? addonRestoreCommands({ ...shared, snapshot, ...(seen ? { seen } : {}), ...(offer ? { offer } : {}) })
    : accountRestoreCommands({
        ...shared,
        snapshot,
        ...(seen ? { associations: seen.associations } : {}),
        ...(account ? { account } : {}),
      });
  return {
    commands,
    findings: [...healthWarnings(seen?.addon), ...trustToEdit(standingTrustChanges(record), trust)],
  };
}

const thirdPartyText = (record: Migration, others: readonly Association[]): string[] =>
  takenAssociations(record, others).map(
    (one) => `association ${associationText(one)} was created outside this migration`,
  );

async function leftOfAddon(
  record: Migration,
  snapshot: AddonSnapshot,
  ports: TargetPorts,
  clock: Clock,
): Promise<string[]> {
  const now = await readAddonUntilSure(ports.eks, snapshot.addon.name, clock);
  const changed = now && isTaken(record, 'addon-changed') ? changedByThirdParty(snapshot, now) : undefined;
  const isThirdParty = isTaken(record, 'addon-created-again') && classifyCopy(snapshot, record, now) === 'foreign';
  const there = await listPlannedAssociations(ports.eks, snapshot.planned);
  return [
    ...(isThirdParty
      ? [`add-on ${snapshot.addon.name} was created again outside this migration (${now?.arn ?? ''})`]
      : []),
    ...(changed === undefined ? [] : [changed]),
    ...thirdPartyText(record, createdByThirdParty(snapshot, record, now, there)),
  ];
}

async function leftOfAccount(
  record: Migration,
  snapshot: Snapshot,
  ports: TargetPorts,
  clock: Clock,
): Promise<string[]> {
  const { serviceAccount: was, planned } = snapshot;
  const there = await listPlannedAssociations(ports.eks, planned);
  return [
    ...(was && readsPods(record.request)
      ? accountTaken(record, was, await readAccount(ports.kubernetes, was, clock))
      : []),
    ...thirdPartyText(record, foreignAssociations(record, snapshot, there)),
  ];
}

/** Returns a warning about what a rollback has left by a person's decision; none without a decision. */
export async function leftByDecision(
  record: Migration,
  { ledger, portsFor, clock, telemetry }: Observer,
): Promise<Check[]> {
  if (!decidedByPerson(record)) return [];
  const left = await trying(telemetry)('what the rollback has left', async () => {
    const snapshot = await ledger.getSnapshot(record.migrationId);
    if (!snapshot) return [];
    const ports = portsFor(record.request.target);
    return isOfAddon(snapshot)
      ? leftOfAddon(record, snapshot, ports, clock)
      : leftOfAccount(record, snapshot, ports, clock);
  });
  return leftAsChanged(left ?? []);
}
