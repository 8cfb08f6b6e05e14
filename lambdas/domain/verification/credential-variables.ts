/**
 * The environment variables that decide from where the AWS SDKs in a container get credentials, and the order in which
 * three SDKs evaluate them. Other SDKs and tools are built on these three, or have the same order.
 * Sources, read at these versions: aws-sdk-go-v2 config 1.32 (resolve_credentials.go, env_config.go), botocore 1.43
 * (credentials.py, configprovider.py, utils.py), @aws-sdk/credential-provider-node 3.972 (defaultProvider.ts,
 * remoteProvider.ts) with credential-provider-env, -http, -ini and -web-identity.
 */
export const SDKS = ['go', 'botocore', 'javascript'] as const;
export type Sdk = (typeof SDKS)[number];

export const SDK_NAMES: Readonly<Record<Sdk, string>> = {
  go: 'Go v2',
  botocore: 'botocore',
  javascript: 'JavaScript v3',
};

export interface CredentialVariable {
  /** What each SDK does with a value that is not empty; absent if the SDK does not read the variable. */
  effects: Readonly<Partial<Record<Sdk, string>>>;
  /** The SDKs for which an empty value is a value. For the others, an empty variable is not set. */
  emptyIsValue: readonly Sdk[];
}

const everySdk = (effect: string): Readonly<Record<Sdk, string>> => ({
  go: effect,
  botocore: effect,
  javascript: effect,
});

const PROFILE = 'uses the profile; fails if it does not exist';
const PROXY = 'asks the agent through this proxy, unless NO_PROXY has its address';
const NO_PROXY = 'asks these addresses without the proxy';
const FILE = 'uses the credentials of the file, if it has any';
const READ_BY_BOTOCORE: readonly Sdk[] = ['botocore'];
const NEVER: readonly Sdk[] = [];

/** By name, in the order of the documentation: docs/verification-variables.md. */
export const CREDENTIAL_VARIABLES = {
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: {
    effects: everySdk('asks 169.254.170.2, and never the agent'),
    emptyIsValue: READ_BY_BOTOCORE,
  },
  AWS_CONTAINER_CREDENTIALS_FULL_URI: { effects: everySdk('asks this address'), emptyIsValue: READ_BY_BOTOCORE },
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {
    effects: everySdk('sends the content of this file with the request'),
    emptyIsValue: READ_BY_BOTOCORE,
  },
  AWS_CONTAINER_AUTHORIZATION_TOKEN: {
    effects: everySdk('sends this value with the request, unless a token file is set'),
    emptyIsValue: READ_BY_BOTOCORE,
  },
  AWS_ACCESS_KEY_ID: {
    effects: {
      go: 'a static key, with a secret key; ignored without one',
      botocore: 'a static key, with AWS_SECRET_ACCESS_KEY; fails without it',
      javascript: 'a static key, with AWS_SECRET_ACCESS_KEY; ignored without it, and if AWS_PROFILE is set',
    },
    emptyIsValue: NEVER,
  },
  AWS_SECRET_ACCESS_KEY: { effects: everySdk('ignored without an access key'), emptyIsValue: NEVER },
  AWS_ACCESS_KEY: { effects: { go: 'as AWS_ACCESS_KEY_ID, if that is not set' }, emptyIsValue: NEVER },
  AWS_SECRET_KEY: { effects: { go: 'as AWS_SECRET_ACCESS_KEY, if that is not set' }, emptyIsValue: NEVER },
  AWS_WEB_IDENTITY_TOKEN_FILE: {
    effects: {
      go: 'assumes AWS_ROLE_ARN with this token; fails without a role',
      botocore: 'assumes AWS_ROLE_ARN with this token; fails without a role',
      javascript: 'assumes AWS_ROLE_ARN with this token; ignored without a role',
    },
    emptyIsValue: NEVER,
  },
  AWS_ROLE_ARN: { effects: everySdk('ignored without AWS_WEB_IDENTITY_TOKEN_FILE'), emptyIsValue: NEVER },
  AWS_PROFILE: {
    effects: { go: PROFILE, botocore: PROFILE, javascript: 'uses the profile, if it exists' },
    emptyIsValue: READ_BY_BOTOCORE,
  },
  AWS_DEFAULT_PROFILE: {
    effects: { go: 'uses the profile, if it exists, unless AWS_PROFILE is set', botocore: PROFILE },
    emptyIsValue: READ_BY_BOTOCORE,
  },
  AWS_CONFIG_FILE: { effects: everySdk(FILE), emptyIsValue: NEVER },
  AWS_SHARED_CREDENTIALS_FILE: { effects: everySdk(FILE), emptyIsValue: NEVER },
  AWS_CREDENTIAL_FILE: { effects: { botocore: `${FILE}; fails if it does not exist` }, emptyIsValue: READ_BY_BOTOCORE },
  BOTO_CONFIG: { effects: { botocore: FILE }, emptyIsValue: NEVER },
  HTTP_PROXY: { effects: { go: PROXY }, emptyIsValue: NEVER },
  http_proxy: { effects: { go: 'as HTTP_PROXY, if that is not set' }, emptyIsValue: NEVER },
  NO_PROXY: { effects: { go: NO_PROXY }, emptyIsValue: NEVER },
  no_proxy: { effects: { go: 'as NO_PROXY, if that is not set' }, emptyIsValue: NEVER },
} as const satisfies Record<string, CredentialVariable>;

export type VariableName = keyof typeof CREDENTIAL_VARIABLES;
export const VARIABLE_NAMES = Object.keys(CREDENTIAL_VARIABLES) as VariableName[];

/** Returns whether a variable whose name begins with this prefix may be one of those. */
export const mayBeginWith = (prefix: string): boolean => VARIABLE_NAMES.some((name) => name.startsWith(prefix));

/**
 * One place where an SDK looks for credentials. `file`: files and profiles, whose content no pod shows; with `places`, also
 * those at their default places in a home directory. For a pair, `half` is what the SDK does if only the first variable is
 * set.
 */
export type Link =
  | { kind: 'file'; names: readonly VariableName[]; effect: string; places?: boolean }
  | { kind: 'keys'; ids: readonly VariableName[]; secrets: readonly VariableName[]; half: 'fails' | 'goes on' }
  | { kind: 'web-identity'; half: 'fails' | 'goes on' }
  | { kind: 'container' };

const profile = (names: readonly VariableName[], effect: string): Link => ({ kind: 'file', names, effect });
const files = (...names: VariableName[]): Extract<Link, { kind: 'file' }> => ({
  kind: 'file',
  names,
  effect: 'use the credentials of a file, if it has any',
});
const PROFILE_OR_ERROR = 'use a profile, and fail if it does not exist';
const PROFILE_IF_IT_EXISTS = 'use a profile, if it exists';
const SHARED: Link = { ...files('AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'), places: true };

/**
 * The order in which each SDK looks. After the last link it asks the node's instance metadata. A profile comes first,
 * since a missing one is an error wherever the credentials come from.
 */
export const CHAINS: Readonly<Record<Sdk, readonly Link[]>> = {
  go: [
    profile(['AWS_PROFILE'], PROFILE_OR_ERROR),
    profile(['AWS_DEFAULT_PROFILE'], PROFILE_IF_IT_EXISTS),
    {
      kind: 'keys',
      ids: ['AWS_ACCESS_KEY_ID', 'AWS_ACCESS_KEY'],
      secrets: ['AWS_SECRET_ACCESS_KEY', 'AWS_SECRET_KEY'],
      half: 'goes on',
    },
    { kind: 'web-identity', half: 'fails' },
    SHARED,
    { kind: 'container' },
  ],
  botocore: [
    profile(['AWS_DEFAULT_PROFILE', 'AWS_PROFILE'], PROFILE_OR_ERROR),
    { kind: 'keys', ids: ['AWS_ACCESS_KEY_ID'], secrets: ['AWS_SECRET_ACCESS_KEY'], half: 'fails' },
    SHARED,
    { kind: 'web-identity', half: 'fails' },
    files('AWS_CREDENTIAL_FILE', 'BOTO_CONFIG'),
    { kind: 'container' },
  ],
  javascript: [
    profile(['AWS_PROFILE'], PROFILE_IF_IT_EXISTS),
    { kind: 'keys', ids: ['AWS_ACCESS_KEY_ID'], secrets: ['AWS_SECRET_ACCESS_KEY'], half: 'goes on' },
    SHARED,
    { kind: 'web-identity', half: 'goes on' },
    { kind: 'container' },
  ],
};

/** What EKS's webhook injects. Source: github.com/aws/amazon-eks-pod-identity-webhook, pkg/cache/cache.go. */
export const POD_IDENTITY_CONFIG = {
  audience: 'pods.eks.amazonaws.com',
  volume: 'eks-pod-identity-token',
  mountPath: '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount',
  path: 'eks-pod-identity-token',
  address: 'http://169.254.170.23/v1/credentials',
} as const;
export const IRSA_CONFIG = {
  audience: 'sts.amazonaws.com',
  volume: 'aws-iam-token',
  mountPath: '/var/run/secrets/eks.amazonaws.com/serviceaccount',
  path: 'token',
} as const;

/** The directory in a home directory where SDKs look for files that no variable names. */
export const FILES_DIRECTORY = '.aws';

/** The agent's addresses on every node. Source: github.com/aws/eks-pod-identity-agent, README and internal/cloud. */
const AGENT_ADDRESS =
  /^http:\/\/([\w.~-]+(:[\w.~-]*)?@)?(169\.254\.170\.23|\[fd00:ec2::23\])(:80)?\/v1\/credentials([?#][\w=&.~/-]*)?$/i;
const AGENT_PATH = '/v1/credentials';
const AGENT_HOSTS: ReadonlySet<string> = new Set(['169.254.170.23', '[fd00:ec2::23]']);

/**
 * Returns whether all SDKs ask the agent at an address. `maybe`: only some of them do, since they read it differently, as
 * with a blank at the end or another spelling of the IP address.
 */
export function isAgentAddress(address: string): 'yes' | 'no' | 'maybe' {
  if (AGENT_ADDRESS.test(address) && address.includes(AGENT_PATH)) return 'yes';
  if (!URL.canParse(address)) return 'no';
  const { protocol, hostname, port, pathname } = new URL(address);
  return protocol === 'http:' && AGENT_HOSTS.has(hostname) && port === '' && pathname === AGENT_PATH ? 'maybe' : 'no';
}
