/** How the end of a migration is judged, by pods and by trust policies. */
import { describe, expect, it } from 'vitest';
import { NO_CONSENT, podEnds } from '../../../conformance/eksctl/pods.ts';
import { lostOidc, trustEnds } from '../../../conformance/eksctl/trust.ts';
import type { PodCredentials } from '../../../conformance/kubernetes/scenarios/pod-credentials.ts';

type Container = PodCredentials['containers'][number];

const ROLE = 'arn:aws:iam::111122223333:role/driver';
const roleless = (given: Partial<Container> = {}): Container => ({
  container: 'driver',
  isInit: false,
  method: 'irsa',
  never: false,
  ...given,
});
const container = (given: Partial<Container> = {}): Container => roleless({ roleArn: ROLE, ...given });
const pod = (containers: Container[], given: Partial<PodCredentials> = {}): PodCredentials => ({
  namespace: 'kube-system',
  workload: 'Deployment driver',
  serviceAccount: 'driver-sa',
  ready: true,
  restarts: 0,
  containers,
  ...given,
});
const REFUSED = { code: 'AccessDenied', status: 403, message: 'no' };
const onPodIdentity = container({ method: 'pod-identity' });
const refused = roleless({ refused: REFUSED });
const onNode = roleless({ method: 'node-role' });
const BEFORE = [pod([container()])];

describe('the end of a pod whose containers had a role', () => {
  it.each([
    ['from EKS Auth', [onPodIdentity], { 'pod-identity': 1 }],
    ['from STS as before', [container()], { irsa: 1 }],
    ['refused', [refused], { 'no-role': 1 }],
    ['in a session that will not be renewed', [container({ refused: REFUSED })], { 'no-role': 1 }],
    ["its node's role", [onNode], { 'no-role': 1 }],
    ['another role', [container({ roleArn: `${ROLE}-2` })], { 'no-role': 1 }],
    ['the role in another container only', [{ ...container(), container: 'sidecar' }], { 'no-role': 1 }],
  ])('%s', (_, containers, counts) => expect(podEnds(BEFORE, [pod(containers)]).counts).toEqual(counts));

  it('is the worst of its containers', () => {
    const before = [pod([container(), container({ container: 'sidecar' })])];
    const after = (second: Container): PodCredentials[] => [pod([onPodIdentity, { ...second, container: 'sidecar' }])];
    expect(podEnds(before, after(onPodIdentity)).counts).toEqual({ 'pod-identity': 1 });
    expect(podEnds(before, after(container())).counts).toEqual({ irsa: 1 });
    expect(podEnds(before, after(refused)).counts).toEqual({ 'no-role': 1 });
  });

  it('is accepted only for the service accounts that the request names', () => {
    const accepting = (account: string) => ({ ...NO_CONSENT, accepted: new Set([account]) });
    expect(podEnds(BEFORE, [pod([refused])], accepting('driver-sa')).counts).toEqual({ accepted: 1 });
    expect(podEnds(BEFORE, [pod([refused])], accepting('other')).counts).toEqual({ 'no-role': 1 });
    expect(podEnds(BEFORE, [pod([onPodIdentity])], accepting('driver-sa')).counts).toEqual({ 'pod-identity': 1 });
  });

  it('may be the role that the request names, and no other', () => {
    const naming = { ...NO_CONSENT, roles: new Map([['driver-sa', `${ROLE}-2`]]) };
    const with2 = container({ method: 'pod-identity', roleArn: `${ROLE}-2` });
    expect(podEnds(BEFORE, [pod([with2])], naming).counts).toEqual({ 'named-role': 1 });
    expect(podEnds(BEFORE, [pod([{ ...with2, roleArn: `${ROLE}-3` }])], naming).counts).toEqual({ 'no-role': 1 });
  });
});

describe('the pods of a cluster', () => {
  it('that are missing are gone, and those that are not ready are counted', () => {
    const before = [pod([container()]), pod([container()])];
    expect(podEnds(before, [pod([onPodIdentity], { ready: false })])).toMatchObject({
      counts: { 'pod-identity': 1, gone: 1 },
      notReady: 1,
    });
    expect(podEnds(before, []).counts).toEqual({ gone: 2 });
  });

  it('are compared with those of the same workload, and equal ones are listed once', () => {
    const other = { workload: 'DaemonSet node' };
    const ends = podEnds([...BEFORE, pod([onNode], other)], [pod([refused]), pod([refused]), pod([onNode], other)]);
    expect(ends.pods).toEqual([
      '2 × Deployment driver in kube-system: driver by irsa → none: irsa refused, AccessDenied',
    ]);
    expect(ends.counts).toEqual({ 'no-role': 2 });
  });

  it('that had no role count as gained if they have one', () => {
    expect(podEnds([pod([onNode])], [pod([onPodIdentity])])).toMatchObject({ counts: {}, gained: 1 });
    expect(podEnds([], [pod([onPodIdentity])])).toMatchObject({ counts: {}, gained: 1 });
  });
});

const oidc = (issuer: string) => ({
  Effect: 'Allow',
  Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${issuer}` },
  Action: 'sts:AssumeRoleWithWebIdentity',
});
const PODS = {
  Effect: 'Allow',
  Principal: { Service: 'pods.eks.amazonaws.com' },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
};
const policies = (...statements: object[]): Map<string, string> =>
  new Map([[ROLE, JSON.stringify({ Version: '2012-10-17', Statement: statements })]]);

describe('the end of a trust policy', () => {
  it('is nothing if the policy is the same', () =>
    expect(trustEnds(policies(oidc('a')), policies(oidc('a')))).toEqual([]));

  it('counts statements for OIDC providers and for EKS Pod Identity', () => {
    const ends = trustEnds(policies(oidc('a'), oidc('b'), PODS), policies(PODS, { ...PODS, Sid: 'Again' }));
    expect([ends, lostOidc(ends)]).toEqual([[{ role: ROLE, oidc: [2, 0], pods: [1, 2], doubled: 1 }], 2]);
  });

  it('does not count what was there twice before, a Deny, or another service', () => {
    const deny = { ...oidc('a'), Effect: 'Deny' };
    const ec2 = { ...PODS, Principal: { Service: ['ec2.amazonaws.com'] } };
    const ends = trustEnds(policies(PODS, PODS, deny), policies(PODS, PODS, ec2));
    expect([ends, lostOidc(ends)]).toEqual([[{ role: ROLE, oidc: [0, 0], pods: [2, 2], doubled: 0 }], 0]);
  });
});
