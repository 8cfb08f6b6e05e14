/**
 * Outages of the services from which pods get credentials. An outage is a period of time, not triggered by a call:
 * requests within it fail without any policy being evaluated. Error names: EKS Auth API Reference,
 * AssumeRoleForPodIdentity; STS API Reference, "Common Errors".
 */
import type { FaultKind } from '../calls/faults.ts';
import type { ClusterState, World } from '../world/world.ts';
import { type Refusal, refused } from './refusal.ts';
import type { AskedSource } from './sources.ts';

const OPERATIONS = {
  'pod-identity': { service: 'eks-auth', operation: 'AssumeRoleForPodIdentity' },
  irsa: { service: 'sts', operation: 'AssumeRoleWithWebIdentity' },
} as const;

const REFUSALS: Record<
  AskedSource['method'],
  Partial<Record<FaultKind, [code: string, status: number, text: string]>>
> = {
  'pod-identity': {
    'server-error': ['InternalServerException', 500, 'Internal server error'],
    throttled: ['ThrottlingException', 429, 'Rate exceeded'],
  },
  irsa: {
    'server-error': ['ServiceUnavailable', 503, 'The service is unavailable'],
    throttled: ['Throttling', 400, 'Rate exceeded'],
  },
};

/** Returns the error that a request for a pod of the cluster gets now; undefined if there is no outage. */
export const outageOf = (
  world: World,
  { region, name }: Pick<ClusterState, 'region' | 'name'>,
  method: AskedSource['method'],
): { refused: Refusal } | undefined => {
  const kind = world.faults.outageAt({ ...OPERATIONS[method], region, cluster: name }, world.schedule.now());
  if (kind === undefined) return undefined;
  const known = REFUSALS[method][kind];
  return known ? refused(...known) : refused('ConnectionLost', 0, 'socket hang up');
};
