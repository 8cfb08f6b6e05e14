/**
 * Cuts parts of the service's events to fit, and leaves out third-party values that were written for a smaller
 * audience.
 */
import type { Migration } from '../record/migration.ts';
import { note } from '../text/shell.ts';
import { printable } from '../text/text.ts';

/** Returns a printable text of at most `most` characters, which ends with `…` if it was cut. */
export function fit(text: string, most: number): string {
  const whole = printable(text.slice(0, most + 1));
  if (whole.length <= most) return whole;
  // Cut again, since escapes make the text longer. Half of a surrogate pair must not be left.
  return `${whole.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/**
 * Options whose values are names, ARNs, ids and words of the API. All others may contain configuration values, policies
 * or tags.
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

/** Returns the restore commands for an event: without third-party values, and with no command cut. */
export function restoreCommandsFor(
  { migrationId, restoreCommands }: Pick<Migration, 'migrationId' | 'restoreCommands'>,
  { commands, command }: { commands: number; command: number },
): string[] {
  const lines = restoreCommands.map((line) => {
    if (carriesValues(line))
      return note`A line was left out here, because events do not contain its values. To see it: pod-identity show ${migrationId} --deployed`;
    return line.length > command || printable(line) !== line
      ? note`A line was left out here, because it is too long for an event. To see it: pod-identity show ${migrationId} --deployed`
      : line;
  });
  return lines.length <= commands
    ? lines
    : [
        ...lines.slice(0, commands - 1),
        note`${String(lines.length - commands + 1)} more lines: pod-identity show ${migrationId} --deployed`,
      ];
}
