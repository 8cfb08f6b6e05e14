/**
 * The permissions that IAM's actions require: Service Authorization Reference, "Actions, resources, and condition keys
 * for AWS Identity and Access Management". Errors name the resource as reported by users: `role NAME`
 * (aws/aws-cdk#27067), `policy ARN` (aws-amplify/amplify-js#7540), and the ARN for ListRoles and
 * SimulatePrincipalPolicy.
 */
import type { RequiredPermission } from '../permission/permission.ts';
import type { Caller } from '../http.ts';
import type { World } from '../world/world.ts';
import { oidcProviderPermissions } from './oidc-providers.ts';
import { roleTagKeys } from '../trust/roles.ts';
import { required } from './query-protocol.ts';
import type { QueryPermissions } from './query-service.ts';

/** Returns the prefix of IAM ARNs in the caller's account. */
const prefixOf = ({ principalArn, account }: Caller): string =>
  `arn:${principalArn.split(':')[1] ?? 'aws'}:iam::${account}:`;

/** Returns the permissions of all actions that the service has, by action name. */
export const iamPermissions = (world: World): Record<string, QueryPermissions> => {
  /** Returns the permission on a role. For a role that does not exist, the ARN has no path. */
  const onRole =
    (action: string): QueryPermissions =>
    (parameters, { caller }): RequiredPermission[] => {
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
    (action: string): QueryPermissions =>
    (parameters): RequiredPermission[] => {
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
    CreateRole: (parameters, { caller }) => {
      const arn = `${prefixOf(caller)}role${parameters.get('Path') ?? '/'}${required(parameters, 'RoleName')}`;
      return [{ action: 'iam:CreateRole', resource: arn }];
    },
    PutRolePolicy: onRole('PutRolePolicy'),
    AttachRolePolicy: (parameters, context) =>
      onRole('AttachRolePolicy')(parameters, context).map((permission) => ({
        ...permission,
        context: { ...permission.context, 'iam:PolicyARN': required(parameters, 'PolicyArn') },
      })),
    GetPolicy: onPolicy('GetPolicy'),
    GetPolicyVersion: onPolicy('GetPolicyVersion'),
    ...oidcProviderPermissions(world, prefixOf),
    // The resource contains the path prefix, as errors show:
    // `…:role/aws-service-role/opensearchservice.amazonaws.com/`.
    ListRoles: (parameters, { caller }) => [
      { action: 'iam:ListRoles', resource: `${prefixOf(caller)}role${parameters.get('PathPrefix') ?? '/'}` },
    ],
    SimulatePrincipalPolicy: (parameters) => [
      { action: 'iam:SimulatePrincipalPolicy', resource: required(parameters, 'PolicySourceArn') },
    ],
  };
};
