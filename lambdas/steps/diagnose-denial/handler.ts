/**
 * Starts MigrateAddon for the add-on of a denied UpdateAddon, as a dry run unless the deployment is configured otherwise.
 * It is triggered by CloudTrail's event; notifications and the outcome are those of that migration. Idempotency: an event
 * always leads to the same migration; one add-on has one migration within the quiet hours, and a repeated event completes
 * its start. Failure: an event of an account that is not configured, or in another form than CloudTrail's, starts nothing.
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
import { ZOD_MESSAGES } from '../../domain/text/zod-messages.ts';
import { problemsOf } from '../../domain/text/problems.ts';
import { fit } from '../../domain/events/parts.ts';
import { ulidFrom } from '../../domain/text/ulid.ts';
import type { Claim, HandlerDependencies } from '../../ports/index.ts';
import { requestMigration } from '../../use-cases/migration/request.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { diagnoseDenialSchema } from './schema.ts';

const HOUR_MS = 3_600_000;

/** Returns whether the quiet hours of the claim are over and its migration no longer runs. */
async function hasPassed(
  { at, migrationId }: Claim,
  quietHours: number,
  { ledger, clock }: HandlerDependencies,
): Promise<boolean> {
  // A timestamp that can't be parsed does not hold up another migration.
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
      'The function does not know which events to accept and what to do with them: ACCOUNT, SETTINGS_FILE, DENIAL_ACTION or QUIET_HOURS is not set. Deploy the service again.',
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
  const parsed = denial.safeParse(event, ZOD_MESSAGES);
  if (!parsed.success)
    throw new MigrationError(
      'BadInput',
      `CloudTrail's event of a denied UpdateAddon does not have the expected form: ${problemsOf(parsed.error, 'the event')}. No migration was started.`,
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
  telemetry.log.info('handled a denied UpdateAddon', {
    migrationId: claim.migrationId,
    eventId: data.detail.eventID,
    first,
  });
  return { did: first ? 'started' : 'known', migrationId: claim.migrationId };
};

export const diagnoseDenialStep = step(diagnoseDenialSchema, run);
