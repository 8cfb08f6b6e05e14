/**
 * What it takes for pods to use a role of another account through EKS Pod Identity: EKS associates a service account only
 * with a role of the cluster's account (the base role), which then assumes the other one (the target role). Source: EKS
 * User Guide, "Access AWS resources using EKS Pod Identity target IAM roles". Its example allows both actions under the
 * session tags of the pod; the external id, which EKS sends too, is known only once the association exists.
 */
import { createHash } from 'node:crypto';
import { clusterArn, parseRoleArn } from '../aws/arn.ts';
import { partitionOf } from '../aws/partitions.ts';
import type { Target } from '../terms/subject.ts';
import {
  assumeRoleRequest,
  evaluate,
  evaluatePodIdentity,
  type ParsedPolicy,
  parsePolicy,
  type Reason,
  type Verdict,
} from '../policy/index.ts';
import { statementFor } from './repair.ts';
import type { JsonObject } from './statements.ts';

export interface TargetRoleUse {
  target: Target;
  namespace: string;
  serviceAccount: string;
  /** The role of the other account. */
  targetRoleArn: string;
  /** Name of the base role; derived from the service account if absent. */
  baseRoleName?: string;
}

/** Both roles' policies, as JSON. */
export interface TargetRoleSetup {
  baseRoleArn: string;
  baseRoleName: string;
  /** Trust policy of the base role. */
  trustPolicy: JsonObject;
  /** Identity policy of the base role. */
  policy: JsonObject;
  /** The statement for the trust policy of the target role. */
  statement: JsonObject;
}

/** IAM's limit for the name of a role. */
const MAX_NAME = 64;
const ACTIONS = ['sts:AssumeRole', 'sts:TagSession'] as const;
const VERSION = '2012-10-17';

/** Returns a name for the base role, the same each time for the same service account. */
export function baseRoleNameFor({
  target: { cluster },
  namespace,
  serviceAccount,
}: Pick<TargetRoleUse, 'target' | 'namespace' | 'serviceAccount'>): string {
  const name = `pod-identity-${cluster}-${namespace}-${serviceAccount}`;
  if (name.length <= MAX_NAME) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, MAX_NAME - hash.length - 1)}-${hash}`;
}

export function targetRoleSetup(use: TargetRoleUse): TargetRoleSetup {
  const { target, namespace, serviceAccount, targetRoleArn } = use;
  const baseRoleName = use.baseRoleName ?? baseRoleNameFor(use);
  const baseRoleArn = `arn:${partitionOf(target.region)}:iam::${target.account}:role/${baseRoleName}`;
  return {
    baseRoleArn,
    baseRoleName,
    trustPolicy: { Version: VERSION, Statement: [statementFor(target, [{ namespace, serviceAccount }], new Set())] },
    policy: {
      Version: VERSION,
      Statement: [{ Effect: 'Allow', Action: [...ACTIONS], Resource: targetRoleArn }],
    },
    statement: {
      Effect: 'Allow',
      Principal: { AWS: baseRoleArn },
      Action: [...ACTIONS],
      Condition: {
        StringEquals: {
          'aws:RequestTag/eks-cluster-arn': clusterArn(target),
          'aws:RequestTag/kubernetes-namespace': namespace,
          'aws:RequestTag/kubernetes-service-account': serviceAccount,
        },
      },
    },
  };
}

/** Returns a trust policy with only this statement. */
const trustOnly = (statement: JsonObject): ParsedPolicy =>
  parsePolicy(JSON.stringify({ Version: VERSION, Statement: [statement] }), 'trust');

export interface SetupVerdict {
  what: 'base-role-trust' | 'base-role-policy' | 'target-role-trust';
  verdict: Verdict;
  reasons: Reason[];
}

/** The session in which the base role assumes the target role. A pod's name and UID are not known before it exists. */
const callOf = (use: TargetRoleUse, { baseRoleArn, baseRoleName }: TargetRoleSetup) => {
  const { target, namespace, serviceAccount, targetRoleArn } = use;
  const partition = partitionOf(target.region);
  const tags = {
    'eks-cluster-arn': clusterArn(target),
    'eks-cluster-name': target.cluster,
    'kubernetes-namespace': namespace,
    'kubernetes-service-account': serviceAccount,
    'kubernetes-pod-name': 'pod',
    'kubernetes-pod-uid': '00000000-0000-0000-0000-000000000000',
  };
  const sessionName = `eks-${target.cluster}`.slice(0, MAX_NAME);
  return {
    roleArn: baseRoleArn,
    sessionArn: `arn:${partition}:sts::${target.account}:assumed-role/${baseRoleName}/${sessionName}`,
    account: target.account,
    partition,
    resourceAccount: parseRoleArn(targetRoleArn)?.account ?? '',
    sessionName,
    tags,
    transitiveTagKeys: Object.keys(tags),
  };
};

/**
 * Evaluates the setup as IAM does: EKS assumes the base role, whose policy and the target role's trust policy must both
 * allow the second call. `targetTrust` is the target role's whole trust policy with the statement, if it is known.
 */
export function judgeSetup(
  use: TargetRoleUse,
  setup: TargetRoleSetup,
  targetTrust: ParsedPolicy = trustOnly(setup.statement),
): SetupVerdict[] {
  const { target, namespace, serviceAccount, targetRoleArn } = use;
  const trust = parsePolicy(JSON.stringify(setup.trustPolicy), 'trust');
  const identity = parsePolicy(JSON.stringify(setup.policy), 'identity');
  const first = evaluatePodIdentity(trust, { clusterArn: clusterArn(target), namespace, serviceAccount });
  const requests = ACTIONS.map((action) => assumeRoleRequest(callOf(use, setup), action));
  const worst = (policy: ParsedPolicy, resource?: string) => {
    const all = requests.map((request) =>
      evaluate(policy, resource === undefined ? request : { ...request, resource }),
    );
    return all.find(({ verdict }) => verdict !== 'allowed') ?? all[0];
  };
  const of = (
    what: SetupVerdict['what'],
    found: { verdict: Verdict; reasons: Reason[] } | undefined,
  ): SetupVerdict => ({
    what,
    verdict: found?.verdict ?? 'unknown',
    reasons: found?.reasons ?? [],
  });
  return [
    of('base-role-trust', first),
    of('base-role-policy', worst(identity, targetRoleArn)),
    of('target-role-trust', worst(targetTrust)),
  ];
}
