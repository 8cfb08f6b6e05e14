/**
 * How SDKs read a pod: the precedence of their variables, tokens that are mounted where a variable names them, and what
 * differs between SDKs. Facts: the SDKs' source code, and observations of three of them with recorded pods.
 */
import { describe, expect, it } from 'vitest';
import type { SdkName } from '../../../sandbox/credentials/sdks.ts';
import { asksAgent, isVersionOf } from '../../../sandbox/credentials/sdks.ts';
import { containerSourcesOf, sourcesOf } from '../../../sandbox/credentials/sources.ts';
import type { Container, EnvVar, Pod } from '../../../sandbox/kubernetes/objects.ts';
import type { VolumeMount } from '../../../sandbox/kubernetes/volumes.ts';
import { newKubeState } from '../../../sandbox/kubernetes/new-kube-state.ts';

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
const volume = (name: string, audience: string | undefined, path: string) => ({
  name,
  projected: {
    sources: [{ serviceAccountToken: { ...(audience === undefined ? {} : { audience }), expirationSeconds: 1, path } }],
  },
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
  it.each<[string, Given, string]>([
    ['ask the agent with the injected configuration', { env: AGENT }, 'pod-identity'],
    ['use IRSA with the injected configuration', { env: IRSA }, 'irsa'],
    ['prefer a web identity to the agent', { env: [...AGENT, ...IRSA] }, 'irsa'],
    ['use the role of the node without a configuration', { env: [set('HOME')] }, 'node-role'],
    ['prefer static keys', { env: [...AGENT, set('AWS_ACCESS_KEY_ID'), set('AWS_SECRET_ACCESS_KEY')] }, 'keys'],
    [
      'prefer static keys from a Secret',
      { env: [...AGENT, secret('AWS_ACCESS_KEY_ID'), secret('AWS_SECRET_ACCESS_KEY')] },
      'keys',
    ],
    [
      'ignore static keys from an optional Secret, which does not exist',
      { env: [...AGENT, secret('AWS_ACCESS_KEY_ID', true), secret('AWS_SECRET_ACCESS_KEY', true)] },
      'pod-identity',
    ],
    [
      'keep a literal key if an optional Secret would replace it',
      { env: [...AGENT, set('AWS_ACCESS_KEY_ID'), secret('AWS_ACCESS_KEY_ID', true), set('AWS_SECRET_ACCESS_KEY')] },
      'keys',
    ],
    ['ignore AWS_ROLE_ARN without a token file', { env: [...AGENT, set('AWS_ROLE_ARN', ROLE)] }, 'pod-identity'],
    ['find nothing with AWS_ROLE_ARN alone', { env: [set('AWS_ROLE_ARN', ROLE)] }, 'node-role'],
    [
      'ignore empty variables',
      { env: [...AGENT, set('AWS_ACCESS_KEY_ID', ''), { name: 'AWS_WEB_IDENTITY_TOKEN_FILE' }] },
      'pod-identity',
    ],
    [
      'read the last of two variables with the same name',
      { env: [set('AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://localhost/'), ...AGENT] },
      'pod-identity',
    ],
    [
      'ask the address that is set',
      { env: [...AGENT, set('AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://169.254.170.23:8080/v1/credentials')] },
      'address AddressUnreachable',
    ],
    [
      'ask the path that is set',
      { env: [...AGENT, set('AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://169.254.170.23/v2/credentials')] },
      'address AddressUnreachable',
    ],
    [
      'ask the agent at its IPv6 address',
      { env: [...AGENT, set('AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://[fd00:ec2::23]/v1/credentials')] },
      'pod-identity',
    ],
    [
      'see values with references to earlier variables expanded',
      {
        env: [
          set('HOST', '169.254.170.23'),
          ...AGENT,
          set('AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://$(HOST)/v1/credentials'),
        ],
      },
      'pod-identity',
    ],
    ['find no token without a mount', { env: AGENT, mounts: [] }, 'pod-identity NoToken'],
    [
      'find no token that is mounted elsewhere',
      { env: AGENT, mounts: [{ name: 'eks-pod-identity-token', mountPath: '/tokens' }] },
      'pod-identity NoToken',
    ],
    [
      'find a token that is mounted elsewhere and named there',
      {
        env: [...AGENT, set('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', '/tokens/eks-pod-identity-token')],
        mounts: [{ name: 'eks-pod-identity-token', mountPath: '/tokens' }],
      },
      'pod-identity',
    ],
    [
      'find a token by a subPath',
      {
        env: [...AGENT, set('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', '/token')],
        mounts: [{ name: 'eks-pod-identity-token', mountPath: '/token', subPath: 'eks-pod-identity-token' }],
      },
      'pod-identity',
    ],
    [
      'find no token under a mount that hides it',
      { env: AGENT, mounts: [...MOUNTS, { name: 'empty', mountPath: `${POD_TOKEN}/eks-pod-identity-token` }] },
      'pod-identity NoToken',
    ],
    [
      'find no token in an own volume of that name',
      { env: AGENT, volumes: [{ name: 'eks-pod-identity-token' }] },
      'pod-identity NoToken',
    ],
    [
      'find no token with another path in the volume',
      { env: AGENT, volumes: [volume('eks-pod-identity-token', 'pods.eks.amazonaws.com', 'other')] },
      'pod-identity NoToken',
    ],
    [
      'send a token for another audience, which is refused',
      { env: AGENT, volumes: [volume('eks-pod-identity-token', 'sts.amazonaws.com', 'eks-pod-identity-token')] },
      'pod-identity InvalidTokenException',
    ],
    [
      'find a token in a Windows container',
      {
        env: [
          ...AGENT,
          set(
            'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
            'C:\\var\\run\\secrets\\pods.eks.amazonaws.com\\serviceaccount\\eks-pod-identity-token',
          ),
        ],
      },
      'pod-identity',
    ],
    [
      'find a token by a path with two dots',
      {
        env: [
          ...AGENT,
          set('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', `${POD_TOKEN}/../serviceaccount/eks-pod-identity-token`),
        ],
      },
      'pod-identity',
    ],
    ['find no token for IRSA without a mount', { env: IRSA, mounts: [] }, 'irsa NoToken'],
  ])('%s', (_, given, expected) => {
    expect(read(given)).toBe(expected);
    expect(FIVE.map((sdk) => [sdk, read({ ...given, sdk })])).toEqual(FIVE.map((sdk) => [sdk, expected]));
  });
});

describe('what differs between SDKs', () => {
  const PROFILE = 'error ProfileNotFound';
  const RELATIVE = 'address AddressUnreachable';
  it.each<[string, EnvVar[], Partial<Record<SdkName, string>>]>([
    [
      'a relative URI',
      [...AGENT, set('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '/v2/credentials')],
      { 'go-v1': 'pod-identity', 'go-v2': RELATIVE, botocore: RELATIVE, 'js-v3': RELATIVE, 'java-v2': RELATIVE },
    ],
    [
      'an empty relative URI',
      [...AGENT, set('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '')],
      { 'go-v2': 'pod-identity', botocore: RELATIVE, 'js-v3': 'pod-identity' },
    ],
    [
      'a profile that does not exist',
      [...AGENT, set('AWS_PROFILE', 'app')],
      { 'go-v1': 'pod-identity', 'go-v2': PROFILE, botocore: PROFILE, 'js-v3': 'pod-identity' },
    ],
    [
      'an empty profile',
      [...AGENT, set('AWS_PROFILE', '')],
      { 'go-v2': 'pod-identity', botocore: PROFILE, 'js-v3': 'pod-identity' },
    ],
    [
      'a profile and static keys',
      [...AGENT, set('AWS_PROFILE', 'app'), set('AWS_ACCESS_KEY_ID'), set('AWS_SECRET_ACCESS_KEY')],
      { 'go-v2': PROFILE, 'js-v3': 'pod-identity', 'java-v2': 'keys' },
    ],
    [
      'the old names of static keys',
      [...AGENT, set('AWS_ACCESS_KEY'), set('AWS_SECRET_KEY')],
      { 'go-v1': 'keys', 'go-v2': 'keys', botocore: 'pod-identity', 'js-v3': 'pod-identity', 'java-v1': 'keys' },
    ],
    [
      'an access key without a secret key',
      [...AGENT, set('AWS_ACCESS_KEY_ID')],
      { 'go-v2': 'pod-identity', botocore: 'error PartialCredentials', 'js-v3': 'pod-identity' },
    ],
    [
      'a token file without a role',
      [...AGENT, set('AWS_WEB_IDENTITY_TOKEN_FILE', `${IRSA_TOKEN}/token`)],
      { 'go-v2': 'error NoRole', botocore: 'error NoRole', 'js-v3': 'pod-identity' },
    ],
    [
      'a profile by the older name that does not exist',
      [...AGENT, set('AWS_DEFAULT_PROFILE', 'app')],
      { 'go-v2': 'pod-identity', botocore: PROFILE, 'js-v3': 'pod-identity' },
    ],
    [
      'an empty address',
      [...AGENT, set('AWS_CONTAINER_CREDENTIALS_FULL_URI', '')],
      { 'go-v2': 'node-role', botocore: RELATIVE, 'js-v3': 'node-role' },
    ],
    [
      'a file of old tools that does not exist',
      [...AGENT, set('AWS_CREDENTIAL_FILE', '/none')],
      { 'go-v2': 'pod-identity', botocore: 'error FileNotFound', 'js-v3': 'pod-identity' },
    ],
    [
      'a proxy',
      [...AGENT, set('HTTP_PROXY', 'http://proxy:3128')],
      { 'go-v2': 'pod-identity AgentUnreachable', botocore: 'pod-identity', 'js-v3': 'pod-identity' },
    ],
  ])('%s', (_, env, expected) => {
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

describe('the sources of a pod', () => {
  it('are those of its containers without duplicates, but not of its init containers', () => {
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
});
