/** Generates pods whose containers set variables and mounts of their own, before EKS's webhook changes them. */
import * as fc from 'fast-check';
import type { EnvEntry, KubeContainer, KubePod, KubeVolume } from './kube-pod.ts';

export const AGENT = 'http://169.254.170.23/v1/credentials';
const MOUNT = '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount';
export const TOKEN = `${MOUNT}/eks-pod-identity-token`;
export const IRSA_TOKEN = '/var/run/secrets/eks.amazonaws.com/serviceaccount/token';
export const ROLE = 'arn:aws:iam::111122223333:role/own';

const set = (name: string, ...values: string[]): fc.Arbitrary<EnvEntry[]> =>
  fc.constantFrom(...values).map((value) => [{ name, value }]);
const secret = (name: string, optional: boolean): EnvEntry => ({
  name,
  valueFrom: { secretKeyRef: { name: 's', key: 'k', ...(optional ? { optional } : {}) } },
});

const ADDRESSES = [AGENT, 'http://169.254.170.23:8080/v1/credentials', 'http://169.254.170.23/v2', 'http://127.0.0.1/'];
const FILES = [TOKEN, TOKEN, '/own/eks-pod-identity-token', '/own/token'];
/** Variables with which all SDKs do the same. */
const alike: fc.Arbitrary<EnvEntry[]>[] = [
  // With both variables of its own, a container gets neither from the webhook.
  fc.tuple(fc.constantFrom(...ADDRESSES), fc.constantFrom(...FILES)).map(([address, file]) => [
    { name: 'AWS_CONTAINER_CREDENTIALS_FULL_URI', value: address },
    { name: 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', value: file },
  ]),
  set(
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    AGENT,
    'http://[fd00:ec2::23]/v1/credentials',
    'http://169.254.170.23:80/v1/credentials',
  ),
  set(
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'http://169.254.170.23:8080/v1/credentials',
    'http://169.254.170.23/v2',
    'http://127.0.0.1/',
    'agent',
    '',
  ),
  set(
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
    TOKEN,
    '/own/eks-pod-identity-token',
    '/own/token',
    '/own/file',
    `C:${TOKEN.replaceAll('/', '\\')}`,
    '/none',
  ),
  set('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '/v2/credentials'),
  fc.constant([
    { name: 'AWS_ACCESS_KEY_ID', value: 'AKIA' },
    { name: 'AWS_SECRET_ACCESS_KEY', value: 'x' },
  ]),
  fc.constant([
    { name: 'AWS_ACCESS_KEY_ID', value: '' },
    { name: 'AWS_SECRET_ACCESS_KEY', value: '' },
  ]),
  set('AWS_SECRET_ACCESS_KEY', 'x', ''),
  set('AWS_ROLE_ARN', ROLE, ''),
  fc.constantFrom(IRSA_TOKEN, '/own/token', '/none').map((value) => [
    { name: 'AWS_ROLE_ARN', value: ROLE },
    { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value },
  ]),
  set('AWS_WEB_IDENTITY_TOKEN_FILE', ''),
  set('AWS_REGION', 'eu-west-1'),
  set('AWS_STS_REGIONAL_ENDPOINTS', 'regional'),
  fc.constant([
    { name: 'OWN', value: '/own' },
    { name: 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', value: '$(OWN)/token' },
  ]),
];

/** Addresses and paths that resemble those of the agent. */
const nearMisses: fc.Arbitrary<EnvEntry[]>[] = [
  set(
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    `${AGENT} `,
    ` ${AGENT}`,
    `${AGENT}/`,
    `${AGENT}?a=b`,
    'HTTP://169.254.170.23/v1/credentials',
    'https://169.254.170.23/v1/credentials',
    'http://169.254.170.23/V1/credentials',
    'http://169.254.170.23//v1/credentials',
    'http://169.254.170.23./v1/credentials',
    'http://user@169.254.170.23/v1/credentials',
    'http://169.254.170.023/v1/credentials',
    'http://[fd00:ec2::23]:80/v1/credentials',
    'http://[FD00:EC2::23]/v1/credentials',
    'http://[fd00:ec2:0::23]/v1/credentials',
    'http://169.254.170.2/v1/credentials',
    'http://localhost/v1/credentials',
    'http://10.0.0.1/v1/credentials',
    '/v1/credentials',
  ),
  set(
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
    `${TOKEN} `,
    `${TOKEN}/`,
    TOKEN.toUpperCase(),
    '',
    'own/token',
    `${MOUNT}/../serviceaccount/eks-pod-identity-token`,
  ),
  set('AWS_CONTAINER_AUTHORIZATION_TOKEN', 'x', ''),
  set('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', '', '/', 'v2/credentials', ' '),
  set('aws_container_credentials_full_uri', 'http://127.0.0.1/'),
  set('aws_access_key_id', 'AKIALOWER'),
  set('AWS_PROFILE', '', ' ', 'default', 'own'),
  set('AWS_DEFAULT_PROFILE', '', 'default', 'own'),
  set('AWS_SDK_LOAD_CONFIG', '1', 'true', ''),
  set('AWS_EC2_METADATA_DISABLED', 'true', 'TRUE', 'false', ''),
  set('AWS_SESSION_TOKEN', 'x'),
  set('AWS_ROLE_SESSION_NAME', 'own', ''),
  set('AWS_ACCESS_KEY_ID', ' ', 'AKIAOWN'),
  set('AWS_WEB_IDENTITY_TOKEN_FILE', IRSA_TOKEN, '/none', ' '),
  fc
    .tuple(fc.constantFrom('HTTP_PROXY', 'http_proxy'), fc.constantFrom('http://proxy:3128', 'proxy:3128', ''))
    .map(([name, value]) => [{ name, value }]),
  fc
    .tuple(
      fc.constantFrom('NO_PROXY', 'no_proxy'),
      fc.constantFrom(
        '169.254.170.23',
        '169.254.170.23,[fd00:ec2::23]',
        'localhost, 169.254.0.0/16',
        '169.254.170.23:80',
        '169.254.170.23:8080',
        '.svc.cluster.local',
        '*',
        '',
      ),
    )
    .chain(([name, value]) =>
      fc.constantFrom(
        [
          { name: 'HTTP_PROXY', value: 'http://proxy:3128' },
          { name, value },
        ],
        [{ name, value }],
      ),
    ),
];

const NAMES = [
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_ACCESS_KEY',
  'AWS_SECRET_KEY',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_CREDENTIAL_FILE',
  'BOTO_CONFIG',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ROLE_ARN',
  'HTTP_PROXY',
  'http_proxy',
  'NO_PROXY',
  'no_proxy',
];
/** Variables in any combination, also where SDKs differ or the spec does not show the value. */
const anything = fc.constantFrom(...NAMES).chain((name) =>
  fc.constantFrom<EnvEntry[]>(
    [{ name, value: 'x' }],
    [{ name, value: '' }],
    [secret(name, false)],
    [secret(name, true)],
    [{ name, value: 'x' }, secret(name, true)],
    [{ name, value: '' }, secret(name, true)],
    [{ name, value: '$(HOSTNAME)' }],
    [
      { name, value: 'x' },
      { name, value: '' },
    ],
  ),
);

const mounts = fc.constantFrom<NonNullable<KubeContainer['volumeMounts']>>(
  [{ name: 'own-token', mountPath: '/own' }],
  [{ name: 'own-token', mountPath: '/own/file', subPath: 'token' }],
  [{ name: 'eks-pod-identity-token', mountPath: '/own' }],
  [
    { name: 'own-token', mountPath: '/own' },
    { name: 'scratch', mountPath: '/own/token' },
  ],
  [{ name: 'scratch', mountPath: TOKEN }],
  [{ name: 'scratch', mountPath: '/var/run' }],
  [{ name: 'sts-token', mountPath: '/own' }],
  [{ name: 'sts-token', mountPath: '/var/run/secrets/eks.amazonaws.com/serviceaccount' }],
);
/** A volume in which SDKs look for files, whatever the variables are. */
const filesMount = fc.constant<NonNullable<KubeContainer['volumeMounts']>>([
  { name: 'scratch', mountPath: '/home/own/.aws' },
]);
/** Objects whose keys are all variables. */
const imports = fc.constantFrom<NonNullable<KubeContainer['envFrom']>>(
  [{ secretRef: { name: 'all' } }],
  [{ prefix: 'AWS_', secretRef: { name: 'all' } }],
  [{ prefix: 'APP_', secretRef: { name: 'all' } }],
);

const token = (name: string, audience: string, path: string): KubeVolume => ({
  name,
  projected: { sources: [{ serviceAccountToken: { audience, path } }] },
});
const COMMON: KubeVolume[] = [
  token('own-token', 'pods.eks.amazonaws.com', 'token'),
  token('sts-token', 'sts.amazonaws.com', 'token'),
  { name: 'scratch', emptyDir: {} },
];
const ofThatName = fc.constantFrom<KubeVolume>(
  { name: 'eks-pod-identity-token', emptyDir: {} },
  token('eks-pod-identity-token', 'pods.eks.amazonaws.com', 'other-path'),
  token('eks-pod-identity-token', 'sts.amazonaws.com', 'eks-pod-identity-token'),
);

/** Returns the last entry of each name, unless the names are to be kept as they are. */
const once = (env: EnvEntry[]): EnvEntry[] => [...new Map(env.map((one) => [one.name, one])).values()];

const rarely = <Value>(value: fc.Arbitrary<Value>, without = 4): fc.Arbitrary<Value | undefined> =>
  fc.oneof({ arbitrary: value, weight: 1 }, { arbitrary: fc.constant(undefined), weight: without });

const container = (name: string, isAlike: boolean): fc.Arbitrary<KubeContainer> =>
  fc
    .record({
      groups: isAlike
        ? fc.array(fc.oneof(...alike), { maxLength: 3 })
        : fc.array(fc.oneof(anything, fc.oneof(...alike), fc.oneof(...nearMisses)), { maxLength: 3 }),
      volumeMounts: rarely(
        isAlike ? mounts : fc.oneof({ arbitrary: mounts, weight: 9 }, { arbitrary: filesMount, weight: 1 }),
      ),
      envFrom: isAlike ? fc.constant(undefined) : rarely(imports, 9),
    })
    .map(({ groups, volumeMounts, envFrom }) => ({
      name,
      image: 'app:1',
      env: isAlike ? once(groups.flat()) : groups.flat(),
      ...(volumeMounts ? { volumeMounts } : {}),
      ...(envFrom ? { envFrom } : {}),
    }))
    .filter((one) => !isAlike || !isHalf(one));

/** Returns whether a variable has a value without its other half, with which SDKs differ. */
const isHalf = ({ env = [] }: KubeContainer): boolean => {
  const has = (name: string): boolean => env.some((one) => one.name === name && one.value !== '');
  return (
    (has('AWS_ACCESS_KEY_ID') && !has('AWS_SECRET_ACCESS_KEY')) ||
    (has('AWS_WEB_IDENTITY_TOKEN_FILE') && !has('AWS_ROLE_ARN'))
  );
};

/** `alike`: only with variables with which all SDKs do the same, and whose values the spec shows. */
export const podsWith = (isAlike: boolean): fc.Arbitrary<KubePod> =>
  fc
    .record({
      main: container('main', isAlike),
      sidecar: rarely(container('sidecar', isAlike)),
      init: rarely(container('init', isAlike)),
      skipped: rarely(fc.constantFrom('sidecar', '"main"', 'other, main', 'init')),
      volume: rarely(ofThatName),
    })
    .map(({ main, sidecar, init, skipped, volume }) => ({
      metadata: {
        name: 'p',
        namespace: 'default',
        ...(skipped === undefined ? {} : { annotations: { 'eks.amazonaws.com/skip-containers': skipped } }),
      },
      spec: {
        serviceAccountName: 'sa',
        ...(init ? { initContainers: [init] } : {}),
        containers: [main, ...(sidecar ? [sidecar] : [])],
        volumes: structuredClone([...COMMON, ...(volume ? [volume] : [])]),
      },
    }));
