/** IAM, as far as a migration needs it: reading roles and changing a role's trust policy. */
import type { Constraint } from '../constraint.ts';
import type { Caller, Service } from '../http.ts';
import { pageAfter } from '../pages.ts';
import type { RoleState, World } from '../world/world.ts';
import { createQueryService } from './query-service.ts';
import { QueryError, checkParameters, required } from './query-protocol.ts';
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

/** Lengths and patterns: IAM API model 2010-05-08. */
const ROLE_NAME: Constraint = { length: { min: 1, max: 64 }, pattern: /^[\w+=,.@-]+$/ };
const POLICY_NAME: Constraint = { length: { min: 1, max: 128 }, pattern: /^[\w+=,.@-]+$/ };
const PATH_PREFIX: Constraint = { length: { min: 1, max: 512 }, pattern: /^\/[!-\x7f]*$/ };
const POLICY_PATH: Constraint = { length: { min: 1, max: 512 }, pattern: /^((\/[A-Za-z0-9.,+@=_-]+)*)\/$/ };
const PAGE: Record<string, Constraint> = { Marker: { length: { min: 1, max: 320 }, pattern: /^[ -\xff]+$/ }, MaxItems: { range: { min: 1, max: 1000 } } };
const POLICY_DOCUMENT: Constraint = { length: { min: 1, max: 131_072 }, pattern: /^[\t\n\r -\xff]+$/ };

/** Paths of roles that only AWS changes: service-linked ones, and those of IAM Identity Center (rebuy-de/aws-nuke#441). */
const PROTECTED_PATHS = ['/aws-service-role/', '/aws-reserved/'];

const noSuchEntity = (message: string): QueryError => new QueryError(404, 'NoSuchEntity', message);

const page = <T>(items: T[], keyOf: (item: T) => string, parameters: Map<string, string>): { items: T[]; IsTruncated: boolean; Marker?: string } => {
  checkParameters(parameters, PAGE);
  const found = pageAfter(items, keyOf, Number(parameters.get('MaxItems') ?? 100), parameters.get('Marker'));
  if (!found) throw new QueryError(400, 'ValidationError', 'Invalid Marker.');
  return { items: found.page, IsTruncated: found.nextToken !== undefined, ...(found.nextToken === undefined ? {} : { Marker: found.nextToken }) };
};

export const createIamService = (world: World): Service => {
  const roleOf = (parameters: Map<string, string>, caller: Caller): RoleState => {
    const name = required(parameters, 'RoleName');
    checkParameters(parameters, { RoleName: ROLE_NAME });
    const role = world.accounts.get(caller.account)?.roles.get(name);
    if (!role) throw noSuchEntity(`The role with name ${name} cannot be found.`);
    return role;
  };

  return createQueryService(API, world.random, {
    GetRole: (parameters, { caller }) => ({ Role: roleXml(roleOf(parameters, caller), { withTags: true }) }),

    ListRoles: (parameters, { caller }) => {
      checkParameters(parameters, { PathPrefix: PATH_PREFIX });
      const prefix = parameters.get('PathPrefix') ?? '/';
      const roles = [...(world.accounts.get(caller.account)?.roles.values() ?? [])].filter((role) => role.path.startsWith(prefix));
      const { items, ...rest } = page(roles, ({ name }) => name, parameters);
      return { ...rest, Roles: items.map((role) => roleXml(role, { withTags: false })) };
    },

    ListRoleTags: (parameters, { caller }) => {
      const { items, ...rest } = page(Object.entries(roleOf(parameters, caller).tags), ([key]) => key, parameters);
      return { ...rest, Tags: items.map(([key, value]) => ({ Key: key, Value: value })) };
    },

    // The world's roles have a trust policy and no permissions, neither attached nor inline: they are nobody's question here.
    ListAttachedRolePolicies: (parameters, { caller }) => {
      roleOf(parameters, caller);
      checkParameters(parameters, { PathPrefix: POLICY_PATH });
      const { items: AttachedPolicies, ...rest } = page<never>([], () => '', parameters);
      return { ...rest, AttachedPolicies };
    },

    ListRolePolicies: (parameters, { caller }) => {
      roleOf(parameters, caller);
      const { items: PolicyNames, ...rest } = page<never>([], () => '', parameters);
      return { ...rest, PolicyNames };
    },

    // Text: aws/aws-cli#6139.
    GetRolePolicy: (parameters, { caller }) => {
      const name = required(parameters, 'PolicyName');
      checkParameters(parameters, { PolicyName: POLICY_NAME });
      roleOf(parameters, caller);
      throw noSuchEntity(`The role policy with name ${name} cannot be found.`);
    },

    UpdateAssumeRolePolicy: (parameters, { caller }) => {
      const document = required(parameters, 'PolicyDocument');
      checkParameters(parameters, { PolicyDocument: POLICY_DOCUMENT });
      const role = roleOf(parameters, caller);
      if (PROTECTED_PATHS.some((path) => role.path.startsWith(path))) {
        throw new QueryError(400, 'UnmodifiableEntity', `Cannot perform the operation on the protected role '${role.name}' - this role is only modifiable by AWS`);
      }
      checkTrustPolicy(world, document);
      role.trustPolicy = document;
      return undefined;
    },
  });
};
