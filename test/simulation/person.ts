/** A person who runs the restore commands, and the state afterwards. */
import { lockKeys, readLocks } from '../../lambdas/use-cases/rollback/recovery.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import { type MigrationRequest, migrationRequest } from '../../lambdas/domain/request/request.ts';
import type { Outcome } from '../../lambdas/domain/terms/outcome.ts';
import type { Ledger } from '../../lambdas/ports/index.ts';
import { release } from '../../cli/service/release.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { runRestoreCommands } from './restore-commands.ts';
import type { PERSONS, Phase } from './spec.ts';

/** The result of one end that needed a person. */
export interface RestoreCommandsEnd {
  migrationId: string;
  /** What went wrong with the last restore commands; empty if each line succeeded. */
  problems: string[];
  /** How many sets of restore commands there were. */
  rounds: number;
  outcome: Outcome | undefined;
  /** Whether a person has released the locks instead. */
  released: boolean;
  /** Keys of the locks that the migration still holds, including parked ones. */
  locks: string[];
  /** Why another migration of the same subject cannot begin, from its plan. */
  heldUp: string[];
  failure: string;
}

/**
 * How often a person checks for newer commands: once for the original state, once for what a third party has changed
 * meanwhile.
 */
const RESTORE_COMMANDS = 3;

export interface PersonOptions {
  sandbox: Sandbox;
  cluster: ClusterState;
  ledger: Ledger;
  does: (typeof PERSONS)[number];
  rollBack: (migrationId: string) => Promise<void>;
  /** Asks for a plan and returns its record. */
  plan: (request: MigrationRequest) => Promise<Migration | undefined>;
  /** Runs the third-party act of this phase. */
  interfere: (phase: Phase) => Promise<void>;
  /** Ends the pods that nobody replaces. */
  endPods: () => void;
}

const releaseIt = ({ sandbox, ledger }: PersonOptions, migrationId: string): Promise<unknown> => {
  const { clock, outputs } = sandbox;
  const backend = { ledger, clock, ...outputs, stepFunctions: sandbox.clients().stepFunctions() };
  return release(backend, { migrationId, requestedBy: 'simulation' });
};

const act = async (options: PersonOptions, record: Migration): Promise<string[]> => {
  const { sandbox, cluster, does, rollBack, interfere } = options;
  await interfere('before-commands');
  const released = (): Promise<unknown> => releaseIt(options, record.migrationId);
  if (does === 'releases')
    return released().then(
      () => [],
      (error: unknown) => [`pod-identity release: ${String(error)}`],
    );
  const asked = async (): Promise<void> => {
    await interfere('before-rollback');
    await rollBack(record.migrationId);
  };
  if (does !== 'rollback-alone')
    return runRestoreCommands(sandbox, cluster, record, {
      rollBack: asked,
      release: released,
      optional: does === 'optional-too',
    });
  await asked();
  return [];
};

const HOUR = 3_600_000;
/** Longer than a migration may wait for a single thing. */
const MOST_HOURS = 14 * 24;

/**
 * If the rollback is refused because another migration is at work, the person retries after that migration has ended.
 */
const waitForThirdParties = async ({ sandbox, ledger }: PersonOptions, record: Migration): Promise<void> => {
  for (let hours = 0; hours < MOST_HOURS; hours += 1) {
    const holders = (await readLocks(ledger, lockKeys(record))).flatMap(({ holder }) => holder?.migrationId ?? []);
    const others = await Promise.all(
      holders.filter((id) => id !== record.migrationId).map((id) => ledger.getMigration(id)),
    );
    if (!others.some((other) => other !== undefined && other.status !== 'ended')) return;
    await sandbox.clock.sleep(HOUR);
  }
};

/**
 * Does what a person does after a needs-human end. If the rollback ends needs-human again, because a third party has
 * changed something meanwhile or because only the rollback was tried, the new commands are run.
 */
export const followRestoreCommands = async (options: PersonOptions, first: Migration): Promise<RestoreCommandsEnd> => {
  const { ledger } = options;
  const { migrationId, request } = first;
  let record = first;
  let problems: string[] = [];
  let rounds = 0;
  let does = options.does;
  while (record.outcome === 'needs-human' && !record.released && rounds < RESTORE_COMMANDS) {
    rounds += 1;
    await waitForThirdParties(options, record);
    // A person decides about the pods that the rollback asks about.
    if (record.restoreCommands.some((line) => line.includes('No rollout replaces pod'))) options.endPods();
    problems = await act({ ...options, does }, record);
    record = (await ledger.getMigration(migrationId)) ?? record;
    if (does === 'rollback-alone') does = 'as-written';
  }
  const locks = await readLocks(ledger, lockKeys(record));
  const next = await options.plan(migrationRequest.parse({ ...request, dryRun: true }));
  return {
    migrationId,
    problems,
    rounds,
    outcome: record.outcome,
    released: record.released !== undefined,
    locks: locks.filter(({ holder }) => holder?.migrationId === migrationId).map(({ key }) => key),
    heldUp: next?.plan
      ? next.plan.checks
          .filter(({ id, status }) => id === 'lock-free' && status === 'fail')
          .map(({ message }) => message)
      : ['it has no plan'],
    failure: (await ledger.listSteps(migrationId)).findLast(({ error }) => error)?.error?.message ?? '',
  };
};
