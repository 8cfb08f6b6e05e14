/**
 * By CloudTrail's event of a denied UpdateAddon: starts MigrateAddon for that add-on, as a dry run unless the
 * deployment says otherwise. What is told, and how it ends, is that migration's own. Idempotency: an event always comes
 * to the same migration; one add-on has one within the quiet hours, whose start is completed by whoever comes again.
 * Failure: nothing is started by an event that is not of a configured account, or not as CloudTrail writes it.
 */
import {
  denial,
  denialKey,
  refusedAccount,
  requesterFor,
  requestFor,
  triggerOf,
  unrelated,
} from '../../domain/events/denial.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { DENIAL_REFUSED } from '../../domain/events/metrics.ts';
import { sha256 } from '../../domain/text/sha256.ts';
import { PLAIN_WORDS } from '../../domain/text/zod-messages.ts';
import { problemsOf } from '../../domain/text/problems.ts';
import { fit } from '../../domain/events/parts.ts';
import { ulidFrom } from '../../domain/text/ulid.ts';
import type { Claim, HandlerDependencies } from '../../ports/index.ts';
import { requestMigration } from '../../use-cases/migration/request.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { diagnoseDenialSchema } from './schema.ts';

const HOUR_MS = 3_600_000;

/** It was asked long enough ago, and what came of it does not go on any more. */
async function hasPassed(
  { at, migrationId }: Claim,
  quietHours: number,
  { ledger, clock }: HandlerDependencies,
): Promise<boolean> {
  // What is no time is none that holds anything up.
  if (clock.now() - Date.parse(at) < quietHours * HOUR_MS) return false;
  const status = (await ledger.getMigration(migrationId))?.status;
  return status === undefined || status === 'ended';
}

const run: StepRun<typeof diagnoseDenialSchema> = async (event, dependencies) => {
  const { settings, telemetry } = dependencies;
  const { denials } = settings;
  if (!denials)
    throw new MigrationError(
      'BadInput',
      'This function was not told whose events to take and what to do then (ACCOUNT, SETTINGS_FILE, DENIAL_ACTION, QUIET_HOURS); deploy the service again.',
    );
  const ignored = unrelated(event);
  if (ignored !== undefined) return { did: 'ignored', why: ignored };
  const refused = refusedAccount(event.account, denials);
  if (refused !== undefined) {
    telemetry.log.warn('an event was refused', {
      why: refused,
      account: fit(event.account, 20),
      eventId: fit(event.detail.eventID ?? '', 128),
    });
    telemetry.count(DENIAL_REFUSED);
    return { did: 'refused', why: refused };
  }
  const parsed = denial.safeParse(event, PLAIN_WORDS);
  if (!parsed.success)
    throw new MigrationError(
      'BadInput',
      `CloudTrail's event of a denied UpdateAddon is not as expected, and nothing was started by it: ${problemsOf(parsed.error, 'the event')}.`,
    );
  const { data } = parsed;
  const request = requestFor(data, denials.action);
  const { claim, first } = await requestMigration(
    {
      key: denialKey(data),
      fingerprint: sha256({ target: request.target, addon: request.addon }),
      migrationId: ulidFrom(Date.parse(data.detail.eventTime), data.detail.eventID),
      request,
      requester: requesterFor(data),
      trigger: triggerOf(data),
      isOver: (earlier) => hasPassed(earlier, denials.quietHours, dependencies),
    },
    dependencies,
  );
  telemetry.log.info('a denied UpdateAddon', { migrationId: claim.migrationId, eventId: data.detail.eventID, first });
  return { did: first ? 'started' : 'known', migrationId: claim.migrationId };
};

export const diagnoseDenialStep = step(diagnoseDenialSchema, run);
