/**
 * Handles the retirement of a migration as an operation in its record. A request through the API makes one conditional write
 * before anything is started, so that only one of several simultaneous requests is accepted. The execution notes its result
 * (`note.ts`); the status of an execution that stopped without that comes from Step Functions.
 */
import { acceptField } from '../../domain/acceptance/accept.ts';
import type { AuthenticatedRequester } from '../../domain/approval/requester.ts';
import type { Correlation } from '../../domain/terms/correlation.ts';
import type { Migration } from '../../domain/record/migration.ts';
import { isRunning } from '../../domain/rollback/recovery.ts';
import { isOpenRetirement, type Retirement, strandedRetirement } from '../../domain/record/retirement.ts';
import type { HandlerDependencies, RetirementAsked } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';

export interface RetirementWish extends RetirementAsked {
  /** The name of the execution that carries it out, and its ARN. */
  id: string;
  executionArn: string;
  correlation?: Correlation | undefined;
  /** The principal that the API has authenticated. */
  requester?: AuthenticatedRequester | undefined;
}

/** `replayed`: the same retirement was accepted before. `retiring`: another retirement is in progress. */
export type RetirementRequested =
  | { retirement: Retirement; replayed: boolean }
  | { refused: 'retiring'; standing: Retirement };

type Asking = Pick<HandlerDependencies, 'ledger' | 'clock' | 'executions'>;

/** Returns the retirement with its actual state: an execution may have stopped without noting its end. */
export async function standingRetirement(
  { migrationId, retirement: one }: Pick<Migration, 'migrationId' | 'retirement'>,
  {
    ledger,
    clock,
    executions,
  }: { ledger: Pick<Asking['ledger'], 'getRetirement'> } & Pick<Asking, 'clock'> & {
      executions: Pick<Asking['executions'], 'describe'>;
    },
): Promise<Retirement | undefined> {
  if (!one || !isOpenRetirement(one) || one.executionArn === undefined) return one;
  const execution = await executions.describe(one.executionArn);
  // An accepted retirement is started in any case: when the request is repeated, or by find-stranded.
  if (isRunning(execution) || (execution === undefined && one.state === 'requested')) return one;
  // The execution may have noted its end since the read.
  const now = await ledger.getRetirement(migrationId);
  const isSame = now?.id === one.id && isOpenRetirement(now);
  return isSame ? strandedRetirement(migrationId, now, execution, utcNow(clock)) : now;
}

/** Returns the requested fields, without those that are undefined. */
export const askedOf = ({
  action,
  dryRun,
  soakDays,
  accept,
  requestedBy,
  reason,
}: RetirementAsked): RetirementAsked => ({
  action,
  dryRun,
  soakDays,
  ...acceptField({ accept }),
  ...(requestedBy === undefined ? {} : { requestedBy }),
  ...(reason === undefined ? {} : { reason }),
});

const acceptedOf = (
  { id, executionArn, correlation, requester, ...asked }: RetirementWish,
  startedAt: string,
): Retirement => ({
  id,
  state: 'requested',
  ...askedOf(asked),
  ...(requester ? { requester } : {}),
  ...(correlation ? { correlation } : {}),
  startedAt,
  executionArn,
});

/** Requests a retirement. `record` is the record as it was read. A repeated request with the same id gets the same answer. */
export async function requestRetirement(
  record: Pick<Migration, 'migrationId' | 'retirement'>,
  wish: RetirementWish,
  dependencies: Asking,
): Promise<RetirementRequested> {
  const { migrationId } = record;
  const { ledger, clock } = dependencies;
  let current = record.retirement;
  for (;;) {
    const standing = await standingRetirement({ migrationId, retirement: current }, dependencies);
    if (standing?.id === wish.id) return { retirement: standing, replayed: true };
    if (standing && isOpenRetirement(standing)) return { refused: 'retiring', standing };
    const retirement = acceptedOf(wish, utcNow(clock));
    if (await ledger.changeRetirement(migrationId, current, retirement)) return { retirement, replayed: false };
    // Another request was faster: the record now has that one's retirement, or this one's own.
    current = await ledger.getRetirement(migrationId);
  }
}
