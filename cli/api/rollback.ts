/**
 * Following a rollback on demand by the API's answers: it has no id of its own, so the migration shows whether it was
 * begun.
 */
import type { MigrationAnswer } from '../../lambdas/api/answers.ts';
import { classOf } from '../../lambdas/domain/errors.ts';
import type { StepLine } from '../../lambdas/domain/model.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { refused } from '../rollback.ts';
import { watch, type WatchOptions } from './watch.ts';

/**
 * From the request to Recover's first answer: it waits up to two minutes for Lambdas of an execution that has stopped.
 */
const PATIENCE_MS = 10 * 60_000;

const takeOverOf = ({ steps }: MigrationAnswer): StepLine | undefined =>
  steps.findLast(({ name }) => name.startsWith('take-over'));

/** Whether Recover has answered to this request, and not to an earlier one. */
const isNew = (now: StepLine | undefined, before: StepLine | undefined): now is StepLine =>
  now !== undefined && (now.attempts !== before?.attempts || now.endedAt !== before.endedAt);

/** Errors after which it is not tried again. */
const isFinal = (name: string): boolean => !['retryable', 'waiting'].includes(classOf(name) ?? '');

const failed = ({ migrationId }: MigrationAnswer, why: string): { failure: CliError } => ({
  failure: new CliError(
    'RollbackFailed',
    `the rollback of migration ${migrationId} ended without an outcome: ${why}`,
    `Its steps so far: pod-identity show ${migrationId} --deployed`,
    EXIT_CODES.unexpected,
  ),
});

/** `before`: the migration as it was before the request. Throws RollbackRefused where it is not begun. */
export const followRollback = async (
  before: MigrationAnswer,
  options: Omit<WatchOptions, 'changeWindow' | 'before'>,
): Promise<{ ended: MigrationAnswer } | { failure: CliError }> => {
  const since = options.clock.now();
  const isBegun = ({ recovery }: MigrationAnswer): boolean =>
    recovery?.cause === 'requested' && recovery.startedAt !== before.recovery?.startedAt;
  const lineOf = (answer: MigrationAnswer): StepLine | undefined => {
    const line = takeOverOf(answer);
    return isNew(line, takeOverOf(before)) ? line : undefined;
  };
  // Of one answer, the record may have been read before Recover noted itself, and the lines after: one look more tells.
  let answered = 0;
  const last = await watch(
    before.migrationId,
    (answer) => {
      if (isBegun(answer)) return answer.status === 'ended';
      const line = lineOf(answer);
      if (line && (!line.error || isFinal(line.error.name))) answered += 1;
      return answered > 1 || options.clock.now() - since >= PATIENCE_MS;
    },
    { ...options, before },
  );
  if (isBegun(last)) return { ended: last };
  const line = lineOf(last);
  if (!line) return failed(last, `Recover has not answered for ${PATIENCE_MS / 60_000} minutes`);
  if (line.error?.name === 'RollbackRefused') throw refused(last.migrationId, line.error.message);
  if (line.error) return failed(last, `${line.error.name}: ${line.error.message}`);
  throw refused(
    last.migrationId,
    `migration ${last.migrationId} has nothing to put back${before.outcome ? `: it ended ${before.outcome}` : ''}`,
  );
};
