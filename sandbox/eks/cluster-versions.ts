/** DescribeClusterVersions: the release calendar at the world's time. */
import type * as eks from '@aws-sdk/client-eks';
import { releasedBy } from '../catalog/cluster-versions.ts';
import type { ClusterVersion } from '../catalog/cluster-versions.ts';
import { paginate, seconds } from './call.ts';
import type { Handler } from './call.ts';

/** The only cluster type in the sandbox. */
const CLUSTER_TYPE = 'eks';
/** An empty type is accepted: `eksctl utils describe-cluster-versions` (0.215.0) sends it if the user sets none. */
const ACCEPTED_TYPES = ['', CLUSTER_TYPE];

const statusAt = (version: ClusterVersion, now: number): eks.VersionStatus => {
  if (now < Date.parse(version.endOfStandardSupport)) return 'STANDARD_SUPPORT';
  return now < Date.parse(version.endOfExtendedSupport) ? 'EXTENDED_SUPPORT' : 'UNSUPPORTED';
};

/** Returns a status in its deprecated form: `standard-support` for `STANDARD_SUPPORT`. */
const oldForm = (status: eks.VersionStatus): eks.ClusterVersionStatus =>
  status.toLowerCase().replace('_', '-') as eks.ClusterVersionStatus;

/** Returns the versions. Unsupported ones are included only on request: by `includeAll`, by name or by status. */
export const describeClusterVersions: Handler<
  eks.DescribeClusterVersionsRequest,
  eks.DescribeClusterVersionsResponse
> = (call, input) => {
  const now = call.world.schedule.now();
  const released = releasedBy(now);
  const newest = released.at(-1)?.version;
  const named = input.clusterVersions ?? [];
  const hidesOld =
    input.includeAll !== true && named.length === 0 && input.status === undefined && input.versionStatus === undefined;
  const matching = released.filter((version) => {
    const status = statusAt(version, now);
    if (named.length > 0 && !named.includes(version.version)) return false;
    if (input.versionStatus !== undefined && input.versionStatus !== status) return false;
    if (input.status !== undefined && input.status !== oldForm(status)) return false;
    if (input.defaultOnly === true && version.version !== newest) return false;
    if (input.clusterType !== undefined && !ACCEPTED_TYPES.includes(input.clusterType)) return false;
    return !(hidesOld && status === 'UNSUPPORTED');
  });
  const { page, nextToken } = paginate(matching, ({ version }) => version, input);
  const clusterVersions = page.map((version) => {
    const versionStatus = statusAt(version, now);
    return {
      clusterVersion: version.version,
      clusterType: CLUSTER_TYPE,
      defaultPlatformVersion: version.platformVersion,
      defaultVersion: version.version === newest,
      releaseDate: seconds(Date.parse(version.released)),
      endOfStandardSupportDate: seconds(Date.parse(version.endOfStandardSupport)),
      endOfExtendedSupportDate: seconds(Date.parse(version.endOfExtendedSupport)),
      status: oldForm(versionStatus),
      versionStatus,
    };
  });
  return { clusterVersions, nextToken };
};
