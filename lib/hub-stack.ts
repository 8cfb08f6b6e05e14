import { CfnOutput, Fn, Lazy, Stack, type StackProps } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { ACCESS_GROUPS, ACCESS_OF_STEPS, type Purpose } from '../lambdas/domain/access/rules.ts';
import { Api } from './api/api.ts';
import { type Config, readConfig } from './config.ts';
import { Denials } from './events/denials.ts';
import { Notifications } from './events/notifications.ts';
import { Publishing } from './events/publishing.ts';
import { CustomerKey } from './key/customer-key.ts';
import { LedgerTable } from './ledger/table.ts';
import { MigrateAddon } from './migration/state-machine.ts';
import { Operations } from './operations/operations.ts';
import { Recover } from './recovery/state-machine.ts';
import { RecoveryTriggers } from './recovery/triggers.ts';
import { Retire } from './retire/state-machine.ts';
import { Runbook } from './runbook/runbook.ts';
import { hubOutputs } from './spokes/parameters.ts';
import { Steps } from './steps.ts';
import { SweepBucket } from './sweep/bucket.ts';
import { Schedules } from './sweep/schedules.ts';
import { Sweep } from './sweep/state-machine.ts';

/** That each is the name of a Lambda is seen where it is looked up: another one would not compile. */
const ACCESS_STEPS = Object.keys(ACCESS_OF_STEPS) as (keyof typeof ACCESS_OF_STEPS)[];

export interface HubStackProps extends StackProps {
  /** Folder with one bundle for each step. */
  lambdaDirectory: string;
  /** See `readConfig`. */
  forEveryRole?: boolean;
  /** See `readConfig`. */
  configFolder?: string | undefined;
}

/**
 * All of the service that is deployed: the ledger, the steps' Lambdas, the state machines that call them, what starts
 * Recover and what tells others, and the alarms; with the API, the runbook and the rule on denied calls, unless they
 * are switched off, and with Retire where trust policies may be changed.
 */
export class HubStack extends Stack {
  readonly outputs: CfnOutput[];
  readonly config: Config;

  constructor(scope: Construct, id: string, props: HubStackProps) {
    super(scope, id, props);
    const config = readConfig(this.node, props);
    this.config = config;
    const { customerKey, permissionsBoundaryArn } = config;
    if (permissionsBoundaryArn !== undefined)
      iam.PermissionsBoundary.of(this).apply(
        iam.ManagedPolicy.fromManagedPolicyArn(this, 'PermissionsBoundary', permissionsBoundaryArn),
      );
    const sealed: { key?: kms.IKey } =
      customerKey === undefined ? {} : { key: new CustomerKey(this, 'CustomerKey', customerKey).key };
    const { table } = new LedgerTable(this, 'Ledger', sealed);
    const { bucket } = new SweepBucket(this, 'Sweeps', sealed);
    const steps = new Steps(this, 'Steps', {
      table,
      bucket,
      lambdaDirectory: props.lambdaDirectory,
      config,
      ...sealed,
      stateMachineArn: Lazy.string({ produce: () => migrateAddon.stateMachineArn }),
      recoverStateMachineArn: Lazy.string({ produce: () => recover.stateMachineArn }),
      sweepStateMachineArn: Lazy.string({ produce: () => sweep.stateMachineArn }),
    });
    const { tableName } = table;
    const { stateMachine: migrateAddon } = new MigrateAddon(this, 'MigrateAddon', { steps, tableName, ...sealed });
    const { stateMachine: recover } = new Recover(this, 'Recover', { steps, tableName, ...sealed });
    const retire =
      steps.versions['retire-trust'] && new Retire(this, 'Retire', { steps, tableName, ...sealed }).stateMachine;
    const { stateMachine: sweep } = new Sweep(this, 'Sweep', { steps, tableName, bucket, ...sealed });
    steps.allowExecutions({ migrateAddon, recover, retire, sweep });
    const { deadLetterQueue, rules } = new RecoveryTriggers(this, 'RecoveryTriggers', {
      migrateAddon,
      recover,
      findStranded: steps.versions['find-stranded'],
      ...sealed,
    });
    const publishing = new Publishing(this, 'Publishing', {
      machines: [migrateAddon, recover],
      publishEvents: steps.versions['publish-events'],
      deadLetterQueue,
    });
    const { 'diagnose-denial': diagnoseDenial } = steps.versions;
    const denied =
      diagnoseDenial && new Denials(this, 'Denials', { diagnoseDenial, deadLetterQueue, accounts: config.accounts });
    const told = new Notifications(this, 'Notifications', {
      notifications: config.notifications,
      deadLetterQueue,
      ...sealed,
    });
    // oxlint-disable-next-line eslint/no-new -- a construct adds itself to its scope.
    new Schedules(this, 'Schedules', {
      sweeps: config.sweeps,
      startSweep: steps.versions['start-sweep'],
      deadLetterQueue,
      ...sealed,
    });
    const watched = {
      migrateAddon,
      recover,
      retire,
      sweep,
      startSweep: steps.lambdas['start-sweep'].function,
      table,
      functions: Object.values(steps.lambdas).map((one) => one.function),
      rules,
      eventRules: [...publishing.rules, ...(denied?.rules ?? []), ...told.rules],
      diagnoseDenial: steps.lambdas['diagnose-denial']?.function,
      deadLetterQueue,
    };
    // oxlint-disable-next-line eslint/no-new -- a construct adds itself to its scope.
    new Operations(this, 'Operations', { watched, alarmTopicArn: config.alarmTopicArn });
    const api =
      steps.versions.api &&
      new Api(this, 'Api', { handler: steps.versions.api, accessLog: config.deploy.apiAccessLog, ...sealed });
    const runbook = config.deploy.runbook
      ? new Runbook(this, 'Runbook', { migrateAddon, table, ...sealed })
      : undefined;

    const rolesFor = (purpose: Purpose): string[] =>
      ACCESS_STEPS.flatMap((step) => {
        const { [step]: one } = steps.lambdas;
        return one && ACCESS_OF_STEPS[step].some((each) => each === purpose) ? [one.role.roleArn] : [];
      });
    this.outputs = [
      new CfnOutput(this, 'StateMachineArn', {
        value: migrateAddon.stateMachineArn,
        description: 'State machine MigrateAddon.',
      }),
      new CfnOutput(this, 'RecoverStateMachineArn', {
        value: recover.stateMachineArn,
        description: 'State machine Recover.',
      }),
      ...(retire
        ? [
            new CfnOutput(this, 'RetireStateMachineArn', {
              value: retire.stateMachineArn,
              description: 'State machine Retire.',
            }),
          ]
        : []),
      new CfnOutput(this, 'SweepStateMachineArn', {
        value: sweep.stateMachineArn,
        description: 'State machine Sweep.',
      }),
      new CfnOutput(this, 'SweepBucketName', {
        value: bucket.bucketName,
        description: 'Bucket of what sweeps find, and of their reports.',
      }),
      new CfnOutput(this, 'TableName', { value: tableName, description: 'DynamoDB table of the ledger.' }),
      ...(api ? [api.output] : []),
      ...(runbook
        ? [
            new CfnOutput(this, 'RunbookName', {
              value: runbook.documentName,
              description: 'SSM Automation document that runs MigrateAddon (see docs/runbook.md).',
            }),
          ]
        : []),
      new CfnOutput(this, 'KubernetesRoleArns', {
        value: Fn.join(',', rolesFor('read')),
        description: `Roles that call the API server of a cluster: each needs an access entry there, in the group ${ACCESS_GROUPS.read} (see docs/kubernetes-access.md).`,
      }),
      new CfnOutput(this, 'KubernetesRestartRoleArns', {
        value: Fn.join(',', rolesFor('restart')),
        description: `Those of them that restart workloads there: in the group ${ACCESS_GROUPS.restart} as well.`,
      }),
      new CfnOutput(this, 'KubernetesAnnotateRoleArns', {
        value: Fn.join(',', rolesFor('annotate')),
        description: `Those of them that change a service account's annotation there: in the group ${ACCESS_GROUPS.annotate} as well.`,
      }),
      ...(config.accounts.length === 0 ? [] : hubOutputs(this, config, (step) => steps.lambdas[step]?.role.roleArn)),
    ];
  }
}
