/** The example of the tests: the names and ARNs of one EBS CSI driver on one cluster. */
import type { Target } from '../../lambdas/domain/terms/subject.ts';

export const ACCOUNT = '111122223333';
export const CLUSTER = 'dev';
export const target: Target = { account: ACCOUNT, region: 'eu-west-1', cluster: CLUSTER };
export const ADDON = 'aws-ebs-csi-driver';
export const VERSION = 'v1.38.1-eksbuild.1';
export const NAMESPACE = 'kube-system';
export const SERVICE_ACCOUNT = 'ebs-csi-controller-sa';
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/app/ebs-csi`;
export const OTHER_ROLE = `arn:aws:iam::${ACCOUNT}:role/third-party`;
export const NODE_ROLE = `arn:aws:iam::${ACCOUNT}:role/dev-nodes`;
/** The pattern that every role of the account matches. */
export const ROLES_OF_ACCOUNT = `arn:aws:iam::${ACCOUNT}:role/*`;
export const ISSUER = 'https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE';

export const addonArn = (incarnation: number, addon = ADDON, cluster = CLUSTER): string =>
  `arn:aws:eks:eu-west-1:${ACCOUNT}:addon/${cluster}/${addon}/${String(incarnation).padStart(8, '0')}-b9c2-8915-4e17-e8be0a55a149`;
