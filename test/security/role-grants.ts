/** A fleet with a role of somebody else's, and a workload whose owner wants that role: for the abuse tests of promise 11. */
import type { RoleGrant } from '../../lambdas/domain/settings/role-grants.ts';
import { irsaStatement, podIdentityStatement, policyOf, type Statement } from '../../cli/fleet/trust.ts';
import type { Scenario, ScenarioCluster } from '../../sandbox/world/scenario.ts';
import { ACCOUNT, deploy, type Deployment, hostileScenario, NARROW, roleArn } from './hostile.ts';

/** Passable and repairable, and the payments team's. */
export const VICTIM = roleArn('eks-addons/repairable-payments');
/** The workload of whoever attacks. */
export const ATTACKER = { namespace: 'evil', name: 'agent' };
export const CLUSTER_ARN = `arn:aws:eks:eu-west-1:${ACCOUNT}:cluster/reliability-dev`;

/** As EKS's guide has it: for that service account of this cluster alone. */
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
  /** What the role's trust policy has beside the IRSA statement of its owner's service account. */
  trust?: Statement[];
  /** Whether the attacker's service account names the role by its annotation. */
  annotated?: boolean;
  change?: (scenario: Scenario, cluster: ScenarioCluster) => void;
}

/** The role trusts payments/db by IRSA; the attacker has a workload of their own, whose pods can be looked at. */
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

/** A deployment with narrow lists, and with these grants. */
export const deployWith = (roleGrants: RoleGrant[]): Promise<Deployment> => deploy({}, { ...NARROW, roleGrants });
