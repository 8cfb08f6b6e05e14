/** Trust policies of roles for add-ons. */
import { clusterArn, oidcProviderArn } from '../../lambdas/domain/aws/arn.ts';
import { hostOf } from '../../lambdas/domain/aws/partitions.ts';

export interface TrustedCluster {
  account: string;
  region: string;
  name: string;
  /** The 32 characters of its OIDC issuer. */
  oidcId: string;
}

export type Statement = Record<string, unknown>;

export const policyOf = (...statements: readonly Statement[]): { Version: string; Statement: Statement[] } => ({
  Version: '2012-10-17',
  Statement: [...statements],
});

const PODS = {
  Sid: 'PodIdentity',
  Effect: 'Allow',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
};

/** Returns a statement that allows EKS Pod Identity, from any cluster of the account. */
export const podIdentityStatement = (): Statement => ({ ...PODS });

/** Returns the same for one cluster (EKS User Guide, "Create IAM role with trust policy required by EKS Pod Identity"). */
export const narrowStatement = ({ account, region, name }: TrustedCluster): Statement => ({
  ...PODS,
  Condition: {
    StringEquals: { 'aws:SourceAccount': account },
    ArnEquals: { 'aws:SourceArn': clusterArn({ account, region, cluster: name }) },
  },
});

/** Returns a statement that allows the cluster's service accounts through its OIDC provider. */
export const irsaStatement = (
  { account, region, name, oidcId }: TrustedCluster,
  namespace: string,
  serviceAccounts: readonly string[],
): Statement => {
  const issuer = `${hostOf('oidc.eks', region)}/id/${oidcId}`;
  return {
    Sid: `Irsa${name.replaceAll(/[^A-Za-z0-9]/g, '')}`,
    Effect: 'Allow',
    Principal: { Federated: oidcProviderArn({ account, region }, issuer) },
    Action: 'sts:AssumeRoleWithWebIdentity',
    Condition: {
      StringEquals: {
        [`${issuer}:sub`]: serviceAccounts.map((one) => `system:serviceaccount:${namespace}:${one}`),
        [`${issuer}:aud`]: 'sts.amazonaws.com',
      },
    },
  };
};

/** Returns a statement that denies principals outside the organisation, which includes the service principal of EKS. */
export const denyStatement = (): Statement => ({
  Sid: 'OurOrganisationOnly',
  Effect: 'Deny',
  Principal: { AWS: '*' },
  Action: 'sts:AssumeRole',
  Condition: { StringNotEquals: { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' } },
});
