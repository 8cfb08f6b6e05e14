/** The error for a configuration that exceeds limits of AWS, which names the responsible settings. */
import type { Excess } from '../lambdas/domain/aws/limits.ts';
import type { Config } from './config.ts';
import { ConfigurationError } from './config-error.ts';
import { type Problem, section } from './config-problems.ts';
import { portable } from './role-pattern.ts';

const BY_WILDCARD = 'Cover several roles by one pattern, such as role/eks-addons/*, or shorten their paths';

/** Settings that can become large: their values in templates, and advice to reduce them. */
const GROWING: { path: [string, ...string[]]; valuesOf: (config: Config) => readonly string[]; advice: string }[] = [
  { path: ['passableRoleArns'], valuesOf: (config) => config.passableRoleArns.map(portable), advice: BY_WILDCARD },
  {
    path: ['repairableRoleArns'],
    valuesOf: ({ repairableRoleArns = [] }) => repairableRoleArns.map(portable),
    advice: BY_WILDCARD,
  },
  {
    path: ['accounts'],
    valuesOf: ({ accounts }) => accounts,
    advice: 'Deploy the service in more than one account, each for fewer of them',
  },
  {
    path: ['sweeps'],
    // In a template, a request is JSON within JSON.
    valuesOf: ({ sweeps }) =>
      sweeps.flatMap(({ name, schedule, request }) => [
        name,
        schedule,
        JSON.stringify(JSON.stringify(request)).slice(1, -1),
      ]),
    advice: 'Schedule fewer sweeps, each for more accounts and regions, with shorter requests',
  },
  {
    path: ['notifications', 'emails'],
    valuesOf: ({ notifications: { emails = [] } }) => emails,
    advice: 'Name a mailing list, or your own topic in notifications.topicArn',
  },
];

/** Returns the number of characters of a text that come from the values. */
const shareOf = (content: string, values: readonly string[]): number =>
  [...new Set(values)].reduce((sum, value) => sum + (content.split(value).length - 1) * value.length, 0);

/** Returns the problem of the setting that contributes most to the content; undefined if no setting contributes. */
function problemOf({ subject, measured, most, unit, service, content }: Excess, config: Config): Problem | undefined {
  const [largest] = GROWING.map((setting) => ({ ...setting, share: shareOf(content, setting.valuesOf(config)) })).sort(
    (a, b) => b.share - a.share,
  );
  if (!largest || largest.share === 0) return undefined;
  const { path, share, advice } = largest;
  return {
    path,
    message: `makes ${subject} too large: ${measured} ${unit}, but ${service} allows ${most}; ${share} characters of it come from this setting. ${advice}`,
  };
}

/**
 * Returns the error for a configuration that AWS would refuse to deploy, which names each setting that makes something
 * too large, or undefined if nothing is too large. If no setting is responsible, it is another kind of `Error`, because
 * no configuration can correct it.
 */
export function tooLarge(excesses: readonly Excess[], config: Config): Error | undefined {
  if (excesses.length === 0) return undefined;
  const problems = excesses.flatMap((excess) => problemOf(excess, config) ?? []);
  // A setting may make many policies too large in the same way.
  const first = [...new Map(problems.toReversed().map((problem) => [problem.path.join('.'), problem])).values()];
  if (first.length === 0)
    return new Error(
      `AWS would refuse to deploy this with any configuration: ${excesses.map(({ subject, measured, most, unit }) => `${subject} has ${measured} ${unit} of ${most}`).join('; ')}.`,
    );
  return new ConfigurationError(
    [
      'The configuration exceeds limits of AWS. See docs/scale.md for the limits and the sizes of configurations.',
      ...section('Reduce these settings:', first.toReversed()),
      'Nothing was written. Change the settings, then run npx cdk synth again.',
    ].join('\n'),
  );
}
