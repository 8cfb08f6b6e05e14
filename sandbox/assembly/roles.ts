import { AssemblyError, type Where } from './error.ts';
import { isObject } from '../json.ts';
import { resourcesOfType } from './resources.ts';
import type { Stack } from './stacks.ts';

export interface AssemblyRole {
  logicalId: string;
  arn: string;
  /** Inline policies, and managed policies that the application defines. */
  policies: { name: string; document: object }[];
  /** ARNs of managed policies from elsewhere; the sandbox does not know what they allow. */
  managedPolicyArns: string[];
  /** The managed policy; with the document if the application defines it. */
  permissionsBoundary?: { arn: string; document?: object };
  /** AssumeRolePolicyDocument. */
  trustPolicy: unknown;
}

type Policy = AssemblyRole['policies'][number];

const policyOf = (value: unknown, where: Where): Policy => {
  const { PolicyName: name, PolicyDocument: document } = isObject(value) ? value : {};
  if (typeof name !== 'string' || !isObject(document))
    throw new AssemblyError('a policy without PolicyName or PolicyDocument', where);
  return { name, document };
};

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];

export const inlinePoliciesOf = (value: unknown, where: Where): Policy[] =>
  (Array.isArray(value) ? (value as unknown[]) : []).map((policy, index) =>
    policyOf(policy, { ...where, path: `Properties.Policies[${index}]` }),
  );

/** Returns the policies that are separate resources, with the names of their roles. */
export const attachedPoliciesOf = (stack: Stack): (Policy & { roleNames: string[]; arn?: string })[] => [
  ...resourcesOfType(stack, 'AWS::IAM::Policy').map(({ properties, where }) => ({
    ...policyOf(properties, where),
    roleNames: textsOf(properties['Roles']),
  })),
  ...resourcesOfType(stack, 'AWS::IAM::RolePolicy').map(({ properties, where }) => ({
    ...policyOf(properties, where),
    roleNames: textsOf([properties['RoleName']]),
  })),
  ...resourcesOfType(stack, 'AWS::IAM::ManagedPolicy').map(({ logicalId, properties, where }) => {
    const arn = stack.resolver.reference(logicalId, where);
    const name = arn.split('/').at(-1);
    return {
      ...policyOf({ PolicyName: name, PolicyDocument: properties['PolicyDocument'] }, where),
      roleNames: textsOf(properties['Roles']),
      arn,
    };
  }),
];

type Boundary = NonNullable<AssemblyRole['permissionsBoundary']>;

const boundaryOf = (
  value: unknown,
  own: readonly { arn?: string; document: object }[],
  where: Where,
): { permissionsBoundary?: Boundary } => {
  if (value === undefined) return {};
  if (typeof value !== 'string')
    throw new AssemblyError('a PermissionsBoundary that is not an ARN', {
      ...where,
      path: 'Properties.PermissionsBoundary',
    });
  const document = own.find(({ arn }) => arn === value)?.document;
  return { permissionsBoundary: { arn: value, ...(document === undefined ? {} : { document }) } };
};

/** Returns the roles with all their permissions, in whichever stack those are defined. */
export const rolesOf = (stacks: Stack[]): AssemblyRole[] => {
  const attached = stacks.flatMap((stack) =>
    attachedPoliciesOf(stack).map((policy) => ({ ...policy, account: stack.resolver.environment.account })),
  );
  return stacks.flatMap((stack) =>
    resourcesOfType(stack, 'AWS::IAM::Role').map(({ logicalId, properties, where }) => {
      const { resolver } = stack;
      const name = resolver.reference(logicalId, where);
      const managed = textsOf(properties['ManagedPolicyArns']);
      const own = attached.filter(
        ({ roleNames, arn, account }) =>
          account === resolver.environment.account &&
          (roleNames.includes(name) || (arn !== undefined && managed.includes(arn))),
      );
      return {
        logicalId,
        arn: resolver.attribute(logicalId, 'Arn', where),
        policies: [
          ...inlinePoliciesOf(properties['Policies'], where),
          ...own.map((policy) => ({ name: policy.name, document: policy.document })),
        ],
        managedPolicyArns: managed.filter((arn) => !own.some((policy) => policy.arn === arn)),
        ...boundaryOf(properties['PermissionsBoundary'], attached, where),
        trustPolicy: properties['AssumeRolePolicyDocument'],
      };
    }),
  );
};
