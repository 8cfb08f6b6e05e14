/**
 * The operations that create a role and give it policies: what remedies ask a person to do. Messages: IAM API reference,
 * and reports of users (hashicorp/terraform-provider-aws#17034 for EntityAlreadyExists).
 */
import { createHash } from 'node:crypto';
import { parsePolicy } from '../../lambdas/domain/policy/index.ts';
import type { CallContext } from '../http.ts';
import { isJson } from '../json.ts';
import type { RoleState, World } from '../world/world.ts';
import { awsPolicy } from '../permission/aws-policies.ts';
import { checkParameters, QueryError, required, structuresOf } from './query-protocol.ts';
import type { QueryAction } from './query-service.ts';
import { checkActionVendors, checkTrustPolicy, malformed } from './trust-policy.ts';
import { ARN, noSuchEntity, POLICY_DOCUMENT, POLICY_NAME, POLICY_PATH, ROLE_NAME, timeOf, urlEncoded } from './wire.ts';

type RoleOf = (parameters: Map<string, string>, caller: CallContext['caller']) => RoleState;

/** Returns the id of a new role. It is derived from the ARN, so that a create draws no random number. */
const idOf = (arn: string, now: number): string =>
  `AROA${createHash('sha256').update(`${arn} ${now}`).digest('hex').slice(0, 17).toUpperCase()}`;

const tagsOf = (parameters: Map<string, string>): Record<string, string> =>
  Object.fromEntries(structuresOf(parameters, 'Tags').map((tag) => [tag.get('Key') ?? '', tag.get('Value') ?? '']));

const create =
  (world: World): QueryAction =>
  (parameters, { caller }) => {
    const name = required(parameters, 'RoleName');
    const trustPolicy = required(parameters, 'AssumeRolePolicyDocument');
    checkParameters(parameters, {
      RoleName: ROLE_NAME,
      AssumeRolePolicyDocument: POLICY_DOCUMENT,
      Path: POLICY_PATH,
    });
    const roles = world.accounts.get(caller.account)?.roles;
    if (!roles) throw noSuchEntity(`The account ${caller.account} cannot be found.`);
    if (roles.has(name)) throw new QueryError(409, 'EntityAlreadyExists', `Role with name ${name} already exists.`);
    checkTrustPolicy(world, trustPolicy);
    const path = parameters.get('Path') ?? '/';
    const arn = `arn:${caller.principalArn.split(':')[1] ?? 'aws'}:iam::${caller.account}:role${path}${name}`;
    const createdAt = world.schedule.now();
    const role: RoleState = {
      arn,
      name,
      path,
      roleId: idOf(arn, createdAt),
      createdAt,
      trustPolicy,
      pastTrust: [],
      policies: [],
      attachedPolicies: [],
      tags: tagsOf(parameters),
    };
    roles.set(name, role);
    return {
      Role: {
        Path: path,
        RoleName: name,
        RoleId: role.roleId,
        Arn: arn,
        CreateDate: timeOf(createdAt),
        AssumeRolePolicyDocument: urlEncoded(trustPolicy),
      },
    };
  };

export const roleChangeActions = (world: World, roleOf: RoleOf): Record<string, QueryAction> => ({
  CreateRole: create(world),

  PutRolePolicy: (parameters, { caller }) => {
    const name = required(parameters, 'PolicyName');
    const document = required(parameters, 'PolicyDocument');
    checkParameters(parameters, { PolicyName: POLICY_NAME, PolicyDocument: POLICY_DOCUMENT });
    const role = roleOf(parameters, caller);
    if (isJson(document)) checkActionVendors(JSON.parse(document));
    if (!parsePolicy(document, 'identity').valid) throw malformed('Syntax errors in policy.');
    role.policies = [...role.policies.filter((one) => one.name !== name), { name, document }];
    return undefined;
  },

  AttachRolePolicy: (parameters, { caller }) => {
    const arn = required(parameters, 'PolicyArn');
    checkParameters(parameters, { PolicyArn: ARN });
    const role = roleOf(parameters, caller);
    const known = [...(world.accounts.get(caller.account)?.roles.values() ?? [])]
      .flatMap(({ attachedPolicies }) => attachedPolicies)
      .find((policy) => policy.arn === arn);
    if (!known && awsPolicy(arn) === undefined)
      throw noSuchEntity(`Policy ${arn} does not exist or is not attachable.`);
    if (role.attachedPolicies.every((policy) => policy.arn !== arn))
      role.attachedPolicies = [...role.attachedPolicies, known ?? { arn }];
    return undefined;
  },
});
