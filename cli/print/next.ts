/** The end of a report: the verdict once more, and the commands to paste next. */
import type { Check } from '../../lambdas/domain/terms/check.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { backendFlags, knownCommand } from '../request.ts';
import { oneLine, type Style } from '../text/style.ts';

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

/** Before a migration: the code is changed at once, but merged later. */
export const PREPARE = 'To prepare the change of the code that defines it, to merge right after the migration';

type Where = Parameters<typeof backendFlags>[0];

export interface NextOptions extends Where {
  /** The command that makes this migration; absent for a migration that another command has made. */
  command?: string;
  /** The command that prints the plan with its hand-off; absent if it was printed already. */
  prepare?: string | undefined;
}

type Ended = Pick<MigrationReport, 'migrationId' | 'outcome' | 'heldBy' | 'handOff' | 'rollback' | 'plan'>;

/** Returns whether the migration can be found again by a later command. */
const isKept = ({ state, deployed }: Where): boolean => state !== undefined || deployed === true;

/** Returns the options that accept the owners that block a plan, for when they are suspended. */
const acceptingOwners = ({ plan }: Pick<MigrationReport, 'plan'>): string =>
  (plan?.checks ?? [])
    .filter(({ id, status }) => status === 'fail' && id.startsWith(OWNER))
    .map(({ id }) => ` --accept owner:${id.slice(OWNER.length)}`)
    .join('');
const OWNER = 'owner-';

/** Checks of software that a person may know better: they block until each image or container is accepted by name. */
const OF_SOFTWARE: readonly string[] = ['aws-sdk-version', 'unknown-credentials'];
/** A value of an option in the shell's form, without the punctuation after it. */
const VALUE = String.raw`(?:'[^']*'|[^\s']\S*?(?=[.,;)]*(?:\s|$)))`;
const ACCEPTS_SOFTWARE = new RegExp(` --accept (?='?(?:image|unknown-credentials):)${VALUE}`, 'g');
const ACCEPTS_OBJECTS = new RegExp(` --accept (?='?(?:consumer|target-role|network-policy):)${VALUE}`, 'g');

/** Returns the options in the remedy of a check that accept what it names; none unless it blocks. */
const acceptsOf = ({ id, status, remedy = '' }: Check): string[] =>
  status === 'fail' || status === 'unknown'
    ? [
        ...(OF_SOFTWARE.includes(id) ? (remedy.match(ACCEPTS_SOFTWARE) ?? []) : []),
        ...(` ${remedy}`.match(ACCEPTS_OBJECTS) ?? []),
      ]
    : [];

/** Returns the options that accept by name what blocks, as the remedies contain them, each once. */
export const acceptingOf = (checks: readonly Check[]): string => [...new Set(checks.flatMap(acceptsOf))].join('');

const whyToAccept = (checks: readonly Check[]): string =>
  checks.filter((check) => acceptsOf(check).length > 0).every(({ id }) => OF_SOFTWARE.includes(id))
    ? 'If you know that the software uses EKS Pod Identity, accept it and plan again'
    : 'If you accept what these checks name, plan again';

/**
 * Returns the commands that plan again after a plan that is blocked: without its causes, and with what blocks it accepted,
 * where that is possible by name. `dryRun`: the option with which the command only plans.
 */
export const planAgain = (command: string, report: Pick<MigrationReport, 'plan'>, dryRun = ''): Next[] => {
  const checks = report.plan?.checks ?? [];
  const again = `${command}${acceptingOwners(report)}`;
  const accepting = acceptingOf(checks);
  const why =
    report.plan?.verdict === 'keep-irsa'
      ? 'Nothing is left to do. To migrate it all the same, remove the reason and plan again'
      : 'Once the cause is removed, plan again';
  return [
    { why, command: `${again}${dryRun}` },
    ...(accepting === '' ? [] : [{ why: whyToAccept(checks), command: `${again}${accepting}${dryRun}` }]),
  ];
};

const againOf = ({ command }: NextOptions, report: Pick<MigrationReport, 'plan'> = {}): Next[] =>
  command === undefined ? [] : planAgain(command, report, ' --dry-run');

/** Returns the command that prints what the owner's code must contain, if that changed. */
const handOffOf = (why: string, { migrationId, handOff }: Ended, options: NextOptions): Next[] =>
  handOff === undefined || !isKept(options) ? [] : [{ why, command: knownCommand('hand-off', migrationId, options) }];

const afterPlanned = ({ handOff }: Ended, { command, prepare }: NextOptions): Next[] => [
  ...(handOff === undefined || prepare === undefined ? [] : [{ why: PREPARE, command: prepare }]),
  ...(command === undefined ? [] : [{ why: 'To carry out the plan', command }]),
];

const afterMigrated = (report: Ended, options: NextOptions): Next[] => {
  const id = report.migrationId;
  if (isKept(options))
    return [
      ...handOffOf('Change the code that defines it before the next apply', report, options),
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

/** A migration that was rolled back on demand may have had its hand-off merged. */
const afterRolledBack = (report: Ended, options: NextOptions): Next[] =>
  report.rollback?.cause === 'requested'
    ? handOffOf('Revert the change of the code that defines it before the next apply', report, options)
    : againOf(options);

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
export const nextAfter = (report: Ended, options: NextOptions): Next[] => {
  const { migrationId, outcome, heldBy } = report;
  switch (outcome) {
    case 'planned':
      return afterPlanned(report, options);
    case 'migrated':
      return afterMigrated(report, options);
    case 'blocked':
      return [
        ...(heldBy === undefined || !isKept(options)
          ? []
          : [{ why: 'To show the migration that blocks it', command: knownCommand('show', heldBy, options) }]),
        ...againOf(options, report),
      ];
    case 'rolled-back':
      return afterRolledBack(report, options);
    case 'needs-human':
      return afterNeedsHuman(migrationId, options);
    case 'already-migrated':
      return [];
  }
};
