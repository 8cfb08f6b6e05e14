/** Validates the constructs' properties: the settings of the configuration file, in which other resources may be named. */
import { Token } from 'aws-cdk-lib';
import { valueAt } from '../lambdas/domain/text/problems.ts';
import { type Config, configOf, parseSettings } from './config.ts';
import { ConfigurationError, WHERE_TO_LOOK } from './config-error.ts';
import { type Problem, problemsIn, section } from './config-problems.ts';

/**
 * Settings that name another resource, so that CloudFormation may determine their value at deployment, with a valid
 * value for the schema. All other settings are needed as the app is synthesised: they are in the layer's file, or decide
 * what is deployed.
 */
const RESOURCES: { path: [string, ...string[]]; example: string; isList?: boolean }[] = [
  { path: ['permissionsBoundaryArn'], example: 'arn:aws:iam::111122223333:policy/boundary' },
  { path: ['customerKey'], example: 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab' },
  { path: ['alarmTopicArn'], example: 'arn:aws:sns:eu-west-1:111122223333:alarms' },
  { path: ['notifications', 'topicArn'], example: 'arn:aws:sns:eu-west-1:111122223333:alarms' },
  { path: ['network', 'subnetIds'], example: 'subnet-', isList: true },
  { path: ['network', 'securityGroupIds'], example: 'sg-', isList: true },
];

/** The IDs of subnets that `Vpc.fromLookup` returns in the first of two syntheses, before the CDK has looked them up. */
const NOT_LOOKED_UP = /^[ps]-(12345|67890)$/;

const isLater = (value: unknown): boolean =>
  Token.isUnresolved(value) || (typeof value === 'string' && NOT_LOOKED_UP.test(value));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !Token.isUnresolved(value);

/** Returns the settings with the value at the path replaced. The path must exist. */
const replaced = (
  given: Record<string, unknown>,
  [name, ...rest]: string[],
  value: unknown,
): Record<string, unknown> => {
  if (name === undefined) return given;
  const { [name]: inner } = given;
  return { ...given, [name]: rest.length > 0 && isRecord(inner) ? replaced(inner, rest, value) : value };
};

/** Returns a valid value instead of one that is determined at deployment. */
function standIn(value: unknown, example: string, isList: boolean): unknown {
  if (!isList) return isLater(value) ? example : value;
  // The number of IDs in a list is unknown too.
  if (Token.isUnresolved(value)) return [`${example}0123456789abcdef0`];
  if (!Array.isArray(value)) return value;
  return value.map((one: unknown, index) => (isLater(one) ? `${example}${String(index).padStart(17, '0')}` : one));
}

const LATER =
  'must be known as the app is synthesized, but CloudFormation determines this value at deployment: write it out';

const problemsOf = (given: unknown, problems: readonly Problem[]): Problem[] =>
  problems.map(({ path, message }) => ({
    path,
    message: Token.isUnresolved(valueAt(given, path)) ? LATER : message,
  }));

/**
 * Returns the configuration with the properties of the construct at `path`. Throws `ConfigurationError`, which names
 * each invalid property as in the configuration file, and its allowed values.
 */
export function configOfProperties(path: string, properties: object, forEveryRole: boolean): Config {
  const given: Record<string, unknown> = { ...properties };
  const named = RESOURCES.flatMap(({ path: at, example, isList = false }) => {
    const value = valueAt(given, at);
    const instead = standIn(value, example, isList);
    return JSON.stringify(instead) === JSON.stringify(value) ? [] : [{ at, value, instead }];
  });
  const checked = named.reduce((all, { at, instead }) => replaced(all, at, instead), given);
  const parsed = parseSettings(checked, forEveryRole);
  if (!parsed.success) {
    const problems = problemsOf(
      given,
      parsed.error.issues.flatMap((issue) => problemsIn(issue, checked)),
    );
    throw new ConfigurationError(
      [
        `The properties of the construct ${path} are invalid. ${WHERE_TO_LOOK}.`,
        ...section('Correct in its properties:', problems),
      ].join('\n'),
    );
  }
  const config: object = configOf(parsed.data, forEveryRole);
  return named.reduce<Record<string, unknown>>(
    (all, { at, value }) => replaced(all, at, at[0] === 'customerKey' ? { arn: value } : value),
    { ...config },
  ) as unknown as Config;
}
