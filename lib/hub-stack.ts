import { CfnOutput, Fn, Lazy, Stack, type StackProps } from 'aws-cdk-lib';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { readConfig } from './config.ts';
import { LedgerTable } from './ledger/table.ts';
import { MigrateAddon } from './migration/state-machine.ts';
import { Recover } from './recovery/state-machine.ts';
import { RecoveryTriggers } from './recovery/triggers.ts';
import { Retire } from './retire/state-machine.ts';
import { Steps } from './steps.ts';

export interface HubStackProps extends StackProps {
  /** Folder with one bundle for each step. */
  lambdaDirectory: string;
}

/** All of the service that is deployed: the ledger, the steps' Lambdas, the state machines that call them, and what starts Recover; with Retire where trust policies may be changed. */
export class HubStack extends Stack {
  readonly outputs: CfnOutput[];

  constructor(scope: Construct, id: string, props: HubStackProps) {
    super(scope, id, props);
    const { table } = new LedgerTable(this, 'Ledger');
    const steps = new Steps(this, 'Steps', {
      table,
      lambdaDirectory: props.lambdaDirectory,
      config: readConfig(this.node),
      recoverStateMachineArn: Lazy.string({ produce: () => recover.stateMachineArn }),
    });
    const { tableName } = table;
    const { stateMachine: migrateAddon } = new MigrateAddon(this, 'MigrateAddon', { steps, tableName });
    const { stateMachine: recover } = new Recover(this, 'Recover', { steps, tableName });
    const retire = this.createRetire(steps, tableName);
    steps.allowExecutions({ migrateAddon, recover, retire });
    // oxlint-disable-next-line eslint/no-new -- a construct adds itself to its scope.
    new RecoveryTriggers(this, 'RecoveryTriggers', { migrateAddon, recover, findStranded: steps.versions['find-stranded'] });

    const { plan, 'verify-pods': verifyPods, 'restart-pods': restartPods, finish, 'retire-trust': retireTrust } = steps.lambdas;
    const readers = [plan, verifyPods, restartPods, finish, ...(retireTrust ? [retireTrust] : [])];
    this.outputs = [
      new CfnOutput(this, 'StateMachineArn', { value: migrateAddon.stateMachineArn, description: 'State machine MigrateAddon.' }),
      new CfnOutput(this, 'RecoverStateMachineArn', { value: recover.stateMachineArn, description: 'State machine Recover.' }),
      ...(retire ? [new CfnOutput(this, 'RetireStateMachineArn', { value: retire.stateMachineArn, description: 'State machine Retire.' })] : []),
      new CfnOutput(this, 'TableName', { value: tableName, description: 'DynamoDB table of the ledger.' }),
      new CfnOutput(this, 'KubernetesRoleArns', {
        value: Fn.join(',', readers.map((step) => step.role.roleArn)),
        description: 'Roles that call the API server of a cluster; each needs an access entry there (the third one may restart workloads).',
      }),
    ];
  }

  /** Only where trust policies may be changed. */
  private createRetire(steps: Steps, tableName: string): sfn.StateMachine | undefined {
    return steps.versions['retire-trust'] && new Retire(this, 'Retire', { steps, tableName }).stateMachine;
  }
}
