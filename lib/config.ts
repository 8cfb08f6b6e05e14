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

/** The settings from which the stack is created, with defaults applied. */
export interface Config {
  passableRoleArns: string[];
  /** If absent, trust policies are only read. */
  repairableRoleArns?: string[];
  /** Roles that may be given to service accounts even if no trust policy or association shows it. */
  roleGrants: Settings['roleGrants'];
  permissionsBoundaryArn?: string;
  /** If absent, AWS-owned keys are used. */
  customerKey?: 'create' | { arn: string };
  /** Network of the Lambdas that call API servers. If absent, they are in no VPC. */
  network?: Network;
  /** If absent, alarms notify no one. */
  alarmTopicArn?: string;
  logLevel: Settings['logLevel'];
  /** What is deployed in addition to the state machines. */
  deploy: Settings['deploy'];
  /** Other accounts whose clusters and events the service handles. The stack's own account may be among them. */
  accounts: string[];
  /** Default regions of a sweep. If absent, the stack's own region. */
  regions?: string[];
  /** Sweeps that are started on a schedule. */
  sweeps: Settings['sweeps'];
  approvals: Settings['approvals'];
  /** When changes may begin; a request may narrow it. If absent, at any time. */
  changeWindow?: ChangeWindow;
  /** `topicArn`, `emails`, or neither; then no notifications are sent. */
  notifications: Settings['notifications'];
  denials: Settings['denials'];
  /** Maximum number of migrations that may wait at the same time. */
  waiting: Settings['waiting'];
  /** Reserved concurrency of the steps that it names; the others have none. */
  reservedConcurrency: Settings['reservedConcurrency'];
}

/**
 * The steps that write trust policies. A principal that may do so can assume those roles, so they are deployed only on
 * request.
 */
const TRUST_STEPS = ['repair-trust', 'retire-trust'] as const satisfies StepName[];
export type TrustStep = (typeof TRUST_STEPS)[number];

const isTrustStep = (step: StepName): step is TrustStep => TRUST_STEPS.some((one) => one === step);

/** Steps outside the state machines, with the setting that disables each. */
const SWITCHES = { api: 'api', 'diagnose-denial': 'denialRule' } as const satisfies Partial<
  Record<StepName, keyof Config['deploy']>
>;
type SwitchedStep = keyof typeof SWITCHES;
const isSwitched = (step: StepName): step is SwitchedStep => Object.hasOwn(SWITCHES, step);
/** Steps that only some deployments have. */
export type OptionalStep = TrustStep | SwitchedStep;

export const isDeployed = (
  step: StepName,
  { repairableRoleArns, deploy }: Pick<Config, 'repairableRoleArns' | 'deploy'>,
): boolean => (isSwitched(step) ? deploy[SWITCHES[step]] : repairableRoleArns !== undefined || !isTrustStep(step));

const textAsList = (value: unknown): unknown =>
  typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value;
/** Parses text as a boolean. `create` is a synonym of `true`. */
const textAsYes = (value: unknown): unknown =>
  value === 'true' || value === 'create' ? true : value === 'false' ? false : value;
const asItIs = (value: unknown): unknown => value;

interface ContextSetting {
  key: string;
  path: [string, ...string[]];
  /** Converts the value: the command line passes only text. */
  read: (value: unknown) => unknown;
}
/** The setting of each key of the CDK context. */
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

/**
 * Returns the settings with another one added. If its group has another type, it is left as it is and refused later.
 */
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

/** Returns the object without its undefined properties. */
const withoutUndefined = <Of extends object>(all: Of) =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Of]: Exclude<Of[Key], undefined>;
  };

/**
 * Returns problems for context keys that were probably meant for this app. Others are ignored, because CDK and other
 * tools have their own keys in the context.
 */
function misplaced(keys: readonly string[]): Problem[] {
  const known = [...CONTEXT_SETTINGS.map(({ key }) => key), 'config'];
  return keys
    .filter((key) => !known.includes(key))
    .flatMap((key) => {
      if (Object.hasOwn(settings.shape, key.replace(/\..*/s, '')))
        return [{ path: [key], message: 'can be set only in the configuration file: -c config=FILE' }];
      const meant = meantBy(key, known);
      return meant === undefined ? [] : [{ path: [key], message: `is not a setting: did you mean ${meant}?` }];
    });
}

export interface ConfigOptions {
  /**
   * If true, every role of every account may be passed and repaired, and everything is deployed, regardless of the
   * settings. For the sandbox's assembly.
   */
  forEveryRole?: boolean;
  /** Folder whose configuration file is used if the context names none. Default: no file. */
  configFolder?: string | undefined;
}

/**
 * Reads and validates the configuration: the file that the context's key `config` names, relative to the current
 * directory, or the file in `configFolder`. The context's other keys override it. Throws `ConfigurationError`, which
 * names each invalid setting, where it was set, its allowed values, and where to read more.
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
  // No valid pattern can name these roles.
  const every = forEveryRole ? { passableRoleArns: [everyRole()], repairableRoleArns: [everyRole()] } : undefined;
  const patterns = z.array(z.string());
  const parsed = every
    ? settings.extend({ passableRoleArns: patterns, repairableRoleArns: patterns }).safeParse({ ...given, ...every })
    : settings.safeParse(given);

  const problems = parsed.success ? [] : parsed.error.issues.flatMap(problemsIn);
  /** Problems of settings that were set in the context, or would be, under their context keys. */
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
    throw new ConfigurationError([`The configuration is invalid. ${WHERE_TO_LOOK}.`, ...lines].join('\n'));
  }
  const { $schema: _, accounts, deploy, notifications, ...rest } = parsed.data;
  const everything = {
    deploy: { api: true, apiAccessLog: true, runbook: true, denialRule: true },
    notifications: { ...notifications, emails: ['operator@example.com'] },
    // The sandbox does not authenticate its user.
    approvals: { ...rest.approvals, allowUnknownRequester: true },
  };
  return {
    ...withoutUndefined(rest),
    ...(forEveryRole ? everything : { deploy, notifications }),
    accounts: forEveryRole ? [EVERY_ACCOUNT] : accounts,
  };
}
