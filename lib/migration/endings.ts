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

/** The errors of executions that failed as an outcome of ours: any other failure left the work half done. */
export const FAILED_OUTCOMES = ['Blocked', 'RolledBack', 'NeedsHuman'] as const;

const succeed = (scope: Construct, name: string, outcome: 'migrated' | 'already-migrated' | 'planned'): sfn.Succeed =>
  sfn.Succeed.jsonata(scope, name, { outputs: { migrationId: expression(MIGRATION_ID), outcome } });

/** The end of a migration whose change was verified could not be recorded. */
export const RECORD_MISSING = failureAs(
  'RecordMissing',
  'It is migrated, and that was verified as the request wanted; only the record of it is missing, and the locks may still be held',
);

export interface Endings extends Rollback {
  /** To be closed once all states are made. */
  pauses: Pauses;
  Blocked: sfn.State;
  RecordBlocked: sfn.State;
  /** Where a failure leads that may have come before the first change, or after it. */
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
  // Before the first way changes anything, the agent may have been installed for it, or a trust policy repaired.
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

/** Says where the pauses of the road end. */
function endPauses({ pauses, RecordBlocked, RecordNeedsHuman, RollBack, RecordMigrated }: Endings): void {
  pauses.phase('before', { back: false, tooLong: { to: RecordBlocked, failure: GAVE_UP } });
  pauses.phase('change', {
    back: false,
    // Nothing is put back because it was waited for: what is there may be as it should.
    tooLong: { to: RecordNeedsHuman, failure: GAVE_UP },
    failed: { to: RollBack, failure: GAVE_UP },
  });
  // The pods are verified, and do without it.
  pauses.phase('annotation', { back: false, tooLong: { to: RecordMigrated, failure: GAVE_UP } });
}

/**
 * Every state in which an execution of MigrateAddon ends, the states that record the end in the ledger, and the way
 * back.
 */
export function createEndings(scope: Construct, functions: StepFunctions, tableName: string): Endings {
  // From the request: when `Plan` itself has failed, its variables are not there.
  const MIGRATION_TEXT = migrationText(REQUEST_SUBJECT, `${REQUEST}.target.cluster`);
  const RECORD = recordText(tableName);
  const pauses = new Pauses(scope, functions);

  const blocked = failWith(
    scope,
    'Blocked',
    `${MIGRATION_TEXT} & ' is blocked; nothing was changed. ' & ${FAILURE_TEXT} & ' The plan, its checks and their remedies: ${RECORD}.'`,
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
    // An end that can't be recorded stays what it is, and the cause tells of it.
    unrecorded: { target: 'Blocked', state: blocked, failure: NOT_RECORDED },
    pauses,
  });

  const rolledBack = failWith(
    scope,
    'RolledBack',
    `${MIGRATION_TEXT} & ' failed; everything was put back as it was. ${FIRST_ERROR} Each step and its error: ${RECORD}. Correct the cause, then migrate again.'`,
  );
  const rollback = createRollback(scope, { functions, tableName, rolledBack, pauses });

  const isAnythingChanged = createIsAnythingChanged(scope, functions, { recordBlocked, rollBack: rollback.RollBack });

  const recordMigrated = recordEnd(scope, functions, {
    stateName: 'RecordMigrated',
    outcome: 'migrated',
    next: succeed(scope, 'Migrated', 'migrated'),
    // Nothing is put back when only its record is missing: the change was verified.
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
