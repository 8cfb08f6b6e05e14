/**
 * CloudTrail's event of an UpdateAddon that EKS refused because it was to remove the add-on's role with an empty
 * string:
 * the fields that the service uses, and the migration that it requests. Sources:
 * hashicorp/terraform-provider-aws#30645 (AWS Support quotes requestParameters and message: the cluster is `name`);
 * CloudTrail User Guide, "CloudTrail record contents".
 */
import { z } from 'zod';
import { type MigrationRequest, migrationRequest } from '../request/request.ts';
import { accountId, addonName, BY_CLOUDTRAIL, clusterName, regionName } from '../text/names.ts';
import { requesterByCloudTrail, type AuthenticatedRequester } from '../approval/requester.ts';
import { fit } from './parts.ts';
import { EVERY_ACCOUNT, isServed } from '../access/spokes.ts';
import type { Trigger } from '../terms/trigger.ts';

/**
 * `notify` makes a plan and reports it; `ask` starts a migration that waits for an approval; `migrate` starts a
 * migration.
 */
export const denialAction = z.enum(['notify', 'ask', 'migrate']);

export const denialSettings = z.object({
  /** The service's own account. */
  account: accountId,
  /** Other accounts whose events are accepted. */
  accounts: z.array(z.union([accountId, z.literal(EVERY_ACCOUNT)])),
  action: denialAction,
  /** How long further denials of the same add-on are ignored. */
  quietHours: z.number().int().min(1).max(720),
});
export type DenialSettings = z.infer<typeof denialSettings>;

/** The fields of an event that show whether it is about a refused UpdateAddon. All other fields are ignored. */
export const denialEnvelope = z.looseObject({
  source: z.string(),
  'detail-type': z.string(),
  account: z.string(),
  detail: z.looseObject({
    eventID: z.string().optional(),
    eventSource: z.string().optional(),
    eventName: z.string().optional(),
    errorCode: z.string().optional(),
    errorMessage: z.string().optional(),
    requestParameters: z.unknown(),
  }),
});
export type DenialEnvelope = z.infer<typeof denialEnvelope>;

/** CloudTrail records path parameters in their URL-encoded form. */
function decoded(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
const inPath = <Name extends z.ZodType>(name: Name) => z.preprocess(decoded, name);

/** All fields that the service uses. */
export const denial = z.object({
  account: accountId,
  region: regionName,
  detail: z.object({
    eventID: z.string().regex(/^[\w-]{1,128}$/, "must be CloudTrail's id of the event"),
    eventTime: z.iso.datetime({ error: 'must be a time in UTC' }),
    userAgent: z.string().optional(),
    userIdentity: z.object({ arn: z.string().optional() }).optional(),
    requestParameters: z.object({ name: inPath(clusterName), addonName: inPath(addonName) }),
  }),
});
export type Denial = z.infer<typeof denial>;

const REFUSAL = 'Cross-account pass role';
const emptied = z.looseObject({ serviceAccountRoleArn: z.literal('') });

/**
 * Returns why an event is not about a refused UpdateAddon with an empty role; `undefined` if it is. EKS refuses a call
 * that names a role of another account with the same message, and a migration does not help there.
 */
export function unrelated({ source, 'detail-type': detailType, detail }: DenialEnvelope): string | undefined {
  if (
    source !== 'aws.eks' ||
    detailType !== 'AWS API Call via CloudTrail' ||
    detail.eventSource !== 'eks.amazonaws.com'
  )
    return 'it is not a CloudTrail event of an EKS API call';
  if (detail.eventName !== 'UpdateAddon') return 'the call was not UpdateAddon';
  if (detail.errorCode?.startsWith('AccessDenied') !== true || detail.errorMessage?.includes(REFUSAL) !== true)
    return 'the call was not refused as a cross-account pass role';
  return emptied.safeParse(detail.requestParameters).success
    ? undefined
    : 'the call did not have an empty serviceAccountRoleArn';
}

/** Returns why an account's events are not accepted; `undefined` if they are. */
export function refusedAccount(
  account: string,
  served: Pick<DenialSettings, 'account' | 'accounts'>,
): string | undefined {
  return isServed(account, served) ? undefined : 'its account is not configured';
}

/** Returns the key of the claim, which is for one add-on of one cluster. */
export const denialKey = ({ account, region, detail: { requestParameters } }: Denial): string =>
  ['DENIAL', account, region, requestParameters.name, requestParameters.addonName].join('#');

export function triggerOf({ detail: { eventID: eventId, eventTime, userAgent, userIdentity } }: Denial): Trigger {
  const principal = userIdentity?.arn;
  return {
    kind: 'cross-account-pass-role',
    eventId,
    at: new Date(eventTime).toISOString(),
    ...(principal === undefined ? {} : { principal: fit(principal, 512) }),
    ...(userAgent === undefined ? {} : { userAgent: fit(userAgent, 512) }),
  };
}

/** Returns the principal that made the call; `undefined` if the event does not contain a complete ARN. */
export const requesterFor = ({ detail }: Denial): AuthenticatedRequester | undefined =>
  requesterByCloudTrail(detail.userIdentity?.arn);

export function requestFor({ account, region, detail }: Denial, action: DenialSettings['action']): MigrationRequest {
  const { name: cluster, addonName: addon } = detail.requestParameters;
  const { arn } = detail.userIdentity ?? {};
  return migrationRequest.parse({
    target: { account, region, cluster },
    addon,
    ...(action === 'notify' ? { dryRun: true } : {}),
    ...(action === 'ask' ? { approval: 'required' } : {}),
    requestedBy: requesterByCloudTrail(arn) ? `${BY_CLOUDTRAIL}${arn ?? ''}` : `${BY_CLOUDTRAIL}an unknown principal`,
    reason: `EKS refused UpdateAddon with an empty role: Cross-account pass role is not allowed (CloudTrail event ${detail.eventID}).`,
  });
}
