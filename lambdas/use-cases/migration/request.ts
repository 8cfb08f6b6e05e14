/**
 * Starting a migration once for all that ask for the same: first the claim, which says which migration it is, then its
 * record, then the execution under the migration's id. Whoever comes later, also after a crash anywhere between, does
 * what is missing of the one that has the claim, and starts no other one.
 */
import { z } from 'zod';
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import {
  authenticatedRequester,
  type AuthenticatedRequester,
  type Correlation,
  type MigrationRequest,
  migrationRequest,
  newMigration,
  trigger,
  type Trigger,
} from '../../domain/migration/model.ts';
import { sha256 } from '../../domain/text/sha256.ts';
import { subjectOf } from '../../domain/migration/subject.ts';
import type { Claim, HandlerDependencies } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';
import type { Asked } from '../waiting/waiting-slots.ts';

export interface Wish {
  /** What is asked for only once: whoever asks under the same key gets the first one's migration. */
  key: string;
  /** Of all that is asked, see `Claim`. */
  fingerprint: string;
  /** Where this is the first. */
  migrationId: string;
  request: MigrationRequest;
  /** Who requests it, where that is authenticated. */
  requester?: AuthenticatedRequester | undefined;
  trigger?: Trigger;
  /** Whether the claim of an earlier one, that is another's, has passed on. */
  isOver: (earlier: Claim) => boolean | Promise<boolean>;
}

export interface Requested {
  /** The one that stands: another's than the wish's where `first` is false. */
  claim: Claim;
  first: boolean;
}

const input = z.object({
  request: migrationRequest,
  requester: authenticatedRequester.optional(),
  trigger: trigger.optional(),
});

/** As it was claimed: whoever does what is missing must not do it by their own wish. */
function inputOf({ migrationId, input: text }: Claim): z.infer<typeof input> {
  try {
    return input.parse(JSON.parse(text));
  } catch (error) {
    throw new MigrationError(
      'BadInput',
      `The claim of migration ${migrationId} in the ledger is not as this service writes it; nothing was started by it.`,
      { cause: error },
    );
  }
}

/** As a claim keeps what is asked for. */
export const claimInput = (asked: z.infer<typeof input>): string => JSON.stringify(asked);

/** What a request asks for, whoever asks, and why. */
const contentOf = (request: MigrationRequest): string =>
  sha256({ ...request, requestedBy: undefined, reason: undefined });

const subjectOnly = ({ target, ...request }: MigrationRequest): string => sha256([target, subjectOf(request)]);

/**
 * Throws BadInput for a claim that does not stand for what was asked: whoever can write into the ledger must not have
 * anything else started by it.
 */
function assertClaimMatches(found: string, wanted: string, { migrationId }: Claim, what: string): void {
  if (found === wanted) return;
  throw new MigrationError(
    'BadInput',
    `The claim of migration ${migrationId} in the ledger is not acted upon: ${what}. Nothing was started by it. Find out who wrote it.`,
  );
}

/**
 * Puts the record and starts the execution, where that is missing. `admit` is called before that, and throws what is
 * not to be started. `source`: what alone can have vouched for the requester here. Throws BadInput for a claim that is
 * not as it is written here, or is not of what was asked.
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
    /** Of the request that comes first to put the record. */
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
      'the migration of that id is about something else',
    );
  // An execution has noted itself there: it was started, whatever has become of it.
  if (record?.executionArn !== undefined || record?.status === 'ended') return;
  const { request, requester, trigger: cause } = inputOf(claim);
  assertClaimMatches(contentOf(request), contentOf(asked), claim, 'it asks for something else than whoever came');
  assertClaimMatches(
    requester?.source ?? source,
    source,
    claim,
    'it names a requester whom nobody can have vouched for',
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
    // Somebody else has started it since: its execution works on it, or it has ended already.
    const since = isMigrationError(error, 'BadInput') ? await ledger.getMigration(migrationId) : undefined;
    if (since && (since.executionArn !== undefined || since.status === 'ended')) return;
    throw error;
  }
  await executions.startMigration(migrationId, request);
}

/** Throws BadInput for a claim that is not as it is written here; every other failure leaves it to be said again. */
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
