/** IAM, as far as a migration needs it: reading roles and changing a role's trust policy. */
import type { Service } from '../http.ts';
import type { AccountState, RoleState, World } from '../world/world.ts';
import { createQueryService } from './query-service.ts';
import { QueryError, required } from './query-protocol.ts';
import type { XmlValue } from './query-protocol.ts';
import { checkTrustPolicy } from './trust-policy.ts';

const API = { namespace: 'https://iam.amazonaws.com/doc/2010-05-08/', version: '2010-05-08', title: 'IAM' };

const roleXml = (role: RoleState, options: { withTags: boolean }): XmlValue => {
  const tags = Object.entries(role.tags).map(([key, value]) => ({ Key: key, Value: value }));
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.roleId,
    Arn: role.arn,
    CreateDate: new Date(role.createdAt).toISOString().replace(/\.\d{3}/, ''),
    // RFC 3986, as the API reference of GetRole says.
    AssumeRolePolicyDocument: encodeURIComponent(role.trustPolicy).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`),
    MaxSessionDuration: 3600,
    ...(options.withTags && tags.length > 0 ? { Tags: tags } : {}),
  };
};

const roleOf = (account: AccountState | undefined, name: string): RoleState => {
  const role = account?.roles.get(name);
  if (!role) throw new QueryError(404, 'NoSuchEntity', `The role with name ${name} cannot be found.`);
  return role;
};

/** One page of a list: `Marker` is the number of the first item that is still to come. */
const page = <T>(items: T[], parameters: Map<string, string>): { items: T[]; IsTruncated: boolean; Marker?: string } => {
  const start = Number(parameters.get('Marker') ?? 0);
  const size = Number(parameters.get('MaxItems') ?? 100);
  if (!Number.isInteger(start) || start < 0) throw new QueryError(400, 'ValidationError', 'Invalid Marker.');
  if (!Number.isInteger(size) || size < 1 || size > 1000) {
    throw new QueryError(400, 'ValidationError', `1 validation error detected: Value '${parameters.get('MaxItems') ?? ''}' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 1000`);
  }
  const end = start + size;
  return { items: items.slice(start, end), IsTruncated: end < items.length, ...(end < items.length ? { Marker: String(end) } : {}) };
};

export const createIamService = (world: World): Service =>
  createQueryService(API, world.random, {
    GetRole: (parameters, { caller }) => ({
      Role: roleXml(roleOf(world.accounts.get(caller.account), required(parameters, 'RoleName')), { withTags: true }),
    }),

    ListRoles: (parameters, { caller }) => {
      const prefix = parameters.get('PathPrefix') ?? '/';
      const roles = [...(world.accounts.get(caller.account)?.roles.values() ?? [])].filter((role) => role.path.startsWith(prefix));
      const { items, ...rest } = page(roles.sort((a, b) => (a.name < b.name ? -1 : 1)), parameters);
      return { ...rest, Roles: items.map((role) => roleXml(role, { withTags: false })) };
    },

    ListRoleTags: (parameters, { caller }) => {
      const role = roleOf(world.accounts.get(caller.account), required(parameters, 'RoleName'));
      const { items, ...rest } = page(Object.entries(role.tags), parameters);
      return { ...rest, Tags: items.map(([key, value]) => ({ Key: key, Value: value })) };
    },

    // The sandbox keeps trust policies only; permissions are nobody's question here.
    ListAttachedRolePolicies: (parameters, { caller }) => {
      roleOf(world.accounts.get(caller.account), required(parameters, 'RoleName'));
      return { IsTruncated: false, AttachedPolicies: [] };
    },

    UpdateAssumeRolePolicy: (parameters, { caller }) => {
      const role = roleOf(world.accounts.get(caller.account), required(parameters, 'RoleName'));
      const document = required(parameters, 'PolicyDocument');
      if (role.path.startsWith('/aws-service-role/')) {
        throw new QueryError(400, 'UnmodifiableEntity', `Cannot perform the operation on the protected role '${role.name}' - this role is only modifiable by AWS`);
      }
      checkTrustPolicy(world, document);
      role.trustPolicy = document;
      return undefined;
    },
  });
