/** The controllers of a cluster that reconcile resources with their own desired state. */
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import type { ScenarioController } from '../scenario/scenario-owners.ts';

export interface ControllerState {
  tool: ScenarioController['tool'];
  owns: ScenarioController['owns'];
  name: string;
  everySeconds: number;
  /** Tests may change it at any time. */
  paused: boolean;
  /** The role with which it calls AWS. */
  roleArn: string;
}

/** What a controller without a role of its own may do: enough for everything that it puts back. */
const RIGHTS = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: ['eks:*', 'iam:GetRole', 'iam:PassRole', 'iam:UpdateAssumeRolePolicy'],
      Resource: '*',
    },
  ],
};

/**
 * How often each tool compares its resources with AWS or the cluster. ACK: "once every 10 hours" (documentation,
 * "Recovering from Drift"). Crossplane's AWS provider: --poll, 10 minutes. Cluster API: --sync-period, 10 minutes. Argo
 * CD: timeout.reconciliation, 3 minutes. Flux: the interval of a Kustomization, 10 minutes in its guides.
 */
const INTERVALS: Record<ControllerState['tool'], number> = {
  ack: 36_000,
  crossplane: 600,
  'cluster-api': 600,
  'argo-cd': 180,
  flux: 600,
};

export const buildControllers = (
  cluster: { name: string; region: string; account: string },
  controllers: readonly ScenarioController[],
): ControllerState[] =>
  controllers.map(({ tool, owns, name, everySeconds = INTERVALS[tool], paused, roleArn }) => ({
    tool,
    owns,
    name,
    everySeconds,
    paused,
    roleArn: roleArn ?? `arn:${partitionOf(cluster.region)}:iam::${cluster.account}:role/${cluster.name}-${tool}`,
  }));

/** Returns the roles that the scenario does not have, with the rights that the controllers need. */
export const controllerRoles = (
  cluster: { name: string; region: string; account: string },
  controllers: readonly ScenarioController[],
): { arn: string; policies: { name: string; document: object }[]; managedPolicyArns: string[] }[] => {
  const without = controllers.filter(({ owns, roleArn }) => owns !== 'annotation' && roleArn === undefined);
  const arns = new Set(buildControllers(cluster, without).map(({ roleArn }) => roleArn));
  return [...arns].map((arn) => ({
    arn,
    policies: [{ name: 'reconcile', document: RIGHTS }],
    managedPolicyArns: [],
  }));
};
