/**
 * Trust policies for the tests of changes: statements as people write them, and arbitrary combinations of these.
 */
import * as fc from 'fast-check';
import { clusterArn } from '../../../../lambdas/domain/aws/arn.ts';
import { evaluateTrust, parsePolicy, type TrustUse, type Verdict } from '../../../../lambdas/domain/policy/index.ts';
import type { JsonObject } from '../../../../lambdas/domain/trust/statements.ts';
import { ACCOUNT, ISSUER, NAMESPACE, SERVICE_ACCOUNT, target } from '../../fixtures.ts';

const ISSUER_NAME = ISSUER.replace('https://', '');
export const OTHER_ISSUER_NAME = 'oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF';
export const PROVIDER = `arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER_NAME}`;
export const OTHER_PROVIDER = `arn:aws:iam::${ACCOUNT}:oidc-provider/${OTHER_ISSUER_NAME}`;
export const SUB = `${ISSUER_NAME}:sub`;
export const AUD = `${ISSUER_NAME}:aud`;

export const controller = { namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT };
export const shop = { namespace: 'shop', serviceAccount: 'checkout' };
export const subject = ({ namespace, serviceAccount }: { namespace: string; serviceAccount: string }): string =>
  `system:serviceaccount:${namespace}:${serviceAccount}`;

/** Returns the statement that eksctl, Terraform and the console write for this cluster's provider. */
export const irsa = (subjects: unknown, change: JsonObject = {}, operator = 'StringEquals'): JsonObject => ({
  Effect: 'Allow',
  Principal: { Federated: PROVIDER },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition:
    operator === 'StringEquals'
      ? { StringEquals: { [SUB]: subjects, [AUD]: 'sts.amazonaws.com' } }
      : { [operator]: { [SUB]: subjects }, StringEquals: { [AUD]: 'sts.amazonaws.com' } },
  ...change,
});

export const irsaOfOtherClusters: JsonObject = {
  Effect: 'Allow',
  Principal: { Federated: OTHER_PROVIDER },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: {
    StringEquals: {
      [`${OTHER_ISSUER_NAME}:sub`]: subject(controller),
      [`${OTHER_ISSUER_NAME}:aud`]: 'sts.amazonaws.com',
    },
  },
};

export const ec2: JsonObject = {
  Sid: 'Ec2',
  Effect: 'Allow',
  Principal: { Service: 'ec2.amazonaws.com' },
  Action: 'sts:AssumeRole',
};

export const statementsIn = (policy: string): JsonObject[] =>
  (JSON.parse(policy) as { Statement: JsonObject[] }).Statement;

export const useOf = (account: {
  namespace: string;
  serviceAccount: string;
  disableSessionTags?: boolean;
}): TrustUse => ({ ...account, clusterArn: clusterArn(target), oidcIssuer: ISSUER });

export const verdicts = (
  policy: string,
  account: { namespace: string; serviceAccount: string; disableSessionTags?: boolean },
): { podIdentity: Verdict; irsa: Verdict } => {
  const { podIdentity, irsa: web } = evaluateTrust(parsePolicy(policy, 'trust'), useOf(account));
  return { podIdentity: podIdentity.verdict, irsa: web.verdict };
};

export const everybody = [controller, shop, { namespace: NAMESPACE, serviceAccount: 'ebs-csi-node-sa' }];

const subjects = fc.constantFrom(
  ...everybody.map(subject),
  'system:serviceaccount:kube-system:*',
  'system:serviceaccount:*:checkout',
  'system:serviceaccount:kube-system:ebs-csi-controller-s?',
  'system:serviceaccount:gone:*',
);
const oneOrMore = (item: fc.Arbitrary<string>) => fc.oneof(item, fc.uniqueArray(item, { minLength: 1, maxLength: 3 }));
const operators = fc.constantFrom(
  'StringEquals',
  'StringLike',
  'StringEqualsIgnoreCase',
  'ForAnyValue:StringLike',
  'StringNotEquals',
  'StringLikeIfExists',
);
const webActions = fc.constantFrom<unknown>(
  'sts:AssumeRoleWithWebIdentity',
  ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'],
  'sts:*',
  'sts:AssumeRole',
);

const ofThisProvider = fc
  .tuple(
    oneOrMore(subjects),
    operators,
    webActions,
    fc.constantFrom<unknown>(PROVIDER, [PROVIDER], [PROVIDER, OTHER_PROVIDER]),
  )
  .map(([values, operator, Action, Federated]) => irsa(values, { Action, Principal: { Federated } }, operator));

const conditions = fc.constantFrom<JsonObject>(
  {},
  { StringEquals: { 'aws:SourceAccount': ACCOUNT } },
  { StringEquals: { 'aws:SourceAccount': '999999999999' } },
  { StringEquals: { 'aws:RequestTag/kubernetes-namespace': NAMESPACE } },
  { StringNotEquals: { 'aws:RequestTag/kubernetes-service-account': 'another-service-account' } },
  { ArnLike: { 'aws:SourceArn': `arn:aws:eks:eu-west-1:${ACCOUNT}:cluster/*` } },
  { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } },
  { Bool: { 'aws:SecureTransport': 'false' } },
  { StringEquals: { 'aws:SomeKeyOfTomorrow': 'yes' } },
);
const principals = fc.constantFrom<unknown>(
  { AWS: '*' },
  { Service: 'pods.eks.amazonaws.com' },
  { Service: ['ec2.amazonaws.com', 'pods.eks.amazonaws.com'] },
  { AWS: `arn:aws:iam::${ACCOUNT}:root` },
  { Federated: OTHER_PROVIDER },
);
const actions = fc.constantFrom<unknown>(
  'sts:AssumeRole',
  ['sts:AssumeRole', 'sts:TagSession'],
  'sts:*',
  'sts:TagSession',
  ['sts:AssumeRoleWithWebIdentity'],
);
const anything = (effect: fc.Arbitrary<string>): fc.Arbitrary<JsonObject> =>
  fc.tuple(effect, principals, actions, conditions).map(([Effect, Principal, Action, Condition]) => ({
    Effect,
    Principal,
    Action,
    ...(Object.keys(Condition).length > 0 ? { Condition } : {}),
  }));

/** Statements that allow or deny, each kind often enough to occur together with the others. */
export const aStatement: fc.Arbitrary<JsonObject> = fc.oneof(
  { weight: 4, arbitrary: ofThisProvider },
  { weight: 4, arbitrary: anything(fc.constant('Allow')) },
  { weight: 1, arbitrary: anything(fc.constant('Deny')) },
  { weight: 2, arbitrary: fc.constantFrom(irsaOfOtherClusters, ec2) },
);

/** Policies of such statements, with unique Sids where they have any; a single statement also without its list. */
export const statementLists: fc.Arbitrary<JsonObject[]> = fc
  .array(fc.tuple(aStatement, fc.boolean()), { minLength: 1, maxLength: 5 })
  .map((list) =>
    list.map(([statement, named], index) => ({
      ...(named ? { Sid: `Statement${index}` } : {}),
      ...Object.fromEntries(Object.entries(statement).filter(([key]) => key !== 'Sid')),
    })),
  );

export const policyOf = (statements: readonly JsonObject[], version: string | null = '2012-10-17'): string =>
  JSON.stringify({
    ...(version === null ? {} : { Version: version }),
    Statement: statements.length === 1 ? statements[0] : statements,
  });
