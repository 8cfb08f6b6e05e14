import { CfnOutput, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { readConfig } from './config.ts';
import { LedgerTable } from './ledger/table.ts';
import { MigrateAddon } from './migration/state-machine.ts';

export interface HubStackProps extends StackProps {
  /** Folder with one bundle for each step. */
  lambdaDirectory: string;
}

/** All of the service that is deployed: the ledger, the steps' Lambdas, and the state machine that calls them. */
export class HubStack extends Stack {
  readonly outputs: CfnOutput[];

  constructor(scope: Construct, id: string, props: HubStackProps) {
    super(scope, id, props);
    const { table } = new LedgerTable(this, 'Ledger');
    const migrateAddon = new MigrateAddon(this, 'MigrateAddon', {
      table,
      lambdaDirectory: props.lambdaDirectory,
      config: readConfig(this.node),
    });

    const { plan, 'verify-pods': verifyPods, 'restart-pods': restartPods } = migrateAddon.lambdas;
    this.outputs = [
      new CfnOutput(this, 'StateMachineArn', { value: migrateAddon.stateMachine.stateMachineArn, description: 'State machine MigrateAddon.' }),
      new CfnOutput(this, 'TableName', { value: table.tableName, description: 'DynamoDB table of the ledger.' }),
      new CfnOutput(this, 'KubernetesRoleArns', {
        value: Fn.join(',', [plan, verifyPods, restartPods].map((step) => step.role.roleArn)),
        description: 'Roles that call the API server of a cluster; each needs an access entry there (the last one may restart workloads).',
      }),
    ];
  }
}
