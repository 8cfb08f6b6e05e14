/** Common parts of the EKS operations: caller, account and region, and the service's own memory. */
import type { RequiredPermission } from '../permission/permission.ts';
import type { CallContext } from '../http.ts';
import type { ControlPlanes } from '../kubernetes/control-planes.ts';
import { pageAfter } from '../pages.ts';
import type { Random } from '../random.ts';
import { findCluster, type AddonState, type ClusterState, type World } from '../world/world.ts';
import { EksError } from './errors.ts';
import type { Decoded, Wire } from './wire.ts';

/** State of the service in addition to the world's state; it lives as long as the service. */
export interface Memory {
  /** Generator for ids and ARNs of new resources. */
  ids: Random;
  /** Add-ons that are being deleted while DescribeAddon still shows their old status. */
  deleting: WeakSet<AddonState>;
  /** Settings that preserved objects were created from, by `preservedKey`: an equal create does not change them. */
  preserved: Map<string, { version: string; configurationValues?: string }>;
  /** Responses by scope and clientRequestToken. */
  tokens: Map<string, { input: string; answer: unknown; stillExists: () => boolean }>;
}

export interface EksCall extends Memory {
  world: World;
  controlPlanes: ControlPlanes;
  account: string;
  region: string;
  /** Checks the caller's permissions, also for calls that EKS makes on the caller's behalf. */
  authorize: CallContext['authorize'];
}

export type Handler<Input, Output> = (call: EksCall, input: Decoded<Input>) => Wire<Output>;

export const seconds = (milliseconds: number): number => milliseconds / 1000;

/**
 * Throws EksError if the caller lacks a permission. Error name and message: aws/eks-hybrid#740 and
 * aws-samples/appmod-blueprints#816.
 */
export const requirePermission = (call: EksCall, permission: RequiredPermission): void => {
  const denial = call.authorize(permission);
  if (denial) throw new EksError('AccessDeniedException', denial.message);
};

/** Returns the cluster in any status. */
export const requireListedCluster = (call: EksCall, name: string): ClusterState => {
  const cluster = findCluster(call.world, call.account, call.region, name);
  if (!cluster)
    throw new EksError('ResourceNotFoundException', `No cluster found for name: ${name}.`, { clusterName: name });
  return cluster;
};

/**
 * Returns the cluster for operations on its resources, which may be gone already if the cluster is being deleted (knob
 * `deletingCluster`).
 */
export const requireCluster = (call: EksCall, name: string): ClusterState => {
  const cluster = requireListedCluster(call, name);
  if (cluster.status === 'DELETING' && call.world.knobs.deletingCluster === 'not-found')
    throw new EksError('ResourceNotFoundException', `No cluster found for name: ${name}.`, { clusterName: name });
  return cluster;
};

export const requireAddon = (cluster: ClusterState, name: string): AddonState => {
  const addon = cluster.addons.get(name);
  // EKS User Guide, "Removing an add-on".
  if (!addon)
    throw new EksError('ResourceNotFoundException', `No addon: ${name} found in cluster: ${cluster.name}`, {
      clusterName: cluster.name,
      addonName: name,
    });
  return addon;
};

export const preservedKey = (cluster: ClusterState, addonName: string): string => `${cluster.arn}/${addonName}`;

/** Returns the prefix of the ARNs of a cluster's resources: `arn:PARTITION:eks:REGION:ACCOUNT`. */
export const arnPrefix = (cluster: ClusterState): string => cluster.arn.split(':').slice(0, 5).join(':');

/** Returns one page of a list, in the order of the items' keys. EKS returns at most 100 items, which is the default. */
export const paginate = <T>(
  items: Iterable<T>,
  keyOf: (item: T) => string,
  input: { maxResults?: number; nextToken?: string },
): { page: T[]; nextToken?: string } => {
  const page = pageAfter(items, keyOf, input.maxResults ?? 100, input.nextToken);
  if (!page)
    throw new EksError(
      'InvalidParameterException',
      `The nextToken ${input.nextToken} was not returned by this operation.`,
    );
  return page;
};

/**
 * Implements idempotency by clientRequestToken: the same token with the same input returns the first response again and
 * changes nothing, as long as the result of the first call exists; with another input it is an error. How long EKS
 * remembers a token is not published.
 */
export const once = <Output>(
  call: EksCall,
  scope: string,
  input: { clientRequestToken?: string },
  act: () => { answer: Output; stillExists: () => boolean },
): Output => {
  const { clientRequestToken: token, ...rest } = input;
  if (token === undefined) return act().answer;
  const key = `${scope} ${token}`;
  const text = JSON.stringify(rest);
  const known = call.tokens.get(key);
  if (known?.stillExists()) {
    if (known.input !== text)
      throw new EksError(
        'InvalidParameterException',
        `The clientRequestToken ${token} was already used with other parameters.`,
      );
    return known.answer as Output;
  }
  const result = act();
  call.tokens.set(key, { input: text, ...result });
  return result.answer;
};
