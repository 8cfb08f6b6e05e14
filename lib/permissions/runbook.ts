/** What the role of the SSM runbook may do. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Grant } from './grant.ts';
import { executionKeyGrant, ledgerKeyGrant } from './key.ts';

export interface RunbookRights {
  migrateAddon: sfn.IStateMachine;
  /** Of the ledger's table. */
  tableArn: string;
  tableName: string;
  /** The customer's key, where there is one: its ARN. */
  keyArn?: string | undefined;
}

/** An execution has its name only when it is started. `name`: a wildcard, or one of them. */
export const executionArnOf = ({ migrateAddon }: Pick<RunbookRights, 'migrateAddon'>, name: string): string =>
  Stack.of(migrateAddon).formatArn({
    service: 'states',
    resource: 'execution',
    resourceName: `${Stack.of(migrateAddon).splitArn(migrateAddon.stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName ?? ''}:${name}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });

/**
 * The first three are those that the action wants: Systems Manager User Guide, "aws:executeStateMachine", required
 * permissions.
 */
export const runbookGrants = (rights: RunbookRights): Grant[] => {
  const { migrateAddon, tableArn, tableName, keyArn } = rights;
  const executions = [executionArnOf(rights, '*')];
  return [
    {
      actions: ['states:StartExecution'],
      resources: [migrateAddon.stateMachineArn],
      why: 'starts the migration that it is asked for',
    },
    {
      actions: ['states:DescribeExecution'],
      resources: executions,
      why: 'waits for the end of that migration, and reports how its execution ended',
    },
    {
      actions: ['states:StopExecution'],
      resources: executions,
      why: 'Systems Manager may stop the execution of a runbook that is cancelled, and Recover then takes over',
    },
    { actions: ['dynamodb:GetItem'], resources: [tableArn], why: "reads the migration's record for the report" },
    ...(keyArn === undefined
      ? []
      : [ledgerKeyGrant(keyArn, tableName), executionKeyGrant(keyArn, migrateAddon.stateMachineArn)]),
  ];
};
