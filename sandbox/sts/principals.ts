/**
 * The principals of a served sandbox, as roles that IAM shows: the operator, who administers the account, and the
 * approver, who approves what the operator requests and may do nothing else.
 */
import type { AwsCredentialIdentity } from '@smithy/types';
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { addRole } from '../build/build-roles.ts';
import { findRole, type World } from '../world/world.ts';
import { credentialsOf, operatorRoleArn } from '../authorization/access-keys.ts';

const NAME = 'approver';

const approverRoleArn = (world: World): string =>
  `arn:${partitionOf(world.home.region)}:iam::${world.home.account}:role/${NAME}`;

/** What an approver does through the API (docs/api.md, "Who may call it"), and by direct calls. */
const STATEMENTS = [
  {
    Effect: 'Allow',
    Action: 'execute-api:Invoke',
    Resource: ['arn:*:execute-api:*:*:*/*/GET/*', 'arn:*:execute-api:*:*:*/*/POST/migrations/*/approval'],
  },
  {
    Effect: 'Allow',
    Action: [
      'cloudformation:DescribeStacks',
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      'states:DescribeExecution',
      'states:SendTaskFailure',
      'states:SendTaskSuccess',
    ],
    Resource: '*',
  },
];

/** Adds a role with that policy to the home account, unless the scenario has one of that name. */
const addOnce = (world: World, arn: string, name: string, statements: readonly object[]): AwsCredentialIdentity => {
  if (!findRole(world, arn))
    addRole(world, {
      arn,
      policies: [{ name, document: { Version: '2012-10-17', Statement: statements } }],
      managedPolicyArns: [],
    });
  return credentialsOf(world, arn);
};

/**
 * Adds both roles, unless the scenario has them, and returns their credentials. Only for a sandbox that is served: an
 * embedded one asks a person, and allows the operator everything without a role.
 */
export const addPrincipals = (world: World): Record<'operator' | 'approver', AwsCredentialIdentity> => ({
  operator: addOnce(world, operatorRoleArn(world), 'administrator', [{ Effect: 'Allow', Action: '*', Resource: '*' }]),
  approver: addOnce(world, approverRoleArn(world), 'approve', STATEMENTS),
});
