/**
 * Which right each operation of S3 wants, on what, and what the bucket's own policy says to it. Sources: Service
 * Authorization Reference, "Actions, resources, and condition keys for Amazon S3"; Amazon S3 User Guide, "How Amazon S3
 * authorizes a request". Refusals put the resource in quotation marks, as users show them (noobaa/noobaa-core#10060,
 * schubergphilis/terraform-aws-mcaf-securityhub-findings-manager#64).
 */
import { closedWorld, evaluate, matchesWildcard, type PolicyRequest } from '../../lambdas/domain/policy/index.ts';
import type { AssemblyBucket } from '../assembly/buckets.ts';
import { type Asked, globalKeys, type Trust } from '../authorization/authorizer.ts';
import { decide, denies } from '../authorization/decide.ts';
import type { CallContext } from '../http.ts';
import { sessionOf } from '../sts/sessions.ts';
import type { World } from '../world/world.ts';

/** Who calls, and who judges that. */
export type S3Caller = Pick<CallContext, 'caller' | 'region' | 'authorize'>;

export interface Right {
  action: 's3:PutObject' | 's3:GetObject' | 's3:DeleteObject' | 's3:ListBucket';
  /** Of an object; left out: the bucket itself. */
  key?: string;
  context?: Record<string, string>;
}

/**
 * What the policy says to the caller. Within one account it need not say anything; of another account's caller it has
 * to allow the call.
 */
const trustOf = (
  world: World,
  { account, statements }: AssemblyBucket,
  asked: Asked,
  { caller, region }: S3Caller,
): Trust | undefined => {
  const [, partition = 'aws'] = caller.principalArn.split(':');
  const policies = statements.flatMap(({ resources, policy }) =>
    resources.some((pattern) => matchesWildcard(pattern, asked.resource)) ? [policy] : [],
  );
  const itself = [caller.principalArn, sessionOf(world, caller)];
  const request: PolicyRequest = {
    action: asked.action,
    resource: asked.resource,
    principal: { type: 'AWS', values: [...itself, caller.account, `arn:${partition}:iam::${caller.account}:root`] },
    lookUp: closedWorld({ ...globalKeys(world, caller, asked.resource, region), ...asked.context }),
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

/** What S3 says to a caller without the right; undefined where it has it. */
export const refusalOf = (
  world: World,
  bucket: AssemblyBucket,
  { action, key, context }: Right,
  by: S3Caller,
): string | undefined => {
  const [, partition = 'aws'] = by.caller.principalArn.split(':');
  const resource = `arn:${partition}:s3:::${bucket.name}${key === undefined ? '' : `/${key}`}`;
  const asked: Asked = { action, resource, named: JSON.stringify(resource), ...(context ? { context } : {}) };
  const trust = trustOf(world, bucket, asked, by);
  return by.authorize({ ...asked, ...(trust ? { trust } : {}) })?.message;
};
