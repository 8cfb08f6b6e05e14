/**
 * Who may invoke a function: a role by its own policies, a service by the function's alone. Source: Lambda Developer
 * Guide, "Granting other AWS entities access to your Lambda functions". (A function's policy may let a role in too;
 * the assembly refuses such a permission.)
 */
import { closedWorld } from '../../lambdas/domain/policy/contexts.ts';
import { type ParsedPolicy, parsePolicy } from '../../lambdas/domain/policy/document.ts';
import { evaluate } from '../../lambdas/domain/policy/evaluate.ts';
import type { AssemblyFunction, AssemblyPermission } from '../assembly/assembly.ts';
import type { Authorizer, Denial } from '../authorization/authorizer.ts';

export interface InvokingCaller {
  /** ARN of the role that calls, or a service's principal, such as `events.amazonaws.com`. */
  caller: string;
  /** Of a service: what it calls for, such as a rule. */
  sourceArn?: string;
}

/** The right that every call of a function wants, with a version or without (Service Authorization Reference, AWS Lambda). */
const ACTION = 'lambda:InvokeFunction';

export const isRole = ({ caller }: InvokingCaller): boolean => caller.startsWith('arn:');

/**
 * `functionArn` as it is called: a role that has the function's plain ARN may not call a version of it, which is a
 * resource of its own (Lambda Developer Guide, "Fine-tuning the Resources and Conditions sections of policies").
 */
export const denialOfRole = (authorizer: Authorizer, functionArn: string, region: string, { caller }: InvokingCaller): Denial | undefined =>
  authorizer.authorize({ accessKeyId: '', principalArn: caller, account: caller.split(':')[4] ?? '' }, { action: ACTION, resource: functionArn }, region);

/** As Lambda writes it: EventBridge User Guide, "My rule ran but my Lambda function wasn't invoked", shows one. The statements' resource is left to whoever asks. */
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

/** Noted with the authorizer's other denials. Its text is IAM's for a resource's policy; nobody shows what EventBridge gets. */
export const denialOfService = (authorizer: Authorizer, { permissions = [] }: AssemblyFunction, functionArn: string, { caller, sourceArn }: InvokingCaller): Denial | undefined => {
  const own = permissions.filter((permission) => permission.functionArn === functionArn);
  const account = sourceArn?.split(':')[4];
  const lookUp = closedWorld({ ...(sourceArn === undefined ? {} : { 'aws:SourceArn': sourceArn }), ...(account === undefined ? {} : { 'aws:SourceAccount': account }) });
  if (evaluate(policyOf(own), { action: ACTION, principal: { type: 'Service', values: [caller] }, lookUp }).verdict === 'allowed') return undefined;
  const message = `User: ${caller} is not authorized to perform: ${ACTION} on resource: ${functionArn} because no resource-based policy allows the ${ACTION} action`;
  const denial: Denial = { action: ACTION, resource: functionArn, principalArn: caller, decision: 'implicitDeny', message };
  authorizer.denials.push(denial);
  return denial;
};
