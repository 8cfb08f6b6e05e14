/**
 * The Automation document, schema version 0.3, as plain data. Sources, Systems Manager User Guide: "Data elements and
 * parameters"; "Properties shared by all actions" (automation-actions); "aws:branch"; "aws:executeScript";
 * "aws:executeStateMachine"; "Handling timeouts in runbooks"; "Automation system variables".
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../lambdas/domain/migration/model.ts';
import type { FAILED_OUTCOMES } from '../migration/endings.ts';
import { MACHINE_TIMEOUT } from '../migration/state-machine.ts';
import { BY_STRATEGY, PARAMETERS } from './parameters.ts';

/** What lets the automation succeed: as an execution does. */
const GOOD: Outcome[] = ['migrated', 'already-migrated', 'planned'];
/** What an execution that fails by an outcome of ours has as its error. */
const BY_ERROR: Record<(typeof FAILED_OUTCOMES)[number], Outcome> = {
  Blocked: 'blocked',
  RolledBack: 'rolled-back',
  NeedsHuman: 'needs-human',
};
/** The report's outcome of a migration that has none: it still runs, or its execution has stopped. */
const UNFINISHED = 'unfinished';
/**
 * The most that an action may wait: documented of those that wait for people ("aws:approve", "aws:pause"); no other
 * action has a maximum of its own.
 */
const MOST_SECONDS = 30 * 24 * 3600;
/**
 * As long as an execution that waits out an outage in each of its phases, so that it ends by itself and the action hears
 * of it. Where it waits for approvals and windows before that, it may take longer; the report says then that it is
 * unfinished.
 */
const RUN_SECONDS = Math.min(MACHINE_TIMEOUT.toSeconds() + 600, MOST_SECONDS);
/** Far below the 600 that a script may take. */
const SCRIPT_SECONDS = 100;
/** A call that is refused for a moment is made again by boto3; what lasts longer gets the whole step. */
const CHECKS = 3;

export interface Deployed {
  region: string;
  stateMachineArn: string;
  /** Of an execution by its name. */
  executionArnOf: (name: string) => string;
  tableName: string;
  assumeRole: string;
}

const source = (name: string): string => readFileSync(join(import.meta.dirname, `${name}.py`), 'utf8');
/** What stands before a script, which is one text in the document and can import nothing of its own. */
const BEFORE = { prepare: [], check: ['ledger'], report: ['ledger'], conclude: [] } as const;

/** Python 3.11 is the one version of Python that new runbooks may name ("aws:executeScript"). */
const script = (name: keyof typeof BEFORE, payload: object): object => ({
  Runtime: 'python3.11',
  Handler: name,
  InputPayload: payload,
  Script: [...BEFORE[name], name].map(source).join('\n\n'),
});

const output = (name: string, type: 'String' | 'StringList' = 'String'): object => ({
  Name: name,
  Selector: `$.Payload.${name}`,
  Type: type,
});

const MIGRATION_ID = '{{ prepare.migrationId }}';
const LOCK = '{{ prepare.lock }}';
/** `free`, `busy` or `needs-human`. */
const STATE = '{{ check.state }}';

/** Before anything is started. */
const entryPointOf = ({ region, tableName }: Deployed): object[] => [
  {
    name: 'prepare',
    description:
      "Makes the migration's id of the automation's own, and the request of the parameters; refuses those that do not go together. Nothing has been started yet.",
    action: 'aws:executeScript',
    timeoutSeconds: SCRIPT_SECONDS,
    onFailure: 'Abort',
    inputs: script('prepare', {
      executionId: '{{ automation:EXECUTION_ID }}',
      byStrategy: BY_STRATEGY,
      parameters: Object.fromEntries(Object.keys(PARAMETERS).map((name) => [name, `{{ ${name} }}`])),
    }),
    outputs: [output('migrationId'), output('input'), output('subject'), output('lock')],
    nextStep: 'check',
  },
  {
    name: 'check',
    description:
      'Finds out whether another migration works on the same add-on or service account, or keeps its lock until a person has dealt with it. Of a dry run it asks nothing. Nothing has been started yet.',
    action: 'aws:executeScript',
    timeoutSeconds: SCRIPT_SECONDS,
    maxAttempts: CHECKS,
    onFailure: 'Abort',
    inputs: script('check', {
      region,
      tableName,
      lock: LOCK,
      // As lambdas/adapters/dynamo-locks.ts makes it, and dynamo-table.ts; the holder's id comes after the latter.
      lockKey: { pk: `LOCK#${LOCK}`, sk: 'LOCK' },
      recordKey: { pk: 'MIGRATION#', sk: 'RECORD' },
    }),
    outputs: [output('state'), output('heldBy'), output('since')],
    nextStep: 'decide',
  },
  {
    name: 'decide',
    description: 'Starts nothing where another migration has the lock.',
    action: 'aws:branch',
    inputs: { Choices: [{ NextStep: 'run', Variable: STATE, StringEquals: 'free' }], Default: 'report' },
  },
];

const runOf = ({ stateMachineArn }: Deployed): object => ({
  name: 'run',
  description:
    'Runs the state machine MigrateAddon, and waits for its end. An execution fails where the migration was blocked, rolled back, or needs a person.',
  action: 'aws:executeStateMachine',
  timeoutSeconds: RUN_SECONDS,
  onFailure: 'step:report',
  onCancel: 'step:report',
  // How the migration ended is for the ledger to say.
  isCritical: false,
  // Recover is told of the migration by the name of the execution that stopped.
  inputs: { stateMachineArn, name: MIGRATION_ID, input: '{{ prepare.input }}' },
  nextStep: 'report',
});

/** Of what was started, and of what was not. */
const endOf = ({ region, executionArnOf, tableName }: Deployed): object[] => [
  {
    name: 'report',
    description: 'Reads how it ended from the ledger, and from the execution; or says why nothing was started.',
    action: 'aws:executeScript',
    timeoutSeconds: SCRIPT_SECONDS,
    onFailure: 'Abort',
    inputs: script('report', {
      migrationId: MIGRATION_ID,
      subject: '{{ prepare.subject }}',
      state: STATE,
      heldBy: '{{ check.heldBy }}',
      since: '{{ check.since }}',
      region,
      tableName,
      // As lambdas/adapters/dynamo-table.ts makes it.
      key: { pk: `MIGRATION#${MIGRATION_ID}`, sk: 'RECORD' },
      executionArn: executionArnOf(MIGRATION_ID),
      outcomesByError: BY_ERROR,
      unfinished: UNFINISHED,
    }),
    outputs: [
      output('migrationId'),
      output('outcome'),
      output('verified'),
      output('failure'),
      output('heldBy'),
      output('report', 'StringList'),
    ],
    nextStep: 'conclude',
  },
  {
    name: 'conclude',
    description: 'Fails the automation unless it is migrated, already was, or only planned.',
    action: 'aws:executeScript',
    timeoutSeconds: SCRIPT_SECONDS,
    onFailure: 'Abort',
    isCritical: true,
    isEnd: true,
    inputs: script('conclude', {
      migrationId: MIGRATION_ID,
      state: STATE,
      outcome: '{{ report.outcome }}',
      good: GOOD,
    }),
  },
];

const DESCRIPTION = `Moves an EKS add-on, or a service account that is no add-on's, from IRSA to EKS Pod Identity, and says how it ended. A dry run unless **DryRun** is false.

Where the migration was blocked, rolled back, or needs a person, the automation fails after its report. Cancelling it may stop the migration half-way; the service then puts back what was.`;

export const documentOf = (deployed: Deployed): object => ({
  schemaVersion: '0.3',
  description: DESCRIPTION,
  assumeRole: deployed.assumeRole,
  parameters: PARAMETERS,
  mainSteps: [...entryPointOf(deployed), runOf(deployed), ...endOf(deployed)],
  outputs: [
    'report.migrationId',
    'report.outcome',
    'report.verified',
    'report.failure',
    'report.heldBy',
    'report.report',
  ],
});
