/**
 * Accepts a request so that it is carried out once, however often it is sent. First comes the claim, which holds the
 * whole request, then everything that `use-cases/migration/request.ts` does with it. A caller that sends the request again finds
 * the claim, and what is missing of the rest is done then. A claim for another request starts nothing.
 */
import { MigrationError } from '../domain/failures/errors.ts';
import type { Correlation, MigrationRequest } from '../domain/migration/model.ts';
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
  /** Of the API's paths. */
  prefix: string;
  idempotencyKey: string | undefined;
  correlation: Correlation | undefined;
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
 * Names the execution that carries an action on a migration out: one name for each time that it is asked for, and the
 * same key is the same time. `before`: it was asked for before. Throws as `claimByKey`.
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
  { caller, idempotencyKey }: Pick<Asked, 'caller' | 'idempotencyKey'>,
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

/** Throws ApiProblem where another migration works on what this one is about. */
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
 * Takes the slot of a migration that will wait, before it is started: simultaneous requests are refused as exactly as
 * others. Throws ApiProblem where there is none.
 */
async function admit(asked: Waiting, dependencies: Pick<Requesting, 'ledger' | 'clock' | 'settings'>): Promise<void> {
  if (!waitsBeforeBegin(asked.request, dependencies.settings, dependencies.clock.now())) return;
  const { refused } = await takeWaitingSlot(asked, dependencies);
  if (refused !== undefined) throw new ApiProblem('too-many-waiting', refused);
}

/**
 * Answers the migration's id. Throws ApiProblem for a key that stands for another request, and where as many migrations
 * wait as may.
 */
export async function takeIn(request: MigrationRequest, asked: Asked, dependencies: Requesting): Promise<string> {
  const { ids, clock, ledger } = dependencies;
  const mine: Claim = {
    migrationId: ids.ulid(),
    fingerprint: sha256({ migrate: request }),
    at: utcNow(clock),
    // API Gateway has authenticated the caller, and the request names nobody else.
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
