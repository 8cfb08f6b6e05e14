/**
 * What right each action of IAM wants, on which resource: Service Authorization Reference, "Actions, resources, and
 * condition keys for AWS Identity and Access Management". How refusals name the resource is as users report it: `role
 * NAME` (aws/aws-cdk#27067), `policy ARN` (aws-amplify/amplify-js#7540); ListRoles and SimulatePrincipalPolicy go by
 * ARN.
 */
import type { Asked } from '../authorization/asked.ts';
import type { Caller } from '../http.ts';
import type { RoleState, World } from '../world/world.ts';
import { oidcProviderRights } from './oidc-providers.ts';
import { required } from './query-protocol.ts';
import type { QueryRights } from './query-service.ts';

/** What an ARN of the caller's account in IAM begins with. */
const prefixOf = ({ principalArn, account }: Caller): string =>
  `arn:${principalArn.split(':')[1] ?? 'aws'}:iam::${account}:`;

/** Condition keys that a role as a resource has: its tags, by both names. */
export const roleTagKeys = (role: RoleState | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(role?.tags ?? {}).flatMap(([key, value]) => [
      [`aws:ResourceTag/${key}`, value],
      [`iam:ResourceTag/${key}`, value],
    ]),
  );

/** By the name of the action, all that the service has. */
export const iamRights = (world: World): Record<string, QueryRights> => {
  /** A role that is not there is of no path, as far as anybody knows. */
  const onRole =
    (action: string): QueryRights =>
    (parameters, { caller }): Asked[] => {
      const name = required(parameters, 'RoleName');
      const role = world.accounts.get(caller.account)?.roles.get(name);
      return [
        {
          action: `iam:${action}`,
          resource: role?.arn ?? `${prefixOf(caller)}role/${name}`,
          context: roleTagKeys(role),
          named: `role ${name}`,
        },
      ];
    };
  const onPolicy =
    (action: string): QueryRights =>
    (parameters): Asked[] => {
      const arn = required(parameters, 'PolicyArn');
      return [{ action: `iam:${action}`, resource: arn, named: `policy ${arn}` }];
    };
  return {
    GetRole: onRole('GetRole'),
    ListRoleTags: onRole('ListRoleTags'),
    ListRolePolicies: onRole('ListRolePolicies'),
    GetRolePolicy: onRole('GetRolePolicy'),
    ListAttachedRolePolicies: onRole('ListAttachedRolePolicies'),
    UpdateAssumeRolePolicy: onRole('UpdateAssumeRolePolicy'),
    GetPolicy: onPolicy('GetPolicy'),
    GetPolicyVersion: onPolicy('GetPolicyVersion'),
    ...oidcProviderRights(world, prefixOf),
    // The path stands where names do, which refusals show: `…:role/aws-service-role/opensearchservice.amazonaws.com/`.
    ListRoles: (parameters, { caller }) => [
      { action: 'iam:ListRoles', resource: `${prefixOf(caller)}role${parameters.get('PathPrefix') ?? '/'}` },
    ],
    SimulatePrincipalPolicy: (parameters) => [
      { action: 'iam:SimulatePrincipalPolicy', resource: required(parameters, 'PolicySourceArn') },
    ],
  };
};
