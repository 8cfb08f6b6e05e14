/** The error for a configuration that exceeds limits of AWS: it names the settings that do so. */
import type { Excess } from '../lambdas/domain/aws/limits.ts';
import type { Config } from './config.ts';
import { ConfigurationError } from './config-file.ts';
import { type Problem, section } from './config-problems.ts';
import { portable } from './role-pattern.ts';

const BY_WILDCARD = 'Cover several roles by one pattern, such as role/eks-addons/*, or shorten their paths';

/** Settings that grow: their values as templates have them, and what makes them smaller. */
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
    // A request is JSON within JSON in a template.
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
    advice: 'Name a mailing list, or a topic of your own in notifications.topicArn',
  },
];

/** Characters of a text that come from these values. */
const shareOf = (content: string, values: readonly string[]): number =>
  [...new Set(values)].reduce((sum, value) => sum + (content.split(value).length - 1) * value.length, 0);

/** The problem of the setting that most of the content comes from; undefined where none of it comes from a setting. */
function problemOf({ subject, measured, most, unit, service, content }: Excess, config: Config): Problem | undefined {
  const [largest] = GROWING.map((setting) => ({ ...setting, share: shareOf(content, setting.valuesOf(config)) })).sort(
    (a, b) => b.share - a.share,
  );
  if (!largest || largest.share === 0) return undefined;
  const { path, share, advice } = largest;
  return {
    path,
    message: `makes ${subject} too large: ${measured} ${unit}, and ${service} allows ${most}; ${share} characters of it come from this setting. ${advice}`,
  };
}

/**
 * Returns the error for a configuration that AWS would refuse to deploy, which names each setting that makes something
 * too large; undefined where nothing is. What no setting accounts for is an Error of another kind: no configuration can
 * mend it.
 */
export function tooLarge(excesses: readonly Excess[], config: Config): Error | undefined {
  if (excesses.length === 0) return undefined;
  const problems = excesses.flatMap((excess) => problemOf(excess, config) ?? []);
  // One setting makes many policies too large in the same way.
  const first = [...new Map(problems.toReversed().map((problem) => [problem.path.join('.'), problem])).values()];
  if (first.length === 0)
    return new Error(
      `AWS would refuse to deploy this, whatever is configured: ${excesses.map(({ subject, measured, most, unit }) => `${subject} has ${measured} ${unit} of ${most}`).join('; ')}.`,
    );
  return new ConfigurationError(
    [
      'The configuration exceeds limits of AWS: docs/scale.md lists them, with what configurations come to.',
      ...section('Reduce these settings:', first.toReversed()),
      'Nothing was written. Change the settings, then run npx cdk synth again.',
    ].join('\n'),
  );
}
