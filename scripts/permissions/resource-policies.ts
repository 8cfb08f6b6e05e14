/** What resource policies and permissions of Lambdas allow or deny. */
import { z } from 'zod';
import type { PolicyFacts } from './model.ts';
import { code, lambdaName, withoutHash } from './names.ts';
import { conditionText } from './rights.ts';
import { type ResourcePolicy, SWITCHES, type Template } from './template.ts';
import { conditions, texts } from './trust.ts';

const everybody = z.literal('*').transform(() => ({ AWS: ['*'] }));
const resourcePolicy = z.object({
  Statement: z.array(
    z.strictObject({
      Sid: z.string().optional(),
      Effect: z.enum(['Allow', 'Deny']),
      Action: texts,
      Principal: z.union([everybody, z.record(z.string(), texts)]),
      Resource: texts,
      Condition: conditions,
    }),
  ),
});

/**
 * Kinds of resources that grant access without a policy document. Each must be listed, or the document would be
 * incomplete.
 */
const SHOWN_TYPES = new Set([
  'AWS::IAM::Role',
  'AWS::Lambda::Permission',
  'AWS::SNS::Subscription',
  'AWS::Events::EventBusPolicy',
]);
export const unshownTypes = (types: readonly string[]): string[] =>
  types
    .filter(
      (type) =>
        /(Permission|Role|User|AccessEntry|Grant|PodIdentityAssociation|Account|Authorizer|ApiKey|UsagePlan|Url|EventBusPolicy|Subscription|Destination)/.test(
          type.split('::').at(-1) ?? '',
        ) && !SHOWN_TYPES.has(type),
    )
    .map(
      (type) =>
        `the template has ${type}, which this document does not show: teach scripts/permissions/resource-policies.ts`,
    );

/** Returns a name such as `the queue RecoveryTriggersDeadLetters`. */
const resourceName = ({ logicalId, type }: ResourcePolicy): string =>
  `the ${(type.split('::').at(-1) ?? '')
    .replace(/Policy$/, '')
    .replace(/\B[A-Z]/g, ' $&')
    .toLowerCase()} ${withoutHash(logicalId).replace(/Policy$/, '')}`;

type Said = Omit<PolicyFacts, 'needs' | 'insteadOf'>;
const saidIn = ({
  assembly: { functions },
  resourcePolicies,
}: Pick<Template, 'assembly' | 'resourcePolicies'>): Said[] => [
  ...functions.flatMap((one) =>
    (one.permissions ?? []).map(({ action, service, sourceArn, sourceAccount }) => {
      const condition = conditionText({
        ...(sourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': sourceArn } }),
        ...(sourceAccount === undefined ? {} : { StringEquals: { 'aws:SourceAccount': sourceAccount } }),
      });
      return {
        of: `the Lambda ${lambdaName(one)}`,
        effect: 'Allow',
        who: code(service),
        action: code(action),
        condition,
      };
    }),
  ),
  ...resourcePolicies.flatMap((policy) =>
    resourcePolicy
      .parse(policy.document)
      .Statement.map(({ Effect: effect, Action: actions, Principal: principal, Condition: condition }) => ({
        of: resourceName(policy),
        effect,
        who: Object.values(principal).flat().map(code).join(', '),
        action: actions.map(code).join(', '),
        condition: conditionText(condition),
      })),
  ),
];

/** Returns the policies of the full template, and those that exist only without one of the optional settings. */
export const resourcePoliciesOf = (template: Template): PolicyFacts[] => {
  const keyOfSaid = (said: Said): string => JSON.stringify(said);
  const without = SWITCHES.map((out) => ({ out, said: saidIn(template.without[out]) })).map(({ out, said }) => ({
    out,
    said,
    keys: new Set(said.map(keyOfSaid)),
  }));
  const all = saidIn(template);
  const known = new Set(all.map(keyOfSaid));
  return [
    ...all.map((said): PolicyFacts => ({
      ...said,
      needs: without.find(({ keys }) => !keys.has(keyOfSaid(said)))?.out,
    })),
    ...without.flatMap(({ out, said }) =>
      said
        .filter((one) => !known.has(keyOfSaid(one)))
        .map((one): PolicyFacts => ({ ...one, needs: undefined, insteadOf: out })),
    ),
  ];
};

/**
 * A topic's policy for EventBridge has no condition, because it is not documented whether a condition on the rule
 * works.
 */
export const isOpen = ({ of, effect, who, condition }: PolicyFacts): boolean =>
  effect === 'Allow' &&
  condition === '' &&
  !who.includes(':root') &&
  !(of.startsWith('the topic ') && who === code('events.amazonaws.com'));
