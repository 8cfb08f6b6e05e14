/**
 * Decides who may invoke a function: a role by its own policies, a service only by the function's policy. Source:
 * Lambda Developer Guide, "Granting other AWS entities access to your Lambda functions". (A function's policy may also
 * allow a role; the assembly refuses such a permission.)
 */
import { type ParsedPolicy, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import type { AssemblyFunction, AssemblyPermission } from '../assembly/functions.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { Denial } from '../permission/permission.ts';
import { denialOfRole, denialOfService, isRole, type ResourceCaller } from '../authorization/resource-policy.ts';

export type { ResourceCaller as InvokingCaller } from '../authorization/resource-policy.ts';

/**
 * The permission that every invocation requires, with or without a version (Service Authorization Reference, AWS
 * Lambda).
 */
const ACTION = 'lambda:InvokeFunction';

/**
 * Builds the policy in Lambda's form: EventBridge User Guide, "My rule ran but my Lambda function wasn't invoked",
 * shows an example. The caller of this function supplies the statements' resource.
 */
const policyOf = (permissions: readonly AssemblyPermission[]): ParsedPolicy =>
  parsePolicy(
    {
      Version: '2012-10-17',
      Statement: permissions.map(({ action, service, sourceArn, sourceAccount }) => ({
        Effect: 'Allow',
        Principal: { Service: service },
        Action: action,
        Condition: {
          ...(sourceArn === undefined ? {} : { ArnLike: { 'AWS:SourceArn': sourceArn } }),
          ...(sourceAccount === undefined ? {} : { StringEquals: { 'AWS:SourceAccount': sourceAccount } }),
        },
      })),
    },
    'resource',
  );

/**
 * Returns the refusal of a role, which does not reveal whether the function exists. `functionArn` is the ARN in the
 * call: a role with permission for the function's unqualified ARN may not invoke a version, which is a resource of its
 * own (Lambda Developer Guide, "Fine-tuning the Resources and Conditions sections of policies").
 */
export const refusalOfRole = (
  authorizer: Authorizer,
  functionArn: string,
  caller: ResourceCaller,
): Denial | undefined =>
  isRole(caller) ? denialOfRole(authorizer, [], { action: ACTION, resource: functionArn }, caller) : undefined;

/** Returns the refusal of a service. */
export const refusalOfService = (
  authorizer: Authorizer,
  { permissions = [] }: AssemblyFunction,
  functionArn: string,
  caller: ResourceCaller,
): Denial | undefined => {
  if (isRole(caller)) return undefined;
  const own = permissions.filter((permission) => permission.functionArn === functionArn);
  return denialOfService(authorizer, [policyOf(own)], { action: ACTION, resource: functionArn }, caller);
};
