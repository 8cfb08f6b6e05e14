/** Trust policies to evaluate, and the program that evaluates them. */
import { words } from './fixtures.ts';
import { type Ran, runWith } from './run-program.ts';

export const SCENARIO = 'sandbox/scenarios/ebs-csi-irsa.json';
export const ROLE = 'arn:aws:iam::111122223333:role/reliability-dev-ebs-csi-driver-irsa-role';
export const CLUSTER = 'arn:aws:eks:eu-west-1:111122223333:cluster/reliability-dev';
export const ISSUER = 'https://oidc.eks.eu-west-1.amazonaws.com/id/5B1C7E0F9A3D4826B7E19C40D25F8A63';
export const ASKED = words`--cluster-arn ${CLUSTER} --namespace kube-system --service-account ebs-csi-controller-sa`;

const provider = ISSUER.replace('https://', '');
export const IRSA = {
  Sid: 'Irsa',
  Effect: 'Allow',
  Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${provider}` },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: {
    StringEquals: {
      [`${provider}:sub`]: 'system:serviceaccount:kube-system:ebs-csi-controller-sa',
      [`${provider}:aud`]: 'sts.amazonaws.com',
    },
  },
};
export const POD_IDENTITY = {
  Sid: 'PodIdentity',
  Effect: 'Allow',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
};
/** IAM refuses it: NotPrincipal is supported only with Deny, and in no trust policy. */
export const ALL_BUT_THIRD_PARTY = { Effect: 'Allow', NotPrincipal: { AWS: '444455556666' }, Action: 'sts:AssumeRole' };
/** A frequent mistake: its keys begin with the provider's ARN. */
export const BY_PROVIDER_ARN = {
  ...IRSA,
  Condition: {
    StringEquals: {
      [`${IRSA.Principal.Federated}:sub`]: 'system:serviceaccount:kube-system:ebs-csi-controller-sa',
      [`${IRSA.Principal.Federated}:aud`]: 'sts.amazonaws.com',
    },
  },
};
export const DENY = {
  Sid: 'NoPods',
  Effect: 'Deny',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: 'sts:AssumeRole',
};
/** The source IP address is not known beforehand. */
export const FROM_OFFICE = { ...POD_IDENTITY, Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } } };

export const policy = (...statements: object[]) => ({ Version: '2012-10-17', Statement: statements });
export const policyText = (...statements: object[]): string => JSON.stringify(policy(...statements));

/** Splits text at any byte, also inside a character. */
async function* inPieces(text: string, bytes: number): AsyncGenerator<Uint8Array> {
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += bytes) yield await Promise.resolve(all.subarray(at, at + bytes));
}

export const trust = (argv: readonly string[], stdin = '', bytes = 1000): Promise<Ran> =>
  runWith({ stdin: inPieces(stdin, bytes) }, 'trust', ...argv);
