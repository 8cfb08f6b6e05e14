/**
 * Installs the Pod Identity agent's add-on if the plan requires it, and waits until it is ready: checks once, the state
 * machine polls. The add-on is never removed again; the record's warnings state that from before the create on.
 * Idempotency: observes first; an agent that exists by now is waited for, regardless of who installed it, and a repeated
 * create is the same request to EKS. Failure: an add-on that EKS could not create, or that is being deleted, is
 * terminal (AddonFailed). Nothing is created over an agent that runs without an EKS add-on.
 */
import { AGENT_ADDON } from '../../domain/addons/registry.ts';
import { ERROR_CLASSES, isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Addon } from '../../domain/terms/observed.ts';
import type { Check } from '../../domain/terms/check.ts';
import type { Migration } from '../../domain/record/migration.ts';
import { readsPods } from '../../domain/request/request.ts';
import {
  AGENT_INSTALL_BEGUN,
  AGENT_LEFT_INSTALLED,
  agentInstallBegun,
  agentLeftInstalled,
  isAgentReady,
} from '../../domain/plan/agent-install.ts';
import type { Kubernetes, Ledger, Workload } from '../../ports/index.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { readAddonUntilSure } from '../../use-cases/confirmed/reads.ts';
import { issuesOf } from '../../use-cases/migration/addon-copy.ts';
import { planOf, recordedMigration, recordedSnapshot } from '../../use-cases/record/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { installAgentSchema } from './schema.ts';

/** EKS does not leave these statuses automatically. */
const FAILED: readonly Addon['status'][] = ['CREATE_FAILED', 'UPDATE_FAILED', 'DELETING', 'DELETE_FAILED'];

const UNTOUCHED = 'The add-on to migrate was not touched.';
const OURS = 'by this migration';
/** A create whose reply was lost can't be distinguished from another writer's create. */
const OWN_OR_THIRD_PARTY = 'by this migration or by another principal at the same time';

const isNoted = ({ warnings }: Migration, id: string): boolean => warnings.some((one) => one.id === id);

/** Replaces the record's warnings about the install by these; by none if the install changed nothing. */
async function note(ledger: Ledger, { migrationId, warnings }: Migration, ...now: Check[]): Promise<void> {
  const others = warnings.filter(({ id }) => id !== AGENT_LEFT_INSTALLED && id !== AGENT_INSTALL_BEGUN);
  await ledger.updateMigration(migrationId, { warnings: [...others, ...now] });
}

/**
 * Returns the agent's DaemonSet, regardless of who runs it. It is not read if the request relies on EKS alone: there the
 * service may have no right to read it.
 */
const readWorkload = async (kubernetes: Kubernetes, { request }: Migration): Promise<Workload | undefined> =>
  request.verification === 'api'
    ? undefined
    : kubernetes.getWorkload({ kind: 'DaemonSet', namespace: 'kube-system', name: AGENT_ADDON });

function assertActive(now: Addon): void {
  const issues = issuesOf(now);
  if (now.status === 'ACTIVE' && issues === '') return;
  const state = `Add-on ${now.name} ${now.version} is ${now.status}${issues ? ` (${issues})` : ''}.`;
  if (!FAILED.includes(now.status)) throw new MigrationError('AddonNotActive', state);
  throw new MigrationError(
    'AddonFailed',
    `${state} ${UNTOUCHED} Bring the agent to ACTIVE or delete its add-on (with --preserve if the agent is managed outside EKS), then migrate again.`,
  );
}

function assertReady(workload: Workload | undefined): void {
  if (workload && isAgentReady(workload)) return;
  const state = workload ? `is ready on ${workload.ready} of ${workload.desired} nodes` : 'has no DaemonSet yet';
  throw new MigrationError('AddonNotActive', `The Pod Identity agent ${state}.`);
}

const run: StepRun<typeof installAgentSchema> = async (input, dependencies) => {
  const { migrationId, target } = input;
  const { ledger, clock, portsFor } = dependencies;
  const record = await recordedMigration(ledger, migrationId);
  const { installAgent } = planOf(record);
  if (!installAgent)
    throw new MigrationError(
      'BadInput',
      `The plan of migration ${migrationId} does not install the Pod Identity agent. This step changed nothing.`,
    );
  // Nothing may be changed before the snapshot exists.
  await recordedSnapshot(ledger, migrationId);
  const { version } = installAgent;
  const { eks, kubernetes } = portsFor(target);
  const read = (): Promise<Addon | undefined> => readAddonUntilSure(eks, AGENT_ADDON, clock);

  const guard = changeGuard(dependencies, input);

  /** Returns another writer's copy if that was faster ("Addon already exists"); the migration's own has to be waited for. */
  const install = async (): Promise<Addon> => {
    await note(ledger, record, agentInstallBegun(target, version));
    await guard();
    try {
      await eks.createAddon({
        addon: AGENT_ADDON,
        version,
        tags: {},
        resolveConflicts: 'NONE',
        clientRequestToken: `${migrationId}-install-agent`,
      });
    } catch (error) {
      if (!isMigrationError(error)) throw error;
      if (ERROR_CLASSES[error.name] === 'terminal') await note(ledger, record);
      const existing = error.name === 'Busy' ? await read() : undefined;
      if (!existing) throw error;
      await note(ledger, record, agentLeftInstalled(target, existing.version, OWN_OR_THIRD_PARTY));
      return existing;
    }
    await note(ledger, record, agentLeftInstalled(target, version, OURS));
    throw new MigrationError('AddonNotActive', `Add-on ${AGENT_ADDON} ${version} was just created.`);
  };

  const found = await read();
  const workload = await readWorkload(kubernetes, record);
  if (found && isNoted(record, AGENT_INSTALL_BEGUN))
    await note(ledger, record, agentLeftInstalled(target, found.version, OWN_OR_THIRD_PARTY));
  if (!found && isNoted(record, AGENT_LEFT_INSTALLED))
    throw new MigrationError(
      'AddonFailed',
      `Add-on ${AGENT_ADDON} was deleted after this migration had installed it. ${UNTOUCHED} Find out who deleted it, then migrate again.`,
    );
  if (!found && workload) {
    assertReady(workload);
    return {};
  }
  const now = found ?? (await install());
  assertActive(now);
  if (readsPods(record.request)) assertReady(workload);
  return { version: now.version };
};

export const installAgentStep = step(installAgentSchema, run);
