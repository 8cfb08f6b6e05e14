/**
 * The plan's view of a role chain, compared with what STS answers the pods in the sandbox: for arbitrary trust policies of
 * the other role, with IRSA and with EKS Pod Identity.
 */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Facts } from '../../lambdas/domain/plan/facts.ts';
import { judgeChain, type ChainOutcome } from '../../lambdas/domain/plan/chains-judged.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import { parsePolicy } from '../../lambdas/domain/policy/index.ts';
import { parseTrust } from '../../lambdas/domain/trust/policy.ts';
import { chainedRole } from '../../sandbox/credentials/chained-roles.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import { findRole } from '../../sandbox/world/world.ts';
import { noFacts } from '../../lambdas/use-cases/facts/read-facts.ts';
import { newFakes } from '../lambdas/fakes.ts';
import { inWorld, type OpenWorld } from './world.ts';
import { forAllIn } from '../for-all.ts';

const ACCOUNT = '111122223333';
const NAME = 'argocd-application-controller';
const REF = { namespace: 'argocd', name: NAME };
const TARGET = `arn:aws:iam::${ACCOUNT}:role/delivery-prod-deployer`;
const ROLE = `arn:aws:iam::${ACCOUNT}:role/delivery-prod-argocd`;
const BOTH = ['sts:AssumeRole', 'sts:TagSession'];

const conditions = fc.constantFrom<object | undefined>(
  undefined,
  undefined,
  { StringEquals: { 'aws:PrincipalTag/kubernetes-namespace': 'argocd' } },
  { StringEquals: { 'aws:PrincipalTag/kubernetes-namespace': 'shop' } },
  { StringLike: { 'aws:PrincipalTag/kubernetes-pod-name': `${NAME}-*` } },
  { Null: { 'aws:PrincipalTag/eks-cluster-arn': 'true' } },
  { Null: { 'aws:FederatedProvider': 'false' } },
  { Null: { 'aws:FederatedProvider': 'true' } },
  { StringLike: { 'aws:userid': '*:botocore-session-*' } },
  { StringLike: { 'aws:userid': '*:eks-*' } },
  { StringLike: { 'aws:userid': 'AROA*:*' } },
  { StringNotLike: { 'aws:userid': '*:botocore-*' } },
  { StringEquals: { 'sts:ExternalId': 'deploy' } },
  { StringLike: { 'sts:RoleSessionName': 'chained' } },
  { ArnEquals: { 'aws:PrincipalArn': ROLE } },
  { Bool: { 'aws:SecureTransport': 'true' } },
  { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] } },
  { 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['kubernetes-namespace'] } },
  { Null: { 'aws:RequestTag/kubernetes-namespace': 'false' } },
  { StringEqualsIfExists: { 'aws:PrincipalTag/eks-cluster-name': 'other' } },
  { 'ForAllValues:StringLike': { 'sts:TransitiveTagKeys': ['kubernetes-*', 'eks-*'] } },
  { StringNotEquals: { 'aws:PrincipalTag/kubernetes-service-account': NAME } },
  { ArnLike: { 'aws:PrincipalArn': `arn:aws:sts::${ACCOUNT}:assumed-role/delivery-prod-argocd/*` } },
);
const principals = fc.constantFrom<unknown>(
  { AWS: ROLE },
  { AWS: ROLE },
  { AWS: [ROLE, `arn:aws:iam::${ACCOUNT}:role/else`] },
  { AWS: ACCOUNT },
  { AWS: `arn:aws:iam::${ACCOUNT}:root` },
  { AWS: '*' },
  { AWS: `arn:aws:sts::${ACCOUNT}:assumed-role/delivery-prod-argocd/botocore-session-1736931600` },
  { AWS: `arn:aws:iam::${ACCOUNT}:role/else` },
);
const actions = fc.constantFrom<unknown>('sts:AssumeRole', 'sts:TagSession', BOTH, BOTH, 'sts:*');
const aStatement = fc
  .tuple(fc.constantFrom('Allow', 'Allow', 'Allow', 'Deny'), principals, actions, conditions)
  .map(([Effect, Principal, Action, Condition]) => ({
    Effect,
    Principal,
    Action,
    ...(Condition ? { Condition } : {}),
  }));
const trusts = fc.array(aStatement, { minLength: 1, maxLength: 3 });
const own = fc.constantFrom<object[]>(
  [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: TARGET }],
  [{ Effect: 'Allow', Action: BOTH, Resource: TARGET }],
  [
    { Effect: 'Allow', Action: BOTH, Resource: TARGET },
    { Effect: 'Deny', Action: 'sts:TagSession', Resource: '*' },
  ],
);
const policyOf = (Statement: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });

/** Returns whether STS allows the target to the pods of a world, whose role and target have these policies. */
function played({ backend, cluster }: OpenWorld, trust: string, policy: string): boolean {
  const { world } = backend.sandbox;
  findRole(world, TARGET)!.trustPolicy = trust;
  findRole(world, ROLE)!.policies[0]!.document = policy;
  const [answer] = listObjects(cluster.kube, 'Pod')
    .filter(({ spec }) => spec.serviceAccountName === NAME)
    .flatMap((pod) => chainedRole(world, cluster, pod, TARGET));
  return answer !== undefined && answer.refused === undefined;
}

/** Returns the outcome that the plan shows. */
function planned({ target, cluster, backend }: OpenWorld, trust: string, policy: string): ChainOutcome {
  const { oidcIssuer = '' } = cluster;
  const request = migrationRequest.parse({ target, serviceAccount: REF });
  const role = findRole(backend.sandbox.world, ROLE)!;
  const facts: Facts = {
    ...noFacts(request, newFakes().settings),
    cluster: { oidcIssuer } as Facts['cluster'] & object,
    serviceAccount: { roleArn: ROLE } as Facts['serviceAccount'] & object,
    roles: { [ROLE]: { trustPolicy: parseTrust(role.trustPolicy), tags: {} } },
    rolePolicies: { [ROLE]: { policies: [{ name: 'deploy', document: parsePolicy(policy, 'identity') }] } },
  };
  const account = { namespace: REF.namespace, serviceAccount: NAME, roleArn: ROLE };
  return judgeChain(facts, { account, targetArn: TARGET, trust: parseTrust(trust) }).outcome;
}

it('the outcome of a chain in the plan is what STS answers before and after the migration', async () => {
  const options = { scenario: 'role-chain-blocked' };
  const met = new Map<string, number>();
  await inWorld(options, (before) =>
    inWorld(options, async (after) => {
      await after.migrate({ serviceAccount: REF, accept: [`target-role:${TARGET}`] });
      forAllIn(1500, trusts, own, (statements, policies) => {
        const [trust, policy] = [policyOf(statements), policyOf(policies)];
        const [irsa, podIdentity] = [played(before, trust, policy), played(after, trust, policy)];
        const outcome = planned(after, trust, policy);
        const seen = `${outcome} ${irsa} ${podIdentity}`;
        met.set(seen, (met.get(seen) ?? 0) + 1);
        const possible: Record<ChainOutcome, boolean> = {
          works: podIdentity,
          breaks: !podIdentity,
          unused: !podIdentity && !irsa,
          // What it depends on is the same for both, so that nothing is lost.
          same: podIdentity || !irsa,
          unknown: true,
        };
        expect([seen, possible[outcome]]).toEqual([seen, true]);
      });
    }),
  );
  const expected = ['works true true', 'works false true', 'breaks true false', 'unused false false'];
  expect(expected.filter((seen) => (met.get(seen) ?? 0) <= 5)).toEqual([]);
});
