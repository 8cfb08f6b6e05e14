import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { CATCHERS, type FailureTarget } from './errors.ts';
import { caughtAnotherFailure, caughtAs, expression, type Expression, FAILURE_TEXT, MIGRATION_ID, REQUEST } from './expressions.ts';
import { catchFailures, LOCKED_MIGRATION, MIGRATION, type StepFunctions, stepTask } from './task.ts';

const FAILURE = expression('$failure');
const MIGRATION_TEXT = `'Migration ' & ${MIGRATION_ID} & ' of add-on ' & ${REQUEST}.addon & ' in cluster ' & ${REQUEST}.target.cluster`;

const succeed = (scope: Construct, name: string, outcome: 'migrated' | 'already-migrated' | 'planned'): sfn.Succeed =>
  sfn.Succeed.jsonata(scope, name, { outputs: { migrationId: expression(MIGRATION_ID), outcome } });

export type Endings = Record<FailureTarget | 'RecordMigrated' | 'AlreadyMigrated' | 'Planned', sfn.State>;

/** Every state in which an execution ends, the states that record the end in the ledger, and the way back. */
export function createEndings(scope: Construct, functions: StepFunctions, tableName: string): Endings {
  const RECORD = `item ' & ${MIGRATION_ID} & ' of table ${tableName}`;

  // Fail states: the error is the outcome, the cause says what happened and where to look.
  const fail = (name: 'Blocked' | 'RolledBack' | 'NeedsHuman', text: string): sfn.Fail =>
    sfn.Fail.jsonata(scope, name, { error: name, cause: expression(`${MIGRATION_TEXT} & ${text}`) });
  const blocked = fail(
    'Blocked',
    `' is blocked; nothing was changed. ' & ${FAILURE_TEXT} & ' The plan, its checks and their remedies: ${RECORD}.'`,
  );
  const rolledBack = fail(
    'RolledBack',
    `' failed; the add-on was put back as it was. The first error: ' & ${FAILURE_TEXT} & ' Each step and its error: ${RECORD}. Correct the cause, then migrate again.'`,
  );
  const needsHuman = fail(
    'NeedsHuman',
    `' needs a person. The first error: ' & ${FAILURE_TEXT} & ' What was there before and the commands that put it back: ${RECORD}.'`,
  );

  const record = (stateName: string, payload: Parameters<typeof stepTask<'finish'>>[2]['payload']) =>
    stepTask(scope, 'finish', { functions, stateName, payload });

  // The ends of failures. A record that can't be written changes nothing about the end, and the cause tells of it.
  const notRecorded = caughtAnotherFailure('The end could not be recorded in the ledger either, so the lock may still be held');
  const endRecord = (
    stateName: string,
    payload: Parameters<typeof record>[1],
    end: sfn.Fail,
    endName: FailureTarget,
    next: sfn.Fail = end,
  ) => {
    const state = record(stateName, payload);
    state.next(end);
    catchFailures(state, [{ errors: 'any', next: endName }], { [endName]: next }, notRecorded);
    return state;
  };
  const recordBlocked = endRecord(
    'RecordBlocked',
    {
      migrationId: expression(MIGRATION_ID),
      // From the request: when `Plan` itself has failed, its variables are not there.
      target: expression(`${REQUEST}.target`),
      addon: expression(`${REQUEST}.addon`),
      outcome: 'blocked',
      failure: FAILURE,
    },
    blocked,
    'Blocked',
  );
  const recordRolledBack = endRecord(
    'RecordRolledBack',
    { ...MIGRATION, outcome: 'rolled-back', failure: FAILURE },
    rolledBack,
    'NeedsHuman',
    needsHuman,
  );
  const recordNeedsHuman = endRecord(
    'RecordNeedsHuman',
    { ...MIGRATION, outcome: 'needs-human', failure: FAILURE },
    needsHuman,
    'NeedsHuman',
  );

  // The way back: one action an invocation, until all is as it was.
  const restore = stepTask(scope, 'restore', { functions, payload: LOCKED_MIGRATION });
  restore.next(recordRolledBack);
  catchFailures(
    restore,
    CATCHERS.restore,
    { RecordNeedsHuman: recordNeedsHuman },
    caughtAnotherFailure('Putting the add-on back failed too'),
  );

  // The good end. Nothing is put back when only its record is missing: the pods were proven.
  const recordMigrated = record('RecordMigrated', { ...MIGRATION, outcome: 'migrated' });
  recordMigrated.next(succeed(scope, 'Migrated', 'migrated'));
  const onlyTheRecord: Expression = caughtAs(
    'RecordMissing',
    'The add-on is migrated and its pods were proven to use Pod Identity; only the record of it is missing, and the lock may still be held',
  );
  catchFailures(recordMigrated, [{ errors: 'any', next: 'NeedsHuman' }], { NeedsHuman: needsHuman }, onlyTheRecord);

  return {
    Blocked: blocked,
    RolledBack: rolledBack,
    NeedsHuman: needsHuman,
    RecordBlocked: recordBlocked,
    RecordRolledBack: recordRolledBack,
    RecordNeedsHuman: recordNeedsHuman,
    Restore: restore,
    RecordMigrated: recordMigrated,
    AlreadyMigrated: succeed(scope, 'AlreadyMigrated', 'already-migrated'),
    Planned: succeed(scope, 'Planned', 'planned'),
  };
}
