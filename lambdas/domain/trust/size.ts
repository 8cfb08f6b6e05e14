/**
 * How long a trust policy may be, and the ways out where it is too long. Source: IAM User Guide, "IAM and AWS STS
 * quotas".
 */
import { clusterArn } from '../aws/arn.ts';
import { partitionOf } from '../aws/partitions.ts';
import type { Target } from '../migration/model.ts';
import { isObject, type JsonObject, labelOf, sameJson, textsOf } from './statements.ts';

/** Characters of a role's trust policy; IAM does not count white space. */
export const DEFAULT_QUOTA = 2048;
/** What the quota can be raised to. */
export const HIGHEST_QUOTA = 4096;

/**
 * Where IAM's quotas are kept: IAM is one for the whole partition. Source: AWS General Reference, "IAM endpoints and
 * quotas".
 */
const QUOTA_REGIONS: Record<string, string> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
};

/**
 * How long the policy may become: one that is over the default already shows that this account's quota has been raised.
 */
export const limitFor = (lengthNow: number, maxLength?: number): number =>
  maxLength ?? (lengthNow > DEFAULT_QUOTA ? HIGHEST_QUOTA : DEFAULT_QUOTA);

const withoutSid = (statement: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(statement).filter(([key]) => key !== 'Sid'));

/** Statements that say what an earlier one says already. */
function duplicates(statements: readonly JsonObject[]): string[] {
  return statements.flatMap((one, index) => {
    const first = statements.findIndex((other) => sameJson(withoutSid(other), withoutSid(one)));
    return first < index ? [`${labelOf(one, index)} says the same as statement ${first + 1}`] : [];
  });
}

const PROVIDER = /^arn:[\w-]+:iam::\d{12}:oidc-provider\/(.+)$/;

/** Statements that let pods of a cluster in by OIDC. */
function ofProviders(statements: readonly JsonObject[]): string[] {
  return statements.flatMap((one, index) => {
    const federated = isObject(one['Principal']) ? textsOf(one['Principal']['Federated']) : [];
    const issuers = federated.flatMap((arn) => PROVIDER.exec(arn)?.[1] ?? []);
    return one['Effect'] === 'Allow' && issuers.length > 0
      ? [`${labelOf(one, index)} is for OIDC provider ${issuers.join(', ')}`]
      : [];
  });
}

/** What can be done about a policy of `length` characters where only `limit` are allowed. */
export function alternatives(length: number, limit: number, statements: readonly JsonObject[], target: Target): string {
  const quota = `aws service-quotas request-service-quota-increase --service-code iam --quota-code L-C07B4B0D --desired-value ${HIGHEST_QUOTA} --region ${QUOTA_REGIONS[partitionOf(target.region)] ?? target.region}`;
  const same = duplicates(statements);
  const providers = ofProviders(statements);
  const ways = [
    ...(limit < HIGHEST_QUOTA && length <= HIGHEST_QUOTA ? [`ask for a higher quota: ${quota}`] : []),
    ...(same.length > 0 ? [`take out what is there twice: ${same.join('; ')}`] : []),
    ...(providers.length > 0 ? [`take out statements of clusters that are gone: ${providers.join('; ')}`] : []),
    `give the add-on of ${clusterArn(target)} a role of its own`,
  ];
  return `It is ${length - limit} characters too many. One of: ${ways.map((way, index) => `(${index + 1}) ${way}`).join('; ')}.`;
}
