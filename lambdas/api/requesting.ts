/**
 * Taking a request in so that it is carried out once, however often it is sent: first the claim, which holds the whole
 * request, then what `runtime/requesting.ts` does by it. Whoever comes again finds the claim and does what is missing
 * of the rest. A claim that is not of what they sent starts nothing.
 */
import { MigrationError } from '../domain/errors.ts';
import type { MigrationRequest } from '../domain/model.ts';
import { sha256 } from '../domain/plan/hash.ts';
import type { Claim, HandlerDependencies } from '../ports/index.ts';
import { claimInput, ensureStarted } from '../runtime/requesting.ts';
import { utcNow } from '../runtime/utc.ts';
import { ApiProblem } from './problems.ts';

export type Requesting = Pick<HandlerDependencies, 'ledger' | 'executions' | 'clock' | 'ids'>;

interface Asked {
  caller: string;
  idempotencyKey: string | undefined;
}

/** Notes what is asked for under the caller's key. Throws ApiProblem where the key stands for something else. */
export async function claimByKey(
  idempotencyKey: string,
  caller: string,
  mine: Claim,
  { ledger }: Pick<Requesting, 'ledger'>,
): Promise<Claim> {
  const standing = await ledger.claim(sha256({ by: caller, key: idempotencyKey }), mine);
  if (standing.fingerprint === mine.fingerprint) return standing;
  throw new ApiProblem(
    'key-used',
    `This Idempotency-Key was used at ${standing.at} for another request. Send each request under a key of its own, and one that is sent again exactly as it was.`,
    {
      errors: [{ field: 'header.idempotency-key', message: `stands for another request, of ${standing.at}` }],
    },
  );
}

/**
 * Without a key, by what is asked for: the same request finds what is under way for it, and begins anew when that is
 * over.
 */
async function claimByContent(
  mine: Claim,
  isOver: (id: string) => Promise<boolean>,
  { ledger }: Pick<Requesting, 'ledger'>,
): Promise<Claim> {
  const key = sha256({ content: mine.fingerprint });
  const standing = await ledger.claim(key, mine);
  if (standing.migrationId === mine.migrationId) return standing;
  return (await isOver(standing.migrationId)) ? ledger.reclaim(key, standing, mine) : standing;
}

/**
 * The claim that stands: this one, or that of an earlier request of which this is the same. `isOver`: of what that one
 * began. Throws ApiProblem for a key that stands for another request.
 */
export async function claimOnce(
  mine: Claim,
  { caller, idempotencyKey }: Asked,
  isOver: (id: string) => Promise<boolean>,
  dependencies: Pick<Requesting, 'ledger'>,
): Promise<Claim> {
  const standing =
    idempotencyKey === undefined
      ? await claimByContent(mine, isOver, dependencies)
      : await claimByKey(idempotencyKey, caller, mine, dependencies);
  // Its fingerprint was made of what it says; whoever can write a claim may have made it of something else.
  if (standing.input === mine.input) return standing;
  throw new MigrationError(
    'BadInput',
    `The claim of ${standing.migrationId} in the ledger is not of the request that it stands for; nothing was started by it. Find out who wrote it, then send the request under another Idempotency-Key.`,
  );
}

/** Answers the migration's id. Throws ApiProblem for a key that stands for another request. */
export async function takeIn(request: MigrationRequest, asked: Asked, dependencies: Requesting): Promise<string> {
  const { ids, clock, ledger } = dependencies;
  const mine: Claim = {
    migrationId: ids.ulid(),
    fingerprint: sha256({ migrate: request }),
    at: utcNow(clock),
    input: claimInput({ request }),
  };
  const claim = await claimOnce(
    mine,
    asked,
    async (id) => (await ledger.getMigration(id))?.status === 'ended',
    dependencies,
  );
  await ensureStarted(claim, request, dependencies);
  return claim.migrationId;
}
