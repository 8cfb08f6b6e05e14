/** Parts of an IAM role's ARN. */
export interface RoleArn {
  partition: string;
  account: string;
  /** With leading and trailing slash: `/` or `/team/`. */
  path: string;
  name: string;
}

export function parseRoleArn(arn: string): RoleArn | undefined {
  const match = /^arn:(aws[a-z-]*):iam::(\d{12}):role(\/(?:[\x21-\x7e]+\/)?)([\w+=,.@-]{1,64})$/.exec(arn);
  if (!match) return undefined;
  const [, partition = '', account = '', path = '/', name = ''] = match;
  return { partition, account, path, name };
}

/** Partition by region, as AWS names them: aws, aws-cn, aws-us-gov, aws-iso… */
export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  if (region.startsWith('us-isob-')) return 'aws-iso-b';
  if (region.startsWith('us-iso-')) return 'aws-iso';
  return 'aws';
}

export const clusterArn = (target: { account: string; region: string; cluster: string }): string =>
  `arn:${partitionOf(target.region)}:eks:${target.region}:${target.account}:cluster/${target.cluster}`;

/** Whether an association's owner is that add-on of that cluster, whichever of its incarnations: each create makes a new UUID. */
export const isOwnedBy = (ownerArn: string | undefined, cluster: string, addon: string): boolean =>
  ownerArn !== undefined && ownerArn.includes(`:addon/${cluster}/${addon}/`);
