/**
 * The rights of each step's Lambda, with reasons: at its target, in the ledger, and on executions of this service.
 */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import { bucketGrantsOf, bucketUseOf } from '../permissions/bucket.ts';
import type { Grant } from '../permissions/grant.ts';
import { bucketKeyGrant, ledgerKeyGrant } from '../permissions/key.ts';
import { ledgerGrantsOf } from '../permissions/ledger.ts';
import { spokeGrantsOf } from '../permissions/spokes.ts';
import { targetGrants, type TargetOptions } from '../permissions/targets.ts';

export type { Grant } from '../permissions/grant.ts';

export interface PermissionOptions extends TargetOptions {
  /** ARN of the ledger's table. */
  tableArn: string;
  /** ARN of the bucket of sweeps. */
  bucketArn: string;
  /** Other accounts whose clusters the steps work on. */
  accounts: readonly string[];
  /** ARN of the customer's key that encrypts the ledger and the bucket, and the table's name. */
  ledgerKey?: { keyArn: string; tableName: string };
}

function keyGrantsOf(step: StepName, { ledgerKey, bucketArn }: PermissionOptions): Grant[] {
  if (!ledgerKey) return [];
  const use = bucketUseOf(step);
  return [
    ledgerKeyGrant(ledgerKey.keyArn, ledgerKey.tableName),
    ...(use ? [bucketKeyGrant(ledgerKey.keyArn, bucketArn, use)] : []),
  ];
}

/** The rights of a step's role, including the ledger. In addition, it may write its own log and its traces. */
export const grantsOf = (step: StepName, options: PermissionOptions): Grant[] => [
  ...targetGrants[step](options),
  ...ledgerGrantsOf(step, options.tableArn),
  ...bucketGrantsOf(step, options.bucketArn),
  ...spokeGrantsOf(step, options.accounts),
  ...keyGrantsOf(step, options),
];

export interface Machines {
  migrateAddon: sfn.StateMachine;
  recover: sfn.StateMachine;
  /** Undefined if trust policies are only read. */
  retire: sfn.StateMachine | undefined;
  sweep: sfn.StateMachine;
}

/** The state machines whose executions hold locks. */
export const holdersOf = ({ migrateAddon, recover, retire }: Machines): sfn.StateMachine[] => [
  migrateAddon,
  recover,
  ...(retire ? [retire] : []),
];

/** Only metadata is read (`includedData: METADATA_ONLY`), which needs no right on a customer's key. */
const describeExecutions = (machines: sfn.StateMachine[], why: string): Grant => {
  const executionsOf = (machine: sfn.StateMachine): string =>
    Stack.of(machine).formatArn({
      service: 'states',
      resource: 'execution',
      resourceName: `${machine.stateMachineName}:*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  return { actions: ['states:DescribeExecution'], resources: machines.map(executionsOf), why };
};

/** Returns the state machines whose executions wait for approvals. */
const waitersOf = ({ migrateAddon, retire }: Machines): string[] =>
  [migrateAddon, ...(retire ? [retire] : [])].map((machine) => machine.stateMachineArn);

/** Returns the right to start Retire, if it is deployed. */
const startRetire = ({ retire }: Machines, why: string): Grant[] =>
  retire ? [{ actions: ['states:StartExecution'], resources: [retire.stateMachineArn], why }] : [];

/**
 * Rights of steps that check whether the execution that holds a lock is still running, of any state machine. One of
 * them starts Recover, and the API starts what is requested.
 */
const executionGrants: Partial<Record<StepName, (machines: Machines) => Grant[]>> = {
  plan: (machines) => [
    describeExecutions(
      holdersOf(machines),
      "checks whether the execution that holds the add-on's lock is still running",
    ),
  ],
  'take-over': (machines) => [
    describeExecutions(holdersOf(machines), 'checks that the execution that it takes over has stopped'),
  ],
  'find-stranded': (machines) => [
    describeExecutions(holdersOf(machines), 'checks for each held lock whether its execution is still running'),
    {
      actions: ['states:StartExecution'],
      resources: [machines.recover.stateMachineArn],
      why: 'starts Recover for a migration whose execution has stopped',
    },
    ...startRetire(machines, 'starts a retirement that was accepted and whose execution was never started'),
    {
      actions: ['states:SendTaskFailure'],
      resources: [machines.migrateAddon.stateMachineArn],
      why: 'ends an execution that waits for an approval after another one has begun on the same subject, or after a cancel',
    },
  ],
  api: (machines) => [
    describeExecutions(
      [...holdersOf(machines), machines.sweep],
      'checks whether the execution of a migration or a sweep is still running',
    ),
    {
      actions: ['states:StartExecution'],
      resources: [machines.migrateAddon.stateMachineArn],
      why: 'starts the requested migrations and dry runs',
    },
    {
      actions: ['states:StartExecution'],
      resources: [machines.recover.stateMachineArn],
      why: 'starts the requested rollbacks',
    },
    ...startRetire(machines, 'starts the requested retirements'),
    {
      actions: ['states:StartExecution'],
      resources: [machines.sweep.stateMachineArn],
      why: 'starts the requested sweeps, and those that are resumed',
    },
    // The Service Authorization Reference has no resource type for these two; a real denial names the state machine
    // (NOAA-OWP/hydrovis#837), and a right on it was seen to do for tasks of Lambda (aws/aws-cdk#8486).
    {
      actions: ['states:SendTaskSuccess'],
      resources: waitersOf(machines),
      why: 'continues an execution whose plan, or whose change of a trust policy, was approved',
    },
    {
      actions: ['states:SendTaskFailure'],
      resources: waitersOf(machines),
      why: 'ends an execution whose plan, or whose change of a trust policy, was rejected, or that was cancelled while it waited',
    },
  ],
  'start-sweep': (machines) => [
    {
      actions: ['states:StartExecution'],
      resources: [machines.sweep.stateMachineArn],
      why: 'starts the sweep of a schedule',
    },
  ],
  'dispatch-sweep': (machines) => [
    describeExecutions(
      holdersOf(machines),
      "checks whether a migration that has taken long, or has written nothing, is still running, and whether the execution that holds an add-on's lock is still running",
    ),
    {
      actions: ['states:StartExecution'],
      resources: [machines.migrateAddon.stateMachineArn],
      why: 'starts the migrations and dry runs of the sweep',
    },
    {
      actions: ['states:StartExecution'],
      resources: [machines.sweep.stateMachineArn],
      why: 'hands over to another execution before its own history is full',
    },
  ],
  'diagnose-denial': (machines) => [
    {
      actions: ['states:StartExecution'],
      resources: [machines.migrateAddon.stateMachineArn],
      why: 'starts the plan, or the migration, of the add-on whose update was denied',
    },
  ],
};

/** Returns a step's rights on executions of this service; most steps have none. */
export const executionGrantsOf = (step: StepName, machines: Machines): Grant[] =>
  executionGrants[step]?.(machines) ?? [];
