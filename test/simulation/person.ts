/** A person who is handed what the service could not finish, and what is there once they have done it. */
import { lockKeys, readLocks } from '../../lambdas/use-cases/rollback/recovery.ts';
import type { Migration, MigrationRequest, Outcome } from '../../lambdas/domain/migration/model.ts';
import { migrationRequest } from '../../lambdas/domain/migration/model.ts';
import type { Ledger } from '../../lambdas/ports/index.ts';
import { release } from '../../cli/release.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { runHandOff } from './hand-off.ts';
import type { PHASES, PERSONS } from './spec.ts';

/** What became of one end that needed a person. */
export interface HandOffEnd {
  migrationId: string;
  /** What went wrong with the commands of the last hand-off; empty where each line did what it says. */
  problems: string[];
  /** How often a person was handed commands. */
  rounds: number;
  outcome: Outcome | undefined;
  /** Whether a person has let the locks go instead. */
  released: boolean;
  /** Keys of the locks that are still its own, parked ones too. */
  locks: string[];
  /** Why another migration of the same subject can't begin, as its plan says. */
  heldUp: string[];
  failure: string;
}

/** How often a person looks for newer commands: once for what was there, once for what somebody did meanwhile. */
const HAND_OFFS = 3;

export interface PersonOptions {
  sandbox: Sandbox;
  cluster: ClusterState;
  ledger: Ledger;
  does: (typeof PERSONS)[number];
  rollBack: (migrationId: string) => Promise<void>;
  /** Asks for a plan and answers its record. */
  plan: (request: MigrationRequest) => Promise<Migration | undefined>;
  /** What comes in between: somebody else's doing. */
  interfere: (phase: (typeof PHASES)[number]) => Promise<void>;
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
    return runHandOff(sandbox, cluster, record, {
      rollBack: asked,
      release: released,
      optional: does === 'optional-too',
    });
  await asked();
  return [];
};

const HOUR = 3_600_000;
/** Longer than a migration may wait for one thing. */
const MOST_HOURS = 14 * 24;

/** A person whose rollback is refused while another migration works comes back when that one has ended. */
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
 * Does what a person does about a needs-human end. Where the rollback ends so again, since somebody has changed
 * something meanwhile, or since nothing but the rollback was tried, its own commands are run.
 */
export const followHandOff = async (options: PersonOptions, first: Migration): Promise<HandOffEnd> => {
  const { ledger } = options;
  const { migrationId, request } = first;
  let record = first;
  let problems: string[] = [];
  let rounds = 0;
  let does = options.does;
  while (record.outcome === 'needs-human' && !record.released && rounds < HAND_OFFS) {
    rounds += 1;
    await waitForThirdParties(options, record);
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
