/**
 * Accepts a request so that it is carried out once, however often it is sent. The claim, which contains the whole
 * request, is written first, followed by everything that `use-cases/migration/request.ts` does with it. When a caller
 * sends the request again, the claim is found and the missing parts are completed. A claim for another request starts
 * nothing.
 */
import { MigrationError } from '../domain/failures/errors.ts';
import type { Correlation } from '../domain/terms/correlation.ts';
import type { MigrationRequest } from '../domain/request/request.ts';
import { sha256 } from '../domain/text/sha256.ts';
import { waitsBeforeBegin } from '../domain/waiting/waiting.ts';
import type { Claim, HandlerDependencies } from '../ports/index.ts';
import { claimInput, ensureStarted } from '../use-cases/migration/request.ts';
import { utcNow } from '../runtime/utc.ts';
import { busyRefusal, busyWith } from '../use-cases/migration/subject-busy.ts';
import { type Asked as Waiting, takeWaitingSlot } from '../use-cases/waiting/waiting-slots.ts';
import { migrationPath } from './links.ts';
import { ApiProblem } from './problems.ts';

export type Requesting = Pick<HandlerDependencies, 'ledger' | 'executions' | 'clock' | 'ids' | 'settings'>;

interface Asked {
  caller: string;
  /** Prefix of the API's paths. */
  prefix: string;
  idempotencyKey: string | undefined;
  correlation: Correlation | undefined;
}

/** Records the request under the caller's key. Throws `ApiProblem` if the key was used for another request. */
async function claimByKey(
  idempotencyKey: string,
  caller: string,
  mine: Claim,
  { ledger }: Pick<Requesting, 'ledger'>,
): Promise<Claim> {
  const standing = await ledger.claim(sha256({ by: caller, key: idempotencyKey }), mine);
  if (standing.fingerprint === mine.fingerprint) return standing;
  throw new ApiProblem(
    'key-used',
    `This Idempotency-Key was used at ${standing.at} for another request. Use a separate key for each request, and repeat a request exactly as it was.`,
    {
      errors: [{ field: 'header.idempotency-key', message: `was used for another request at ${standing.at}` }],
    },
  );
}

/**
 * Returns the name of the execution that carries out an action on a migration: a new name for each request, and the
 * same name for the same key. `before` is true if the action was already requested. Throws the same errors as
 * `claimByKey`.
 */
export async function nameByKey(
  {
    parameters: { id },
    caller,
    idempotencyKey,
  }: Pick<Asked, 'caller' | 'idempotencyKey'> & { parameters: { id: string } },
  asked: object,
  { ledger, ids, clock }: Pick<Requesting, 'ledger' | 'ids' | 'clock'>,
): Promise<{ name: string; before: boolean }> {
  const mine: Claim = {
    migrationId: ids.ulid(),
    fingerprint: sha256(asked),
    at: utcNow(clock),
    input: JSON.stringify(asked),
  };
  const claim = idempotencyKey === undefined ? mine : await claimByKey(idempotencyKey, caller, mine, { ledger });
  return { name: `${id}-${claim.migrationId}`, before: claim.migrationId !== mine.migrationId };
}

/**
 * Claims a request without a key by its content. The same request joins the work in progress, and starts again once
 * that has ended.
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
 * Returns the claim in effect: this request's, or that of an identical earlier request. `isOver` returns whether the
 * work that the earlier request started has ended. Throws `ApiProblem` if the key was used for another request.
 */
export async function claimOnce(
  mine: Claim,
  { caller, idempotencyKey }: Pick<Asked, 'caller' | 'idempotencyKey'>,
  isOver: (id: string) => Promise<boolean>,
  dependencies: Pick<Requesting, 'ledger'>,
): Promise<Claim> {
  const standing =
    idempotencyKey === undefined
      ? await claimByContent(mine, isOver, dependencies)
      : await claimByKey(idempotencyKey, caller, mine, dependencies);
  // The fingerprint alone is no evidence: a principal that can write claims could pair it with another input.
  if (standing.input === mine.input) return standing;
  throw new MigrationError(
    'BadInput',
    `The claim of ${standing.migrationId} in the ledger does not match the request of its fingerprint. Nothing was started for it. Find out which principal wrote the claim, then send the request with another Idempotency-Key.`,
  );
}

/** Throws `ApiProblem` if another migration is working on the same subject. */
async function assertNotBusy(
  { migrationId, request }: Waiting,
  prefix: string,
  dependencies: Pick<Requesting, 'ledger' | 'executions'>,
): Promise<void> {
  const holder = await busyWith(request, migrationId, dependencies);
  if (!holder) return;
  throw new ApiProblem('subject-busy', busyRefusal(request, holder), {
    links: { holder: migrationPath(prefix, holder.migrationId) },
  });
}

/**
 * Takes a waiting slot for a migration that will wait, before it is started, so that the limit holds for simultaneous
 * requests too. Throws `ApiProblem` if no slot is free.
 */
async function admit(asked: Waiting, dependencies: Pick<Requesting, 'ledger' | 'clock' | 'settings'>): Promise<void> {
  if (!waitsBeforeBegin(asked.request, dependencies.settings, dependencies.clock.now())) return;
  const { refused } = await takeWaitingSlot(asked, dependencies);
  if (refused !== undefined) throw new ApiProblem('too-many-waiting', refused);
}

/**
 * Starts the migration and returns its id. Throws `ApiProblem` if the key was used for another request, if another
 * migration is working on the subject, or if the maximum number of migrations is already waiting.
 */
export async function takeIn(request: MigrationRequest, asked: Asked, dependencies: Requesting): Promise<string> {
  const { ids, clock, ledger } = dependencies;
  const mine: Claim = {
    migrationId: ids.ulid(),
    fingerprint: sha256({ migrate: request }),
    at: utcNow(clock),
    // API Gateway has authenticated the caller, and the request names no other requester.
    input: claimInput({ request, requester: { source: 'api', principal: asked.caller } }),
  };
  const claim = await claimOnce(
    mine,
    asked,
    async (id) => (await ledger.getMigration(id))?.status === 'ended',
    dependencies,
  );
  await ensureStarted(claim, request, dependencies, {
    admit: async (claimed) => {
      await assertNotBusy(claimed, asked.prefix, dependencies);
      await admit(claimed, dependencies);
    },
    source: 'api',
    correlation: asked.correlation,
  });
  return claim.migrationId;
}
