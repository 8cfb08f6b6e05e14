/** The end of a report: the verdict once more, and the commands to paste next. */
import type { MigrationReport } from '../../lambdas/domain/migration/model.ts';
import { backendFlags, knownCommand } from '../request.ts';
import { oneLine, type Style } from './style.ts';

export interface Next {
  /** What the command does, as the beginning of a sentence: `To undo it`. */
  why: string;
  /** Several commands are run one after the other. */
  command: string | readonly string[];
}

/** Returns one command with what it does. A command is never wrapped, so that it can be pasted. */
export const commandLines = ({ why, command }: Next, style: Style): string[] => [
  ...oneLine('', `${why}:`, style),
  ...[command].flat().map((line) => `  ${style.paint('bold', line)}`),
];

/** Returns the last lines of a report. */
export const nextSection = (verdict: string, next: readonly Next[], style: Style): string[] => [
  ...(style.detail === 'quiet' ? [] : ['', ...oneLine('', verdict, style)]),
  ...next.flatMap((one) => commandLines(one, style)),
];

type Where = Parameters<typeof backendFlags>[0];

export interface NextOptions extends Where {
  /** The command that makes this migration; absent for a migration that another command has made. */
  command?: string;
}

/** Returns whether the migration can be found again by a later command. */
const isKept = ({ state, deployed }: Where): boolean => state !== undefined || deployed === true;

const againOf = ({ command }: NextOptions): Next[] =>
  command === undefined ? [] : [{ why: 'Once the cause is removed, plan again', command: `${command} --dry-run` }];

const afterMigrated = (id: string, options: NextOptions): Next[] => {
  if (isKept(options))
    return [
      { why: 'To undo it', command: knownCommand('rollback', id, options) },
      {
        why: "To see whether the role's OIDC trust can be removed, some days later",
        command: knownCommand('retire', id, options),
      },
    ];
  return options.command === undefined
    ? []
    : [{ why: 'To keep the sandbox in a file, for a rollback', command: `${options.command} --state world.json` }];
};

const afterNeedsHuman = (id: string, options: NextOptions): Next[] =>
  isKept(options)
    ? [
        { why: 'To try the rollback again', command: knownCommand('rollback', id, options) },
        {
          why: 'To release its locks without restoring anything',
          command: knownCommand('release', id, options),
        },
      ]
    : [];

/** Returns the commands after a migration that has ended. */
export const nextAfter = (
  { migrationId, outcome, heldBy }: Pick<MigrationReport, 'migrationId' | 'outcome' | 'heldBy'>,
  options: NextOptions,
): Next[] => {
  switch (outcome) {
    case 'planned':
      return options.command === undefined ? [] : [{ why: 'To carry out the plan', command: options.command }];
    case 'migrated':
      return afterMigrated(migrationId, options);
    case 'blocked':
      return [
        ...(heldBy === undefined || !isKept(options)
          ? []
          : [{ why: 'To show the migration that blocks it', command: knownCommand('show', heldBy, options) }]),
        ...againOf(options),
      ];
    case 'rolled-back':
      return againOf(options);
    case 'needs-human':
      return afterNeedsHuman(migrationId, options);
    case 'already-migrated':
      return [];
  }
};
