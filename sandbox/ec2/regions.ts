/** The regions of an account and their zones, as EC2 lists them. */
import { hostOf, partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { DEFAULT_REGIONS } from '../world/regions.ts';
import type { World } from '../world/world.ts';

export interface Region {
  name: string;
  endpoint: string;
  optInStatus: 'opt-in-not-required' | 'opted-in' | 'not-opted-in';
}

/** Regions that need no opt-in in the partitions of GovCloud and China. */
const OTHER_REGIONS = ['us-gov-east-1', 'us-gov-west-1', 'cn-north-1', 'cn-northwest-1'];

/**
 * Returns the regions of an account in the partition of `here`: those that need no opt-in, and those in which the
 * scenario has something. A disabled region is listed as not opted in.
 */
export const regionsOf = (world: World, account: string, here: string): Region[] => {
  const { clusters, disabledRegions = [] } = world.accounts.get(account) ?? {};
  const always = [...DEFAULT_REGIONS, ...OTHER_REGIONS];
  const used = [...(clusters?.values() ?? [])].map(({ region }) => region);
  const names = new Set([...always, ...used, ...disabledRegions, world.home.region, here]);
  return [...names]
    .filter((name) => partitionOf(name) === partitionOf(here))
    .sort()
    .map((name) => ({
      name,
      endpoint: hostOf('ec2', name),
      optInStatus: disabledRegions.includes(name)
        ? 'not-opted-in'
        : always.includes(name)
          ? 'opt-in-not-required'
          : 'opted-in',
    }));
};

/** Returns a region as ids of zones have it: the first letters of its words, such as `apne1` for `ap-northeast-1`. */
const shortened = (region: string): string =>
  region
    .split('-')
    .map((word) => {
      const parts = /^(north|south)(east|west)$/.exec(word)?.slice(1) ?? [word];
      return word.length <= 2 ? word : parts.map((part) => part.charAt(0)).join('');
    })
    .join('');

export interface Zone {
  zone: string;
  zoneId: string;
  region: string;
}

/**
 * Returns the zones of a region: three in each, in which the sandbox's nodes are. AWS has more in some regions, and
 * which id a name has differs between accounts.
 */
export const zonesOf = (region: string): Zone[] =>
  ['a', 'b', 'c'].map((letter, position) => ({
    zone: `${region}${letter}`,
    zoneId: `${shortened(region)}-az${position + 1}`,
    region,
  }));
