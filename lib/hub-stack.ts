import { type CfnOutput, Lazy, Stack, type StackProps } from 'aws-cdk-lib';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { Api } from './api/api.ts';
import { type Config, readConfig } from './config.ts';
import { Denials } from './events/denials.ts';
import { Notifications } from './events/notifications.ts';
import { Publishing } from './events/publishing.ts';
import { CustomerKey } from './key/customer-key.ts';
import { LedgerTable } from './ledger/table.ts';
import { holdersOf, type Machines } from './migration/permissions.ts';
import { MigrateAddon } from './migration/state-machine.ts';
import { Operations } from './operations/operations.ts';
import { createOutputs } from './outputs.ts';
import { applyPermissionsBoundary } from './permissions-boundary.ts';
import { Recover } from './recovery/state-machine.ts';
import { RecoveryTriggers } from './recovery/triggers.ts';
import { Retire } from './retire/state-machine.ts';
import { Runbook } from './runbook/runbook.ts';
import { Steps } from './steps.ts';
import { SweepBucket } from './sweep/bucket.ts';
import { Schedules } from './sweep/schedules.ts';
import { Sweep, type SweepProps } from './sweep/state-machine.ts';

export interface HubStackProps extends StackProps {
  /** Folder with a bundle for each step. */
  lambdaDirectory: string;
  /** See `readConfig`. */
  forEveryRole?: boolean;
  /** See `readConfig`. */
  configFolder?: string | undefined;
}

function createMachines(scope: Construct, { bucket, ...props }: SweepProps): Machines {
  const { stateMachine: migrateAddon } = new MigrateAddon(scope, 'MigrateAddon', props);
  const { stateMachine: recover } = new Recover(scope, 'Recover', props);
  const retire = props.steps.versions['retire-trust'] && new Retire(scope, 'Retire', props).stateMachine;
  const { stateMachine: sweep } = new Sweep(scope, 'Sweep', { ...props, bucket });
  return { migrateAddon, recover, retire, sweep };
}

/** Returns the ARNs of state machines as lazy values, because they are created after the steps that they call. */
const lazyArns = (machines: () => Machines) => ({
  stateMachineArn: Lazy.string({ produce: () => machines().migrateAddon.stateMachineArn }),
  recoverStateMachineArn: Lazy.string({ produce: () => machines().recover.stateMachineArn }),
  sweepStateMachineArn: Lazy.string({ produce: () => machines().sweep.stateMachineArn }),
  retireStateMachineArn: Lazy.string({ produce: () => machines().retire?.stateMachineArn }),
});

interface DeliveryOptions {
  machines: Machines;
  steps: Steps;
  config: Config;
  deadLetterQueue: sqs.IQueue;
  key?: kms.IKey;
}

/** Creates the rules that publish events, handle denied calls and send notifications, and returns them. */
function createDeliveries(
  scope: Construct,
  { machines, steps, config, deadLetterQueue, ...sealed }: DeliveryOptions,
): events.IRule[] {
  const publishing = new Publishing(scope, 'Publishing', {
    machines: [machines.migrateAddon, machines.recover],
    publishEvents: steps.versions['publish-events'],
    deadLetterQueue,
  });
  const { 'diagnose-denial': diagnoseDenial } = steps.versions;
  const denied =
    diagnoseDenial && new Denials(scope, 'Denials', { diagnoseDenial, deadLetterQueue, accounts: config.accounts });
  const told = new Notifications(scope, 'Notifications', {
    notifications: config.notifications,
    deadLetterQueue,
    ...sealed,
  });
  return [...publishing.rules, ...(denied?.rules ?? []), ...told.rules];
}

/**
 * The stack of the service: the ledger, the steps' Lambdas, the state machines that call them, the triggers of Recover,
 * the events and notifications, and the alarms. It also has the API, the runbook and the rule on denied calls, unless
 * they are disabled, and Retire if trust policies may be changed.
 */
export class HubStack extends Stack {
  readonly outputs: CfnOutput[];
  readonly config: Config;

  constructor(scope: Construct, id: string, props: HubStackProps) {
    // Deleting the stack would stop every migration midway, and remove what could roll it back.
    super(scope, id, { terminationProtection: true, ...props, suppressTemplateIndentation: true });
    const config = readConfig(this.node, props);
    this.config = config;
    const { customerKey, permissionsBoundaryArn } = config;
    if (permissionsBoundaryArn !== undefined) applyPermissionsBoundary(this, permissionsBoundaryArn);
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
      ...lazyArns(() => machines),
    });
    const machines = createMachines(this, { steps, tableName: table.tableName, bucket, ...sealed });
    steps.allowExecutions(machines);
    const { migrateAddon, recover } = machines;
    const { deadLetterQueue, rules } = new RecoveryTriggers(this, 'RecoveryTriggers', {
      migrateAddon,
      recover,
      findStranded: steps.versions['find-stranded'],
      ...sealed,
    });
    const eventRules = createDeliveries(this, { machines, steps, config, deadLetterQueue, ...sealed });
    // oxlint-disable-next-line eslint/no-new -- a construct adds itself to its scope.
    new Schedules(this, 'Schedules', {
      sweeps: config.sweeps,
      startSweep: steps.versions['start-sweep'],
      deadLetterQueue,
      ...sealed,
    });
    const api =
      steps.versions.api &&
      new Api(this, 'Api', { handler: steps.versions.api, accessLog: config.deploy.apiAccessLog, ...sealed });
    const watched = {
      ...machines,
      startSweep: steps.lambdas['start-sweep'].function,
      table,
      functions: Object.values(steps.lambdas).map((one) => one.function),
      rules,
      eventRules,
      diagnoseDenial: steps.lambdas['diagnose-denial']?.function,
      deadLetterQueue,
      api: api?.restApi.deploymentStage,
    };
    // oxlint-disable-next-line eslint/no-new -- a construct adds itself to its scope.
    new Operations(this, 'Operations', { watched, alarmTopicArn: config.alarmTopicArn });
    const runbook = config.deploy.runbook
      ? new Runbook(this, 'Runbook', { migrateAddon, holders: holdersOf(machines), table, ...sealed })
      : undefined;

    this.outputs = createOutputs(this, { ...machines, table, bucket, steps, api, runbook, config });
  }
}
