/** Synthesises the template with every optional feature in this process, and collects the reasons of its grants. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack as CdkStack, type App } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { z } from 'zod';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import { createApp } from '../../lib/app.ts';
import { executionGrantsOf, type Grant, grantsOf, holdersOf, type Machines } from '../../lib/migration/permissions.ts';
import { isConnected, networkInterfaceGrant } from '../../lib/network/interfaces.ts';
import {
  environmentKeyGrant,
  logDeliveryKeyGrant,
  mapKeyGrant,
  stateMachineKeyGrant,
} from '../../lib/permissions/key.ts';
import { runbookGrants } from '../../lib/permissions/runbook.ts';
import { mapBucketGrants, mapGrants, LOCATIONS_LABEL, scheduleGrants } from '../../lib/permissions/sweep.ts';
import { type Assembly, type AssemblyStateMachine, loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { resourcesOfType } from '../../sandbox/assembly/resources.ts';
import { loadStacks, type Stack } from '../../sandbox/assembly/stacks.ts';
import {
  lambdaName,
  machineName,
  RUNBOOK,
  SAMPLE,
  SAMPLE_BOUNDARY,
  SAMPLE_EMAIL,
  SAMPLE_NETWORK,
  SAMPLE_OTHER,
  SAMPLE_ROLES,
  SCHEDULER,
} from './names.ts';
import { conditionText, type Reason } from './rights.ts';

/** A policy of a resource other than a role: a queue, a table or a key. */
export interface ResourcePolicy {
  /** Logical id of the resource that contains it. */
  logicalId: string;
  type: string;
  document: unknown;
}

/** Optional settings that add rights. A right that needs two of them is listed with the first. */
export const SWITCHES = [
  'customerKey',
  'subnetIds',
  'repairableRoleArns',
  'deploy.api',
  'deploy.denialRule',
  'deploy.runbook',
  'notifications.emails',
  'sweeps',
  'accounts',
] as const;
export type Switch = (typeof SWITCHES)[number];

/** Returns the configuration with all of them except for one, as keys of the CDK context and as content of the file. */
const settingsWithout = (out?: Switch): { context: Record<string, unknown>; file: object } => {
  const has = (one: Switch): boolean => one !== out;
  return {
    context: {
      passableRoleArns: [SAMPLE_ROLES.passableRoleArns],
      ...(has('customerKey') ? { customerKey: true } : {}),
      ...(has('subnetIds') ? SAMPLE_NETWORK : {}),
      ...(has('repairableRoleArns') ? { repairableRoleArns: [SAMPLE_ROLES.repairableRoleArns] } : {}),
    },
    file: {
      // The log needs no right of the stack: API Gateway writes it with a role of the account.
      deploy: {
        api: has('deploy.api'),
        apiAccessLog: has('deploy.api'),
        denialRule: has('deploy.denialRule'),
        runbook: has('deploy.runbook'),
      },
      ...(has('sweeps')
        ? { sweeps: [{ name: 'weekly', schedule: 'rate(7 days)', request: { mode: 'inventory' } }] }
        : {}),
      ...(has('notifications.emails') ? { notifications: { emails: [SAMPLE_EMAIL] } } : {}),
      ...(has('accounts') ? { accounts: [SAMPLE_OTHER] } : {}),
    },
  };
};

/** The synthesised templates as plain data, of which a test changes a copy. */
export interface Template {
  /** Template with every optional feature. */
  assembly: Assembly;
  /** Templates without one of the optional settings each. */
  without: Readonly<Record<Switch, Pick<Template, 'assembly' | 'resourcePolicies'>>>;
  stackName: string;
  /** ARN of the customer's key. */
  keyArn: string;
  /** Log groups by the Lambda's name. */
  logGroups: ReadonlyMap<string, string>;
  /** Reasons by the name of the Lambda, the state machine or the runbook, resolved like the template. */
  reasons: ReadonlyMap<string, readonly Reason[]>;
  resourcePolicies: readonly ResourcePolicy[];
  /** Names of the buckets and the queues by their physical names. */
  kept: ReadonlyMap<string, string>;
  /** Physical names of all resources. */
  types: readonly string[];
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const machinesOf = (app: App): Machines => {
  const machines = new Map(
    app.node
      .findAll()
      .filter((one) => one instanceof sfn.StateMachine)
      .map((one) => [one.node.scope?.node.id ?? '', one]),
  );
  const [migrateAddon, recover, sweep] = [machines.get('MigrateAddon'), machines.get('Recover'), machines.get('Sweep')];
  if (migrateAddon === undefined || recover === undefined || sweep === undefined)
    throw new Error(
      `The app has no state machines MigrateAddon, Recover and Sweep, but ${[...machines.keys()].join(', ')}.`,
    );
  return { migrateAddon, recover, retire: machines.get('Retire'), sweep };
};

/** Schedules as in lib/sweep/schedules.ts. */
const scheduleTarget = z.object({ arn: z.string(), deadLetterConfig: z.object({ arn: z.string() }) });
const schedulesOf = (app: App): { target: z.infer<typeof scheduleTarget> }[] =>
  app.node
    .findAll()
    .flatMap((one) => (one instanceof scheduler.CfnSchedule ? [{ target: scheduleTarget.parse(one.target) }] : []));

/** Returns the options for the grants of the steps in the sample account, as in lib/steps.ts. */
const grantOptions = (app: App, { tables }: Assembly, keyArn: string) => {
  const arnOf = (role: string): string => `arn:aws:iam::${SAMPLE.account}:${role}`;
  const [table] = tables;
  return {
    tableArn: table?.arn ?? '',
    bucketArn: app.node.findAll().find((one) => one instanceof s3.Bucket)?.bucketArn ?? '',
    passableRoleArns: [arnOf(SAMPLE_ROLES.passableRoleArns)],
    repairableRoleArns: [arnOf(SAMPLE_ROLES.repairableRoleArns)],
    comparesApprovers: true,
    accounts: [SAMPLE_OTHER],
    ledgerKey: { keyArn, tableName: table?.name ?? '' },
  };
};

/** Returns a grant's reasons. `textOf` replaces tokens by their values in the deployed template. */
const reasonsFor = (
  { actions, resources, conditions = {}, why }: Grant,
  textOf: (token: unknown) => string,
): Reason[] => {
  const resolved = Object.entries(conditions).map(([operator, keys]) => [
    operator,
    Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, [values].flat().map(textOf)])),
  ]);
  const condition = conditionText(Object.fromEntries(resolved) as Parameters<typeof conditionText>[0]);
  return actions.flatMap((action) =>
    resources.map((resource) => ({ action, resource: textOf(resource), condition, why })),
  );
};

const machineGrants = (
  one: AssemblyStateMachine,
  { sweep }: Machines,
  { bucketArn, ledgerKey: { keyArn } }: ReturnType<typeof grantOptions>,
): Grant[] => [
  stateMachineKeyGrant(keyArn, one.arn),
  logDeliveryKeyGrant(keyArn),
  ...(machineName(one) === 'Sweep'
    ? [...mapGrants(sweep), ...mapBucketGrants(bucketArn, keyArn), mapKeyGrant(keyArn, one.arn, LOCATIONS_LABEL)]
    : []),
];

/** Returns the reasons of all grants by the name of the Lambda, the state machine, the schedules or the runbook. */
const reasonsOf = (app: App, assembly: Assembly, stack: Stack, keyArn: string): Map<string, Reason[]> => {
  const machines = machinesOf(app);
  const cdk = CdkStack.of(machines.migrateAddon);
  const textOf = (token: unknown): string => stack.resolver.textOf(cdk.resolve(token), { template: 'grants' });
  const options = grantOptions(app, assembly, keyArn);
  const grants: [string, Grant[]][] = [
    ...assembly.functions.map((one): [string, Grant[]] => {
      const step = lambdaName(one) as StepName;
      return [
        step,
        [
          ...grantsOf(step, options),
          ...executionGrantsOf(step, machines),
          environmentKeyGrant(keyArn, one.arn),
          ...(isConnected(step) ? [networkInterfaceGrant()] : []),
        ],
      ];
    }),
    ...assembly.stateMachines.map((one): [string, Grant[]] => [
      machineName(one),
      machineGrants(one, machines, options),
    ]),
    [
      SCHEDULER,
      schedulesOf(app).flatMap(({ target }) =>
        scheduleGrants({ functionArn: target.arn, queueArn: target.deadLetterConfig.arn, keyArn }),
      ),
    ],
    [
      RUNBOOK,
      runbookGrants({
        migrateAddon: machines.migrateAddon,
        holders: holdersOf(machines),
        tableArn: options.tableArn,
        tableName: options.ledgerKey.tableName,
        keyArn,
      }),
    ],
  ];
  return new Map(grants.map(([name, all]) => [name, all.flatMap((grant) => reasonsFor(grant, textOf))]));
};

const logGroupsOf = (stack: Stack): Map<string, string> =>
  new Map(
    resourcesOfType(stack, 'AWS::Lambda::Function').map(
      ({ properties: { Handler: handler, LoggingConfig: logging } }) => [
        lambdaName({ handler: String(handler) }),
        isRecord(logging) ? String(logging['LogGroup']) : '',
      ],
    ),
  );

/** Returns the policy documents anywhere in a resource. */
export const documentsIn = (value: unknown): unknown[] => {
  if (Array.isArray(value)) return value.flatMap(documentsIn);
  if (!isRecord(value)) return [];
  const { Statement: statement } = value;
  // Of an event bus, whose policy consists of these resources.
  if (isRecord(statement) && statement['Effect'] !== undefined) return [{ Statement: [statement] }];
  return Array.isArray(statement) ? [value] : Object.values(value).flatMap(documentsIn);
};

/** Physical name and readable name. */
const keptIn = (stack: Stack): Map<string, string> =>
  new Map(
    (
      [
        ['AWS::S3::Bucket', 'BUCKET'],
        ['AWS::SQS::Queue', 'DEAD-LETTERS'],
      ] as const
    ).flatMap(([type, name]) =>
      resourcesOfType(stack, type).map(({ logicalId, where }): [string, string] => [
        stack.resolver.attribute(logicalId, 'Arn', where).split(':').at(-1) ?? '',
        name,
      ]),
    ),
  );

export const typesOf = (stack: Stack): string[] => [
  ...new Set(Object.values(stack.resolver.resources).map((resource) => String(resource['Type']))),
];

/** Returns the policies of resources outside of IAM, because policies in IAM belong to roles. */
const resourcePoliciesOf = (stack: Stack): ResourcePolicy[] =>
  typesOf(stack)
    .filter((type) => !type.startsWith('AWS::IAM::'))
    .flatMap((type) =>
      resourcesOfType(stack, type).flatMap(({ logicalId, properties }) =>
        documentsIn(properties).map((document) => ({ logicalId, type, document })),
      ),
    );

/** Synthesises with every optional feature, and without each one. Throws the errors of the synthesis. */
export const synthesisedTemplate = (): Template => {
  const folder = mkdtempSync(join(tmpdir(), 'permissions-'));
  try {
    // Rights do not depend on the code.
    const lambdaDirectory = join(folder, 'lambda');
    mkdirSync(lambdaDirectory);
    const synthesise = (
      name: string,
      { context, file }: ReturnType<typeof settingsWithout>,
    ): { app: App; assembly: Assembly; stack: Stack } => {
      const [directory, config] = [join(folder, name), join(folder, `${name}.json`)];
      writeFileSync(config, JSON.stringify(file));
      const app = createApp({ outdir: directory, lambdaDirectory, context: { ...context, config } });
      app.synth();
      const [stack, ...others] = loadStacks(directory, SAMPLE);
      if (stack === undefined || others.length > 0)
        throw new Error('docs/permissions.md is made for one stack; teach scripts/permissions/template.ts more.');
      return { app, assembly: loadAssembly(directory, SAMPLE), stack };
    };
    const { context, file } = settingsWithout();
    const { app, assembly, stack } = synthesise('all', {
      context: { ...context, permissionsBoundaryArn: SAMPLE_BOUNDARY },
      file,
    });
    const without = SWITCHES.map((out): [Switch, Template['without'][Switch]] => {
      const other = synthesise(`without-${out}`, settingsWithout(out));
      return [out, { assembly: other.assembly, resourcePolicies: resourcePoliciesOf(other.stack) }];
    });
    const [key] = resourcesOfType(stack, 'AWS::KMS::Key');
    const keyArn = key === undefined ? '' : stack.resolver.attribute(key.logicalId, 'Arn', key.where);
    return {
      assembly,
      without: Object.fromEntries(without) as Template['without'],
      stackName: stack.resolver.environment.stackName,
      keyArn,
      logGroups: logGroupsOf(stack),
      reasons: reasonsOf(app, assembly, stack, keyArn),
      resourcePolicies: resourcePoliciesOf(stack),
      kept: keptIn(stack),
      types: typesOf(stack),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
