/** The classes of pods in test/golden/webhook/README.md, in both directions, and the table of variables in the docs. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Container, TokenVolume } from '../../../../lambdas/domain/kubernetes/objects.ts';
import { readContainer } from '../../../../lambdas/domain/verification/container-credentials.ts';
import {
  CREDENTIAL_VARIABLES,
  type CredentialVariable,
  SDK_NAMES,
  SDKS,
  VARIABLE_NAMES,
} from '../../../../lambdas/domain/verification/credential-variables.ts';
import { aContainer, envOf, mountsOf, ROLE, TOKENS } from '../../fixtures.ts';

const MOUNT = '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount';
const BOTH = [TOKENS.podIdentity, TOKENS.irsa];
const is = (
  env: Container['env'],
  change: Partial<Container> = {},
  tokens: TokenVolume[] = BOTH,
): ReturnType<typeof readContainer>['is'] =>
  readContainer({
    container: aContainer({ env: { ...envOf['pod-identity'], ...env }, mounts: mountsOf['pod-identity'], ...change }),
    tokens,
  }).is;
const mounted = (path: string, subPath?: string): Partial<Container> => ({
  mounts: [{ volume: TOKENS.podIdentity.volume, path, ...(subPath === undefined ? {} : { subPath }) }],
});
const FILE = 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE';
const ADDRESS = 'AWS_CONTAINER_CREDENTIALS_FULL_URI';
const withMount = (volume: string, path: string, more: { subPath?: string } = {}): Partial<Container> => ({
  mounts: [...mountsOf['pod-identity'], { volume, path, ...more }],
});
const WITH_AGENTS_TOKEN = { AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: `${MOUNT}/eks-pod-identity-token` };
const PROXY = 'http://proxy:3128';
const IPV6 = (NO_PROXY: string): Container['env'] => ({
  [ADDRESS]: 'http://[fd00:ec2::23]/v1/credentials',
  HTTP_PROXY: 'x',
  NO_PROXY,
});
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'x' };

describe('a container that the webhook has changed, and that does not ask the agent for certain', () => {
  it.each<[string, Container['env'], Partial<Container>, string]>([
    ['another address comes first', { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' }, {}, 'elsewhere'],
    ['it comes from a Secret', { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: undefined }, {}, 'elsewhere'],
    ['it is empty, which is a value for botocore', { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '' }, {}, 'unknown'],
    ['the token is mounted elsewhere', {}, mounted('/own'), 'elsewhere'],
    ['nothing is mounted', {}, { mounts: [] }, 'elsewhere'],
    ['the path is its own', { [FILE]: '/own/token' }, {}, 'elsewhere'],
    ['the path is from another object', { [FILE]: undefined }, {}, 'unknown'],
    ['the path is empty: botocore fails, others ask without a token', { [FILE]: '' }, {}, 'elsewhere'],
    ['another volume is mounted there', {}, { mounts: [{ volume: 'own', path: MOUNT }] }, 'unknown'],
    ['another volume hides the token', {}, withMount('own', `${MOUNT}/eks-pod-identity-token`), 'unknown'],
    ['another file of the volume is mounted there', {}, mounted(MOUNT, 'other'), 'unknown'],
    ['old names of static keys', { AWS_ACCESS_KEY: 'AKIA', AWS_SECRET_KEY: 'x' }, {}, 'unknown'],
    ['a profile', { AWS_PROFILE: 'x' }, {}, 'unknown'],
    ['an empty profile', { AWS_PROFILE: '' }, {}, 'unknown'],
    ["botocore's profile", { AWS_DEFAULT_PROFILE: 'x' }, {}, 'unknown'],
    ['a configuration file', { AWS_CONFIG_FILE: '/aws/config' }, {}, 'unknown'],
    ['a credentials file', { AWS_SHARED_CREDENTIALS_FILE: '/aws/credentials' }, {}, 'unknown'],
    ['a file of old tools', { AWS_CREDENTIAL_FILE: '/aws/credentials' }, {}, 'unknown'],
    ['a file of boto', { BOTO_CONFIG: '/boto' }, {}, 'unknown'],
    ['another port of the agent', { [ADDRESS]: 'http://169.254.170.23:8080/v1/credentials' }, {}, 'elsewhere'],
    ['another path of the agent', { [ADDRESS]: 'http://169.254.170.23/v2/credentials' }, {}, 'elsewhere'],
    ['TLS, which the agent does not have', { [ADDRESS]: 'https://169.254.170.23/v1/credentials' }, {}, 'elsewhere'],
    ['a path in capitals', { [ADDRESS]: 'http://169.254.170.23/V1/credentials' }, {}, 'elsewhere'],
    ['a blank, which JavaScript removes', { [ADDRESS]: 'http://169.254.170.23/v1/credentials ' }, {}, 'unknown'],
    ['IPv6 that botocore refuses', { [ADDRESS]: 'http://[fd00:ec2:0::23]/v1/credentials' }, {}, 'unknown'],
    ['another host', { [ADDRESS]: 'http://127.0.0.1/v1/credentials' }, {}, 'elsewhere'],
    ['an address that is a reference', { [ADDRESS]: 'http://$(HOST)/v1/credentials' }, {}, 'unknown'],
    ['a literal token', { [FILE]: '', AWS_CONTAINER_AUTHORIZATION_TOKEN: 'x' }, {}, 'unknown'],
    [
      'a key twice: a literal, then one from an optional Secret',
      { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: 'x' },
      { repeatedEnv: { AWS_ACCESS_KEY_ID: ['AKIA'] }, optionalEnv: ['AWS_ACCESS_KEY_ID'] },
      'static-keys',
    ],
    ['static keys', KEYS, {}, 'static-keys'],
    ['an access key alone, with which botocore fails', { AWS_ACCESS_KEY_ID: 'AKIA' }, {}, 'unknown'],
    ['static keys and a profile', { ...KEYS, AWS_PROFILE: 'x' }, {}, 'unknown'],
    ['a web identity without its role', { AWS_WEB_IDENTITY_TOKEN_FILE: '/x' }, {}, 'unknown'],
    ['a web identity without its token', { AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: '/x' }, {}, 'elsewhere'],
    ['a web identity with the token of the agent', WITH_AGENTS_TOKEN, {}, 'elsewhere'],
    ['a volume where SDKs look for files', {}, withMount('aws', '/root/.aws'), 'unknown'],
    ['a file of a volume there', {}, withMount('aws', '/home/app/.aws/credentials', { subPath: 'c' }), 'unknown'],
    ["a proxy, which Go's SDK asks", { HTTP_PROXY: PROXY }, {}, 'unknown'],
    ['a proxy without an exception', { http_proxy: PROXY, NO_PROXY: '.svc 169.254.170.23' }, {}, 'unknown'],
    ['a proxy from another object', { HTTP_PROXY: undefined }, {}, 'unknown'],
    ['exceptions from another object', { HTTP_PROXY: PROXY, NO_PROXY: undefined }, {}, 'unknown'],
    ['a second list', { HTTP_PROXY: PROXY, NO_PROXY: '.svc', no_proxy: '169.254.170.23' }, {}, 'unknown'],
    ["the guide's notation of IPv6, which Go does not read", IPV6('169.254.170.23,[fd00:ec2::23]'), {}, 'unknown'],
    ['a Secret with any variable', {}, { envFrom: ['Secret/aws'] }, 'unknown'],
    ['no address, which is the node role', { [ADDRESS]: '' }, {}, 'elsewhere'],
  ])('%s', (_, env, change, expected) => expect(is(env, change)).toBe(expected));

  it('has no token of the right audience', () => {
    expect(is({}, {}, [{ ...TOKENS.podIdentity, audience: 'sts.amazonaws.com' }])).toBe('elsewhere');
    expect([is({}, {}, [{ ...TOKENS.podIdentity, path: 'other' }]), is({}, {}, [])]).toEqual(['unknown', 'unknown']);
  });
});

it.each<[string, Container['env'], Partial<Container>]>([
  ['as the webhook leaves it', {}, {}],
  ['a role without a token file', { AWS_ROLE_ARN: ROLE }, {}],
  ['a role from another object', { AWS_ROLE_ARN: undefined }, {}],
  ['no text', { AWS_ROLE_ARN: '', AWS_WEB_IDENTITY_TOKEN_FILE: '', AWS_ACCESS_KEY_ID: '', AWS_CONFIG_FILE: '' }, {}],
  ['a secret key alone', { AWS_SECRET_ACCESS_KEY: 'x' }, {}],
  ['an old access key alone', { AWS_ACCESS_KEY: 'AKIA' }, {}],
  ['a token in addition to the file', { AWS_CONTAINER_AUTHORIZATION_TOKEN: 'x' }, {}],
  ['the port of HTTP', { [ADDRESS]: 'http://169.254.170.23:80/v1/credentials' }, {}],
  ['IPv6', { [ADDRESS]: 'http://[fd00:ec2::23]/v1/credentials' }, {}],
  ['a scheme in capitals', { [ADDRESS]: 'HTTP://169.254.170.23/v1/credentials' }, {}],
  ['IPv6 in capitals', { [ADDRESS]: 'http://[FD00:EC2::23]:80/v1/credentials' }, {}],
  ['a query', { [ADDRESS]: 'http://169.254.170.23/v1/credentials?a=b' }, {}],
  ['a user', { [ADDRESS]: 'http://user@169.254.170.23/v1/credentials' }, {}],
  ['its own path and mount', { [FILE]: '/own/eks-pod-identity-token' }, mounted('/own')],
  ['a mount of the file', { [FILE]: '/own/file' }, mounted('/own/file', 'eks-pod-identity-token')],
  ['a mount above', { [FILE]: '/own//../own/./eks-pod-identity-token' }, mounted('/own/')],
  ['Windows', { [FILE]: `C:${MOUNT.replaceAll('/', '\\')}\\eks-pod-identity-token` }, {}],
  ['a proxy for HTTPS alone', { HTTPS_PROXY: PROXY }, {}],
  ['an empty proxy', { HTTP_PROXY: '' }, {}],
  ['a proxy with an exception', { HTTP_PROXY: 'x', no_proxy: '.svc, 169.254.0.0/16' }, {}],
  ['a proxy with an exception for IPv6', IPV6('fd00:ec2::23'), {}],
  ['a volume below a directory of a similar name', {}, withMount('aws', '/root/aws')],
  ['a path with a reference', { OWN: MOUNT, [FILE]: '$(OWN)/eks-pod-identity-token' }, { env: {} }],
  [
    'keys from an optional Secret',
    { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
    { optionalEnv: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] },
  ],
])('a container that asks the agent with every SDK %s', (_, env, { env: bare, ...change }) => {
  const all = bare ? { ...env, [ADDRESS]: envOf['pod-identity'][ADDRESS] } : { ...envOf['pod-identity'], ...env };
  const container = aContainer({ mounts: mountsOf['pod-identity'], ...change, env: all });
  expect(readContainer({ container, tokens: BOTH })).toMatchObject({ is: 'agent', why: '', configured: true });
});

describe('a container with the configuration of IRSA', () => {
  const irsa = (env: Container['env'] = {}, change: Partial<Container> = {}) =>
    readContainer({
      container: aContainer({ env: { ...envOf.irsa, ...env }, mounts: mountsOf.irsa, ...change }),
      tokens: BOTH,
    }).is;

  it('uses it if its token is mounted, also if an address follows', () => {
    expect([irsa(), irsa({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' })]).toEqual(['irsa', 'irsa']);
    expect(irsa({}, { envFrom: ['Secret/aws'] })).toBe('irsa');
  });
  it('does not use it otherwise, or only with some SDKs', () => {
    expect([irsa({}, { mounts: [] }), irsa({ AWS_CONFIG_FILE: '/x' })]).toEqual(['elsewhere', 'unknown']);
    expect([irsa({ AWS_ROLE_ARN: '' }), irsa({ AWS_WEB_IDENTITY_TOKEN_FILE: '' })]).toEqual(['elsewhere', 'node-role']);
    expect(irsa(KEYS)).toBe('static-keys');
  });
});

describe('docs/verification-variables.md', () => {
  const page = readFileSync(new URL('../../../../docs/verification-variables.md', import.meta.url), 'utf8');
  const empty = ({ emptyIsValue }: CredentialVariable): string =>
    emptyIsValue.length === 0 ? 'not set' : `a value for ${emptyIsValue.map((sdk) => SDK_NAMES[sdk]).join(', ')}`;

  it.each(VARIABLE_NAMES)('has the row of %s', (name) => {
    const variable: CredentialVariable = CREDENTIAL_VARIABLES[name];
    const cells = SDKS.map((sdk) => variable.effects[sdk] ?? 'not read');
    expect(page.split('\n')).toContain(`| \`${name}\` | ${[...cells, empty(variable)].join(' | ')} |`);
  });
  it('has no other rows', () => expect(page.match(/^\| `(?:[A-Z]|\w+_proxy`)/gm)).toHaveLength(VARIABLE_NAMES.length));
});
