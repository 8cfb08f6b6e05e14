import { join } from 'node:path';
import { type CfnOutput, Lazy, Stack } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { Api } from './api/api.ts';
import type { Config } from './config.ts';
import { ConfigurationError } from './config-error.ts';
import { Denials } from './events/denials.ts';
import { Notifications } from './events/notifications.ts';
import { Publishing } from './events/publishing.ts';
import { EVERY_ROLE } from './every-role.ts';
import { setFeatureFlags } from './feature-flags.ts';
import { CustomerKey } from './key/customer-key.ts';
import { LedgerTable } from './ledger/table.ts';
import { holdersOf, type Machines } from './migration/permissions.ts';
import { MigrateAddon } from './migration/state-machine.ts';
import { Operations } from './operations/operations.ts';
import { createOutputs, type Deployed, kubernetesRolesOf } from './outputs.ts';
import { applyPermissionsBoundary } from './permissions-boundary.ts';
import { configOfProperties } from './properties.ts';
import { Recover } from './recovery/state-machine.ts';
import { RecoveryTriggers } from './recovery/triggers.ts';
import { Retire } from './retire/state-machine.ts';
import { Runbook } from './runbook/runbook.ts';
import type { MigratorSettings } from './settings-types.ts';
import { Steps } from './steps.ts';
import { SweepBucket } from './sweep/bucket.ts';
import { Schedules } from './sweep/schedules.ts';
import { Sweep, type SweepProps } from './sweep/state-machine.ts';

/** Folder of the Lambdas' bundles in the package, relative to this module's bundle. Only the package defines it. */
declare const PACKAGED_LAMBDAS: string | undefined;

/** Returns the folder of the Lambdas' bundles. Throws `ConfigurationError` if there is none. */
function folderOfLambdas(given: string | undefined): string {
  if (given !== undefined) return given;
  if (typeof PACKAGED_LAMBDAS === 'string') return join(import.meta.dirname, PACKAGED_LAMBDAS);
  throw new ConfigurationError(
    'lambdaDirectory must name the folder with the bundles of the Lambdas, which only the package contains. Create it with npm run build, and pass dist/lambda.',
  );
}

/** The properties of the hub: the settings of the configuration file. */
export interface PodIdentityMigratorProps extends MigratorSettings {
  /** Folder with a bundle for each Lambda. Default: the one in the package. */
  lambdaDirectory?: string;
  /** @internal */
  [EVERY_ROLE]?: boolean;
}

/** The ARNs of the roles that need access entries in each cluster, by purpose. */
export interface KubernetesRoleArns {
  /** Roles that call API servers. */
  read: string[];
  /** Those that also restart workloads. */
  restart: string[];
  /** Those that also change annotations of service accounts. */
  annotate: string[];
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

/** Creates everything that the service consists of. */
function createService(scope: Construct, config: Config, lambdaDirectory: string): Deployed {
  const { customerKey, permissionsBoundaryArn } = config;
  if (permissionsBoundaryArn !== undefined) applyPermissionsBoundary(scope, permissionsBoundaryArn);
  const sealed: { key?: kms.IKey } =
    customerKey === undefined ? {} : { key: new CustomerKey(scope, 'CustomerKey', customerKey).key };
  const { table } = new LedgerTable(scope, 'Ledger', sealed);
  const { bucket } = new SweepBucket(scope, 'Sweeps', sealed);
  const steps = new Steps(scope, 'Steps', {
    table,
    bucket,
    lambdaDirectory,
    config,
    ...sealed,
    ...lazyArns(() => machines),
  });
  const machines = createMachines(scope, { steps, tableName: table.tableName, bucket, ...sealed });
  steps.allowExecutions(machines);
  const { migrateAddon, recover } = machines;
  const { deadLetterQueue, rules } = new RecoveryTriggers(scope, 'RecoveryTriggers', {
    migrateAddon,
    recover,
    findStranded: steps.versions['find-stranded'],
    ...sealed,
  });
  const eventRules = createDeliveries(scope, { machines, steps, config, deadLetterQueue, ...sealed });
  // oxlint-disable-next-line eslint/no-new -- a construct adds itself to its scope.
  new Schedules(scope, 'Schedules', {
    sweeps: config.sweeps,
    startSweep: steps.versions['start-sweep'],
    deadLetterQueue,
    ...sealed,
  });
  const api =
    steps.versions.api &&
    new Api(scope, 'Api', { handler: steps.versions.api, accessLog: config.deploy.apiAccessLog, ...sealed });
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
  new Operations(scope, 'Operations', { watched, alarmTopicArn: config.alarmTopicArn });
  const runbook = config.deploy.runbook
    ? new Runbook(scope, 'Runbook', { migrateAddon, holders: holdersOf(machines), table, ...sealed })
    : undefined;
  return { ...machines, table, bucket, steps, api, runbook, config, ...sealed };
}

/**
 * The service: the ledger, the steps' Lambdas, the state machines that call them, the triggers of Recover, the events
 * and notifications, and the alarms. It also has the API, the runbook and the rule on denied calls, unless they are
 * disabled, and Retire if trust policies may be changed. Deleting it stops every migration midway, and removes what
 * could roll it back; only the ledger, the bucket and a key that it created are kept.
 */
export class PodIdentityMigrator extends Construct {
  /** State machine that migrates an add-on or a workload. */
  readonly migrateAddon: sfn.IStateMachine;
  /** State machine that takes over executions that stopped. */
  readonly recover: sfn.IStateMachine;
  /** State machine that migrates a fleet. */
  readonly sweep: sfn.IStateMachine;
  /** State machine that removes old trust. Only with `repairableRoleArns`. */
  readonly retire: sfn.IStateMachine | undefined;
  /** Table of the ledger. */
  readonly table: dynamodb.ITable;
  /** Bucket with the inventories and reports of sweeps. */
  readonly bucket: s3.IBucket;
  /** Key that encrypts all stored data, if there is one. */
  readonly key: kms.IKey | undefined;
  /** URL of the HTTP API, unless it is disabled. */
  readonly apiUrl: string | undefined;
  /** Name of the Systems Manager Automation document, unless it is disabled. */
  readonly runbookName: string | undefined;
  /** Roles that need access entries in each cluster. */
  readonly kubernetesRoleArns: KubernetesRoleArns;
  private readonly service: Deployed;

  /** Throws an error that names each invalid property. */
  constructor(scope: Construct, id: string, props: PodIdentityMigratorProps) {
    super(scope, id);
    const { lambdaDirectory, [EVERY_ROLE]: forEveryRole = false, ...settings } = props;
    const config = configOfProperties(this.node.path, settings, forEveryRole);
    setFeatureFlags(this);
    const service = createService(this, config, folderOfLambdas(lambdaDirectory));
    this.service = service;
    const { migrateAddon, recover, sweep, retire, table, bucket, key } = service;
    this.migrateAddon = migrateAddon;
    this.recover = recover;
    this.sweep = sweep;
    this.retire = retire;
    this.table = table;
    this.bucket = bucket;
    this.key = key;
    this.apiUrl = service.api?.restApi.url;
    this.runbookName = service.runbook?.documentName;
    this.kubernetesRoleArns = kubernetesRolesOf(service.steps);
  }

  /**
   * The settings, with defaults applied.
   *
   * @internal
   */
  get config(): Config {
    return this.service.config;
  }

  /**
   * Creates the outputs that the command line and the stacks in other accounts need, and returns them. If the scope is
   * the stack, which is the default, they have the names in docs/cdk.md. A stack can have the outputs of one hub.
   */
  createOutputs(scope?: Construct): CfnOutput[] {
    return createOutputs(scope ?? Stack.of(this), this.service);
  }
}
