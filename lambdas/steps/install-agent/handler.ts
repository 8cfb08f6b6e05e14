/**
 * Installs the Pod Identity agent's add-on where the plan says so, and waits until it is ready: one look, the state
 * machine comes again. It is never taken away again; the record's warnings say so, from before the create on.
 * Idempotency: observes first; an agent that is there by now is waited for, whoever has installed it, and a repeated
 * create is the same request to EKS. Failure: an add-on that EKS could not create, or that is being deleted, is
 * terminal (AddonFailed). Nothing is created over an agent that somebody runs without EKS.
 */
import { AGENT_ADDON } from '../../domain/addons/registry.ts';
import { ERROR_CLASSES, isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Addon, Check, Migration } from '../../domain/migration/model.ts';
import {
  AGENT_INSTALL_BEGUN,
  AGENT_LEFT_INSTALLED,
  agentInstallBegun,
  agentLeftInstalled,
  isAgentReady,
} from '../../domain/plan/agent-install.ts';
import type { Kubernetes, Ledger, Workload } from '../../ports/index.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { readAddonUntilSure } from '../../use-cases/pods/confirmed-reads.ts';
import { issuesOf } from '../../use-cases/migration/addon-copy.ts';
import { planOf, recordedMigration, recordedSnapshot } from '../../use-cases/migration/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { installAgentSchema } from './schema.ts';

/** EKS makes nothing more of these by itself. */
const FAILED: readonly Addon['status'][] = ['CREATE_FAILED', 'UPDATE_FAILED', 'DELETING', 'DELETE_FAILED'];

const UNTOUCHED = 'The add-on to migrate was not touched.';
const OURS = 'by this migration';
/** A create whose reply was lost can't be told from somebody else's. */
const OWN_OR_THIRD_PARTY = 'by this migration or by somebody else at the same time';

const isNoted = ({ warnings }: Migration, id: string): boolean => warnings.some((one) => one.id === id);

/** Notes how far the install is, in place of what was noted of it before; nothing where it came to nothing. */
async function note(ledger: Ledger, { migrationId, warnings }: Migration, ...now: Check[]): Promise<void> {
  const others = warnings.filter(({ id }) => id !== AGENT_LEFT_INSTALLED && id !== AGENT_INSTALL_BEGUN);
  await ledger.updateMigration(migrationId, { warnings: [...others, ...now] });
}

/**
 * Its DaemonSet, whoever runs it. Not looked at where the request says that EKS's word is enough: there nobody may
 * look.
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
    `${state} ${UNTOUCHED} Bring the agent to ACTIVE, or delete its add-on (with --preserve where somebody runs the agent without EKS), then migrate again.`,
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
      `The plan of migration ${migrationId} installs no Pod Identity agent. Nothing was changed by this step.`,
    );
  // Nothing may be changed without it.
  await recordedSnapshot(ledger, migrationId);
  const { version } = installAgent;
  const { eks, kubernetes } = portsFor(target);
  const look = (): Promise<Addon | undefined> => readAddonUntilSure(eks, AGENT_ADDON, clock);

  const guard = changeGuard(dependencies, input);

  /** Answers the copy of whoever was faster, "Addon already exists"; its own has to be waited for. */
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
      const others = error.name === 'Busy' ? await look() : undefined;
      if (!others) throw error;
      await note(ledger, record, agentLeftInstalled(target, others.version, OWN_OR_THIRD_PARTY));
      return others;
    }
    await note(ledger, record, agentLeftInstalled(target, version, OURS));
    throw new MigrationError('AddonNotActive', `Add-on ${AGENT_ADDON} ${version} has just been created.`);
  };

  const found = await look();
  const workload = await readWorkload(kubernetes, record);
  if (found && isNoted(record, AGENT_INSTALL_BEGUN))
    await note(ledger, record, agentLeftInstalled(target, found.version, OWN_OR_THIRD_PARTY));
  if (!found && isNoted(record, AGENT_LEFT_INSTALLED))
    throw new MigrationError(
      'AddonFailed',
      `Add-on ${AGENT_ADDON} is gone again: somebody else has deleted it. ${UNTOUCHED} Find out who, then migrate again.`,
    );
  if (!found && workload) {
    assertReady(workload);
    return {};
  }
  const now = found ?? (await install());
  assertActive(now);
  if (record.request.verification === 'injected') assertReady(workload);
  return { version: now.version };
};

export const installAgentStep = step(installAgentSchema, run);
