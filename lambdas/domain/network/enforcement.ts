/** Finds out whether the cluster enforces network policies: without an engine, they have no effect (ADR 81). */
import { parseConfiguration } from '../addons/configuration.ts';
import type { ApiGroup } from '../kubernetes/objects.ts';
import type { NetworkFacts, PolicyEngine } from './model.ts';

/** The add-on with the engine of EKS. */
export const VPC_CNI = 'vpc-cni';

const ENGINES: Readonly<Record<string, PolicyEngine>> = {
  'cilium.io': 'cilium',
  'crd.projectcalico.org': 'calico',
  'projectcalico.org': 'calico',
};

/** Returns the engines whose API groups the API server serves, each once. */
export const enginesIn = (groups: readonly Pick<ApiGroup, 'name'>[]): PolicyEngine[] => [
  ...new Set(groups.flatMap(({ name }) => (Object.hasOwn(ENGINES, name) ? (ENGINES[name] ?? []) : []))),
];

/**
 * Returns whether configuration values of the add-on vpc-cni enable network policies. The default is that they do not.
 * Source: EKS User Guide, "Restrict Pod network traffic with Kubernetes network policies".
 */
export function vpcCniEnforces(configurationValues: string | undefined): boolean {
  const parsed = configurationValues === undefined ? undefined : parseConfiguration(configurationValues);
  const values: unknown = parsed && 'values' in parsed ? parsed.values : undefined;
  if (typeof values !== 'object' || values === null) return false;
  return String(Object.getOwnPropertyDescriptor(values, 'enableNetworkPolicy')?.value) === 'true';
}

export interface Enforcement {
  is: 'enforced' | 'ignored' | 'unknown';
  /** A clause. */
  why: string;
}

/**
 * Returns whether policies of the kind NetworkPolicy are enforced. It is not known for a VPC CNI that is not an add-on, and
 * for EKS Auto Mode, whose ConfigMap decides: the service reads no ConfigMaps.
 */
export function enforcement(
  { engines, vpcCni }: Pick<NetworkFacts, 'engines' | 'vpcCni'>,
  autoMode: boolean,
): Enforcement {
  if (engines.includes('cilium')) return { is: 'enforced', why: 'Cilium enforces them' };
  if (engines.includes('calico')) return { is: 'enforced', why: 'Calico enforces them' };
  if (vpcCni === 'enforces') return { is: 'enforced', why: `add-on ${VPC_CNI} enforces them (enableNetworkPolicy)` };
  if (autoMode)
    return {
      is: 'unknown',
      why: 'EKS Auto Mode enforces them if ConfigMap kube-system/amazon-vpc-cni has enable-network-policy-controller: "true"',
    };
  if (vpcCni === 'ignores')
    return { is: 'ignored', why: `add-on ${VPC_CNI} does not enforce them (enableNetworkPolicy is not set)` };
  return {
    is: 'unknown',
    why: `the VPC CNI is not an EKS add-on here, and enforces them if its DaemonSet aws-node has --enable-network-policy=true`,
  };
}
