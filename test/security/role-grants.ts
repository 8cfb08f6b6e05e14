/** A fleet with another team's role, and a workload whose owner wants that role: for the abuse tests of promise 11. */
import type { RoleGrant } from '../../lambdas/domain/settings/role-grants.ts';
import { irsaStatement, podIdentityStatement, policyOf, type Statement } from '../../cli/fleet/trust.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import { ACCOUNT, deploy, type Deployment, hostileScenario, NARROW, roleArn } from './hostile.ts';

/** The payments team's role, which may be passed and repaired. */
export const VICTIM = roleArn('eks-addons/repairable-payments');
/** The attacker's workload. */
export const ATTACKER = { namespace: 'evil', name: 'agent' };
export const CLUSTER_ARN = `arn:aws:eks:eu-west-1:${ACCOUNT}:cluster/reliability-dev`;

/** As in EKS's guide: for that service account of this cluster alone. */
export const namingStatement = (namespace: string, serviceAccount: string): Statement => ({
  ...podIdentityStatement(),
  Condition: {
    StringEquals: {
      'aws:SourceAccount': ACCOUNT,
      'aws:RequestTag/kubernetes-namespace': namespace,
      'aws:RequestTag/kubernetes-service-account': serviceAccount,
    },
    ArnEquals: { 'aws:SourceArn': CLUSTER_ARN },
  },
});

export const irsaOf = (cluster: ScenarioCluster, namespace: string, ...serviceAccounts: string[]): Statement =>
  irsaStatement(
    { account: ACCOUNT, region: cluster.region, name: cluster.name, oidcId: cluster.oidcId! },
    namespace,
    serviceAccounts,
  );

export interface Fleet {
  /** The statements of the role's trust policy in addition to the IRSA statement for its owner's service account. */
  trust?: Statement[];
  /** Whether the attacker's service account names the role by its annotation. */
  annotated?: boolean;
  change?: (scenario: Scenario, cluster: ScenarioCluster) => void;
}

/**
 * Returns a scenario in which the role trusts payments/db by IRSA and the attacker has a workload whose pods the
 * service can read.
 */
export const fleetWith = ({ trust = [], annotated = true, change }: Fleet = {}): Scenario =>
  hostileScenario((scenario, cluster) => {
    const [account] = scenario.accounts;
    account!.roles.push({
      ...structuredClone(account!.roles[0]!),
      arn: VICTIM,
      trustPolicy: policyOf(irsaOf(cluster, 'payments', 'db'), ...trust),
    });
    cluster.workloads.push({
      kind: 'Deployment',
      namespace: ATTACKER.namespace,
      name: ATTACKER.name,
      serviceAccount: ATTACKER.name,
      serviceAccountAnnotations: annotated ? { 'eks.amazonaws.com/role-arn': VICTIM } : {},
      replicas: 2,
      paused: false,
      hostNetwork: false,
      createdAt: '2025-12-03T16:20:00.000Z',
    });
    change?.(scenario, cluster);
  });

/** Returns a deployment with narrow lists and these grants. */
export const deployWith = (roleGrants: RoleGrant[]): Promise<Deployment> => deploy({}, { ...NARROW, roleGrants });
