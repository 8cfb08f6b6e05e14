/** The table of partitions, against what the pinned SDK and CDK say of every region. */
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { expect, it } from 'vitest';
import { DNS_SUFFIXES, dnsSuffixOf, hostOf, partitionOf } from '../../../../lambdas/domain/aws/partitions.ts';
import { stsHost } from '../../../adapters/sts-host.ts';

it.each(RegionInfo.regions.map(({ name, partition, domainSuffix }) => [name, partition, domainSuffix]))(
  'every region %s lies in %s, whose hosts end with %s',
  async (region = '', partition, suffix) => {
    expect([partitionOf(region), dnsSuffixOf(region)]).toEqual([partition, suffix]);
    expect(hostOf('sts', region)).toBe(await stsHost(region));
    expect(DNS_SUFFIXES).toContain(suffix);
  },
);

it.each(
  [
    ['eu-north-9', 'xx-new-1', 'cn-east-9', 'us-gov-north-9', 'eusc-de-west-9', 'us-iso-north-9', 'us-isob-south-9'],
    ['eu-isoe-north-9', 'us-isof-north-9'],
  ].flat(),
)('a future region, %s, is in the partition that the SDK assigns', async (region) =>
  expect(hostOf('sts', region)).toBe(await stsHost(region)),
);

it('knows every partition of CDK, and no other suffix', () =>
  expect(new Set<string | undefined>(DNS_SUFFIXES)).toEqual(
    new Set(RegionInfo.regions.map((one) => one.domainSuffix)),
  ));
