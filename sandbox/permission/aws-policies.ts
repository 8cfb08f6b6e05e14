/** Documents of some AWS managed policies (AWS Managed Policy Reference). Those of the others are unknown here. */
const allow = (...Action: string[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] });

const FOR_PODS = 'eks-auth:AssumeRoleForPodIdentity';

const DOCUMENTS: ReadonlyMap<string, string> = new Map([
  [
    'AmazonEKSWorkerNodePolicy',
    allow(
      'ec2:DescribeInstances',
      'ec2:DescribeInstanceTypes',
      'ec2:DescribeRouteTables',
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeSubnets',
      'ec2:DescribeVolumes',
      'ec2:DescribeVolumesModifications',
      'ec2:DescribeVpcs',
      'eks:DescribeCluster',
      FOR_PODS,
    ),
  ],
  ['AmazonEKSWorkerNodeMinimalPolicy', allow(FOR_PODS)],
  ['AdministratorAccess', allow('*')],
]);

/** Returns the JSON of an AWS managed policy; undefined if the policy is not one, or is not known. */
export const awsPolicy = (arn: string): string | undefined => {
  const [, name] = /^arn:[\w-]+:iam::aws:policy\/(.+)$/.exec(arn) ?? [];
  return name === undefined ? undefined : DOCUMENTS.get(name);
};
