/**
 * How SDKs read a pod: the precedence of their variables, tokens that are mounted where a variable names them, and what
 * differs between SDKs. Facts: the SDKs' source code, and observations of three of them with recorded pods.
 */
import { describe, expect, it } from 'vitest';
import { type SdkName, asksAgent, isVersionOf } from '../../../sandbox/objects/sdks.ts';
import { containerSourcesOf, sourcesOf } from '../../../sandbox/credentials/sources.ts';
import type { Container, EnvVar, Pod } from '../../../sandbox/objects/objects.ts';
import type { VolumeMount } from '../../../sandbox/objects/volumes.ts';
import { newKubeState } from '../../../sandbox/objects/new-kube-state.ts';

const POD_TOKEN = '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount';
const IRSA_TOKEN = '/var/run/secrets/eks.amazonaws.com/serviceaccount';
const ROLE = 'arn:aws:iam::111122223333:role/app';
const AGENT: EnvVar[] = [
  { name: 'AWS_CONTAINER_CREDENTIALS_FULL_URI', value: 'http://169.254.170.23/v1/credentials' },
  { name: 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', value: `${POD_TOKEN}/eks-pod-identity-token` },
];
const IRSA: EnvVar[] = [
  { name: 'AWS_ROLE_ARN', value: ROLE },
  { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: `${IRSA_TOKEN}/token` },
];
const MOUNTS: VolumeMount[] = [
  { name: 'eks-pod-identity-token', mountPath: POD_TOKEN },
  { name: 'aws-iam-token', mountPath: IRSA_TOKEN },
];
const volume = (name: string, audience: string, path: string) => ({
  name,
  projected: { sources: [{ serviceAccountToken: { audience, expirationSeconds: 1, path } }] },
});
const VOLUMES = [
  volume('eks-pod-identity-token', 'pods.eks.amazonaws.com', 'eks-pod-identity-token'),
  volume('aws-iam-token', 'sts.amazonaws.com', 'token'),
];

interface Given {
  env: EnvVar[];
  sdk?: SdkName;
  version?: string;
  mounts?: VolumeMount[];
  volumes?: Pod['spec']['volumes'] & object;
}
const RECENT: Record<SdkName, string> = {
  botocore: '1.43.0',
  cpp: '1.11.400',
  dotnet: '4.0.0.0',
  'go-v1': '1.55.5',
  'go-v2': '2026-01-01',
  'java-v1': '1.12.780',
  'java-v2': '2.30.0',
  'js-v2': '2.1692.0',
  'js-v3': '3.972.0',
  kotlin: '1.4.0',
  php: '3.340.0',
  ruby: '3.220.0',
  rust: '2025-06-01',
};
const podOf = (...containers: Container[]): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'app', uid: 'u', resourceVersion: '', creationTimestamp: '' },
  spec: { containers, volumes: VOLUMES },
  status: { phase: 'Running', conditions: [] },
});
const read = ({ env, sdk, version, mounts = MOUNTS, volumes }: Given): string => {
  const kube = newKubeState();
  const pod = podOf({ name: 'main', image: 'app:1', env, volumeMounts: mounts });
  if (volumes) pod.spec.volumes = volumes;
  const declared = sdk && { image: 'app:1', sdk: { name: sdk, version: version ?? RECENT[sdk] } };
  if (declared) kube.sdks.set('u', new Map([['main', declared]]));
  const [{ method, source } = { method: 'none', source: undefined }] = containerSourcesOf(kube, pod);
  return source && 'problem' in source ? `${method} ${source.problem.code}` : method;
};
const secret = (name: string, optional = false): EnvVar => ({
  name,
  valueFrom: { secretKeyRef: { name: 'keys', key: name, ...(optional ? { optional } : {}) } },
});
const set = (name: string, value = 'x'): EnvVar => ({ name, value });
const FIVE: SdkName[] = ['go-v1', 'go-v2', 'botocore', 'js-v3', 'java-v2'];

describe('what all SDKs do', () => {
  const ask = (...more: EnvVar[]): Given => ({ env: [...AGENT, ...more] });
  const uri = (address: string): EnvVar => set('AWS_CONTAINER_CREDENTIALS_FULL_URI', address);
  const tokenAt = (path: string): EnvVar => set('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', path);
  const keys = (of: (name: string) => EnvVar) => ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].map(of);
  const optional = (name: string): EnvVar => secret(name, true);
  const elsewhere = { name: 'eks-pod-identity-token', mountPath: '/tokens' };
  const bySubPath = { name: 'eks-pod-identity-token', mountPath: '/token', subPath: 'eks-pod-identity-token' };
  const hiding = { name: 'empty', mountPath: `${POD_TOKEN}/eks-pod-identity-token` };
  const agentVolume = (audience: string, path: string) => volume('eks-pod-identity-token', audience, path);
  const ON_WINDOWS = 'C:\\var\\run\\secrets\\pods.eks.amazonaws.com\\serviceaccount\\eks-pod-identity-token';
  const TWO_DOTS = `${POD_TOKEN}/../serviceaccount/eks-pod-identity-token`;
  const [UNREACHABLE, NO_TOKEN] = ['address AddressUnreachable', 'pod-identity NoToken'];
  it.each<[string, Given, string]>([
    ['ask the agent with the injected configuration', ask(), 'pod-identity'],
    ['use IRSA with the injected configuration', { env: IRSA }, 'irsa'],
    ['prefer a web identity to the agent', ask(...IRSA), 'irsa'],
    ['use the role of the node without a configuration', { env: [set('HOME')] }, 'node-role'],
    ['prefer static keys', ask(...keys((name) => set(name))), 'keys'],
    ['prefer static keys from a Secret', ask(...keys((name) => secret(name))), 'keys'],
    ['ignore static keys from an optional Secret, which does not exist', ask(...keys(optional)), 'pod-identity'],
    [
      'keep a literal key if an optional Secret would replace it',
      ask(set('AWS_ACCESS_KEY_ID'), optional('AWS_ACCESS_KEY_ID'), set('AWS_SECRET_ACCESS_KEY')),
      'keys',
    ],
    ['ignore AWS_ROLE_ARN without a token file', ask(set('AWS_ROLE_ARN', ROLE)), 'pod-identity'],
    ['find nothing with AWS_ROLE_ARN alone', { env: [set('AWS_ROLE_ARN', ROLE)] }, 'node-role'],
    [
      'ignore empty variables',
      ask(set('AWS_ACCESS_KEY_ID', ''), { name: 'AWS_WEB_IDENTITY_TOKEN_FILE' }),
      'pod-identity',
    ],
    [
      'read the last of two variables with the same name',
      { env: [uri('http://localhost/'), ...AGENT] },
      'pod-identity',
    ],
    ['ask the address that is set', ask(uri('http://169.254.170.23:8080/v1/credentials')), UNREACHABLE],
    ['ask the path that is set', ask(uri('http://169.254.170.23/v2/credentials')), UNREACHABLE],
    ['ask the agent at its IPv6 address', ask(uri('http://[fd00:ec2::23]/v1/credentials')), 'pod-identity'],
    [
      'see values with references to earlier variables expanded',
      { env: [set('HOST', '169.254.170.23'), ...AGENT, uri('http://$(HOST)/v1/credentials')] },
      'pod-identity',
    ],
    ['find no token without a mount', { ...ask(), mounts: [] }, NO_TOKEN],
    ['find no token that is mounted elsewhere', { ...ask(), mounts: [elsewhere] }, NO_TOKEN],
    [
      'find a token that is mounted elsewhere and named there',
      { ...ask(tokenAt('/tokens/eks-pod-identity-token')), mounts: [elsewhere] },
      'pod-identity',
    ],
    ['find a token by a subPath', { ...ask(tokenAt('/token')), mounts: [bySubPath] }, 'pod-identity'],
    ['find no token under a mount that hides it', { ...ask(), mounts: [...MOUNTS, hiding] }, NO_TOKEN],
    [
      'find no token in an own volume of that name',
      { ...ask(), volumes: [{ name: 'eks-pod-identity-token' }] },
      NO_TOKEN,
    ],
    [
      'find no token with another path in the volume',
      { ...ask(), volumes: [agentVolume('pods.eks.amazonaws.com', 'other')] },
      NO_TOKEN,
    ],
    [
      'send a token for another audience, which is refused',
      { ...ask(), volumes: [agentVolume('sts.amazonaws.com', 'eks-pod-identity-token')] },
      'pod-identity InvalidTokenException',
    ],
    ['find a token in a Windows container', ask(tokenAt(ON_WINDOWS)), 'pod-identity'],
    ['find a token by a path with two dots', ask(tokenAt(TWO_DOTS)), 'pod-identity'],
    ['find no token for IRSA without a mount', { env: IRSA, mounts: [] }, 'irsa NoToken'],
  ])('%s', (_, given, expected) => {
    expect(read(given)).toBe(expected);
    expect(FIVE.map((sdk) => [sdk, read({ ...given, sdk })])).toEqual(FIVE.map((sdk) => [sdk, expected]));
  });
});

describe('what differs between SDKs', () => {
  const PROFILE = 'error ProfileNotFound';
  const RELATIVE = 'address AddressUnreachable';
  const POD = 'pod-identity';
  it.each<[string, EnvVar[], Partial<Record<SdkName, string>>]>([
    [
      'a relative URI',
      [set('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '/v2/credentials')],
      { 'go-v1': POD, 'go-v2': RELATIVE, botocore: RELATIVE, 'js-v3': RELATIVE, 'java-v2': RELATIVE },
    ],
    [
      'an empty relative URI',
      [set('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '')],
      { 'go-v2': POD, botocore: RELATIVE, 'js-v3': POD },
    ],
    [
      'a profile that does not exist',
      [set('AWS_PROFILE', 'app')],
      { 'go-v1': POD, 'go-v2': PROFILE, botocore: PROFILE, 'js-v3': POD },
    ],
    ['an empty profile', [set('AWS_PROFILE', '')], { 'go-v2': POD, botocore: PROFILE, 'js-v3': POD }],
    [
      'a profile and static keys',
      [set('AWS_PROFILE', 'app'), set('AWS_ACCESS_KEY_ID'), set('AWS_SECRET_ACCESS_KEY')],
      { 'go-v2': PROFILE, 'js-v3': POD, 'java-v2': 'keys' },
    ],
    [
      'the old names of static keys',
      [set('AWS_ACCESS_KEY'), set('AWS_SECRET_KEY')],
      { 'go-v1': 'keys', 'go-v2': 'keys', botocore: POD, 'js-v3': POD, 'java-v1': 'keys' },
    ],
    [
      'an access key without a secret key',
      [set('AWS_ACCESS_KEY_ID')],
      { 'go-v2': POD, botocore: 'error PartialCredentials', 'js-v3': POD },
    ],
    [
      'a token file without a role',
      [set('AWS_WEB_IDENTITY_TOKEN_FILE', `${IRSA_TOKEN}/token`)],
      { 'go-v2': 'error NoRole', botocore: 'error NoRole', 'js-v3': POD },
    ],
    [
      'a profile by the older name that does not exist',
      [set('AWS_DEFAULT_PROFILE', 'app')],
      { 'go-v2': POD, botocore: PROFILE, 'js-v3': POD },
    ],
    [
      'an empty address',
      [set('AWS_CONTAINER_CREDENTIALS_FULL_URI', '')],
      { 'go-v2': 'node-role', botocore: RELATIVE, 'js-v3': 'node-role' },
    ],
    [
      'a file of old tools that does not exist',
      [set('AWS_CREDENTIAL_FILE', '/none')],
      { 'go-v2': POD, botocore: 'error FileNotFound', 'js-v3': POD },
    ],
    [
      'a proxy',
      [set('HTTP_PROXY', 'http://proxy:3128')],
      { 'go-v2': 'pod-identity AgentUnreachable', botocore: POD, 'js-v3': POD },
    ],
  ])('%s', (_, more, expected) => {
    const env = [...AGENT, ...more];
    const found = Object.keys(expected).map((sdk) => [sdk, read({ env, sdk: sdk as SdkName })]);
    expect(Object.fromEntries(found)).toEqual(expected);
  });
});

describe('an SDK that is too old', () => {
  it.each<[SdkName, string, boolean]>([
    ['go-v1', '1.47.10', false],
    ['go-v1', '1.47.11', true],
    ['go-v1', '2.0', true],
    ['go-v2', '2023-11-13', false],
    ['go-v2', '2023-11-14', true],
    ['botocore', '1.9.999', false],
    ['botocore', '1.34.41', true],
    ['dotnet', '3.7.734', true],
    ['java-v2', '2.21.9', false],
    ['rust', '2024-03-12', false],
  ])('%s %s asks the agent: %s', (name, version, asks) => {
    expect(isVersionOf(name, version)).toBe(true);
    expect(asksAgent({ name, version })).toBe(asks);
    expect(read({ env: AGENT, sdk: name, version })).toBe(asks ? 'pod-identity' : 'pod-identity SdkTooOld');
    expect(read({ env: IRSA, sdk: name, version })).toBe('irsa');
  });

  it('is not that of another image', () => {
    const kube = newKubeState();
    kube.sdks.set('u', new Map([['main', { image: 'app:1', sdk: { name: 'go-v1', version: '1.44.0' } }]]));
    const newer = podOf({ name: 'main', image: 'app:2', env: AGENT, volumeMounts: MOUNTS });
    expect(sourcesOf(kube, newer)).toEqual([{ method: 'pod-identity' }]);
  });
});

it('the sources of a pod are those of its containers without duplicates, but not of its init containers', () => {
  const pod = podOf(
    { name: 'main', image: 'app', env: AGENT, volumeMounts: MOUNTS },
    { name: 'proxy', image: 'proxy', env: AGENT, volumeMounts: MOUNTS },
    { name: 'skipped', image: 'skipped' },
  );
  pod.spec.initContainers = [{ name: 'setup', image: 'setup', env: IRSA, volumeMounts: MOUNTS }];
  const kube = newKubeState();
  expect(sourcesOf(kube, pod)).toEqual([{ method: 'pod-identity' }]);
  expect(containerSourcesOf(kube, pod).map(({ container, isInit, method }) => [container, isInit, method])).toEqual([
    ['setup', true, 'irsa'],
    ['main', false, 'pod-identity'],
    ['proxy', false, 'pod-identity'],
    ['skipped', false, 'node-role'],
  ]);
});
