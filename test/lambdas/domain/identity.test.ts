import { describe, expect, it } from 'vitest';
import { classifyPod, collectEvidence, podsThatCount } from '../../../lambdas/domain/identity.ts';
import type { Pod } from '../../../lambdas/domain/kubernetes.ts';
import { aContainer, aNodePod, aPod, envOf, ROLE, SERVICE_ACCOUNT, TOKENS } from '../fixtures.ts';

const accounts = new Set([SERVICE_ACCOUNT]);
const withContainers = (containers: Pod['containers'], change: Partial<Pod> = {}): Pod => aPod('pod-identity', { containers, ...change });
const plain = aContainer({ name: 'plain' });
const onPodIdentity = aContainer({ name: 'driver', env: envOf['pod-identity'] });
const onIrsa = aContainer({ name: 'driver', env: envOf.irsa });

describe('classifyPod', () => {
  it.each<[string, Pod, string]>([
    ['Pod Identity in every container', aPod('pod-identity'), 'pod-identity'],
    ['IRSA in every container', aPod('irsa'), 'irsa'],
    ['nothing in any', aPod('node-role'), 'node-role'],
    ['both in every', aPod('mixed'), 'mixed'],
    ['Pod Identity in one of two', withContainers([onPodIdentity, plain]), 'mixed'],
    ['Pod Identity in one, IRSA in the other', withContainers([onPodIdentity, { ...onIrsa, name: 'two' }]), 'mixed'],
    ['IRSA in one of two', withContainers([onIrsa, plain]), 'mixed'],
    ['a role ARN alone beside Pod Identity', withContainers([aContainer({ env: { ...envOf['pod-identity'], AWS_ROLE_ARN: ROLE } })]), 'mixed'],
    ['a role ARN alone', withContainers([aContainer({ env: { AWS_ROLE_ARN: ROLE } })]), 'irsa'],
    ['the address without the token file', withContainers([aContainer({ env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials' } })]), 'node-role'],
    ['the agent by IPv6', withContainers([aContainer({ env: { ...envOf['pod-identity'], AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://[fd00:ec2::23]/v1/credentials' } })]), 'pod-identity'],
    ['the env without its token volume', aPod('pod-identity', { tokens: [TOKENS.irsa] }), 'mixed'],
    ['other env keys only', withContainers([aContainer({ env: { AWS_REGION: 'eu-west-1', AWS_STS_REGIONAL_ENDPOINTS: 'regional' } })]), 'node-role'],
    ['an init container left out', withContainers([onPodIdentity, { ...plain, init: true }]), 'mixed'],
    ['an init container with it', withContainers([onPodIdentity, { ...onPodIdentity, name: 'init', init: true }]), 'pod-identity'],
    ['a container that the webhook was told to skip', withContainers([onPodIdentity, plain], { annotations: { 'eks.amazonaws.com/skip-containers': 'other, plain' } }), 'pod-identity'],
    ['a skipped one on IRSA by hand', withContainers([onPodIdentity, { ...onIrsa, name: 'old' }], { annotations: { 'eks.amazonaws.com/skip-containers': 'old' } }), 'pod-identity'],
    ['every container skipped', withContainers([plain], { annotations: { 'eks.amazonaws.com/skip-containers': 'plain' } }), 'node-role'],
  ])('%s: %s', (_, pod, identity) => {
    expect(classifyPod(pod).identity).toBe(identity);
  });

  it('says what in the spec makes the class', () => {
    expect(classifyPod(aPod('pod-identity')).evidence).toBe('AWS_CONTAINER_CREDENTIALS_FULL_URI in all 2 containers, token for pods.eks.amazonaws.com');
    expect(classifyPod(aPod('irsa')).evidence).toBe(`AWS_WEB_IDENTITY_TOKEN_FILE in all 2 containers, token for sts.amazonaws.com, role ${ROLE}`);
    expect(classifyPod(aPod('node-role')).evidence).toContain('node role');
    expect(classifyPod(withContainers([onPodIdentity, plain])).evidence).toBe("1 of 2 containers have Pod Identity's env, 0 have IRSA's, token audiences: pods.eks.amazonaws.com");
  });
});

describe('collectEvidence', () => {
  it('counts the pods of the planned service accounts and shows the rest of the add-on', () => {
    const evidence = collectEvidence([aNodePod(), aPod('pod-identity', { name: 'b' }), aPod('irsa', { name: 'a' }), aPod('irsa', { name: 'z', serviceAccount: 'shop', labels: {} })], accounts);
    expect(evidence.map((pod) => [pod.name, pod.identity])).toEqual([
      ['a', 'irsa'],
      ['b', 'pod-identity'],
      ['ebs-csi-node-1', 'not-applicable'],
    ]);
    expect(evidence[2]?.evidence).toBe('service account ebs-csi-node-sa is not part of the migration');
    expect(podsThatCount(evidence).map((pod) => pod.name)).toEqual(['a', 'b']);
  });

  it('keeps what identifies a pod', () => {
    const { node: _, ...unscheduled } = aPod('pod-identity', { ready: false });
    expect(collectEvidence([unscheduled], accounts)).toEqual([
      {
        namespace: 'kube-system',
        name: 'ebs-csi-controller-1',
        uid: 'uid-of-ebs-csi-controller-1',
        serviceAccount: SERVICE_ACCOUNT,
        identity: 'pod-identity',
        ready: false,
        createdAt: '2026-01-05T08:00:00.000Z',
        evidence: expect.any(String) as string,
      },
    ]);
  });

  it('leaves out pods that are going or over', () => {
    const gone = [aPod('irsa', { name: 'a', terminating: true }), aPod('irsa', { name: 'b', phase: 'Succeeded' }), aPod('irsa', { name: 'c', phase: 'Failed' })];
    expect(collectEvidence([...gone, aPod('pod-identity', { phase: 'Pending' })], accounts).map((pod) => pod.name)).toEqual(['ebs-csi-controller-1']);
  });

  it('does not take pods without a name label for one family', () => {
    expect(collectEvidence([aPod('irsa', { labels: {} }), aNodePod({ labels: {} })], accounts).map((pod) => pod.name)).toEqual(['ebs-csi-controller-1']);
  });
});
