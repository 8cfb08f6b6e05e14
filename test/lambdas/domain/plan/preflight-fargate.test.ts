/** Fargate profiles that select the pods of a plan, and those that can't be read. */
import { describe, expect, it } from 'vitest';
import type { FargateProfile } from '../../../../lambdas/domain/aws/eks.ts';
import type { Pod, Workload } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import { preflight } from '../../../../lambdas/domain/plan/preflight.ts';
import { someFacts, aNode, aPod, aWorkload, planned } from '../../fixtures.ts';
import { matching } from '../../matchers.ts';

const LABELS = { app: 'ebs-csi-controller', 'eks.example.com/tier': 'system' };
const DRIVER = aWorkload({ templateLabels: LABELS });
const other = { namespace: 'other', labels: {} };
const profile = (namespace: string, labels: Record<string, string> = {}): FargateProfile => {
  return { name: 'serverless', selectors: [other, { namespace, labels }] };
};
const OWNED: Partial<Pod> = { owner: { kind: DRIVER.kind, name: DRIVER.name } };

const ofDaemonSet: Partial<Pod> = { owner: { kind: 'DaemonSet', name: DRIVER.name } };

interface Given {
  workload?: Partial<Workload>;
  pod?: Partial<Pod>;
  fargate?: boolean;
}
const checked = (selected: FargateProfile, { workload, pod, fargate }: Given = {}): Check =>
  preflight(
    someFacts({
      workloads: [{ ...DRIVER, ...workload }],
      pods: [aPod('irsa', { ...OWNED, ...pod })],
      nodes: { seen: [aNode(fargate ? { compute: 'fargate' } : {})] },
      fargateProfiles: { seen: [selected] },
    }),
    [planned],
  ).find(({ id }) => id === 'unsupported-compute')!;

describe('a Fargate profile', () => {
  it.each<[string, FargateProfile, Given]>([
    ['by its namespace alone', profile('kube-system'), {}],
    ['by wildcards in its namespace', profile('kube-sys???*'), {}],
    ['by labels of the template', profile('kube-system', { app: 'ebs-csi-controller' }), {}],
    ['by wildcards in labels', profile('*', { '*.com/t?er': 's*m', app: 'ebs*' }), {}],
    ['without pods', profile('kube-system'), { pod: { serviceAccount: 'another' } }],
  ])('that selects the workload of the pods keeps IRSA: %s', (_, selected, given) =>
    expect(checked(selected, given)).toMatchObject({
      status: 'fail',
      keepIrsa: true,
      message: matching(/^Fargate profile serverless selects new pods .*: \w+ kube-system\/\S+\.$/),
      remedy: matching(/remove them from the selectors of the Fargate profile/),
    }),
  );

  it('that selects a pod without a known workload names the pod', () => {
    const pod = { name: 'batch-1', owner: { kind: 'Job', name: 'batch' }, labels: { batch: 'yes' } };
    expect(checked(profile('*', { batch: 'yes' }), { pod }).message).toMatch(/: pod kube-system\/batch-1\.$/);
  });

  it('is reported once for pods that are on AWS Fargate already', () =>
    expect(checked(profile('*'), { fargate: true }).message).toMatch(/^1 of 1 pods .*\(AWS Fargate\)\.$/));

  it.each<[string, FargateProfile, Given]>([
    ['another namespace', profile('kube-system?'), {}],
    ['another label', profile('*', { app: 'ebs-csi-controlle' }), {}],
    ['one label of two', profile('*', { app: '*', no: '*' }), {}],
    ['a DaemonSet', profile('*'), { workload: { kind: 'DaemonSet' }, pod: ofDaemonSet }],
    ['another service account', profile('*'), { workload: { serviceAccount: 'x' }, pod: { serviceAccount: 'x' } }],
  ])('that selects only %s concerns none of the pods', (_, selected, given) =>
    expect(checked(selected, given).status).toBe('pass'),
  );

  it('that may not be read is a warning, and blocks nothing', () => {
    const found = preflight(someFacts({ fargateProfiles: { error: 'eks:ListFargateProfiles: denied' } }), [planned]);
    expect(found.filter(({ status }) => status !== 'pass')).toMatchObject([
      { id: 'fargate-profiles', status: 'warn', message: matching(/is unknown: eks:ListFargateProfiles: denied\./) },
    ]);
  });
});
