/**
 * Reads buckets and their policies. Source: CloudFormation Template Reference, `AWS::S3::Bucket` and
 * `AWS::S3::BucketPolicy`.
 */
import { type ParsedPolicy, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import { AssemblyError, type Where } from './error.ts';
import { isObject, type Json, listOf } from '../json.ts';
import { type ResolvedResource, resourcesOfType } from './resources.ts';
import type { Stack } from './stacks.ts';

/** One statement of a bucket's policy. */
export interface BucketStatement {
  /** ARN patterns of the bucket, of its objects, or of both. */
  resources: string[];
  /** The statement without its `Resource`. */
  policy: ParsedPolicy;
}

export interface AssemblyBucket {
  logicalId: string;
  name: string;
  account: string;
  region: string;
  /** Whether the bucket keeps overwritten and deleted versions. */
  isVersioned: boolean;
  /** If empty, only the account's own roles may use the bucket. */
  statements: BucketStatement[];
}

const statementOf = (statement: Json, version: unknown, where: Where): BucketStatement => {
  const { Resource: resources, NotResource: others, ...rest } = statement;
  if (others !== undefined)
    throw new AssemblyError(
      'a policy with NotResource, which the sandbox does not support; use Resource instead',
      where,
    );
  const policy = parsePolicy({ Version: version ?? '2008-10-17', Statement: [rest] }, 'resource');
  if (!policy.valid) throw new AssemblyError(`a policy that AWS would refuse: ${policy.path} ${policy.reason}`, where);
  return { resources: listOf(resources).map(String), policy };
};

const isVersioned = ({ properties: { VersioningConfiguration: versioning } }: ResolvedResource): boolean =>
  isObject(versioning) && versioning['Status'] === 'Enabled';

const statementsOf = ({ properties, where }: ResolvedResource): BucketStatement[] => {
  const at = { ...where, path: 'Properties.PolicyDocument' };
  const { PolicyDocument: document } = properties;
  if (!isObject(document)) throw new AssemblyError('a policy that is not an object', at);
  return listOf(document['Statement'])
    .filter(isObject)
    .map((statement) => statementOf(statement, document['Version'], at));
};

/** Returns the buckets of all stacks: a policy may be in a different stack than its bucket. Throws AssemblyError. */
export const bucketsOf = (stacks: Stack[]): AssemblyBucket[] => {
  const policies = stacks.flatMap((stack) => resourcesOfType(stack, 'AWS::S3::BucketPolicy'));
  return stacks.flatMap((stack) =>
    resourcesOfType(stack, 'AWS::S3::Bucket').map((resource) => {
      const { logicalId, where } = resource;
      const { account, region } = stack.resolver.environment;
      const name = stack.resolver.reference(logicalId, where);
      return {
        logicalId,
        name,
        account,
        region,
        isVersioned: isVersioned(resource),
        statements: policies.filter(({ properties }) => properties['Bucket'] === name).flatMap(statementsOf),
      };
    }),
  );
};
