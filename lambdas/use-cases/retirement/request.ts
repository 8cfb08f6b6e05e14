/**
 * The retirement of a migration as an operation in its record. Whoever asks for one by the API makes one conditional
 * write before anything is started, so that of any number at once one is accepted; its execution notes what becomes of
 * it (`noting-retirements.ts`), and one that stopped without that counts as over by what Step Functions says.
 */
import type { Correlation, Migration } from '../../domain/migration/model.ts';
import { isRunning } from '../../domain/rollback/recovery.ts';
import { isOpenRetirement, type Retirement, strandedRetirement } from '../../domain/trust/retirement.ts';
import type { HandlerDependencies, RetirementAsked } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';

export interface RetirementWish extends RetirementAsked {
  /** Name of the execution that carries it out, and its ARN. */
  id: string;
  executionArn: string;
  correlation?: Correlation | undefined;
}

/** `replayed`: this very retirement was accepted before. `retiring`: another one is under way. */
export type RetirementRequested =
  | { retirement: Retirement; replayed: boolean }
  | { refused: 'retiring'; standing: Retirement };

type Asking = Pick<HandlerDependencies, 'ledger' | 'clock' | 'executions'>;

/** What of it can stand: its execution may have stopped without noting its end, and then it is over. */
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
  // What was accepted is started in any case: when it is sent again, or by find-stranded.
  if (isRunning(execution) || (execution === undefined && one.state === 'requested')) return one;
  // It may have noted its end since it was read.
  const now = await ledger.getRetirement(migrationId);
  const isSame = now?.id === one.id && isOpenRetirement(now);
  return isSame ? strandedRetirement(migrationId, now, execution, utcNow(clock)) : now;
}

/** What was asked, without what was left out. */
export const askedOf = ({ action, dryRun, soakDays, requestedBy, reason }: RetirementAsked): RetirementAsked => ({
  action,
  dryRun,
  soakDays,
  ...(requestedBy === undefined ? {} : { requestedBy }),
  ...(reason === undefined ? {} : { reason }),
});

const acceptedOf = ({ id, executionArn, correlation, ...asked }: RetirementWish, startedAt: string): Retirement => ({
  id,
  state: 'requested',
  ...askedOf(asked),
  ...(correlation ? { correlation } : {}),
  startedAt,
  executionArn,
});

/** `record`: as it was read. Whoever comes again under the same id is answered as the first time. */
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
    // Somebody was faster: theirs stands now, or this one's own.
    current = await ledger.getRetirement(migrationId);
  }
}
