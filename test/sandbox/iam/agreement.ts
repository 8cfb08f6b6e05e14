/**
 * Compares the plan's verdict on a step's calls, made from IAM's answers, with EKS: if the verdict is `allowed`, EKS
 * denies no call, and if it is `denied`, EKS denies one, with any policies and any boundary of the step's role.
 */
import * as fc from 'fast-check';
import { parseTrust } from '../../../lambdas/domain/trust/policy.ts';
import { expect } from 'vitest';
import { AwsRoles } from '../../../lambdas/adapters/aws-roles.ts';
import { type Asking, callKey } from '../../../lambdas/domain/plan/calls.ts';
import type { AddonFacts } from '../../../lambdas/domain/plan/facts.ts';
import { plannedAssociations } from '../../../lambdas/domain/plan/plan.ts';
import { type Right, rightsOf } from '../../../lambdas/domain/plan/rights.ts';
import { readRights } from '../../../lambdas/use-cases/facts/read-rights.ts';
import type { Knobs } from '../../../sandbox/scenario/scenario.ts';
import { aCluster, anAddon, aRequest, IN_PLACE, RECREATE, someFacts } from '../../lambdas/fixtures.ts';
import { newFakes } from '../../lambdas/fakes.ts';
import {
  ACCOUNT,
  CLUSTER,
  EBS,
  EBS_SA,
  type Fixture,
  openFixture,
  REGION,
  roleArn,
  type Statement,
} from '../eks/fixture.ts';
import { clientsOf, openGateway } from '../support.ts';
import { forAllAsync } from '../../for-all.ts';

const CALLER = roleArn('caller');
const target = { account: ACCOUNT, region: REGION, cluster: CLUSTER };
const TAGS = { team: 'storage' };
const CLUSTER_TAGS = { env: 'dev' };
const PLANNED = [{ serviceAccount: EBS_SA, roleArn: roleArn('ebs') }];

type Step = 'create-addon' | 'update-addon' | 'delete-addon';
const STEPS: Record<Step, (fixture: Fixture) => Promise<unknown>> = {
  'create-addon': ({ eks, cluster }) => {
    cluster.addons.clear();
    return eks.createAddon({ clusterName: CLUSTER, addonName: EBS, podIdentityAssociations: PLANNED, tags: TAGS });
  },
  'update-addon': ({ eks }) =>
    eks.updateAddon({ clusterName: CLUSTER, addonName: EBS, podIdentityAssociations: PLANNED }),
  'delete-addon': ({ eks }) => eks.deleteAddon({ clusterName: CLUSTER, addonName: EBS }),
};

const factsOf = ({ addon }: Fixture): AddonFacts =>
  someFacts({
    request: aRequest({ target, addon: EBS, strategy: 'recreate' }),
    cluster: aCluster({ tags: CLUSTER_TAGS }),
    addon: anAddon({ arn: addon()!.arn, tags: TAGS, serviceAccountRoleArn: roleArn('ebs') }),
    roles: { [roleArn('ebs')]: { trustPolicy: parseTrust('') } },
  });

type Verdict = 'allowed' | 'denied' | 'unknown';
const verdictOf = (rights: Right[], answers: Awaited<ReturnType<typeof readRights>>['answers']): Verdict => {
  const each = rights.map(({ candidates }): Verdict => {
    const decisions = new Set(candidates.map((call) => answers[callKey(call)]!.decision));
    return decisions.size === 1 ? [...decisions][0]! : 'unknown';
  });
  return each.includes('denied') ? 'denied' : each.includes('unknown') ? 'unknown' : 'allowed';
};

/** Most statements apply to every call and resource, so that the condition decides. */
const action = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('*', 'eks:*') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'eks:CreateAddon',
      'eks:UpdateAddon',
      'eks:DeleteAddon',
      'eks:TagResource',
      'eks:*PodIdentityAssociation',
      'iam:PassRole',
      'iam:GetRole',
    ),
  },
);
const resource = fc.oneof(
  { weight: 3, arbitrary: fc.constant('*') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '*:cluster/*',
      '*:addon/*',
      '*createaddon',
      roleArn('ebs'),
      '*:podidentityassociation/*',
    ),
  },
);
const condition = fc.constantFrom<Record<string, Record<string, string | string[]>> | undefined>(
  undefined,
  { StringEquals: { 'aws:RequestedRegion': REGION } },
  { StringNotEquals: { 'aws:RequestedRegion': [REGION, 'us-east-1'] } },
  { StringEquals: { 'aws:RequestTag/team': 'storage' } },
  { StringNotEqualsIfExists: { 'aws:RequestTag/team': 'web' } },
  { Null: { 'aws:RequestTag/team': 'true' } },
  { 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['team'] } },
  { StringEquals: { 'aws:ResourceTag/team': 'storage' } },
  { StringEquals: { 'aws:ResourceTag/env': 'dev' } },
  { StringNotLike: { 'eks:ResourceTag/env': 'd*' } },
  { Bool: { 'aws:ViaAWSService': 'true' } },
  { Bool: { 'aws:SecureTransport': 'false' } },
  { 'ForAnyValue:StringEquals': { 'aws:CalledVia': 'eks.amazonaws.com' } },
  { StringEquals: { 'iam:PassedToService': 'pods.eks.amazonaws.com' } },
  { ArnLike: { 'iam:AssociatedResourceArn': 'arn:aws:eks:*:*:cluster/*' } },
  { ArnLike: { 'aws:PrincipalArn': '*caller' } },
  { StringEquals: { 'aws:SourceVpc': 'vpc-1' } },
  { StringNotEquals: { 'aws:PrincipalTag/team': 'web' } },
);
const statement = fc
  .record({ Effect: fc.constantFrom('Allow', 'Deny'), Action: action, Resource: resource, Condition: condition })
  .map(({ Condition, ...rest }) => ({ ...rest, ...(Condition ? { Condition } : {}) }));
const document = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.array(statement, { maxLength: 2 }))
  .map(([open, statements]) => [
    ...(open > 0 || statements.length === 0 ? [{ Effect: 'Allow', Action: '*', Resource: '*' }] : []),
    ...statements,
  ]);
const textOf = (Statement: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });

const knobs = fc.record<Partial<Knobs>>({
  simulatePrincipalPolicy: fc.constantFrom('allow', 'allow', 'deny'),
  simulationResults: fc.constantFrom('action', 'resource'),
  simulationMissingKeys: fc.constantFrom('evaluated', 'policies'),
  tagOnCreate: fc.constantFrom('cluster', 'addon', 'createaddon'),
  passedToService: fc.constantFrom('pods.eks.amazonaws.com', 'eks.amazonaws.com'),
  // The plan simulates the calls with this value.
  associatedResourceArn: fc.constant('cluster'),
});

/** Compares the plan's verdict on a step's calls with EKS in one run; throws if they do not agree. */
async function agree(
  asking: Asking,
  step: Step,
  { settings, own, boundary }: { settings: Partial<Knobs>; own: object[]; boundary: object[] | null },
): Promise<string> {
  const fixture = openFixture({ knobs: settings, addons: [{ name: EBS, role: 'ebs' }], as: own as Statement[] });
  fixture.cluster.tags = CLUSTER_TAGS;
  const role = fixture.world.accounts.get(ACCOUNT)!.roles.get('caller')!;
  if (boundary) role.permissionsBoundary = { arn: `arn:aws:iam::${ACCOUNT}:policy/bound`, document: textOf(boundary) };
  const facts = factsOf(fixture);
  const strategy = step === 'update-addon' ? IN_PLACE : RECREATE;
  const rights = rightsOf(facts, plannedAssociations(facts), strategy).filter(
    ({ candidates, back }) => !back && candidates[0]!.step === step,
  );
  const { answers } = await readRights(
    new AwsRoles(clientsOf(openGateway(fixture.world), fixture.world).iam()),
    facts,
    rights.flatMap(({ candidates }) => candidates),
    { settings: { ...newFakes().settings, actingRoles: { [step]: CALLER } }, asking },
  );
  const verdict = verdictOf(rights, answers);
  const refusal = await STEPS[step](fixture).then(
    () => undefined,
    (error: Error) => error,
  );
  if (refusal && refusal.name !== 'AccessDeniedException') throw refusal;
  if (verdict === 'allowed') expect(refusal?.message).toBeUndefined();
  if (verdict === 'denied') expect(refusal?.message).toBeDefined();
  return `${step} ${verdict} ${refusal ? 'refused' : 'done'}`;
}

/** Compares both for `numRuns` random roles; resolves to the set of outcomes. */
export async function expectAgreement(asking: Asking, numRuns: number): Promise<Set<string>> {
  const seen = new Set<string>();
  await forAllAsync(
    numRuns,
    fc.constantFrom<Step>('create-addon', 'update-addon', 'delete-addon'),
    knobs,
    document,
    fc.option(document),
    async (step, settings, own, boundary) => void seen.add(await agree(asking, step, { settings, own, boundary })),
  );
  return seen;
}
