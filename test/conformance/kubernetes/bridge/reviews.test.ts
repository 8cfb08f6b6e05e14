import { describe, expect, it } from 'vitest';
import { reviewAccess, reviewAdmission, reviewToken } from '../../../../conformance/kubernetes/bridge/reviews.ts';
import { claimToken } from '../../../../sandbox/claim.ts';
import { credentialsOf, operatorRoleArn } from '../../../../sandbox/authorization/access-keys.ts';
import { admitPod } from '../../../../sandbox/kubernetes/webhook.ts';
import type { Pod } from '../../../../sandbox/objects/objects.ts';
import { buildWorld } from '../../../../sandbox/build/load.ts';
import { scenarioWith, TARGET } from '../../../end-to-end/fixture.ts';
import { containing } from '../../../lambdas/matchers.ts';

const open = () => {
  const world = buildWorld(scenarioWith());
  const cluster = world.accounts.get(TARGET.account)!.clusters.get(`${TARGET.region}/${TARGET.cluster}`)!;
  return { world, cluster };
};
const tokenReview = (token: string) => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenReview',
  spec: { token },
});
const accessReview = (spec: object) => ({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec });

describe('a TokenReview', () => {
  it("returns the user and groups of the caller's access entry", () => {
    const where = open();
    const { accessKeyId, sessionToken } = credentialsOf(where.world, operatorRoleArn(where.world));
    const key = { accessKeyId, ...(sessionToken === undefined ? {} : { sessionToken }) };
    expect(reviewToken(where, tokenReview(claimToken({ ...key, cluster: TARGET.cluster })), Date.now())).toMatchObject({
      apiVersion: 'authentication.k8s.io/v1',
      status: {
        authenticated: true,
        user: { groups: ['system:authenticated'], extra: { canonicalArn: [operatorRoleArn(where.world)] } },
      },
    });
  });

  it('does not know the token of another cluster, nor any other text', () => {
    const where = open();
    const { accessKeyId } = credentialsOf(where.world, operatorRoleArn(where.world));
    for (const token of [claimToken({ accessKeyId, cluster: 'another' }), 'k8s-aws-v1.x', ''])
      expect(reviewToken(where, tokenReview(token), Date.now())['status']).toEqual({ authenticated: false });
  });
});

describe('a SubjectAccessReview', () => {
  const pods = { verb: 'list', group: '', version: 'v1', resource: 'pods', namespace: 'kube-system' };

  it("allows what an access policy of the caller's entry allows", () => {
    const where = open();
    const extra = { canonicalArn: [operatorRoleArn(where.world)] };
    expect(reviewAccess(where, accessReview({ extra, resourceAttributes: pods }))['status']).toMatchObject({
      allowed: true,
      reason: containing('AmazonEKSClusterAdminPolicy'),
    });
    const nonResourceAttributes = { path: '/metrics', verb: 'get' };
    expect(reviewAccess(where, accessReview({ extra, nonResourceAttributes }))['status']).toMatchObject({
      allowed: true,
    });
  });

  it('has no opinion about anybody else', () => {
    const status = reviewAccess(open(), accessReview({ user: 'x', resourceAttributes: pods }))['status'];
    expect(status).toEqual({ allowed: false });
  });
});

describe('an AdmissionReview', () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'x-', labels: { app: 'x' } },
    spec: { serviceAccountName: 'ebs-csi-controller-sa', containers: [{ name: 'a', image: 'a' }], volumes: [] },
  } as unknown as Pod;
  const review = {
    apiVersion: 'admission.k8s.io/v1beta1',
    kind: 'AdmissionReview',
    request: { uid: 'r', namespace: 'kube-system', object: pod },
  };
  interface Answer {
    response: { uid: string; allowed: boolean; patchType?: string; patch?: string };
  }

  it('injects what the webhook injects', () => {
    const { world, cluster } = open();
    const now = world.schedule.now();
    const { response } = reviewAdmission(review, (each) => admitPod(world, cluster, each, now)) as unknown as Answer;
    expect(response).toMatchObject({ uid: 'r', allowed: true, patchType: 'JSONPatch' });
    const patch = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString('utf8')) as {
      op: string;
      path: string;
      value: unknown;
    }[];
    expect(patch.map(({ op, path }) => `${op} ${path}`)).toEqual([
      'add /metadata/labels',
      'add /spec/containers',
      'add /spec/volumes',
    ]);
    expect(JSON.stringify(patch)).toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI');
  });

  it('has no patch if nothing changes, and leaves the object of the request alone', () => {
    const before = structuredClone(review);
    expect((reviewAdmission(review, () => {}) as unknown as Answer).response).toEqual({ uid: 'r', allowed: true });
    expect(review).toEqual(before);
  });
});
