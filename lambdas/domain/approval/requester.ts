/**
 * Who requests a migration, as far as anybody has authenticated it. The text `requestedBy` of a request is what its
 * sender states. By the API, AWS has authenticated it; whoever starts an execution by hand may state anything.
 */
import { z } from 'zod';
import { BY_CLOUDTRAIL, plainText, requestedBy } from '../text/names.ts';
import { sha256 } from '../text/sha256.ts';
import { parsePrincipal } from '../aws/principal.ts';
import { schemaNames } from '../text/schemas.ts';
import { migrationRequest, type MigrationRequest } from '../migration/request.ts';

/**
 * What vouches for the requester: `api`, API Gateway, which has verified the signature; `cloudtrail`, CloudTrail's event
 * of the call that the migration answers; `schedule`, a schedule of the deployment's configuration.
 */
export const authenticatedRequester = z.discriminatedUnion('source', [
  z
    .object({
      source: z.literal('api').describe('API Gateway has verified the signature of the request.'),
      principal: requestedBy.describe('ARN of the principal that signed the request.'),
    })
    .register(schemaNames, { name: 'ApiRequester' }),
  z
    .object({
      source: z.literal('cloudtrail').describe('CloudTrail reported the call that the migration answers.'),
      principal: requestedBy.describe('ARN of the principal that made the call.'),
    })
    .register(schemaNames, { name: 'CloudTrailRequester' }),
  z
    .object({
      source: z.literal('schedule').describe("A schedule of the deployment's configuration started it."),
      schedule: plainText(64).describe('Name of the schedule.'),
    })
    .register(schemaNames, { name: 'ScheduleRequester' }),
]);
export type AuthenticatedRequester = z.infer<typeof authenticatedRequester>;

/**
 * The record's own note of it. `request`: what that requester requested. An execution that was started by hand under
 * the same id puts another request into the record, to which this does not apply.
 */
export const notedRequester = z.object({ requester: authenticatedRequester, request: migrationRequest });
export type NotedRequester = z.infer<typeof notedRequester>;

/** What a record, or whatever becomes one, says of who requested it. */
export interface Requested {
  request: MigrationRequest;
  requester?: NotedRequester | undefined;
}

/** Undefined where nobody has authenticated who requested what the record has. */
export const requesterOf = ({ request, requester: noted }: Requested): AuthenticatedRequester | undefined =>
  noted && sha256(noted.request) === sha256(request) ? noted.requester : undefined;

/** Whom CloudTrail's event names; undefined where that is not the whole ARN of a principal. */
export const requesterByCloudTrail = (arn: string | undefined): AuthenticatedRequester | undefined =>
  arn !== undefined && parsePrincipal(arn) ? { source: 'cloudtrail', principal: arn } : undefined;

/** The principal that a request states, by its ARN; of a denied call as well. */
export const statedPrincipal = (text: string): string =>
  text.startsWith(BY_CLOUDTRAIL) ? text.slice(BY_CLOUDTRAIL.length) : text;

/** What is shown of a request: who requested it, and what it states itself. */
interface Shown {
  requester?: AuthenticatedRequester | undefined;
  requestedBy?: string | undefined;
}

/** Says for people who requested it, so that nobody takes what a request states for what AWS has verified. */
export function requesterText({ requester, requestedBy: stated }: Shown): string {
  if (!requester) return stated === undefined ? 'an unknown requester' : `an unknown requester, who states "${stated}"`;
  switch (requester.source) {
    case 'api':
      return requester.principal;
    case 'cloudtrail':
      return `${requester.principal}, by a denied call`;
    case 'schedule':
      return `schedule ${requester.schedule}`;
  }
}

/** Who requested a sweep; its schedule says it by itself. */
export const sweepRequesterOf = ({
  requester,
  schedule,
}: {
  requester?: AuthenticatedRequester | undefined;
  schedule?: { name: string } | undefined;
}): AuthenticatedRequester | undefined => requester ?? (schedule && { source: 'schedule', schedule: schedule.name });
