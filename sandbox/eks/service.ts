/** The sandbox's EKS: a function from request to response over the world's state. */
import { type CallContext, ContentResponse, type HttpRequest, type Service } from '../http.ts';
import type { Json } from '../json.ts';
import { ownControlPlanes } from '../kubernetes/control-planes.ts';
import type { World } from '../world/world.ts';
import { unsupportedOperation } from '../unsupported.ts';
import {
  createAccessEntry,
  deleteAccessEntry,
  describeAccessEntry,
  listAccessEntries,
  updateAccessEntry,
} from './access-entries.ts';
import {
  associateAccessPolicy,
  disassociateAccessPolicy,
  listAccessPolicies,
  listAssociatedAccessPolicies,
} from './access-policies.ts';
import { describeAddonConfiguration, describeAddonVersions } from './addon-versions.ts';
import { createAddon, deleteAddon, describeAddon, listAddons, updateAddon } from './addons.ts';
import {
  createPodIdentityAssociation,
  deletePodIdentityAssociation,
  describePodIdentityAssociation,
  listPodIdentityAssociations,
  updatePodIdentityAssociation,
} from './associations.ts';
import { permissionsOf } from './authorization.ts';
import type { SupportedOperation } from './authorization.ts';
import { requirePermission } from './call.ts';
import type { EksCall, Memory } from './call.ts';
import { describeCapability, listCapabilities } from './capabilities.ts';
import { describeClusterVersions } from './cluster-versions.ts';
import { describeCluster, listClusters } from './clusters.ts';
import { EksError, errorAnswer } from './errors.ts';
import { describeFargateProfile, listFargateProfiles } from './fargate-profiles.ts';
import { findOperation } from './model.ts';
import { listTagsForResource, tagResource, untagResource } from './tags.ts';
import { describeUpdate, listUpdates } from './updates.ts';
import { decodeInput, outputFaults } from './wire.ts';

type AnyHandler = (call: EksCall, input: never) => unknown;

/** Handlers by operation. Each takes the input that `decodeInput` decoded and checked by the operation's schema. */
const HANDLERS: Record<SupportedOperation, AnyHandler> = {
  AssociateAccessPolicy: associateAccessPolicy,
  CreateAccessEntry: createAccessEntry,
  CreateAddon: createAddon,
  CreatePodIdentityAssociation: createPodIdentityAssociation,
  DeleteAccessEntry: deleteAccessEntry,
  DeleteAddon: deleteAddon,
  DeletePodIdentityAssociation: deletePodIdentityAssociation,
  DescribeAccessEntry: describeAccessEntry,
  DescribeAddon: describeAddon,
  DescribeAddonConfiguration: describeAddonConfiguration,
  DescribeAddonVersions: describeAddonVersions,
  DescribeCapability: describeCapability,
  DescribeCluster: describeCluster,
  DescribeClusterVersions: describeClusterVersions,
  DescribeFargateProfile: describeFargateProfile,
  DescribePodIdentityAssociation: describePodIdentityAssociation,
  DescribeUpdate: describeUpdate,
  DisassociateAccessPolicy: disassociateAccessPolicy,
  ListAccessEntries: listAccessEntries,
  ListAccessPolicies: listAccessPolicies,
  ListAddons: listAddons,
  ListAssociatedAccessPolicies: listAssociatedAccessPolicies,
  ListCapabilities: listCapabilities,
  ListClusters: listClusters,
  ListFargateProfiles: listFargateProfiles,
  ListPodIdentityAssociations: listPodIdentityAssociations,
  ListTagsForResource: listTagsForResource,
  ListUpdates: listUpdates,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateAccessEntry: updateAccessEntry,
  UpdateAddon: updateAddon,
  UpdatePodIdentityAssociation: updatePodIdentityAssociation,
};

const handlers: ReadonlyMap<string, AnyHandler> = new Map(Object.entries(HANDLERS));

/** Names of the operations that the sandbox implements. */
export const supportedOperations: readonly string[] = [...handlers.keys()];

const answer = (
  { world, controlPlanes }: Pick<EksCall, 'world' | 'controlPlanes'>,
  memory: Memory,
  request: HttpRequest,
  context: CallContext,
): { status: number; content: Json } => {
  const route = findOperation(request.method, request.path);
  if (!route) {
    context.describe('UnknownOperation', { method: request.method, path: request.path });
    throw new EksError('UnknownOperationException', `EKS has no operation at ${request.method} ${request.path}.`);
  }
  const { operation, labels } = route;
  context.describe(operation.name, {});
  const handler = handlers.get(operation.name);
  const permissions = permissionsOf(operation.name);
  if (!handler || !permissions) {
    throw new EksError('NotImplemented', unsupportedOperation('EKS', operation.name, supportedOperations));
  }
  const input = decodeInput(operation, labels, request);
  context.describe(operation.name, input);
  const call: EksCall = {
    ...memory,
    world,
    controlPlanes,
    account: context.caller.account,
    region: context.region,
    authorize: (permission) => context.authorize(permission),
  };
  const checked = input as never;
  for (const permission of permissions(call, checked)) requirePermission(call, permission);
  const output = handler(call, checked);
  const faults = outputFaults(operation.output, output);
  if (faults.length > 0)
    throw new Error(`The sandbox's response to ${operation.name} does not match the API model: ${faults.join('; ')}.`);
  return { status: operation.status, content: output as Json };
};

/**
 * Creates EKS over a world. Errors are returned as AWS's error responses; a rejected promise is a bug in the sandbox.
 * No `date` header is sent: with virtual time, the SDK would adjust its signing clock to it.
 */
export const createEksService = (world: World, controlPlanes = ownControlPlanes(world)): Service => {
  const memory: Memory = { ids: world.random.fork(), deleting: new WeakSet(), preserved: new Map(), tokens: new Map() };
  const requestIds = world.random.fork();
  return async (request, context) => {
    const requestId = requestIds.uuid();
    try {
      const { status, content } = answer({ world, controlPlanes }, memory, request, context);
      return new ContentResponse(
        status,
        { 'content-type': 'application/json', 'x-amzn-requestid': requestId },
        content,
      );
    } catch (error) {
      if (error instanceof EksError) return errorAnswer(error, requestId);
      throw error;
    }
  };
};
