/**
 * The Automation document, schema version 0.3, as plain data. Sources, Systems Manager User Guide: "Data elements and
 * parameters"; "Properties shared by all actions" (automation-actions); "aws:branch"; "aws:executeScript";
 * "aws:executeStateMachine"; "Handling timeouts in runbooks"; "Automation system variables".
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../lambdas/domain/terms/outcome.ts';
import { verified, verifiedText } from '../../lambdas/domain/terms/levels.ts';
import type { FAILED_OUTCOMES } from '../migration/endings.ts';
import { MACHINE_TIMEOUT } from '../migration/state-machine.ts';
import { BY_STRATEGY, PARAMETERS } from './parameters.ts';

/** Outcomes with which the automation succeeds, as an execution does. */
const GOOD: Outcome[] = ['migrated', 'already-migrated', 'planned'];
/** Outcomes by the error of the failed execution. */
const BY_ERROR: Record<(typeof FAILED_OUTCOMES)[number], Outcome> = {
  Blocked: 'blocked',
  RolledBack: 'rolled-back',
  NeedsHuman: 'needs-human',
};
/** How an outcome was verified, by outcome and level. */
const VERIFIED_TEXTS = Object.fromEntries(
  (['migrated', 'rolled-back'] as const).map((outcome) => [
    outcome,
    Object.fromEntries(verified.options.map((level) => [level, verifiedText({ outcome, verified: level })])),
  ]),
);
/** Outcome in the report of a migration that has none yet: it still runs, or its execution has stopped. */
const UNFINISHED = 'unfinished';
/**
 * Maximum duration of an action. It is documented for the actions that wait for people ("aws:approve", "aws:pause"); no
 * other action has a documented maximum.
 */
const MOST_SECONDS = 30 * 24 * 3600;
/**
 * Duration of an execution that waits for the end of an outage in each of its phases, so that the action sees it end.
 * If it also waits for approvals and windows, it may take longer; the report then shows it as unfinished.
 */
const RUN_SECONDS = Math.min(MACHINE_TIMEOUT.toSeconds() + 600, MOST_SECONDS);
/** Far below the maximum of 600 seconds for a script. */
const SCRIPT_SECONDS = 100;
/** Attempts of the step. boto3 retries a call for a short time; a longer fault needs another attempt of the step. */
const CHECKS = 3;

export interface Deployed {
  region: string;
  stateMachineArn: string;
  /** Returns the ARN of an execution by its name. */
  executionArnOf: (name: string) => string;
  tableName: string;
  assumeRole: string;
}

const source = (name: string): string => readFileSync(join(import.meta.dirname, `${name}.py`), 'utf8');
/** Modules that are prepended to a script, because a script is a single text in the document and cannot import them. */
const BEFORE = { prepare: [], check: ['ledger'], report: ['ledger'], conclude: [] } as const;

/** Python 3.11 is the only version of Python that new runbooks may use ("aws:executeScript"). */
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

/** Returns the steps before anything is started. */
const entryPointOf = ({ region, tableName }: Deployed): object[] => [
  {
    name: 'prepare',
    description:
      "Derives the migration's id from the automation's id, and builds the request from the parameters. Fails if the parameters contradict each other. Nothing has been started yet.",
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
      'Checks whether another migration is working on the same add-on or service account, or keeps its lock until a person resolves it. Skipped for a dry run. Nothing has been started yet.',
    action: 'aws:executeScript',
    timeoutSeconds: SCRIPT_SECONDS,
    maxAttempts: CHECKS,
    onFailure: 'Abort',
    inputs: script('check', {
      region,
      tableName,
      lock: LOCK,
      // The keys of lambdas/adapters/dynamo-locks.ts and dynamo-table.ts; the script appends the holder's id to the
      // latter.
      lockKey: { pk: `LOCK#${LOCK}`, sk: 'LOCK' },
      recordKey: { pk: 'MIGRATION#', sk: 'RECORD' },
    }),
    outputs: [output('state'), output('heldBy'), output('since')],
    nextStep: 'decide',
  },
  {
    name: 'decide',
    description: 'Skips the migration if another migration has the lock.',
    action: 'aws:branch',
    inputs: { Choices: [{ NextStep: 'run', Variable: STATE, StringEquals: 'free' }], Default: 'report' },
  },
];

const runOf = ({ stateMachineArn }: Deployed): object => ({
  name: 'run',
  description:
    'Runs the state machine MigrateAddon and waits for it to end. The execution fails if the migration was blocked or rolled back, or needs a person.',
  action: 'aws:executeStateMachine',
  timeoutSeconds: RUN_SECONDS,
  onFailure: 'step:report',
  onCancel: 'step:report',
  // The ledger has the outcome of the migration.
  isCritical: false,
  // Recover identifies the migration by the name of the execution that stopped.
  inputs: { stateMachineArn, name: MIGRATION_ID, input: '{{ prepare.input }}' },
  nextStep: 'report',
});

/** Returns the steps after the migration, whether it was started or not. */
const endOf = ({ region, executionArnOf, tableName }: Deployed): object[] => [
  {
    name: 'report',
    description: 'Reports how the migration ended, from the ledger and the execution, or why nothing was started.',
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
      // The key of lambdas/adapters/dynamo-table.ts.
      key: { pk: `MIGRATION#${MIGRATION_ID}`, sk: 'RECORD' },
      executionArn: executionArnOf(MIGRATION_ID),
      outcomesByError: BY_ERROR,
      unfinished: UNFINISHED,
      verifiedTexts: VERIFIED_TEXTS,
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
    description: 'Fails the automation unless the outcome is migrated, already-migrated or planned.',
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

const DESCRIPTION = `Moves an EKS add-on, or a service account that belongs to no add-on, from IRSA to EKS Pod Identity, and reports the outcome. It is a dry run unless **DryRun** is false.

If the migration was blocked or rolled back, or needs a person, the automation fails after its report. Cancelling the automation may stop the migration midway; the service then restores the previous state.`;

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
