/**
 * Taking a request in so that it is carried out once, however often it is sent: first the claim, which holds the whole
 * request, then the record, then the execution under the record's id. Whoever comes again finds the claim and does what
 * is missing of the rest, from the claim and not from what they sent.
 */
import { isMigrationError } from '../domain/errors.ts';
import { type Migration, migrationRequest, type MigrationRequest, newMigration } from '../domain/model.ts';
import { sha256 } from '../domain/plan/hash.ts';
import type { Claim, HandlerDependencies } from '../ports/index.ts';
import { utcNow } from '../runtime/utc.ts';
import { ApiProblem } from './problems.ts';

export type Requesting = Pick<HandlerDependencies, 'ledger' | 'executions' | 'clock' | 'ids'>;

interface Asked {
  caller: string;
  idempotencyKey: string | undefined;
}

/** Notes what is asked for under the caller's key. Throws ApiProblem where the key stands for something else. */
export async function claimByKey(idempotencyKey: string, caller: string, mine: Claim, { ledger }: Pick<Requesting, 'ledger'>): Promise<Claim> {
  const standing = await ledger.claim(sha256({ by: caller, key: idempotencyKey }), mine);
  if (standing.fingerprint === mine.fingerprint) return standing;
  throw new ApiProblem('key-used', `This Idempotency-Key was used at ${standing.at} for another request. Send each request under a key of its own, and one that is sent again exactly as it was.`, {
    errors: [{ field: 'header.idempotency-key', message: `stands for another request, of ${standing.at}` }],
  });
}

/** Without a key, by what is asked for: the same request finds the migration that is under way for it, and begins a new one when that is over. */
async function claimByContent(mine: Claim, { ledger }: Requesting): Promise<Claim> {
  const key = sha256({ content: mine.fingerprint });
  const standing = await ledger.claim(key, mine);
  if (standing.migrationId === mine.migrationId) return standing;
  const record = await ledger.getMigration(standing.migrationId);
  return record?.status === 'ended' ? ledger.reclaim(key, standing, mine) : standing;
}

/** Answers the record that stands: another invocation may be at the same. */
async function recordOf({ migrationId, input }: Claim, { ledger, clock }: Requesting): Promise<Migration> {
  const before = await ledger.getMigration(migrationId);
  if (before) return before;
  const record = newMigration({ migrationId, request: migrationRequest.parse(JSON.parse(input)), startedAt: utcNow(clock) });
  try {
    await ledger.putMigration(record);
    return record;
  } catch (error) {
    // Its execution has begun, or even ended, since the look.
    const there = isMigrationError(error, 'BadInput') ? await ledger.getMigration(migrationId) : undefined;
    if (!there) throw error;
    return there;
  }
}

/** Answers the migration's id. Throws ApiProblem for a key that stands for another request. */
export async function takeIn(request: MigrationRequest, { caller, idempotencyKey }: Asked, dependencies: Requesting): Promise<string> {
  const { ids, clock, executions } = dependencies;
  const mine: Claim = { migrationId: ids.ulid(), fingerprint: sha256({ migrate: request }), at: utcNow(clock), input: JSON.stringify(request) };
  const claim = idempotencyKey === undefined ? await claimByContent(mine, dependencies) : await claimByKey(idempotencyKey, caller, mine, dependencies);
  const record = await recordOf(claim, dependencies);
  // The plan notes its execution first of all. One that was started and has not come so far is started again under its name, which starts nothing.
  if (record.status === 'running' && record.executionArn === undefined) await executions.startMigration(record.migrationId, record.request);
  return record.migrationId;
}
