/** The Kubernetes port over whatever answers. */
import { expect } from 'vitest';
import type { PlainHttp } from '../../lambdas/adapters/clients.ts';
import { createHttpKubernetes } from '../../lambdas/adapters/http-kubernetes.ts';
import { MigrationError } from '../../lambdas/domain/failures/errors.ts';
import { plainHttp, type Lab } from '../sandbox/kubernetes/support.ts';

export const kubernetesBy = (
  http: PlainHttp,
  endpoint = async () => ({
    url: 'https://abc.eks.amazonaws.com',
    certificateAuthority: Buffer.from('PEM').toString('base64'),
  }),
) => createHttpKubernetes({ http, endpoint, token: async () => 'k8s-aws-v1.x', cluster: 'dev' });
/** Over the API server of a lab. */
export const kubernetesOf = (lab: Lab) => kubernetesBy(plainHttp(lab));
/** Over one that answers everything so. */
export const answering = (status: number, body: unknown) =>
  kubernetesBy(async () => ({ status, headers: {}, body: typeof body === 'string' ? body : JSON.stringify(body) }));
export const errorOf = (promise: Promise<unknown>): Promise<MigrationError> =>
  promise.then(
    () => expect.unreachable('it was not refused'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(MigrationError);
      return error as MigrationError;
    },
  );
