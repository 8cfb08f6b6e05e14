/**
 * The length limit of a trust policy, and the remedies if a policy exceeds it. Source: IAM User Guide, "IAM and AWS STS
 * quotas".
 */
import { clusterArn } from '../aws/arn.ts';
import { partitionOf } from '../aws/partitions.ts';
import type { Target } from '../terms/subject.ts';
import { isObject, type JsonObject, labelOf, sameJson, textsOf } from './statements.ts';

/** Default limit of a role's trust policy, in characters. IAM does not count white space. */
const DEFAULT_QUOTA = 2048;
/** The highest limit to which the quota can be raised. */
const HIGHEST_QUOTA = 4096;

/**
 * The region where IAM's quotas are managed in each partition, since IAM is global to a partition. Source: AWS General
 * Reference, "IAM endpoints and quotas".
 */
const QUOTA_REGIONS: Record<string, string> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
};

/**
 * Returns the length that the policy may have. A policy that already exceeds the default shows that the account's quota
 * has been raised.
 */
export const limitFor = (lengthNow: number, maxLength?: number): number =>
  maxLength ?? (lengthNow > DEFAULT_QUOTA ? HIGHEST_QUOTA : DEFAULT_QUOTA);

const withoutSid = (statement: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(statement).filter(([key]) => key !== 'Sid'));

/** Describes the statements that repeat an earlier statement. */
function duplicates(statements: readonly JsonObject[]): string[] {
  return statements.flatMap((one, index) => {
    const first = statements.findIndex((other) => sameJson(withoutSid(other), withoutSid(one)));
    return first < index ? [`${labelOf(one, index)} repeats statement ${first + 1}`] : [];
  });
}

const PROVIDER = /^arn:[\w-]+:iam::\d{12}:oidc-provider\/(.+)$/;

/** Describes the statements that allow pods of a cluster through its OIDC provider. */
function ofProviders(statements: readonly JsonObject[]): string[] {
  return statements.flatMap((one, index) => {
    const federated = isObject(one['Principal']) ? textsOf(one['Principal']['Federated']) : [];
    const issuers = federated.flatMap((arn) => PROVIDER.exec(arn)?.[1] ?? []);
    return one['Effect'] === 'Allow' && issuers.length > 0
      ? [`${labelOf(one, index)} is for OIDC provider ${issuers.join(', ')}`]
      : [];
  });
}

/** Returns the remedies for a policy of `length` characters if only `limit` are allowed. */
export function alternatives(length: number, limit: number, statements: readonly JsonObject[], target: Target): string {
  const quota = `aws service-quotas request-service-quota-increase --service-code iam --quota-code L-C07B4B0D --desired-value ${HIGHEST_QUOTA} --region ${QUOTA_REGIONS[partitionOf(target.region)] ?? target.region}`;
  const same = duplicates(statements);
  const providers = ofProviders(statements);
  const remedies = [
    ...(limit < HIGHEST_QUOTA && length <= HIGHEST_QUOTA ? [`request a higher quota: ${quota}`] : []),
    ...(same.length > 0 ? [`remove duplicate statements: ${same.join('; ')}`] : []),
    ...(providers.length > 0 ? [`remove statements of deleted clusters: ${providers.join('; ')}`] : []),
    `use a separate role for the add-on of ${clusterArn(target)}`,
  ];
  return `The policy is ${length - limit} characters too long. Do one of: ${remedies.map((remedy, index) => `(${index + 1}) ${remedy}`).join('; ')}.`;
}
