import { resolve } from 'node:path';
import type { Node } from 'constructs';
import { printable } from '../lambdas/domain/text/text.ts';
import { parseSettings } from './config.ts';
import { ConfigurationError, WHERE_TO_LOOK } from './config-error.ts';
import { defaultFile, readConfigFile } from './config-file.ts';
import { meantBy, type Problem, problemsIn, section } from './config-problems.ts';
import { settings } from './settings.ts';
import type { MigratorSettings } from './settings-types.ts';

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

export interface ReadOptions {
  /** See `parseSettings`. */
  forEveryRole?: boolean;
  /** Folder whose configuration file is used if the context names none. Default: no file. */
  configFolder?: string | undefined;
}

/**
 * Reads and validates the configuration: the file that the context's key `config` names, relative to the current
 * directory, or the file in `configFolder`. The context's other keys override it. Returns the settings as they were
 * given, as properties of the constructs. Throws `ConfigurationError`, which names each invalid setting, where it was
 * set, its allowed values, and where to read more.
 */
export function readSettings(node: Node, { forEveryRole = false, configFolder }: ReadOptions = {}): MigratorSettings {
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
  const parsed = parseSettings(given, forEveryRole);

  const problems = parsed.success ? [] : parsed.error.issues.flatMap((issue) => problemsIn(issue, given));
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
  // An editor's name of the schema is not a property.
  const { $schema: _, ...properties } = given;
  return properties as unknown as MigratorSettings;
}
