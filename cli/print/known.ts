/**
 * What `show` says about a migration that is under way, `cancel` about one that it stops, and `release` about the
 * locks.
 */
import type { Recovery, Release, Retirement, Rollback } from '../../lambdas/domain/migration/model.ts';
import { pendingApproval } from '../../lambdas/domain/approval/approval.ts';
import { subjectOf } from '../../lambdas/domain/migration/subject.ts';
import { asClause } from '../../lambdas/domain/text/text.ts';
import { lockText } from '../../lambdas/use-cases/migration/lock.ts';
import { approvalText } from '../approval/print.ts';
import type { Cancelled } from '../cancel.ts';
import type { Released } from '../release.ts';
import { knownCommand } from '../request.ts';
import type { Running } from '../show.ts';
import { stepsSection } from './steps.ts';
import { hanging, type Style } from './style.ts';
import { attemptName } from './attempts.ts';

const by = ({ requestedBy, reason }: { requestedBy?: string | undefined; reason?: string | undefined }): string =>
  `${requestedBy ? ` by ${requestedBy}` : ''}${reason ? `: ${reason}` : ''}`;

/** Who took a migration over, why, and since when. */
export const recoveryText = ({ startedAt }: Recovery): string =>
  `taken over at ${startedAt} by Recover, because the execution had stopped before its end was recorded`;

const STATES: Record<Rollback['state'], string> = {
  requested: ', and not begun yet',
  running: '',
  ended: '',
  refused: ', and refused: nothing was changed',
};

/** Who has a migration rolled back, why, since when, and what came of it. */
export const rollbackText = ({ cause, state, startedAt, after, error, ...who }: Rollback): string => {
  const causes: Record<Rollback['cause'], string> = {
    requested: `asked for at ${startedAt}${by(who)}${after ? ` (it had ended ${after})` : ''}`,
    cancelled: `begun at ${startedAt}, because the migration was asked to stop${by(who)}`,
    failed: `begun at ${startedAt}, because a step of the migration failed`,
    stopped: `begun at ${startedAt} by Recover, because the execution had stopped before its end was recorded`,
  };
  return `${causes[cause]}${STATES[state]}${state === 'refused' && error ? `. ${error.message}` : ''}`;
};

const RETIREMENTS: Record<Retirement['state'], string> = {
  requested: ', and not begun yet',
  running: ', and under way',
  ended: '',
  refused: ', and refused: nothing was changed',
};

/** What was to become of the OIDC trust, who asked for it, and what came of it. */
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
  const what = `${action === 'retire' ? 'take it out' : 'put it back'}${dryRun ? ' (a dry run)' : ''}`;
  const changed = (roles ?? []).filter(({ result }) => result === 'removed' || result === 'put-back');
  const ended = done
    ? `. ${action === 'retire' ? 'Taken out of' : 'Put back into'} ${changed.map(({ roleArn }) => roleArn).join(', ')}`
    : '. Nothing was changed';
  const end = error ? `. ${asClause(error.message)}` : state === 'ended' ? ended : '';
  return `to ${what}, asked for at ${startedAt}${by(who)}${RETIREMENTS[state]}${end}`;
};

/** Who has let the locks go, when and why. */
export const releaseText = ({ at, by: requestedBy, reason }: Release): string =>
  `at ${at}${by({ requestedBy, reason })}`;

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
  const stopped = executionStatus !== undefined && executionStatus !== 'RUNNING';
  const notes = [
    ...(waiting
      ? [`Its plan ${approvalText(waiting)}. To look at it: ${knownCommand('approve', migrationId, where)}`]
      : []),
    ...(waitingFor && !waiting
      ? [
          `${waitingFor.text} Since ${waitingFor.since}, until ${waitingFor.until} at most${waitingFor.nextTryAt === undefined ? '' : `; it tries again at ${waitingFor.nextTryAt}`}.`,
        ]
      : []),
    ...(rollback && status === 'rolling-back' ? [`Rollback: ${rollbackText(rollback)}.`] : []),
    ...(retirement ? [`OIDC trust: ${retirementText(retirement)}.`] : []),
    ...(recovery ? [`Recovery: ${recoveryText(recovery)}.`] : []),
    ...(cancellation ? [`Asked to stop at ${cancellation.requestedAt}${by(cancellation)}.`] : []),
    ...(stopped
      ? [
          `Its execution is ${executionStatus}, and its end is not recorded: the service takes it over within some minutes.`,
        ]
      : []),
  ];
  return [
    `${style.paint('cyan', '…')} ${style.paint(['bold', 'cyan'], status === 'rolling-back' ? 'rolling back' : 'running')}  ${subjectOf(running)} on ${target.cluster} (${target.account}, ${target.region}): since ${startedAt}`,
    `  ${style.paint('dim', [migrationId, ...(running.serviceAccount ? [] : [`strategy ${strategy}`]), ...(applied ? [`now ${attemptName(applied)}`] : ['nothing begun yet'])].join(' · '))}`,
    ...notes.flatMap((note) => hanging('  ', note, style)),
    ...stepsSection(running, style),
  ];
};

export const cancelledLines = (
  { migrationId, cancellation, first, begun, willEnd }: Cancelled,
  showCommand: string,
  style: Style,
): string[] => {
  const what = begun
    ? 'It has begun: once its present step is over, what it changed is put back, and it ends rolled-back. If its change was complete and verified before it reads this, it ends migrated.'
    : willEnd === undefined
      ? 'It has changed nothing yet: it stops before its next step. If it begins just now, what it changes is put back.'
      : `It has changed nothing, and it ends ${willEnd}.`;
  return [
    `${style.paint('green', '✔')} ${first ? `Migration ${migrationId} is asked to stop.` : `Migration ${migrationId} was asked to stop already, at ${cancellation.requestedAt}${by(cancellation)}.`}`,
    ...hanging('  ', what, style),
    `  To see how it goes: ${showCommand}`,
  ];
};

export const releasedLines = (
  { migrationId, released, locks, first }: Released,
  showCommand: string,
  style: Style,
): string[] => [
  `${style.paint('green', '✔')} ${first ? `Migration ${migrationId} holds no lock any more.` : `Migration ${migrationId} was released already, ${releaseText(released)}.`}`,
  ...(first && locks.length === 0
    ? ['  There was none that it still held.']
    : locks.flatMap((key) => hanging('  let go: ', lockText(key), style))),
  ...hanging(
    '  ',
    'The next migration of it may begin; it plans from what it finds. It is as it was before this command, and what it was before the migration stays in the ledger.',
    style,
  ),
  `  To see its report: ${showCommand}`,
];
