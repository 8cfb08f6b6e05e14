/**
 * Authorizes S3 operations by the caller's permissions and the bucket's policy. Sources: Service Authorization
 * Reference, "Actions, resources, and condition keys for Amazon S3"; Amazon S3 User Guide, "How Amazon S3 authorizes a
 * request". Errors put the resource in quotation marks, as reported by users (noobaa/noobaa-core#10060,
 * schubergphilis/terraform-aws-mcaf-securityhub-findings-manager#64).
 */
import { closedWorld, evaluate, matchesWildcard, type PolicyRequest } from '../../lambdas/domain/policy/index.ts';
import type { AssemblyBucket } from '../assembly/buckets.ts';
import { globalKeys } from '../authorization/authorizer.ts';
import type { RequiredPermission, ResourcePolicyResult } from '../permission/permission.ts';
import { decide, denies } from '../permission/decide.ts';
import type { CallContext } from '../http.ts';
import { sessionOf } from '../authorization/sessions.ts';
import type { World } from '../world/world.ts';

/** The caller, and the function that checks its permissions. */
export type S3Caller = Pick<CallContext, 'caller' | 'region' | 'authorize'>;

export interface S3Permission {
  action: 's3:PutObject' | 's3:GetObject' | 's3:DeleteObject' | 's3:ListBucket';
  /** Key of the object; undefined for the bucket itself. */
  key?: string;
  context?: Record<string, string>;
}

/**
 * Returns the result of the bucket policy for a caller; undefined if it neither denies nor names the caller. Within one
 * account, the policy need not allow the call; for a caller of another account, it has to.
 */
const trustOf = (
  world: World,
  { account, statements }: AssemblyBucket,
  permission: RequiredPermission,
  { caller, region }: S3Caller,
): ResourcePolicyResult | undefined => {
  const [, partition = 'aws'] = caller.principalArn.split(':');
  const policies = statements.flatMap(({ resources, policy }) =>
    resources.some((pattern) => matchesWildcard(pattern, permission.resource)) ? [policy] : [],
  );
  const itself = [caller.principalArn, sessionOf(world, caller)];
  const request: PolicyRequest = {
    action: permission.action,
    resource: permission.resource,
    principal: { type: 'AWS', values: [...itself, caller.account, `arn:${partition}:iam::${caller.account}:root`] },
    lookUp: closedWorld({ ...globalKeys(world, caller, permission.resource, region), ...permission.context }),
  };
  if (policies.length > 0 && denies(policies, request))
    return { decision: 'explicitDeny', names: 'account', reasons: true };
  if (caller.account !== account)
    return {
      decision: policies.length > 0 ? decide(policies, request) : 'implicitDeny',
      names: 'account',
      reasons: true,
    };
  const isNamed =
    policies.length > 0 &&
    evaluate(policies, { ...request, principal: { type: 'AWS', values: itself } }).verdict === 'allowed';
  return isNamed ? { decision: 'allowed', names: 'role', reasons: true } : undefined;
};

/** Returns S3's message for a caller without the permission; undefined if the caller has it. */
export const refusalOf = (
  world: World,
  bucket: AssemblyBucket,
  { action, key, context }: S3Permission,
  by: S3Caller,
): string | undefined => {
  const [, partition = 'aws'] = by.caller.principalArn.split(':');
  const resource = `arn:${partition}:s3:::${bucket.name}${key === undefined ? '' : `/${key}`}`;
  const permission: RequiredPermission = {
    action,
    resource,
    named: JSON.stringify(resource),
    ...(context ? { context } : {}),
  };
  const trust = trustOf(world, bucket, permission, by);
  return by.authorize({ ...permission, ...(trust ? { trust } : {}) })?.message;
};
