/**
 * The parts of IAM that a migration needs, and those that prepare one: reading roles, their policies and OIDC providers,
 * changing a role's trust policy, creating a role and giving it policies.
 */
import type { Caller, Service } from '../http.ts';
import { sessionOf } from '../authorization/sessions.ts';
import type { RoleState, World } from '../world/world.ts';
import { iamPermissions } from './authorization.ts';
import { oidcProviderActions } from './oidc-providers.ts';
import { createQueryService, type QueryAction } from './query-service.ts';
import { QueryError, checkParameters, required, type XmlValue } from './query-protocol.ts';
import { roleChangeActions } from './role-changes.ts';
import { rolePolicyActions } from './role-policies.ts';
import { simulatePrincipalPolicy } from './simulation.ts';
import { updateTrustPolicy } from './trust-policy.ts';
import { noSuchRole, page, PATH_PREFIX, POLICY_DOCUMENT, ROLE_NAME, timeOf, urlEncoded } from './wire.ts';

const API = { namespace: 'https://iam.amazonaws.com/doc/2010-05-08/', version: '2010-05-08', title: 'IAM' };

/** IAM's default of MaxSessionDuration, in seconds. */
const DEFAULT_SESSION = 3600;

/**
 * Returns a role as XML. ListRoles does not return tags and permissions boundary (IAM API reference). The only type of
 * boundary in the API model is PermissionsBoundaryPolicy, but responses contain Policy (AWS CLI's example of get-user,
 * and user reports of get-role).
 */
const roleXml = (role: RoleState, options: { whole: boolean }): XmlValue => {
  const { permissionsBoundary: boundary } = role;
  const tags = Object.entries(role.tags).map(([key, value]) => ({ Key: key, Value: value }));
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.roleId,
    Arn: role.arn,
    CreateDate: timeOf(role.createdAt),
    AssumeRolePolicyDocument: urlEncoded(role.trustPolicy),
    ...(role.description === undefined ? {} : { Description: role.description }),
    MaxSessionDuration: role.maxSessionDuration ?? DEFAULT_SESSION,
    ...(options.whole && boundary
      ? { PermissionsBoundary: { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: boundary.arn } }
      : {}),
    ...(options.whole && tags.length > 0 ? { Tags: tags } : {}),
  };
};

/**
 * Paths of roles that only AWS can change: service-linked roles and roles of IAM Identity Center
 * (rebuy-de/aws-nuke#441).
 */
const PROTECTED_PATHS = ['/aws-service-role/', '/aws-reserved/'];

export const createIamService = (world: World): Service => {
  const roleOf = (parameters: Map<string, string>, caller: Caller): RoleState => {
    const name = required(parameters, 'RoleName');
    checkParameters(parameters, { RoleName: ROLE_NAME });
    const role = world.accounts.get(caller.account)?.roles.get(name);
    if (!role) throw noSuchRole(name);
    return role;
  };

  const actions: Record<string, QueryAction> = {
    GetRole: (parameters, { caller }) => ({ Role: roleXml(roleOf(parameters, caller), { whole: true }) }),

    ListRoles: (parameters, { caller }) => {
      checkParameters(parameters, { PathPrefix: PATH_PREFIX });
      const prefix = parameters.get('PathPrefix') ?? '/';
      const roles = [...(world.accounts.get(caller.account)?.roles.values() ?? [])].filter((role) =>
        role.path.startsWith(prefix),
      );
      const { items, ...rest } = page(roles, ({ name }) => name, parameters);
      return { ...rest, Roles: items.map((role) => roleXml(role, { whole: false })) };
    },

    ListRoleTags: (parameters, { caller }) => {
      const { items, ...rest } = page(Object.entries(roleOf(parameters, caller).tags), ([key]) => key, parameters);
      return { ...rest, Tags: items.map(([key, value]) => ({ Key: key, Value: value })) };
    },

    ...rolePolicyActions(world, roleOf),
    ...roleChangeActions(world, roleOf),
    ...oidcProviderActions(world),

    SimulatePrincipalPolicy: simulatePrincipalPolicy(world, ({ caller }) => sessionOf(world, caller)),

    UpdateAssumeRolePolicy: (parameters, { caller }) => {
      const document = required(parameters, 'PolicyDocument');
      checkParameters(parameters, { PolicyDocument: POLICY_DOCUMENT });
      const role = roleOf(parameters, caller);
      if (PROTECTED_PATHS.some((path) => role.path.startsWith(path))) {
        throw new QueryError(
          400,
          'UnmodifiableEntity',
          `Cannot perform the operation on the protected role '${role.name}' - this role is only modifiable by AWS`,
        );
      }
      updateTrustPolicy(world, role, document);
      return undefined;
    },
  };
  return createQueryService(API, world.random, actions, iamPermissions(world));
};
