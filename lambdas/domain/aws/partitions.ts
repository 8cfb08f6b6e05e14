/**
 * The partitions of AWS, and what they call their hosts: the one place for the whole code. Source: the SDKs'
 * partitions.json; `test/lambdas/domain/aws/partitions.test.ts` holds this table against what the pinned SDK and CDK say of
 * every region.
 */
interface Partition {
  /** As ARNs name it. */
  name: string;
  /** What the names of its regions begin with; of `aws` they have no beginning in common. */
  prefix: string;
  /** What the names of its hosts end with. */
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

/** A region that no other partition has is of `aws`, as the SDKs take it. */
const of = (region: string): Partition => OTHERS.find(({ prefix }) => region.startsWith(prefix)) ?? AWS;

/** Returns the partition of a region, as AWS names it: aws, aws-cn, aws-us-gov, aws-eusc, aws-iso, … */
export const partitionOf = (region: string): string => of(region).name;

/** Returns what the hosts of a region's services end with, such as amazonaws.com. */
export const dnsSuffixOf = (region: string): string => of(region).dnsSuffix;

/** Returns the host of a service's regional endpoint, such as sts.eu-west-1.amazonaws.com. */
export const hostOf = (service: string, region: string): string => `${service}.${region}.${dnsSuffixOf(region)}`;

/** The names of all partitions, as ARNs have them. */
export const PARTITION_NAMES: readonly string[] = [AWS, ...OTHERS].map(({ name }) => name);

/** What hosts of AWS end with, in any partition. */
export const DNS_SUFFIXES: readonly string[] = [...new Set([AWS, ...OTHERS].map(({ dnsSuffix }) => dnsSuffix))];
