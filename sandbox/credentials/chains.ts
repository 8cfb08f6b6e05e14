/**
 * The order in which AWS SDKs look for credentials in the environment of a container. Sources: aws-sdk-go,
 * aws/defaults and aws/session; aws-sdk-go-v2, config; botocore, credentials.py and session.py; aws-sdk-js-v3,
 * credential-provider-node; aws-sdk-java and aws-sdk-java-v2, DefaultCredentialsProvider. The chains of the other SDKs
 * are simplified: each provider that finds nothing is skipped. Containers have no files in `~/.aws`, so that every
 * profile is missing.
 */
import type { SdkName } from '../objects/sdks.ts';

/** The environment of a container: variables that are not set are missing. */
export type Environment = ReadonlyMap<string, string>;

/** Where an SDK looks for credentials first, or the error with which it gives up. */
export type Found =
  | { from: 'keys' }
  | { from: 'instance' }
  | { from: 'web-identity'; roleArn: string; tokenFile: string }
  | { from: 'container'; url: string; tokenFile: string | undefined }
  | { from: 'error'; code: string; message: string };

/** What distinguishes the chain of an SDK. */
interface Chain {
  accessKeys: readonly string[];
  secretKeys: readonly string[];
  /** An access key without its secret key is an error, not skipped. */
  needsWholeKey: boolean;
  /** Variables that name a profile; if it is missing, that is an error. */
  profiles: readonly string[];
  /** An empty name of a profile is one, too. */
  emptyProfile: boolean;
  /** With a profile, static keys are skipped. */
  profileFirst: boolean;
  /** A token file without a role is an error, not skipped. */
  needsRole: boolean;
  /** The full URI takes precedence over the relative one. */
  fullFirst: boolean;
  /** A relative or full URI that is set counts although it is empty. */
  emptyUri: boolean;
  /** Reads the file of AWS_CREDENTIAL_FILE after web identities; if it is missing, that is an error. */
  oldFile: boolean;
}

const COMMON: Chain = {
  accessKeys: ['AWS_ACCESS_KEY_ID'],
  secretKeys: ['AWS_SECRET_ACCESS_KEY'],
  needsWholeKey: false,
  profiles: [],
  emptyProfile: false,
  profileFirst: false,
  needsRole: false,
  fullFirst: false,
  emptyUri: false,
  oldFile: false,
};
const OLD_NAMES = {
  accessKeys: ['AWS_ACCESS_KEY_ID', 'AWS_ACCESS_KEY'],
  secretKeys: ['AWS_SECRET_ACCESS_KEY', 'AWS_SECRET_KEY'],
};

const CHAINS: Partial<Record<SdkName, Chain>> = {
  'go-v1': { ...COMMON, ...OLD_NAMES, needsRole: true, fullFirst: true },
  // A missing profile that only AWS_DEFAULT_PROFILE names is no error.
  'go-v2': { ...COMMON, ...OLD_NAMES, profiles: ['AWS_PROFILE'], needsRole: true },
  'java-v1': { ...COMMON, ...OLD_NAMES },
  'js-v3': { ...COMMON, profileFirst: true },
  botocore: {
    ...COMMON,
    needsWholeKey: true,
    profiles: ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'],
    emptyProfile: true,
    needsRole: true,
    emptyUri: true,
    oldFile: true,
  },
};

const failed = (code: string, message: string): Found => ({ from: 'error', code, message });

const first = (environment: Environment, names: readonly string[]): string | undefined =>
  names.map((name) => environment.get(name)).find((value) => value !== undefined && value !== '');

/** Address of the container agent of ECS, which nodes of EKS do not have. */
const ECS = 'http://169.254.170.2';

const containerUrl = (environment: Environment, chain: Chain): string | undefined => {
  const uri = (name: string): string | undefined => {
    const value = environment.get(name);
    return value === '' && !chain.emptyUri ? undefined : value;
  };
  const full = uri('AWS_CONTAINER_CREDENTIALS_FULL_URI');
  const path = uri('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI');
  const relative = path === undefined ? undefined : `${ECS}${path}`;
  return chain.fullFirst ? (full ?? relative) : (relative ?? full);
};

/** Returns where an SDK looks for credentials. */
export const lookUp = (environment: Environment, name: SdkName): Found => {
  const chain = CHAINS[name] ?? COMMON;
  const profile = first(environment, chain.profiles);
  if (profile !== undefined || (chain.emptyProfile && chain.profiles.some((one) => environment.has(one))))
    return failed('ProfileNotFound', `The config profile (${profile ?? ''}) could not be found`);
  const accessKey = first(environment, chain.accessKeys);
  const secretKey = first(environment, chain.secretKeys);
  const skipsKeys = chain.profileFirst && first(environment, ['AWS_PROFILE']) !== undefined;
  if (accessKey !== undefined && !skipsKeys) {
    if (secretKey !== undefined) return { from: 'keys' };
    if (chain.needsWholeKey) return failed('PartialCredentials', 'AWS_SECRET_ACCESS_KEY is missing');
  }
  const tokenFile = first(environment, ['AWS_WEB_IDENTITY_TOKEN_FILE']);
  const roleArn = first(environment, ['AWS_ROLE_ARN']);
  if (tokenFile !== undefined && roleArn !== undefined) return { from: 'web-identity', roleArn, tokenFile };
  if (tokenFile !== undefined && chain.needsRole) return failed('NoRole', 'role ARN is not set');
  if (chain.oldFile && environment.has('AWS_CREDENTIAL_FILE'))
    return failed('FileNotFound', `open ${environment.get('AWS_CREDENTIAL_FILE') ?? ''}: no such file`);
  const url = containerUrl(environment, chain);
  if (url === undefined) return { from: 'instance' };
  return { from: 'container', url, tokenFile: first(environment, ['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']) };
};
