/** The trust policy of the role of the example, which allows IRSA and EKS Pod Identity. */
import { ACCOUNT, ISSUER, NAMESPACE, SERVICE_ACCOUNT } from './example.ts';

export const podIdentityStatement = {
  Sid: 'PodIdentity',
  Effect: 'Allow',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
};
const issuerPath = ISSUER.replace('https://', '');
export const irsaStatement = {
  Sid: 'Irsa',
  Effect: 'Allow',
  Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${issuerPath}` },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: {
    StringEquals: {
      [`${issuerPath}:sub`]: `system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`,
      [`${issuerPath}:aud`]: 'sts.amazonaws.com',
    },
  },
};
/** The statement that many roles have for instances. */
export const ec2Statement = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
export const policyText = (...statements: unknown[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });
export const bothWays = policyText(irsaStatement, podIdentityStatement);
