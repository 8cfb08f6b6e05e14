import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity } from '@smithy/types';
import { hostOf } from '../domain/aws/partitions.ts';

const CLUSTER_HEADER = 'x-k8s-aws-id';

export interface EksTokenOptions {
  cluster: string;
  region: string;
  credentials: AwsCredentialIdentity;
  now: Date;
}

/**
 * Returns a bearer token for the Kubernetes API of an EKS cluster: a presigned GetCallerIdentity request, which the
 * cluster sends to identify the caller. It is valid for 15 minutes after `now`. Creating it sends no request, and
 * GetCallerIdentity needs no IAM permission. Source: github.com/kubernetes-sigs/aws-iam-authenticator,
 * pkg/token/token.go.
 */
export const eksToken = async (options: EksTokenOptions): Promise<string> => {
  const { cluster, region, credentials, now } = options;
  const hostname = hostOf('sts', region);
  const signer = new SignatureV4({ service: 'sts', region, credentials, sha256: Sha256 });
  const request = new HttpRequest({
    method: 'GET',
    protocol: 'https:',
    hostname,
    path: '/',
    query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
    headers: { host: hostname, [CLUSTER_HEADER]: cluster },
  });
  // The cluster's name must be a signed header and not part of the query, which limits the token to this cluster.
  const presigned = await signer.presign(request, {
    signingDate: now,
    expiresIn: 60,
    unhoistableHeaders: new Set([CLUSTER_HEADER]),
    signableHeaders: new Set(['host', CLUSTER_HEADER]),
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(presigned.query ?? {})) query.set(name, String(value));
  return `k8s-aws-v1.${Buffer.from(`https://${hostname}/?${query.toString()}`).toString('base64url')}`;
};
