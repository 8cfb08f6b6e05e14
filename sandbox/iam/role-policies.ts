/** The operations that read policies of roles: inline policies and managed policies. */
import type { CallContext } from '../http.ts';
import type { AttachedPolicyState, RoleState, World } from '../world/world.ts';
import { checkParameters, QueryError, required } from './query-protocol.ts';
import type { QueryAction } from './query-service.ts';
import { ARN, nameAndPath, noSuchEntity, page, POLICY_NAME, POLICY_PATH, timeOf, urlEncoded } from './wire.ts';

/** Policies in the world have a single version. */
const VERSION = 'v1';

interface ManagedPolicy extends AttachedPolicyState {
  /** Creation time of the first role that has the policy, since its own is not known. */
  createdAt: number;
  attachments: number;
  /** Number of roles that have the policy as their permissions boundary. */
  boundaries: number;
}

/**
 * Returns a managed policy that a role of the account has as an attached policy or as its permissions boundary; the
 * world does not know other managed policies.
 */
export const findManagedPolicy = (world: World, account: string, arn: string): ManagedPolicy | undefined => {
  const roles = [...(world.accounts.get(account)?.roles.values() ?? [])];
  const attached = roles.flatMap((role) =>
    role.attachedPolicies.filter((policy) => policy.arn === arn).map((policy) => ({ role, policy })),
  );
  const bounded = roles.flatMap((role) =>
    role.permissionsBoundary?.arn === arn ? [{ role, policy: role.permissionsBoundary }] : [],
  );
  const holders = [...attached, ...bounded];
  const [first] = holders;
  if (!first) return undefined;
  const document = holders.find(({ policy }) => policy.document !== undefined)?.policy.document;
  return {
    arn,
    createdAt: first.role.createdAt,
    attachments: attached.length,
    boundaries: bounded.length,
    ...(document === undefined ? {} : { document }),
  };
};

/** Returns a managed policy's document. Throws QueryError if the scenario does not contain it. */
export const documentOf = ({ arn, document }: AttachedPolicyState): string => {
  if (document !== undefined) return document;
  throw new QueryError(
    501,
    'NotImplemented',
    `The sandbox does not know the document of the policy ${arn}. Add the document to the scenario.`,
  );
};

type RoleOf = (parameters: Map<string, string>, caller: CallContext['caller']) => RoleState;

/** Returns the actions that list a role's policies and read its inline ones. */
const policiesOfRole = (roleOf: RoleOf): Record<string, QueryAction> => ({
  ListAttachedRolePolicies: (parameters, { caller }) => {
    const { attachedPolicies } = roleOf(parameters, caller);
    checkParameters(parameters, { PathPrefix: POLICY_PATH });
    const prefix = parameters.get('PathPrefix') ?? '/';
    const { items, ...rest } = page(
      attachedPolicies.filter(({ arn }) => nameAndPath(arn).path.startsWith(prefix)),
      ({ arn }) => arn,
      parameters,
    );
    return {
      ...rest,
      AttachedPolicies: items.map(({ arn }) => ({ PolicyName: nameAndPath(arn).name, PolicyArn: arn })),
    };
  },

  ListRolePolicies: (parameters, { caller }) => {
    const { items, ...rest } = page(roleOf(parameters, caller).policies, ({ name }) => name, parameters);
    return { ...rest, PolicyNames: items.map(({ name }) => name) };
  },

  // Message: aws/aws-cli#6139.
  GetRolePolicy: (parameters, { caller }) => {
    const name = required(parameters, 'PolicyName');
    checkParameters(parameters, { PolicyName: POLICY_NAME });
    const role = roleOf(parameters, caller);
    const policy = role.policies.find((each) => each.name === name);
    if (!policy) throw noSuchEntity(`The role policy with name ${name} cannot be found.`);
    return { RoleName: role.name, PolicyName: name, PolicyDocument: urlEncoded(policy.document) };
  },
});

const managedPolicyActions = (world: World): Record<string, QueryAction> => {
  const managed = (parameters: Map<string, string>, { caller }: CallContext): ManagedPolicy => {
    const arn = required(parameters, 'PolicyArn');
    checkParameters(parameters, { PolicyArn: ARN });
    const policy = findManagedPolicy(world, caller.account, arn);
    // Message: pulumi/pulumi-aws#501.
    if (!policy) throw noSuchEntity(`Policy ${arn} was not found.`);
    return policy;
  };
  return {
    GetPolicy: (parameters, context) => {
      const { arn, createdAt, attachments, boundaries } = managed(parameters, context);
      const { name, path } = nameAndPath(arn);
      const time = timeOf(createdAt);
      return {
        Policy: {
          PolicyName: name,
          Arn: arn,
          Path: path,
          DefaultVersionId: VERSION,
          AttachmentCount: attachments,
          PermissionsBoundaryUsageCount: boundaries,
          IsAttachable: true,
          CreateDate: time,
          UpdateDate: time,
        },
      };
    },

    GetPolicyVersion: (parameters, context) => {
      const policy = managed(parameters, context);
      const version = required(parameters, 'VersionId');
      // AWS's message is not known.
      if (version !== VERSION) throw noSuchEntity(`Policy ${policy.arn} version ${version} does not exist.`);
      return {
        PolicyVersion: {
          Document: urlEncoded(documentOf(policy)),
          VersionId: VERSION,
          IsDefaultVersion: true,
          CreateDate: timeOf(policy.createdAt),
        },
      };
    },
  };
};

export const rolePolicyActions = (world: World, roleOf: RoleOf): Record<string, QueryAction> => ({
  ...policiesOfRole(roleOf),
  ...managedPolicyActions(world),
});
