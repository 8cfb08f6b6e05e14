import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import {
  expression,
  failureAs,
  FAILURE_TEXT,
  MIGRATION_ID,
  migrationText,
  recordText,
  REQUEST,
  REQUEST_SUBJECT,
} from './expressions.ts';
import { failWith, FIRST_ERROR, recordEnd } from './records.ts';
import { GAVE_UP, Pauses } from './pauses.ts';
import { createRollback, NOT_RECORDED, type Rollback } from './rollback.ts';
import { changesTrust, type StepFunctions } from './task.ts';

/** Errors of executions that failed with an outcome of the service. After any other error the work is incomplete. */
export const FAILED_OUTCOMES = ['Blocked', 'RolledBack', 'NeedsHuman'] as const;

const succeed = (scope: Construct, name: string, outcome: 'migrated' | 'already-migrated' | 'planned'): sfn.Succeed =>
  sfn.Succeed.jsonata(scope, name, { outputs: { migrationId: expression(MIGRATION_ID), outcome } });

/** Text for a migration whose change was verified, but whose end could not be recorded. */
export const RECORD_MISSING = failureAs(
  'RecordMissing',
  'The migration succeeded and was verified as requested; only its record is missing, and the locks may still be held',
);

export interface Endings extends Rollback {
  /** Must be closed once all states are created. */
  pauses: Pauses;
  Blocked: sfn.State;
  RecordBlocked: sfn.State;
  /** Chooses the end of a failure that may have occurred before or after the first change. */
  IsAnythingChanged: sfn.State;
  RecordMigrated: sfn.State;
  AlreadyMigrated: sfn.State;
  Planned: sfn.State;
}

function createIsAnythingChanged(
  scope: Construct,
  functions: StepFunctions,
  { recordBlocked, rollBack }: { recordBlocked: sfn.State; rollBack: sfn.State },
): sfn.State {
  // Before the first attempt changes anything, the agent may have been installed, or a trust policy repaired.
  return sfn.Choice.jsonata(scope, 'IsAnythingChanged')
    .when(
      sfn.Condition.jsonata(
        expression(
          `$attempt = 0 and $not($installsAgent) and $not($createsStandalone)${changesTrust(functions) ? ' and $not($repairsTrust)' : ''}`,
        ),
      ),
      recordBlocked,
    )
    .otherwise(rollBack);
}

/** Declares where the pauses of the workflow lead when waiting ends. */
function endPauses({ pauses, RecordBlocked, RecordNeedsHuman, RollBack, RecordMigrated }: Endings): void {
  pauses.phase('before', { back: false, tooLong: { to: RecordBlocked, failure: GAVE_UP } });
  pauses.phase('change', {
    back: false,
    // Waiting too long is no reason to roll back: what exists may be correct.
    tooLong: { to: RecordNeedsHuman, failure: GAVE_UP },
    failed: { to: RollBack, failure: GAVE_UP },
  });
  // The pods have been verified; only whether they stay ready could not be observed.
  pauses.phase('settling', {
    back: false,
    tooLong: { to: RecordMigrated, failure: GAVE_UP },
    failed: { to: RollBack, failure: GAVE_UP },
  });
  // The pods are verified and do not need it.
  pauses.phase('annotation', { back: false, tooLong: { to: RecordMigrated, failure: GAVE_UP } });
}

/** Creates every final state of MigrateAddon, the states that record the end in the ledger, and the rollback. */
export function createEndings(scope: Construct, functions: StepFunctions, tableName: string): Endings {
  // From the request, because the variables do not exist if `Plan` itself failed.
  const MIGRATION_TEXT = migrationText(REQUEST_SUBJECT, `${REQUEST}.target.cluster`);
  const RECORD = recordText(tableName);
  const pauses = new Pauses(scope, functions);

  const blocked = failWith(
    scope,
    'Blocked',
    `${MIGRATION_TEXT} & ' is blocked. Nothing was changed. ' & ${FAILURE_TEXT} & ' The plan, its checks and their remedies: ${RECORD}.'`,
  );
  const recordBlocked = recordEnd(scope, functions, {
    stateName: 'RecordBlocked',
    outcome: 'blocked',
    migration: {
      migrationId: expression(MIGRATION_ID),
      target: expression(`${REQUEST}.target`),
      subject: expression(REQUEST_SUBJECT),
    },
    next: blocked,
    // An end that cannot be recorded is still reported; its cause mentions that the record is missing.
    unrecorded: { target: 'Blocked', state: blocked, failure: NOT_RECORDED },
    pauses,
  });

  const rolledBack = failWith(
    scope,
    'RolledBack',
    `${MIGRATION_TEXT} & ' failed and was rolled back. ${FIRST_ERROR} Each step and its error: ${RECORD}. Correct the cause, then migrate again.'`,
  );
  const rollback = createRollback(scope, { functions, tableName, rolledBack, pauses });

  const isAnythingChanged = createIsAnythingChanged(scope, functions, { recordBlocked, rollBack: rollback.RollBack });

  const recordMigrated = recordEnd(scope, functions, {
    stateName: 'RecordMigrated',
    outcome: 'migrated',
    next: succeed(scope, 'Migrated', 'migrated'),
    // A verified change is not rolled back only because its record is missing.
    unrecorded: { target: 'NeedsHuman', state: rollback.NeedsHuman, failure: RECORD_MISSING },
    pauses,
  });

  const endings = {
    ...rollback,
    pauses,
    Blocked: blocked,
    RecordBlocked: recordBlocked,
    IsAnythingChanged: isAnythingChanged,
    RecordMigrated: recordMigrated,
    AlreadyMigrated: succeed(scope, 'AlreadyMigrated', 'already-migrated'),
    Planned: succeed(scope, 'Planned', 'planned'),
  };
  endPauses(endings);
  return endings;
}
