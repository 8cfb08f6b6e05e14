/**
 * The second principal of a served sandbox: a role that approves what the operator requests, and may do nothing else.
 */
import type { AwsCredentialIdentity } from '@smithy/types';
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { addRole } from '../world/build-roles.ts';
import { findRole, type World } from '../world/world.ts';
import { credentialsOf } from './access-keys.ts';

const NAME = 'approver';

export const approverRoleArn = (world: World): string =>
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
      'states:SendTaskSuccess',
    ],
    Resource: '*',
  },
];

/**
 * Adds the role to the home account, unless the scenario has one of that name, and returns its credentials. Only for a
 * sandbox that is served: an embedded one asks a person.
 */
export const addApprover = (world: World): AwsCredentialIdentity => {
  const arn = approverRoleArn(world);
  if (!findRole(world, arn))
    addRole(world, {
      arn,
      policies: [{ name: 'approve', document: { Version: '2012-10-17', Statement: STATEMENTS } }],
      managedPolicyArns: [],
    });
  return credentialsOf(world, arn);
};
