/** EKS capabilities: controllers that AWS runs for a cluster, outside of it. */
import { eksArn } from '../../lambdas/domain/aws/arn.ts';
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import type { Random } from '../random.ts';
import type { ScenarioCapability } from '../scenario/scenario-owners.ts';

export interface CapabilityState {
  name: string;
  arn: string;
  type: 'ACK' | 'ARGOCD' | 'KRO';
  roleArn: string;
  status: string;
  version?: string;
  tags: Record<string, string>;
  createdAt: number;
}

/** Builds the capabilities that the scenario describes. */
export const buildCapabilities = (
  { random }: { random: Random },
  cluster: { name: string; region: string; account: string; createdAt: number },
  capabilities: readonly ScenarioCapability[],
): CapabilityState[] =>
  capabilities.map(({ name, type, roleArn, status, version, tags, createdAt }) => ({
    name,
    type,
    arn: eksArn(cluster, `capability/${cluster.name}/${type.toLowerCase()}/${name}/${random.uuid()}`),
    roleArn: roleArn ?? `arn:${partitionOf(cluster.region)}:iam::${cluster.account}:role/${cluster.name}-${name}`,
    status,
    ...(version === undefined ? {} : { version }),
    tags,
    createdAt: createdAt === undefined ? cluster.createdAt : Date.parse(createdAt),
  }));
