import { describe, expect, it } from 'vitest';
import { classifyPod, collectEvidence, podsThatCount } from '../../../../lambdas/domain/verification/pod-identity.ts';
import type { Container, Pod } from '../../../../lambdas/domain/kubernetes/objects.ts';
import { NAMESPACE, ROLE, SERVICE_ACCOUNT } from '../../example.ts';
import { at } from '../../run-examples.ts';
import { aContainer, aNodePod, aPod, envOf, mountsOf, TOKENS } from '../../eks-fixtures.ts';
import { containing, matching } from '../../matchers.ts';

const accounts = new Set([SERVICE_ACCOUNT]);
const withContainers = (containers: Pod['containers'], change: Partial<Pod> = {}): Pod =>
  aPod('pod-identity', { containers, tokens: [TOKENS.podIdentity, TOKENS.irsa], ...change });
const plain = aContainer({ name: 'plain' });
const onPodIdentity = aContainer({ name: 'driver', env: envOf['pod-identity'], mounts: mountsOf['pod-identity'] });
const onIrsa = aContainer({ name: 'driver', env: envOf.irsa, mounts: mountsOf.irsa });
const FROM_SECRET = { envFrom: ['Secret/aws'] };
/** A container on Pod Identity with that too. */
const also = (
  env: Record<string, string | undefined>,
  change: Partial<Pod['containers'][number]> = {},
): Pod['containers'][number] => ({ ...onPodIdentity, env: { ...envOf['pod-identity'], ...env }, ...change });

const withAlso = (...given: Parameters<typeof also>): Pod => withContainers([also(...given)]);
const withOnly = (env: Record<string, string>): Pod => withContainers([aContainer({ env })]);
const withOptionalKey = withAlso({ AWS_ACCESS_KEY_ID: undefined }, { optionalEnv: ['AWS_ACCESS_KEY_ID'] });
const keyed = aContainer({ name: 'old', env: { AWS_ACCESS_KEY_ID: 'AKIA' } });
const ADDRESS = 'AWS_CONTAINER_CREDENTIALS_FULL_URI';
const skipping = (names: string): Partial<Pod> => ({ annotations: { 'eks.amazonaws.com/skip-containers': names } });

describe('classifyPod', () => {
  it.each<[string, Pod, string]>([
    ['Pod Identity in every container', aPod('pod-identity'), 'pod-identity'],
    ['IRSA in every container', aPod('irsa'), 'irsa'],
    ['nothing in any', aPod('node-role'), 'node-role'],
    ['both in every', aPod('mixed'), 'mixed'],
    ['Pod Identity in one of two', withContainers([onPodIdentity, plain]), 'mixed'],
    ['Pod Identity in one, IRSA in the other', withContainers([onPodIdentity, { ...onIrsa, name: 'two' }]), 'mixed'],
    ['IRSA in one of two', withContainers([onIrsa, plain]), 'mixed'],
    ['a role ARN alone in addition to Pod Identity', withAlso({ AWS_ROLE_ARN: ROLE }), 'pod-identity'],
    ['a role ARN alone', withOnly({ AWS_ROLE_ARN: ROLE }), 'node-role'],
    ['the address without the token file', withOnly({ [ADDRESS]: 'http://169.254.170.23/v1/credentials' }), 'unknown'],
    ['the token file without the address', withOnly({ AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/token' }), 'node-role'],
    ["an address that is not the agent's", withAlso({ [ADDRESS]: 'http://127.0.0.1:8080/credentials' }), 'unknown'],
    ['an address that is none', withAlso({ [ADDRESS]: 'agent' }), 'unknown'],
    ['the address from elsewhere', withAlso({ [ADDRESS]: undefined }), 'unknown'],
    ['the agent by IPv6', withAlso({ [ADDRESS]: 'http://[fd00:ec2::23]/v1/credentials' }), 'pod-identity'],
    ['a role ARN from another object in addition', withAlso({ AWS_ROLE_ARN: undefined }), 'pod-identity'],
    ['all variables of a Secret in addition', withContainers([{ ...onPodIdentity, ...FROM_SECRET }]), 'unknown'],
    ['all variables of a Secret and no others', withContainers([{ ...plain, ...FROM_SECRET }]), 'unknown'],
    ['a Secret in addition to IRSA, which precedes it', withContainers([{ ...onIrsa, ...FROM_SECRET }]), 'irsa'],
    ['static keys in addition', withAlso({ AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'x' }), 'unknown'],
    ['static keys from a Secret', withAlso({ AWS_ACCESS_KEY_ID: undefined }), 'unknown'],
    ['an access key without its secret key', withAlso({ AWS_ACCESS_KEY_ID: 'AKIA' }), 'unknown'],
    ['static keys from a Secret that need not be there', withOptionalKey, 'pod-identity'],
    ['static keys in a skipped container', withContainers([onPodIdentity, keyed], skipping('old')), 'pod-identity'],
    ['an unknown container in addition to IRSA', withContainers([onIrsa, { ...plain, ...FROM_SECRET }]), 'mixed'],
    ['the env without its token volume', aPod('pod-identity', { tokens: [TOKENS.irsa] }), 'unknown'],
    ['other env keys only', withOnly({ AWS_REGION: 'r', AWS_STS_REGIONAL_ENDPOINTS: 'regional' }), 'node-role'],
    ['an init container left out', withContainers([onPodIdentity, { ...plain, init: true }]), 'mixed'],
    ['an init container with it', withContainers([onPodIdentity, { ...onPodIdentity, init: true }]), 'pod-identity'],
    ['a skipped container', withContainers([onPodIdentity, plain], skipping('other,plain')), 'pod-identity'],
    ['a name after a blank, not skipped', withContainers([onPodIdentity, plain], skipping('other, plain')), 'mixed'],
    ['a quoted name, skipped', withContainers([onPodIdentity, plain], skipping('"other","plain"')), 'pod-identity'],
    ['a skipped one on IRSA', withContainers([onPodIdentity, { ...onIrsa, name: 'x' }], skipping('x')), 'pod-identity'],
    ['every container skipped', withContainers([plain], skipping('plain')), 'node-role'],
  ])('%s: %s', (_, pod, identity) => expect(classifyPod(pod).identity).toBe(identity));

  it('has the evidence in the spec', () => {
    const of = (pod: Pod) => classifyPod(pod).evidence;
    const injected = 'AWS_CONTAINER_CREDENTIALS_FULL_URI in all 2 containers, token for pods.eks.amazonaws.com';
    const irsa = `AWS_WEB_IDENTITY_TOKEN_FILE in all 2 containers, token for sts.amazonaws.com, role ${ROLE}`;
    expect([of(aPod('pod-identity')), of(aPod('irsa'))]).toEqual([injected, irsa]);
    expect(of(aPod('node-role'))).toContain('node role');
    expect(of(aPod('mixed'))).toBe(
      '2 of 2 containers have the environment of Pod Identity, 2 have that of IRSA, token audiences: pods.eks.amazonaws.com, sts.amazonaws.com; with both, ebs-plugin, csi-provisioner use IRSA, to which SDKs give precedence',
    );
    expect(of(withOptionalKey)).toMatch(
      /^AWS_CONTAINER_CREDENTIALS_FULL_URI in its one container, .*; an optional Secret or ConfigMap could set AWS_ACCESS_KEY_ID, which would take precedence$/,
    );
    expect(of(withContainers([onPodIdentity, plain], { tokens: [TOKENS.podIdentity] }))).toBe(
      '1 of 2 containers have the environment of Pod Identity, 0 have that of IRSA, token audiences: pods.eks.amazonaws.com',
    );
    const skips = { tokens: [TOKENS.podIdentity], ...skipping('other,absent') };
    const hidden = classifyPod(withContainers([onPodIdentity, aContainer({ name: 'other' })], skips));
    const excluded = /; container other does not count, since the annotation \S+\/skip-containers excludes it$/;
    expect([hidden.identity, hidden.evidence]).toEqual(['pod-identity', matching(excluded)]);
    const debugged = { ...aPod('pod-identity'), ephemeral: ['debug'] };
    const evidence = matching(/; ephemeral container debug does not count, since the webhook never changes it$/);
    expect(classifyPod(debugged)).toMatchObject({ identity: 'pod-identity', injected: true, evidence });
    expect(of({ ...debugged, ephemeral: ['a', 'b'] })).toMatch(/ephemeral containers a, b do not/);
  });
});

describe('a pod whose identity is unknown', () => {
  it.each<[string, Pod['containers'][number], RegExp]>([
    [
      'half of the env',
      aContainer({ env: envOf.unknown }),
      /^container ebs-plugin has AWS_CONTAINER_CREDENTIALS_FULL_URI, with which AWS SDKs ask the agent without a token, since AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE is not set$/,
    ],
    [
      'another address',
      also({ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1/' }),
      /^container driver has AWS_CONTAINER_CREDENTIALS_FULL_URI, with which AWS SDKs ask http:\/\/127\.0\.0\.1\/, which is not the address of the agent$/,
    ],
    [
      'values from elsewhere',
      also({ AWS_ROLE_ARN: undefined, AWS_WEB_IDENTITY_TOKEN_FILE: undefined }),
      /^container driver has AWS_WEB_IDENTITY_TOKEN_FILE \(valueFrom\), with which AWS SDKs read the token from a file that the spec does not show$/,
    ],
    ['a Secret', { ...onPodIdentity, ...FROM_SECRET }, /^container driver gets variables from Secret\/aws \(envFrom\)/],
    [
      'static keys',
      also({ AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: undefined }),
      /^container driver has AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY \(valueFrom\), with which AWS SDKs use static keys$/,
    ],
    [
      'SDKs that differ',
      also({ AWS_ACCESS_KEY: 'AKIA', AWS_SECRET_KEY: 'x', AWS_DEFAULT_PROFILE: '' }),
      /^container driver has AWS_ACCESS_KEY and AWS_SECRET_KEY, with which AWS SDKs use static keys \(Go v2\); it has AWS_DEFAULT_PROFILE, with which AWS SDKs use a profile, and fail if it does not exist \(botocore\)$/,
    ],
  ])('has the reason: %s', (_, container, why) => {
    const { identity, evidence } = classifyPod(withContainers([container]));
    expect([identity, evidence.replace('it cannot be determined: ', '')]).toEqual(['unknown', matching(why)]);
  });

  it('names every container whose identity is unknown', () => {
    const both = withContainers([aContainer({ env: envOf.unknown }), { ...plain, ...FROM_SECRET }]);
    const why = /^it cannot be determined: container ebs-plugin has .*; container plain gets variables from/;
    expect(classifyPod(both).evidence).toMatch(why);
  });

  it('is on IRSA before the change if a Secret could only override it, with a note', () =>
    expect(classifyPod(withContainers([{ ...onIrsa, ...FROM_SECRET }]))).toMatchObject({
      identity: 'irsa',
      evidence: matching(
        /; container driver also gets variables from Secret\/aws \(envFrom\), and AWS_ACCESS_KEY_ID would take precedence$/,
      ),
    }));

  it.each<[string, Pod, boolean]>([
    ['the complete configuration', withContainers([{ ...onPodIdentity, ...FROM_SECRET }]), true],
    ['a profile in addition to it', withAlso({ AWS_PROFILE: 'x' }), true],
    ['a container without it', withContainers([onPodIdentity, { ...plain, ...FROM_SECRET }]), false],
    ['static keys for certain', withAlso({ AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' }), false],
    ['an address that comes first', withAlso({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' }), false],
    ['no token at its path', withAlso({ AWS_PROFILE: 'x', AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/x' }), false],
    ['IRSA', withContainers([{ ...onIrsa, env: { ...envOf.irsa, AWS_PROFILE: 'x' } }]), false],
  ])('is injected or not: %s', (_, pod, injected) => {
    expect(classifyPod(pod)).toMatchObject({ identity: 'unknown', injected });
    expect(collectEvidence([pod], accounts)[0]?.level).toBe(injected ? 'injected' : undefined);
  });

  it('has the reason for each container', () =>
    expect(classifyPod(withContainers([also({ AWS_PROFILE: 'x' }), { ...plain, ...FROM_SECRET }])).unknown).toEqual([
      {
        container: 'driver',
        why: 'container driver has AWS_PROFILE, with which AWS SDKs use a profile, and fail if it does not exist (Go v2, botocore), or use a profile, if it exists (JavaScript v3)',
      },
      { container: 'plain', why: containing('Secret/aws') },
    ]));
});

describe('collectEvidence', () => {
  const since = new Map([[`${NAMESPACE}/${SERVICE_ACCOUNT}`, at(-60)]]);
  const evidenceOf = (pod: Pod): string => collectEvidence([pod], accounts, since)[0]!.evidence;
  const namesOf = (pods: Pod[]): string[] => collectEvidence(pods, accounts).map(({ name }) => name);

  it('notes that a pod that is older than its association cannot use it', () => {
    const older = /; created before its association, which was created at \S+: only a new pod can use it$/;
    for (const identity of ['irsa', 'node-role', 'mixed', 'unknown'] as const)
      expect(evidenceOf(aPod(identity))).toMatch(older);
    const earlier = /; admitted under an earlier association: the current one was created at/;
    expect(evidenceOf(aPod('pod-identity'))).toMatch(earlier);
  });
  it('notes that the webhook was late for a younger pod without the association', () => {
    for (const identity of ['irsa', 'node-role'] as const)
      expect(evidenceOf(aPod(identity, { createdAt: at(-58) }))).toMatch(
        /; created after its association, which was created at \S+, but admitted without it: the webhook did not know it yet$/,
      );
    const [plainEvidence] = collectEvidence([aPod('pod-identity')], accounts);
    expect(evidenceOf(aPod('pod-identity', { createdAt: at(-58) }))).toBe(plainEvidence?.evidence);
  });
  it('treats a pod of the same second as younger, since its time has no fractions', () => {
    const of = (createdAt: string) => evidenceOf(aPod('node-role', { createdAt }));
    expect(of(new Date(Date.parse(at(-60)) - 999).toISOString())).toContain('created after its association');
    expect(of(at(-61))).toContain('created before its association');
  });
  it('ignores an association of another namespace', () =>
    expect(evidenceOf(aPod('irsa', { namespace: 'elsewhere' }))).not.toContain('association'));

  it('counts the pods of the planned service accounts and shows the rest of the add-on', () => {
    const third = aPod('irsa', { name: 'z', serviceAccount: 'shop', labels: {} });
    const pods = [aNodePod(), aPod('pod-identity', { name: 'b' }), aPod('irsa', { name: 'a' }), third];
    const evidence = collectEvidence(pods, accounts);
    const expected = ['a irsa', 'b pod-identity', 'ebs-csi-node-1 not-applicable'];
    expect(evidence.map((pod) => `${pod.name} ${pod.identity}`)).toEqual(expected);
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
        level: 'injected',
        ready: false,
        createdAt: '2026-01-05T08:00:00.000Z',
        evidence: expect.any(String) as string,
      },
    ]);
  });

  it('leaves out pods that are terminating or have ended', () => {
    const ends: Partial<Pod>[] = [{ terminating: true }, { phase: 'Succeeded' }, { phase: 'Failed' }];
    const gone = ends.map((change, index) => aPod('irsa', { name: `gone-${index}`, ...change }));
    expect(namesOf([...gone, aPod('pod-identity', { phase: 'Pending' })])).toEqual(['ebs-csi-controller-1']);
  });

  it('does not group pods without a name label', () =>
    expect(namesOf([aPod('irsa', { labels: {} }), aNodePod({ labels: {} })])).toEqual(['ebs-csi-controller-1']));
});

describe('a pod whose author wants the evidence to be large', () => {
  const long = 'x'.repeat(300_000);
  const many = (count: number, change: Partial<Container>): Container[] =>
    Array.from({ length: count }, (_, index) => aContainer({ name: `c-${index}`, ...change }));

  it.each<[string, Partial<Container>[], Partial<Pod>]>([
    ['addresses', [{ env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: long } }], {}],
    ['paths', [{ env: { AWS_ROLE_ARN: long, AWS_WEB_IDENTITY_TOKEN_FILE: `/${long}` } }], {}],
    ['mounts', [{ mounts: [{ volume: 'x', path: `/${long}/.aws` }] }], {}],
    ['objects', [{ envFrom: Array.from({ length: 5000 }, (_, index) => `Secret/s-${index}`) }], {}],
    ['roles', [{ env: { ...envOf.irsa, AWS_ROLE_ARN: long }, mounts: mountsOf.irsa }], { tokens: [TOKENS.irsa] }],
  ])('has short evidence with many containers and long %s', (_, [change = {}], rest) => {
    const { evidence, unknown } = classifyPod({ ...aPod('irsa'), ...rest, containers: many(3, change) });
    expect(evidence.length).toBeLessThan(6000);
    for (const { why } of unknown) expect(why.length).toBeLessThan(2000);
    const ephemeral = many(2000, {}).map(({ name }) => name);
    const all = { ...aPod('irsa'), ...rest, containers: many(2000, change), ephemeral };
    expect(classifyPod(all).evidence.length).toBeLessThan(10_000);
    const { annotations } = skipping(Array.from({ length: 1999 }, (__, index) => `c-${index}`).join(','));
    expect(classifyPod({ ...all, annotations: annotations! }).evidence.length).toBeLessThan(10_000);
  });
});
