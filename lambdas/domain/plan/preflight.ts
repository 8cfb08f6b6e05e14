/**
 * Checks whether Pod Identity would work in this cluster for these pods: the prerequisites of getting credentials from it.
 */
import { eksRegionCommand } from '../commands/eks.ts';
import { type Check, fail, GUIDE, pass, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { Facts } from './facts.ts';
import { checkNodeRole } from './preflight-node-role.ts';
import { checkFargateProfiles } from './preflight-fargate.ts';
import { checkAgentNodes, checkNodePools } from './preflight-agent-nodes.ts';
import { checkCompute } from './preflight-nodes.ts';
import { checkCredentials } from './preflight-credentials.ts';
import { checkProxy } from './preflight-pods.ts';
import { checkWebhook } from './preflight-webhook.ts';
import { checkReachability } from './reachability-check.ts';
import { checkSdk } from './sdk-check.ts';

/**
 * The first EKS platform version with Pod Identity, by Kubernetes minor version. All later minor versions have it.
 */
const FIRST_PLATFORM: Record<number, number> = { 24: 13, 25: 10, 26: 9, 27: 8, 28: 4, 29: 1, 30: 2, 31: 4 };
const SUPPORTED = `${GUIDE}, "Learn how EKS Pod Identity grants Pods access to AWS services", "EKS Pod Identity cluster versions"`;

export function checkPlatformVersion({ request, cluster }: Pick<Facts, 'request' | 'cluster'>): Check[] {
  if (!cluster) return [];
  const { version, platformVersion } = cluster;
  const minor = Number(/^1\.(\d+)$/.exec(version)?.[1]);
  const platform = Number(/^eks\.(\d+)$/.exec(platformVersion ?? '')?.[1]);
  const first = FIRST_PLATFORM[minor];
  const id = 'platform-version';
  const cli = eksRegionCommand(request.target, 'describe-cluster', [
    '--name',
    request.target.cluster,
    '--query',
    'cluster.platformVersion',
  ]);
  if (minor < Math.min(...Object.keys(FIRST_PLATFORM).map(Number)))
    return [
      fail(
        id,
        `Kubernetes ${version} has no EKS Pod Identity: it needs 1.24 or later.`,
        'Upgrade the cluster first, keeping IRSA.',
        SUPPORTED,
      ),
    ];
  if (first === undefined && !Number.isNaN(minor))
    return [pass(id, `Kubernetes ${version} supports EKS Pod Identity on every platform version.`)];
  if (Number.isNaN(minor) || Number.isNaN(platform)) {
    return [
      warn(
        id,
        `It is not known whether Kubernetes ${version} on platform version ${platformVersion ?? 'unknown'} supports EKS Pod Identity.`,
        `Compare it with the guide's table: ${cli}`,
        SUPPORTED,
      ),
    ];
  }
  if (platform < (first ?? 0)) {
    return [
      fail(
        id,
        `Platform version ${platformVersion ?? ''} is too old for EKS Pod Identity: Kubernetes ${version} supports it from eks.${first ?? ''}.`,
        `EKS updates platform versions automatically, and with an upgrade of the cluster's Kubernetes version. Check the current version: ${cli}`,
        SUPPORTED,
      ),
    ];
  }
  return [pass(id, `Platform version ${platformVersion ?? ''} of Kubernetes ${version} supports EKS Pod Identity.`)];
}

/**
 * Returns all checks, in the order in which they are reported. Checks that need the API server are omitted if it could
 * not be read at all, which `kubernetes-access` reports.
 */
export const preflight = (facts: Facts, planned: readonly PlannedAssociation[]): Check[] => [
  ...checkPlatformVersion(facts),
  ...checkNodeRole(facts),
  ...checkCompute(facts, planned),
  ...checkFargateProfiles(facts),
  ...checkAgentNodes(facts, planned),
  ...checkNodePools(facts, planned),
  ...checkWebhook(facts),
  ...checkCredentials(facts, planned),
  ...checkProxy(facts, planned),
  ...checkReachability(facts, planned),
  ...checkSdk(facts, planned),
];
