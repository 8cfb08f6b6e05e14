import { resolve } from 'node:path';
import type { Node } from 'constructs';
import { z } from 'zod';
import type { ChangeWindow } from '../lambdas/domain/waiting/change-window.ts';
import { EVERY_ACCOUNT } from '../lambdas/domain/aws/spokes.ts';
import { printable } from '../lambdas/domain/text/text.ts';
import type { StepName } from '../lambdas/steps/schemas.ts';
import { ConfigurationError, defaultFile, readConfigFile, WHERE_TO_LOOK } from './config-file.ts';
import { meantBy, type Problem, problemsIn, section } from './config-problems.ts';
import type { Network } from './network/interfaces.ts';
import { everyRole } from './role-pattern.ts';
import { type Settings, settings } from './settings.ts';

/** What the stack is made by: the settings, each with its default. */
export interface Config {
  passableRoleArns: string[];
  /** Absent: trust policies are only read. */
  repairableRoleArns?: string[];
  /** Which roles may be given to which service accounts, whatever else says so. */
  roleGrants: Settings['roleGrants'];
  permissionsBoundaryArn?: string;
  /** Absent: AWS's own keys. */
  customerKey?: 'create' | { arn: string };
  /** Of the Lambdas that call API servers. Absent: they are in no VPC. */
  network?: Network;
  /** Absent: alarms do nothing but show. */
  alarmTopicArn?: string;
  logLevel: Settings['logLevel'];
  /** What is deployed beside the state machines. */
  deploy: Settings['deploy'];
  /** Other accounts whose clusters may be asked for, and whose events are taken; the stack's own may be among them. */
  accounts: string[];
  /** That a sweep looks at. Absent: the stack's own. */
  regions?: string[];
  /** Started by the clock. */
  sweeps: Settings['sweeps'];
  approvals: Settings['approvals'];
  /** Requests may narrow it. Absent: at any time. */
  changeWindow?: ChangeWindow;
  /** `topicArn`, `emails`, or neither: then nobody is told. */
  notifications: Settings['notifications'];
  denials: Settings['denials'];
  /** How many migrations may wait at once. */
  waiting: Settings['waiting'];
  /** Of the steps that it names; none of the others. */
  reservedConcurrency: Settings['reservedConcurrency'];
}

/**
 * The steps that write trust policies: who may do that can become those roles, so they are deployed by consent alone.
 */
const TRUST_STEPS = ['repair-trust', 'retire-trust'] as const satisfies StepName[];
export type TrustStep = (typeof TRUST_STEPS)[number];

const isTrustStep = (step: StepName): step is TrustStep => TRUST_STEPS.some((one) => one === step);

/** Steps that are no part of a state machine, and the setting that switches each off. */
const SWITCHES = { api: 'api', 'diagnose-denial': 'denialRule' } as const satisfies Partial<
  Record<StepName, keyof Config['deploy']>
>;
type SwitchedStep = keyof typeof SWITCHES;
const isSwitched = (step: StepName): step is SwitchedStep => Object.hasOwn(SWITCHES, step);
/** Steps that not every deployment has. */
export type OptionalStep = TrustStep | SwitchedStep;

export const isDeployed = (
  step: StepName,
  { repairableRoleArns, deploy }: Pick<Config, 'repairableRoleArns' | 'deploy'>,
): boolean => (isSwitched(step) ? deploy[SWITCHES[step]] : repairableRoleArns !== undefined || !isTrustStep(step));

const textAsList = (value: unknown): unknown =>
  typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value;
/** `create` is another word for `true`. */
const textAsYes = (value: unknown): unknown =>
  value === 'true' || value === 'create' ? true : value === 'false' ? false : value;
const asItIs = (value: unknown): unknown => value;

interface ContextSetting {
  key: string;
  path: [string, ...string[]];
  /** What its value comes to: the command line has text alone. */
  read: (value: unknown) => unknown;
}
/** Keys of the CDK context, and which setting each is. */
const CONTEXT_SETTINGS: ContextSetting[] = [
  { key: 'passableRoleArns', path: ['passableRoleArns'], read: textAsList },
  { key: 'repairableRoleArns', path: ['repairableRoleArns'], read: textAsList },
  { key: 'permissionsBoundaryArn', path: ['permissionsBoundaryArn'], read: asItIs },
  { key: 'customerKey', path: ['customerKey'], read: textAsYes },
  { key: 'subnetIds', path: ['network', 'subnetIds'], read: textAsList },
  { key: 'securityGroupIds', path: ['network', 'securityGroupIds'], read: textAsList },
  { key: 'alarmTopicArn', path: ['alarmTopicArn'], read: asItIs },
  { key: 'logLevel', path: ['logLevel'], read: asItIs },
];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The same settings with that one; what stands in its way is no group, and will be refused as it is. */
function withSetting(
  given: Record<string, unknown>,
  [name, ...rest]: string[],
  value: unknown,
): Record<string, unknown> {
  if (name === undefined) return given;
  if (rest.length === 0) return { ...given, [name]: value };
  const { [name]: group = {} } = given;
  return isRecord(group) ? { ...given, [name]: withSetting(group, rest, value) } : given;
}

/** Keys that have nothing, left out: a property that is there has a value. */
const withoutUndefined = <Of extends object>(all: Of) =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Of]: Exclude<Of[Key], undefined>;
  };

/** What was meant for this app: other tools may have keys of their own in the context, and CDK has many. */
function misplaced(keys: readonly string[]): Problem[] {
  const known = [...CONTEXT_SETTINGS.map(({ key }) => key), 'config'];
  return keys
    .filter((key) => !known.includes(key))
    .flatMap((key) => {
      if (Object.hasOwn(settings.shape, key.replace(/\..*/s, '')))
        return [{ path: [key], message: 'can be set in the configuration file alone: -c config=FILE' }];
      const meant = meantBy(key, known);
      return meant === undefined ? [] : [{ path: [key], message: `is no setting: did you mean ${meant}?` }];
    });
}

export interface ConfigOptions {
  /**
   * Whatever is set, every role of every account may be passed and repaired, and everything is deployed; the sandbox's
   * assembly is so.
   */
  forEveryRole?: boolean;
  /** Folder whose configuration file counts where the context names none. Left out, there is no such file. */
  configFolder?: string | undefined;
}

/**
 * Reads and checks the configuration: the file that the context's key `config` names, as it is from the current
 * directory, or that of `configFolder`; the context's other keys go before it. Throws ConfigurationError, which names
 * each wrong setting, where it stands, what it must be, and where to look.
 */
export function readConfig(node: Node, { forEveryRole = false, configFolder }: ConfigOptions = {}): Config {
  const named: unknown = node.tryGetContext('config');
  if (named !== undefined && (typeof named !== 'string' || named === ''))
    throw new ConfigurationError(
      `The CDK context's key config must be the path of a configuration file: -c config=FILE. ${WHERE_TO_LOOK}.`,
    );
  const file = typeof named === 'string' ? named : configFolder === undefined ? undefined : defaultFile(configFolder);
  const inFile = file === undefined ? {} : readConfigFile(resolve(file));

  const inContext = CONTEXT_SETTINGS.flatMap(({ key, path, read }) => {
    const value: unknown = node.tryGetContext(key);
    return value === undefined ? [] : [{ key, path, value: read(value) }];
  });
  const given = inContext.reduce((all, { path, value }) => withSetting(all, path, value), inFile);
  // Which no pattern that is taken can name.
  const every = forEveryRole ? { passableRoleArns: [everyRole()], repairableRoleArns: [everyRole()] } : undefined;
  const patterns = z.array(z.string());
  const parsed = every
    ? settings.extend({ passableRoleArns: patterns, repairableRoleArns: patterns }).safeParse({ ...given, ...every })
    : settings.safeParse(given);

  const problems = parsed.success ? [] : parsed.error.issues.flatMap(problemsIn);
  /** In the context, under the context's own key, where it is set there or its key would be the way to set it. */
  const placed = problems.map(({ path, message }): Problem & { ofContext: boolean } => {
    const setting = CONTEXT_SETTINGS.find((one) => one.path.every((part, index) => path[index] === part));
    if (setting === undefined) return { path, message, ofContext: false };
    const [group, ...inGroup] = setting.path;
    const isUnset = file === undefined || (inGroup.length > 0 && !Object.hasOwn(inFile, group));
    if (!isUnset && !inContext.some(({ key }) => key === setting.key)) return { path, message, ofContext: false };
    return { path: [setting.key, ...path.slice(setting.path.length)], message, ofContext: true };
  });
  const ofContext = [
    ...placed.filter((one) => one.ofContext),
    ...misplaced(Object.keys(node.getAllContext() as object)),
  ];
  if (!parsed.success || ofContext.length > 0) {
    const lines = [
      ...section(
        `Correct in the file ${printable(file ?? '')}:`,
        placed.filter((one) => !one.ofContext),
      ),
      ...section('Correct in the CDK context, in cdk.json under "context", or with -c key=value:', ofContext),
    ];
    throw new ConfigurationError([`The configuration is not right: ${WHERE_TO_LOOK}.`, ...lines].join('\n'));
  }
  const { $schema: _, accounts, deploy, notifications, ...rest } = parsed.data;
  const everything = {
    deploy: { api: true, apiAccessLog: true, runbook: true, denialRule: true },
    notifications: { ...notifications, emails: ['operator@example.com'] },
    // On the sandbox's own terminal nobody is authenticated.
    approvals: { ...rest.approvals, allowUnknownRequester: true },
  };
  return {
    ...withoutUndefined(rest),
    ...(forEveryRole ? everything : { deploy, notifications }),
    accounts: forEveryRole ? [EVERY_ACCOUNT] : accounts,
  };
}
