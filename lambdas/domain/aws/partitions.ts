/**
 * The partitions of AWS and the names of their hosts, defined once for all code. Source: the SDKs' partitions.json;
 * `test/lambdas/domain/aws/partitions.test.ts` compares this table with the pinned SDK and CDK for every region.
 */
interface Partition {
  /** The name in ARNs. */
  name: string;
  /** The prefix of the names of its regions; empty for `aws`, whose regions share no prefix. */
  prefix: string;
  /** The suffix of the names of its hosts. */
  dnsSuffix: string;
}

const AWS: Partition = { name: 'aws', prefix: '', dnsSuffix: 'amazonaws.com' };
const OTHERS: readonly Partition[] = [
  { name: 'aws-cn', prefix: 'cn-', dnsSuffix: 'amazonaws.com.cn' },
  { name: 'aws-us-gov', prefix: 'us-gov-', dnsSuffix: 'amazonaws.com' },
  { name: 'aws-eusc', prefix: 'eusc-', dnsSuffix: 'amazonaws.eu' },
  { name: 'aws-iso', prefix: 'us-iso-', dnsSuffix: 'c2s.ic.gov' },
  { name: 'aws-iso-b', prefix: 'us-isob-', dnsSuffix: 'sc2s.sgov.gov' },
  { name: 'aws-iso-e', prefix: 'eu-isoe-', dnsSuffix: 'cloud.adc-e.uk' },
  { name: 'aws-iso-f', prefix: 'us-isof-', dnsSuffix: 'csp.hci.ic.gov' },
];

/** Returns the partition of a region. A region that matches no other partition belongs to `aws`, as in the SDKs. */
const of = (region: string): Partition => OTHERS.find(({ prefix }) => region.startsWith(prefix)) ?? AWS;

/** Returns the partition of a region, as AWS names it: aws, aws-cn, aws-us-gov, aws-eusc, aws-iso, … */
export const partitionOf = (region: string): string => of(region).name;

/** Returns the suffix of the hosts of a region's services, such as amazonaws.com. */
export const dnsSuffixOf = (region: string): string => of(region).dnsSuffix;

/** Returns the host of a service's regional endpoint, such as sts.eu-west-1.amazonaws.com. */
export const hostOf = (service: string, region: string): string => `${service}.${region}.${dnsSuffixOf(region)}`;

/** The names of all partitions, as ARNs have them. */
export const PARTITION_NAMES: readonly string[] = [AWS, ...OTHERS].map(({ name }) => name);

/** The suffixes of AWS hosts in all partitions. */
export const DNS_SUFFIXES: readonly string[] = [...new Set([AWS, ...OTHERS].map(({ dnsSuffix }) => dnsSuffix))];
