import type { Cluster, OfferedVersion, PodIdentityServiceAccount } from '../eks.ts';
import type { Pod, Workload } from '../kubernetes.ts';
import type { Addon, Association, MigrationRequest } from '../model.ts';

/** What the plan is decided from, as it was read; later facts are absent where an earlier one made them pointless. */
export interface Facts {
  request: MigrationRequest;
  cluster?: Cluster;
  addon?: Addon;
  /** The Pod Identity agent's add-on. */
  agentAddon?: Addon;
  /** Versions offered for the cluster's Kubernetes version. */
  offered: OfferedVersion[];
  /** Service accounts that the installed version takes associations for. */
  podIdentity: PodIdentityServiceAccount[];
  /** The newest offered version that takes associations, where the installed one does not. */
  newerVersionWithPodIdentity?: string;
  namespace: string;
  /** By ARN; `undefined`: IAM has no such role. Roles of other accounts are not asked for. */
  roles: Record<string, { trustPolicy: string } | undefined>;
  associations: Association[];
  /** Absent where the API server could not be read; then `kubernetesError` says why. */
  pods?: Pod[];
  agentWorkload?: Workload;
  kubernetesError?: string;
}
