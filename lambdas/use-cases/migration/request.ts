/**
 * Starts a migration once for all callers that ask for the same: first the claim, which decides on the migration's id, then
 * its record, then the execution under that id. A later caller, also after a crash at any point, completes the migration
 * that has the claim, and starts no other.
 */
import { z } from 'zod';
import { inCurrentForm } from '../../domain/acceptance/former.ts';
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import { authenticatedRequester, type AuthenticatedRequester } from '../../domain/approval/requester.ts';
import type { Correlation } from '../../domain/terms/correlation.ts';
import { type MigrationRequest, migrationRequest } from '../../domain/request/request.ts';
import { newMigration } from '../../domain/record/migration.ts';
import { trigger, type Trigger } from '../../domain/terms/trigger.ts';
import { sha256 } from '../../domain/text/sha256.ts';
import { subjectOf } from '../../domain/terms/subject.ts';
import type { Claim, HandlerDependencies } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';
import type { Asked } from '../waiting/waiting-slots.ts';

export interface Wish {
  /** The key under which the migration is requested once: any caller with the same key gets the first caller's migration. */
  key: string;
  /** The fingerprint of everything requested, see `Claim`. */
  fingerprint: string;
  /** The migration's id if this is the first request. */
  migrationId: string;
  request: MigrationRequest;
  /** The requester, if it was authenticated. */
  requester?: AuthenticatedRequester | undefined;
  trigger?: Trigger;
  /** Returns whether another request's earlier claim no longer counts. */
  isOver: (earlier: Claim) => boolean | Promise<boolean>;
}

export interface Requested {
  /** The claim that counts: another request's if `first` is false. */
  claim: Claim;
  first: boolean;
}

const input = z.object({
  request: migrationRequest,
  requester: authenticatedRequester.optional(),
  trigger: trigger.optional(),
});

/** Returns the claimed request: a caller that completes the start must not do so by its own request. */
function inputOf({ migrationId, input: text }: Claim): z.infer<typeof input> {
  try {
    return input.parse(inCurrentForm(JSON.parse(text)));
  } catch (error) {
    throw new MigrationError(
      'BadInput',
      `The claim of migration ${migrationId} in the ledger does not have the form that this service writes. No migration was started. Find out who wrote it.`,
      { cause: error },
    );
  }
}

/** Returns the request in the form in which a claim stores it. */
export const claimInput = (asked: z.infer<typeof input>): string => JSON.stringify(asked);

/** Returns a hash of what a request asks for, without the requester and the reason. */
const contentOf = (request: MigrationRequest): string =>
  sha256({ ...request, requestedBy: undefined, reason: undefined });

const subjectOnly = ({ target, ...request }: MigrationRequest): string => sha256([target, subjectOf(request)]);

/**
 * Throws BadInput if a claim does not match the request: a principal that can write to the ledger must not be able to start
 * something else through it.
 */
function assertClaimMatches(found: string, wanted: string, { migrationId }: Claim, what: string): void {
  if (found === wanted) return;
  throw new MigrationError(
    'BadInput',
    `The claim of migration ${migrationId} in the ledger is not used: ${what}. No migration was started. Find out who wrote the claim.`,
  );
}

/**
 * Stores the record and starts the execution if they are missing. `admit` is called before that, and throws for a request
 * that must not start. `source` is the only source that can have authenticated the requester here. Throws BadInput for a
 * claim that does not have the form that this service writes, or does not match the request.
 */
export async function ensureStarted(
  claim: Claim,
  asked: MigrationRequest,
  { ledger, executions }: Pick<HandlerDependencies, 'ledger' | 'executions'>,
  {
    admit,
    source,
    correlation,
  }: {
    admit?: (asked: Asked) => Promise<void>;
    source: AuthenticatedRequester['source'];
    /** The correlation of the first request that stores the record. */
    correlation?: Correlation | undefined;
  },
): Promise<void> {
  const { migrationId, at } = claim;
  const record = await ledger.getMigration(migrationId);
  if (record)
    assertClaimMatches(
      subjectOnly(record.request),
      subjectOnly(asked),
      claim,
      'the migration with that id has another subject',
    );
  // An execution has noted itself in the record, so it was started, regardless of its result.
  if (record?.executionArn !== undefined || record?.status === 'ended') return;
  const { request, requester, trigger: cause } = inputOf(claim);
  assertClaimMatches(contentOf(request), contentOf(asked), claim, 'it asks for something else than the caller');
  assertClaimMatches(
    requester?.source ?? source,
    source,
    claim,
    'it names a requester that was not authenticated by this source',
  );
  const claimed: Asked = { migrationId, request, ...(requester ? { requester: { requester, request } } : {}) };
  await admit?.(claimed);
  const first = record?.correlation ?? correlation;
  try {
    await ledger.putMigration(
      newMigration({
        ...claimed,
        startedAt: at,
        ...(cause ? { trigger: cause } : {}),
        ...(first ? { correlation: first } : {}),
      }),
    );
  } catch (error) {
    // Another caller has started it since: its execution works on it, or it has ended already.
    const since = isMigrationError(error, 'BadInput') ? await ledger.getMigration(migrationId) : undefined;
    if (since && (since.executionArn !== undefined || since.status === 'ended')) return;
    throw error;
  }
  await executions.startMigration(migrationId, request);
}

/** Throws BadInput for a claim that does not have the form that this service writes; after any other error, the request can be repeated. */
export async function requestMigration(
  { key, fingerprint, migrationId, request, requester, trigger: cause, isOver }: Wish,
  dependencies: Pick<HandlerDependencies, 'ledger' | 'executions' | 'clock'>,
): Promise<Requested> {
  const { ledger, clock } = dependencies;
  const mine: Claim = {
    migrationId,
    fingerprint,
    at: utcNow(clock),
    input: claimInput({ request, requester, trigger: cause }),
  };
  let claim = await ledger.claim(key, mine);
  if (claim.migrationId !== migrationId && (await isOver(claim))) claim = await ledger.reclaim(key, claim, mine);
  await ensureStarted(claim, request, dependencies, { source: 'cloudtrail' });
  return { claim, first: claim.migrationId === migrationId };
}
