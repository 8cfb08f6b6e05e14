/** Rights of the SSM runbook's role. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Grant } from './grant.ts';
import { executionKeyGrant, ledgerKeyGrant } from './key.ts';

export interface RunbookRights {
  migrateAddon: sfn.IStateMachine;
  /** All state machines whose executions hold locks, including `migrateAddon`. */
  holders: sfn.IStateMachine[];
  /** ARN of the ledger's table. */
  tableArn: string;
  tableName: string;
  /** ARN of the customer's key, if there is one. */
  keyArn?: string | undefined;
}

/** Returns the ARN of an execution. `name` may be a wildcard, because names are known only when executions start. */
export const executionArnOf = (machine: sfn.IStateMachine, name: string): string =>
  Stack.of(machine).formatArn({
    service: 'states',
    resource: 'execution',
    resourceName: `${Stack.of(machine).splitArn(machine.stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName ?? ''}:${name}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });

/**
 * The action needs the first three grants: Systems Manager User Guide, "aws:executeStateMachine", required permissions.
 */
export const runbookGrants = ({ migrateAddon, holders, tableArn, tableName, keyArn }: RunbookRights): Grant[] => {
  const others = holders.filter((one) => one !== migrateAddon);
  const executions = [executionArnOf(migrateAddon, '*')];
  return [
    {
      actions: ['states:StartExecution'],
      resources: [migrateAddon.stateMachineArn],
      why: 'starts the requested migration',
    },
    {
      actions: ['states:DescribeExecution'],
      resources: executions,
      why: "checks whether a migration that holds the subject's lock is still running, waits for the end of the migration that it starts, and reports how its execution ended",
    },
    {
      actions: ['states:DescribeExecution'],
      resources: others.map((one) => executionArnOf(one, '*')),
      why: "checks whether a rollback, or a retirement, that holds the subject's lock is still running",
    },
    {
      actions: ['states:StopExecution'],
      resources: executions,
      why: 'Systems Manager may stop the execution of a runbook that is cancelled, and Recover then takes over',
    },
    {
      actions: ['dynamodb:GetItem'],
      resources: [tableArn],
      why: "reads who holds the subject's lock, and the migration's record for the report",
    },
    ...(keyArn === undefined
      ? []
      : [
          ledgerKeyGrant(keyArn, tableName),
          executionKeyGrant(
            keyArn,
            holders.map((one) => one.stateMachineArn),
          ),
        ]),
  ];
};
