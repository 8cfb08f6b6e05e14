/**
 * The authenticated requester of a migration. The text `requestedBy` of a request is only what its sender states: for
 * the
 * API, AWS has authenticated it, but a person who starts an execution manually can state anything.
 */
import { z } from 'zod';
import { BY_CLOUDTRAIL, plainText, requestedBy } from '../text/names.ts';
import { sha256 } from '../text/sha256.ts';
import { parsePrincipal } from '../aws/principal.ts';
import { schemaNames } from '../text/schemas.ts';
import { migrationRequest, type MigrationRequest } from '../request/request.ts';

/**
 * What authenticates the requester: `api`, API Gateway, which has verified the signature; `cloudtrail`, CloudTrail's
 * event of the call that the migration answers; `schedule`, a schedule of the deployment's configuration.
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
 * The requester as the record has it. `request` is what that requester requested. An execution that was started
 * manually
 * with the same id stores another request in the record, to which the requester does not apply.
 */
export const notedRequester = z.object({ requester: authenticatedRequester, request: migrationRequest });
export type NotedRequester = z.infer<typeof notedRequester>;

/** The requester and the request of a record, or of a migration before it has a record. */
export interface Requested {
  request: MigrationRequest;
  requester?: NotedRequester | undefined;
}

/** Returns the authenticated requester of the record's request; `undefined` if there is none. */
export const requesterOf = ({ request, requester: noted }: Requested): AuthenticatedRequester | undefined =>
  noted && sha256(noted.request) === sha256(request) ? noted.requester : undefined;

/** Returns the requester that CloudTrail's event names; `undefined` if that is not the complete ARN of a principal. */
export const requesterByCloudTrail = (arn: string | undefined): AuthenticatedRequester | undefined =>
  arn !== undefined && parsePrincipal(arn) ? { source: 'cloudtrail', principal: arn } : undefined;

/** Returns the ARN of the principal that a request states, also if a denied call led to the request. */
export const statedPrincipal = (text: string): string =>
  text.startsWith(BY_CLOUDTRAIL) ? text.slice(BY_CLOUDTRAIL.length) : text;

/** The authenticated and the stated requester, for people. */
interface Shown {
  requester?: AuthenticatedRequester | undefined;
  requestedBy?: string | undefined;
}

/** Returns the requester as text for people, so that a stated requester is not mistaken for an authenticated one. */
export function requesterText({ requester, requestedBy: stated }: Shown): string {
  if (!requester) return stated === undefined ? 'an unknown requester' : `an unknown requester, who states "${stated}"`;
  switch (requester.source) {
    case 'api':
      return requester.principal;
    case 'cloudtrail':
      return `${requester.principal}, through a denied call`;
    case 'schedule':
      return `schedule ${requester.schedule}`;
  }
}

/** Returns the requester of a sweep, which is its schedule if it has one and no other requester. */
export const sweepRequesterOf = ({
  requester,
  schedule,
}: {
  requester?: AuthenticatedRequester | undefined;
  schedule?: { name: string } | undefined;
}): AuthenticatedRequester | undefined => requester ?? (schedule && { source: 'schedule', schedule: schedule.name });
