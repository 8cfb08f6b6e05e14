/** Output of `show` for a running migration, of `cancel` and of `release`. */
import type { Recovery, Rollback } from '../../lambdas/domain/record/rollback.ts';
import type { Release } from '../../lambdas/domain/record/migration.ts';
import type { Retirement } from '../../lambdas/domain/record/retirement.ts';
import { pendingApproval } from '../../lambdas/domain/approval/approval.ts';
import { subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { asClause } from '../../lambdas/domain/text/text.ts';
import { lockText } from '../../lambdas/use-cases/record/lock.ts';
import { approvalText } from './approval.ts';
import type { Cancelled } from '../service/cancel.ts';
import type { Released } from '../service/release.ts';
import { knownCommand } from '../request.ts';
import type { Running } from '../service/show.ts';
import { stepsSection } from './steps.ts';
import { commandLines, type Next, nextSection } from './next.ts';
import { hanging, oneLine, type Style } from '../text/style.ts';
import { attemptName } from './attempts.ts';

const by = ({ requestedBy, reason }: { requestedBy?: string | undefined; reason?: string | undefined }): string =>
  `${requestedBy ? ` by ${requestedBy}` : ''}${reason ? `: ${reason}` : ''}`;

/** Returns since when and why Recover has taken over a migration. */
export const recoveryText = ({ startedAt }: Recovery): string =>
  `taken over at ${startedAt} by Recover, because the execution had stopped before its end was recorded`;

const STATES: Record<Rollback['state'], string> = {
  requested: ', but not begun yet',
  running: '',
  ended: '',
  refused: ', but refused: nothing was changed',
};

/** Returns who or what caused a rollback, since when, and its result. */
export const rollbackText = ({ cause, state, startedAt, after, error, ...who }: Rollback): string => {
  const causes: Record<Rollback['cause'], string> = {
    requested: `requested at ${startedAt}${by(who)}${after ? ` (the migration had ended ${after})` : ''}`,
    cancelled: `begun at ${startedAt}, because the migration was cancelled${by(who)}`,
    failed: `begun at ${startedAt}, because a step of the migration failed`,
    stopped: `begun at ${startedAt} by Recover, because the execution had stopped before its end was recorded`,
  };
  return `${causes[cause]}${STATES[state]}${state === 'refused' && error ? `. ${error.message}` : ''}`;
};

const RETIREMENTS: Record<Retirement['state'], string> = {
  requested: ', but not begun yet',
  running: ', and under way',
  ended: '',
  refused: ', but refused: nothing was changed',
};

/** Returns what a retirement should do, who requested it, and its result. */
export const retirementText = ({
  action,
  state,
  dryRun,
  startedAt,
  done,
  roles,
  error,
  ...who
}: Retirement): string => {
  const what = `${action === 'retire' ? 'retirement' : 'restoration'}${dryRun ? ' (dry run)' : ''}`;
  const changed = (roles ?? []).filter(({ result }) => result === 'removed' || result === 'restored');
  const ended = done
    ? `. ${action === 'retire' ? 'Removed from' : 'Restored in'} ${changed.map(({ roleArn }) => roleArn).join(', ')}`
    : '. Nothing was changed';
  const end = error ? `. ${asClause(error.message)}` : state === 'ended' ? ended : '';
  return `${what} requested at ${startedAt}${by(who)}${RETIREMENTS[state]}${end}`;
};

/** Returns when, by whom and why the locks were released. */
export const releaseText = ({ at, by: requestedBy, reason }: Release): string =>
  `at ${at}${by({ requestedBy, reason })}`;

/** Returns the commands for a migration that is running. */
const nextOf = (
  { migrationId, status, cancellation, approvals = [] }: Running,
  where: Parameters<typeof knownCommand>[2],
): Next[] => [
  ...(pendingApproval(approvals)
    ? [{ why: 'To show the plan to decide about', command: knownCommand('approve', migrationId, where) }]
    : []),
  { why: 'To show its progress again', command: knownCommand('show', migrationId, where) },
  ...(status === 'rolling-back' || cancellation
    ? []
    : [{ why: 'To stop it', command: knownCommand('cancel', migrationId, where) }]),
];

export const runningLines = (running: Running, where: Parameters<typeof knownCommand>[2], style: Style): string[] => {
  const {
    migrationId,
    target,
    strategy,
    applied,
    cancellation,
    recovery,
    rollback,
    retirement,
    status,
    executionStatus,
    startedAt,
    approvals = [],
    waitingFor,
  } = running;
  const waiting = pendingApproval(approvals);
  const word = status === 'rolling-back' ? 'rolling back' : 'running';
  const stopped = executionStatus !== undefined && executionStatus !== 'RUNNING';
  const notes = [
    ...(waiting ? [`Its plan ${approvalText(waiting)}.`] : []),
    ...(waitingFor && !waiting
      ? [
          `${waitingFor.text} Waiting since ${waitingFor.since}, until ${waitingFor.until} at most${waitingFor.nextTryAt === undefined ? '' : `; next attempt at ${waitingFor.nextTryAt}`}.`,
        ]
      : []),
    ...(rollback && status === 'rolling-back' ? [`Rollback: ${rollbackText(rollback)}.`] : []),
    ...(retirement ? [`OIDC trust: ${retirementText(retirement)}.`] : []),
    ...(recovery ? [`Recovery: ${recoveryText(recovery)}.`] : []),
    ...(cancellation ? [`Cancellation requested at ${cancellation.requestedAt}${by(cancellation)}.`] : []),
    ...(stopped
      ? [`Its execution is ${executionStatus} without a recorded end: the service takes it over within a few minutes.`]
      : []),
  ];
  return [
    ...oneLine(
      `${style.paint('cyan', '…')} ${style.paint(['bold', 'cyan'], word)}  `,
      `${subjectOf(running)} on ${target.cluster} (${target.account}, ${target.region}): since ${startedAt}`,
      style,
    ),
    ...oneLine(
      '  ',
      [
        migrationId,
        ...(running.serviceAccount ? [] : [`strategy ${strategy}`]),
        ...(applied ? [`now ${attemptName(applied)}`] : ['not begun yet']),
      ].join(' · '),
      style,
      'dim',
    ),
    ...notes.flatMap((note) => hanging('  ', note, style)),
    ...(style.detail === 'quiet' ? [] : stepsSection(running, style)),
    ...nextSection(`${style.paint('cyan', '…')} ${word} since ${startedAt}.`, nextOf(running, where), style),
  ];
};

export const cancelledLines = (
  { migrationId, cancellation, first, begun, willEnd }: Cancelled,
  showCommand: string,
  style: Style,
): string[] => {
  const what = begun
    ? 'It has begun its change: when its current step ends, it rolls back and ends rolled-back. If its change is complete and verified before it reads this request, it ends migrated.'
    : willEnd === undefined
      ? 'It has changed nothing yet and stops before its next step. If it is just beginning its change, the change is rolled back.'
      : `It has changed nothing, and it ends ${willEnd}.`;
  return [
    ...oneLine(
      `${style.paint('green', '✔')} `,
      first
        ? `Cancellation of migration ${migrationId} requested.`
        : `Cancellation of migration ${migrationId} was already requested at ${cancellation.requestedAt}${by(cancellation)}.`,
      style,
    ),
    ...hanging('  ', what, style),
    ...commandLines({ why: 'To follow it', command: showCommand }, style),
  ];
};

export const releasedLines = (
  { migrationId, released, locks, first }: Released,
  showCommand: string,
  style: Style,
): string[] => [
  ...oneLine(
    `${style.paint('green', '✔')} `,
    first
      ? `Migration ${migrationId} no longer holds locks.`
      : `Migration ${migrationId} was already released ${releaseText(released)}.`,
    style,
  ),
  ...(first && locks.length === 0
    ? ['  It held no locks.']
    : locks.flatMap((key) => hanging('  released: ', lockText(key), style))),
  ...hanging(
    '  ',
    'The next migration may begin; it plans from the current state. This command changed nothing in AWS but the ledger, which keeps the snapshot of the state before the migration.',
    style,
  ),
  ...commandLines({ why: 'To show its report', command: showCommand }, style),
];
