/**
 * Reads topics and queues with their policies. Source: CloudFormation Template Reference, `AWS::SNS::TopicPolicy`,
 * `AWS::SNS::Subscription`, `AWS::SQS::QueuePolicy`.
 */
import { matchesWildcard, type ParsedPolicy, parsePolicy } from '../../lambdas/domain/policy/index.ts';
import { AssemblyError, type Where } from './error.ts';
import { isObject, type Json, listOf } from '../json.ts';
import { type ResolvedResource, resourcesOfType } from './resources.ts';
import type { Stack } from './stacks.ts';

export interface AssemblyTopic {
  logicalId: string;
  name: string;
  arn: string;
  /**
   * The policy statements that apply to the topic, without their `Resource`. If empty, only the account's own roles may
   * use it.
   */
  policies: ParsedPolicy[];
  subscriptions: { protocol: string; endpoint: string }[];
}

export interface AssemblyQueue {
  logicalId: string;
  name: string;
  arn: string;
  policies: ParsedPolicy[];
}

const isAbout = (statement: Json, arn: string, where: Where): boolean => {
  if (statement['NotResource'] !== undefined)
    throw new AssemblyError(
      'a policy with NotResource, which the sandbox does not support; use Resource instead',
      where,
    );
  return listOf(statement['Resource']).some((pattern) => matchesWildcard(String(pattern), arn));
};

/** Returns the part of a resource policy that applies to the resource, parsed as the resource's own. */
const policyFor = ({ properties, where }: ResolvedResource, arn: string): ParsedPolicy[] =>
  policyAbout(properties['PolicyDocument'], arn, { ...where, path: 'Properties.PolicyDocument' });

/** Returns the statements of a policy document that apply to the resource. */
export const policyAbout = (document: unknown, arn: string, at: Where): ParsedPolicy[] => {
  if (!isObject(document)) throw new AssemblyError('a policy that is not an object', at);
  const own = listOf(document['Statement'])
    .filter(isObject)
    .filter((statement) => isAbout(statement, arn, at));
  if (own.length === 0) return [];
  const statements = own.map((statement) =>
    Object.fromEntries(Object.entries(statement).filter(([name]) => name !== 'Resource')),
  );
  const policy = parsePolicy({ Version: document['Version'] ?? '2008-10-17', Statement: statements }, 'resource');
  if (!policy.valid) throw new AssemblyError(`a policy that AWS would refuse: ${policy.path} ${policy.reason}`, at);
  return [policy];
};

/**
 * Returns a policy's `Topics` or `Queues`: references, which CloudFormation resolves to ARNs or, for queues, to URLs.
 */
const namesOf = ({ properties }: ResolvedResource, member: string): string[] => listOf(properties[member]).map(String);

const resourcesIn = (stacks: Stack[], type: string) =>
  stacks.flatMap((stack) => resourcesOfType(stack, type).map((resource) => ({ stack, resource })));

/**
 * Returns the topics of all stacks: a policy or subscription may be in a different stack than its topic. Throws
 * AssemblyError.
 */
export const topicsOf = (stacks: Stack[]): AssemblyTopic[] => {
  const policies = resourcesIn(stacks, 'AWS::SNS::TopicPolicy').map(({ resource }) => resource);
  const subscriptions = resourcesIn(stacks, 'AWS::SNS::Subscription').map(
    ({ stack, resource: { properties, where } }) => {
      const text = (name: string): string =>
        stack.resolver.textOf(properties[name], { ...where, path: `Properties.${name}` });
      return { topicArn: text('TopicArn'), protocol: text('Protocol'), endpoint: text('Endpoint') };
    },
  );
  return resourcesIn(stacks, 'AWS::SNS::Topic').map(({ stack: { resolver }, resource: { logicalId, where } }) => {
    const arn = resolver.reference(logicalId, where);
    return {
      logicalId,
      name: resolver.attribute(logicalId, 'TopicName', where),
      arn,
      policies: policies
        .filter((policy) => namesOf(policy, 'Topics').includes(arn))
        .flatMap((policy) => policyFor(policy, arn)),
      subscriptions: subscriptions.flatMap(({ topicArn, ...subscription }) => (topicArn === arn ? [subscription] : [])),
    };
  });
};

/** Returns the queues of all stacks. Throws AssemblyError. */
export const queuesOf = (stacks: Stack[]): AssemblyQueue[] => {
  const policies = resourcesIn(stacks, 'AWS::SQS::QueuePolicy').map(({ resource }) => resource);
  return resourcesIn(stacks, 'AWS::SQS::Queue').map(({ stack: { resolver }, resource: { logicalId, where } }) => {
    const arn = resolver.attribute(logicalId, 'Arn', where);
    const url = resolver.reference(logicalId, where);
    return {
      logicalId,
      name: resolver.attribute(logicalId, 'QueueName', where),
      arn,
      policies: policies
        .filter((policy) => namesOf(policy, 'Queues').some((name) => name === url || name === arn))
        .flatMap((policy) => policyFor(policy, arn)),
    };
  });
};
