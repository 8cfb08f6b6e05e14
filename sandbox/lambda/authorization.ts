/**
 * Who may invoke a function: a role by its own policies, a service by the function's alone. Source: Lambda Developer
 * Guide, "Granting other AWS entities access to your Lambda functions". (A function's policy may let a role in too;
 * the assembly refuses such a permission.)
 */
import { type ParsedPolicy, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import type { AssemblyFunction, AssemblyPermission } from '../assembly/functions.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { Denial } from '../authorization/asked.ts';
import { denialOfRole, denialOfService, isRole, type ResourceCaller } from '../authorization/resource-policy.ts';

export type { ResourceCaller as InvokingCaller } from '../authorization/resource-policy.ts';

/**
 * The right that every call of a function wants, with a version or without (Service Authorization Reference, AWS
 * Lambda).
 */
const ACTION = 'lambda:InvokeFunction';

/**
 * As Lambda writes it: EventBridge User Guide, "My rule ran but my Lambda function wasn't invoked", shows one. The
 * statements' resource is left to whoever asks.
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
    'trust',
  );

/**
 * The refusal of a role, which does not learn whether there is such a function. `functionArn` as it is called: a role
 * that has the function's plain ARN may not call a version of it, which is a resource of its own (Lambda Developer
 * Guide, "Fine-tuning the Resources and Conditions sections of policies").
 */
export const refusalOfRole = (
  authorizer: Authorizer,
  functionArn: string,
  caller: ResourceCaller,
): Denial | undefined =>
  isRole(caller) ? denialOfRole(authorizer, [], { action: ACTION, resource: functionArn }, caller) : undefined;

/** The refusal of a service. */
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
