/**
 * Parts of the service's events that are cut to fit, and what is left out of them because others wrote it for fewer
 * eyes.
 */
import type { Migration } from '../migration/model.ts';
import { note } from '../text/shell.ts';
import { printable } from '../text/text.ts';

/** Printable, at most that many characters, with a sign of it where something was cut off. */
export function fit(text: string, most: number): string {
  const whole = printable(text.slice(0, most + 1));
  if (whole.length <= most) return whole;
  // Cut again, since escapes have made it longer; then no half of a character may be left.
  return `${whole.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/**
 * Options whose values are names, ARNs, ids and words of the API. All others may carry configuration values, policies,
 * tags.
 */
const PLAIN_OPTIONS: ReadonlySet<string> = new Set(
  [
    [
      'region',
      'cluster-name',
      'addon-name',
      'addon-version',
      'service-account-role-arn',
      'pod-identity-associations',
      'namespace-config',
      'resolve-conflicts',
      'preserve',
      'no-preserve',
    ],
    [
      'association-id',
      'namespace',
      'service-account',
      'role-arn',
      'target-role-arn',
      'disable-session-tags',
      'no-disable-session-tags',
      'resource-arn',
      'role-name',
    ],
    ['name', 'query', 'output', 'deployed'],
  ]
    .flat()
    .map((name) => `--${name}`),
);

const carriesValues = (line: string): boolean =>
  [...line.matchAll(/(?<![\w-])--[\w-]+/g)].some(([option]) => !PLAIN_OPTIONS.has(option));

/** The hand-off's lines as an event may have them: none with values of others in it, none cut into another command. */
export function handOffFor(
  { migrationId, handOff }: Pick<Migration, 'migrationId' | 'handOff'>,
  { commands, command }: { commands: number; command: number },
): string[] {
  const lines = handOff.map((line) => {
    if (carriesValues(line))
      return note`A line with values that an event does not carry belongs here: pod-identity show ${migrationId} --deployed`;
    return line.length > command || printable(line) !== line
      ? note`A line that is too long for an event belongs here: pod-identity show ${migrationId} --deployed`
      : line;
  });
  return lines.length <= commands
    ? lines
    : [
        ...lines.slice(0, commands - 1),
        note`${String(lines.length - commands + 1)} more lines: pod-identity show ${migrationId} --deployed`,
      ];
}
