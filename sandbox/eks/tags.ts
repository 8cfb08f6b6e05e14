/** Tags of clusters, add-ons, associations, capabilities and access entries, by ARN. */
import type * as eks from '@aws-sdk/client-eks';
import { entryArn } from './access-entry-state.ts';
import type { EksCall, Handler } from './call.ts';
import { isLive } from './association-state.ts';
import { findCluster } from '../world/world.ts';
import { EksError } from './errors.ts';

/** Maximum of user tags per resource, as in most AWS services. */
const TAGS_PER_RESOURCE = 50;

const ARN = /^arn:[\w-]+:eks:[\w-]+:\d{12}:[\w-]+\/.+$/;

/**
 * Returns the tags of a resource, which the caller may modify; undefined if the account and region have no such
 * resource.
 */
export const findTags = (call: EksCall, arn: string): Record<string, string> | undefined => {
  // ARNs of a cluster's resources contain the resource type and the cluster's name: `addon/CLUSTER/…`.
  const cluster = findCluster(call.world, call.account, call.region, arn.split('/')[1] ?? '');
  if (!cluster) return undefined;
  const resources = [
    cluster,
    ...cluster.addons.values(),
    ...[...cluster.associations.values()].filter(isLive),
    ...(cluster.capabilities ?? []),
  ];
  const resource =
    resources.find((candidate) => candidate.arn === arn) ??
    [...cluster.accessEntries.values()].find((entry) => entryArn(cluster, entry) === arn);
  return resource?.tags;
};

const tagsOf = (call: EksCall, arn: string): Record<string, string> => {
  if (!ARN.test(arn)) throw new EksError('BadRequestException', `The resource ARN ${arn} is not an EKS ARN.`);
  const tags = findTags(call, arn);
  if (!tags) throw new EksError('NotFoundException', `No resource found for ARN: ${arn}`);
  return tags;
};

export const listTagsForResource: Handler<eks.ListTagsForResourceRequest, eks.ListTagsForResourceResponse> = (
  call,
  input,
) => ({ tags: { ...tagsOf(call, input.resourceArn) } });

export const tagResource: Handler<eks.TagResourceRequest, eks.TagResourceResponse> = (call, input) => {
  const tags = tagsOf(call, input.resourceArn);
  if (Object.keys({ ...tags, ...input.tags }).length > TAGS_PER_RESOURCE) {
    throw new EksError(
      'BadRequestException',
      `The resource ${input.resourceArn} can have at most ${TAGS_PER_RESOURCE} tags.`,
    );
  }
  Object.assign(tags, input.tags);
  return {};
};

export const untagResource: Handler<eks.UntagResourceRequest, eks.UntagResourceResponse> = (call, input) => {
  const tags = tagsOf(call, input.resourceArn);
  for (const key of input.tagKeys) delete tags[key];
  return {};
};
