/**
 * Determines in which ways a container may be started whose spec does not show everything: each Secret that may be missing,
 * each value that may be one of several, each file that may exist. Every way is a world. What a container's spec shows for
 * certain holds in all of them.
 */
import { absolute, mayHaveFile, type Settled, tokensOf, unknownReferences, variablesOf } from './container.ts';
import { AGENT_TOKEN } from './endpoints.ts';
import { AGENT, IRSA_TOKEN, ROLE, TOKEN } from './generate.ts';
import type { KubeContainer, KubePod } from './kube-pod.ts';

/** How a container is started. */
export interface World {
  /** What was settled, such as "AWS_PROFILE: no object"; empty if the spec shows everything. */
  settled: string[];
  variables: Map<string, string>;
  /** Contents by path; a relative one is below the directory in which the software starts. */
  files: Map<string, string>;
}

/** The access key in files of credentials. */
export const FILE_KEY = 'AKIAFILE';
/** The access key in Secrets. */
const HIDDEN_KEY = 'AKIAHIDDEN';

/** Values that a variable may have without the spec showing it. */
const HIDDEN_VALUES: Readonly<Record<string, readonly string[]>> = {
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: ['/v2/credentials'],
  AWS_CONTAINER_CREDENTIALS_FULL_URI: [AGENT, 'http://127.0.0.1/'],
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: [TOKEN, '/none'],
  AWS_CONTAINER_AUTHORIZATION_TOKEN: [AGENT_TOKEN, 'x'],
  AWS_ACCESS_KEY_ID: [HIDDEN_KEY],
  AWS_ACCESS_KEY: [HIDDEN_KEY],
  AWS_WEB_IDENTITY_TOKEN_FILE: [IRSA_TOKEN, '/none'],
  AWS_ROLE_ARN: [ROLE],
  AWS_CONFIG_FILE: ['/hidden/config'],
  AWS_SHARED_CREDENTIALS_FILE: ['/hidden/credentials'],
  AWS_CREDENTIAL_FILE: ['/hidden/credential-file'],
  BOTO_CONFIG: ['/hidden/boto'],
  HTTP_PROXY: ['http://proxy:3128'],
  http_proxy: ['http://proxy:3128'],
  NO_PROXY: ['*', 'localhost'],
  no_proxy: ['*', 'localhost'],
};
const valuesOf = (name: string): readonly string[] => HIDDEN_VALUES[name] ?? ['hidden'];

/** Keys that an object of `envFrom` may have, without its prefix removed. */
const IMPORTED: readonly Readonly<Record<string, string>>[] = [
  {},
  { AWS_ACCESS_KEY_ID: HIDDEN_KEY, AWS_SECRET_ACCESS_KEY: 'hidden' },
  { AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: IRSA_TOKEN },
];

interface Option {
  label: string;
  value: string | undefined;
}
const options = (values: readonly string[], mayBeMissing: boolean): Option[] => [
  ...(mayBeMissing ? [{ label: 'no object', value: undefined }] : []),
  ...values.map((value) => ({ label: value, value })),
];

interface Way {
  settled: string[];
  values: Map<number, string>;
  imported: Record<string, string>;
  referred: Record<string, string>;
}
type Branch = (way: Way) => Way[];

const valueBranches = ({ env = [] }: KubeContainer): Branch[] =>
  env.flatMap(({ name, valueFrom }, index) => {
    if (!valueFrom) return [];
    return (way: Way): Way[] =>
      options(valuesOf(name), valueFrom.secretKeyRef.optional === true).map(({ label, value }) => ({
        ...way,
        settled: [...way.settled, `${name}: ${label}`],
        values: value === undefined ? way.values : new Map(way.values).set(index, value),
      }));
  });

const referenceBranches = (container: KubeContainer): Branch[] =>
  unknownReferences(container).map((referred) => {
    const names = (container.env ?? []).filter(({ value = '' }) => value === `$(${referred})`).map(({ name }) => name);
    const values = [...new Set(names.flatMap(valuesOf))];
    return (way) =>
      options(values.length > 0 ? values : ['x'], true).map(({ label, value }) => ({
        ...way,
        settled: [...way.settled, `$(${referred}): ${value === undefined ? 'not defined' : label}`],
        referred: value === undefined ? way.referred : { ...way.referred, [referred]: value },
      }));
  });

const importBranches = ({ envFrom = [] }: KubeContainer): Branch[] =>
  envFrom.map(
    ({ prefix = '' }) =>
      (way) =>
        IMPORTED.filter((keys) => Object.keys(keys).every((name) => name.startsWith(prefix))).map((keys) => ({
          ...way,
          settled: [...way.settled, `envFrom: ${Object.keys(keys).join(', ') || 'other keys'}`],
          imported: { ...way.imported, ...keys },
        })),
  );

const PROFILES = ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'];
const KEY_LINES = `aws_access_key_id = ${FILE_KEY}\naws_secret_access_key = secret\n`;
const REGION_LINE = 'region = eu-west-1\n';

/** Returns the place of the home directory: where a volume has the directory of SDKs, or anywhere else. */
const homeOf = ({ volumeMounts = [] }: KubeContainer): { home: string; isMounted: boolean } => {
  const mounted = volumeMounts.map(({ mountPath }) => /^(.*)\/\.aws(?:\/|$)/.exec(mountPath)).find(Boolean);
  return { home: mounted?.[1] ?? '/home/app', isMounted: mounted !== undefined };
};

/** Returns the files of credentials that may exist: none, some without keys, and some with keys. */
function fileOptions(
  variables: ReadonlyMap<string, string>,
  container: KubeContainer,
): [string, Map<string, string>][] {
  const { home, isMounted } = homeOf(container);
  const profiles = PROFILES.flatMap((name) => variables.get(name) || []);
  const placed = profiles.length > 0 || isMounted;
  const config = variables.get('AWS_CONFIG_FILE') || (placed ? `${home}/.aws/config` : '');
  const shared = variables.get('AWS_SHARED_CREDENTIALS_FILE') || (placed ? `${home}/.aws/credentials` : '');
  const old = variables.get('AWS_CREDENTIAL_FILE') ?? '';
  const boto = variables.get('BOTO_CONFIG') ?? '';
  if ([config, shared, old, boto].every((path) => path === '')) return [['', new Map()]];
  const sections = (lines: string, kind: string): string =>
    [`[default]\n${lines}`, ...profiles.map((name) => `[${kind}${name}]\n${lines}`)].join('\n');
  const filled = (lines: string, hasKeys: boolean): Map<string, string> =>
    new Map(
      (
        [
          [config, sections(lines, 'profile ')],
          [shared, sections(lines, '')],
          [old, hasKeys ? `AWSAccessKeyId=${FILE_KEY}\nAWSSecretKey=secret\n` : '\n'],
          [boto, hasKeys ? `[Credentials]\n${KEY_LINES}` : '[Boto]\n'],
        ] as const
      ).filter(([path]) => path !== ''),
    );
  return [
    ['files: none', new Map()],
    ['files: without keys', filled(REGION_LINE, false)],
    ['files: with keys', filled(KEY_LINES, true)],
  ];
}

const TOKEN_FILES = ['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'];
type TokenOption = { label: string; path?: string };

/** Returns the tokens that may exist where the spec does not show what is there. */
function tokenOptions(pod: KubePod, container: KubeContainer, variables: ReadonlyMap<string, string>): TokenOption[] {
  const { volumes = [] } = pod.spec;
  const known = tokensOf(container, volumes);
  const found: TokenOption[] = [{ label: '' }];
  for (const name of TOKEN_FILES) {
    const value = variables.get(name) ?? '';
    const path = absolute(value);
    if (value === '' || (path !== undefined && (known.has(path) || !mayHaveFile(path, container, volumes)))) continue;
    found.push({ label: `a token at ${value}`, path: value });
  }
  return found;
}

/** The most worlds of a container; of more, some are left out evenly. */
const MOST_WORLDS = 48;

const evenly = <Item>(all: Item[]): Item[] => {
  const chosen = new Set(
    Array.from({ length: MOST_WORLDS }, (_, index) => Math.floor((index * all.length) / MOST_WORLDS)),
  );
  return all.length <= MOST_WORLDS ? all : all.filter((_, index) => chosen.has(index));
};

/** Returns the worlds of a container. */
export function worldsOf(pod: KubePod, container: KubeContainer): World[] {
  const branches = [...valueBranches(container), ...referenceBranches(container), ...importBranches(container)];
  const none: Way = { settled: [], values: new Map(), imported: {}, referred: {} };
  const ways = branches.reduce((all, branch) => evenly(all.flatMap(branch)), [none]);
  const tokens = tokensOf(container, pod.spec.volumes ?? []);
  const worlds = ways.flatMap(({ settled, ...rest }) => {
    const variables = variablesOf(container, rest satisfies Settled);
    variables.set('HOME', variables.get('HOME') ?? homeOf(container).home);
    return fileOptions(variables, container).flatMap(([label, files]) =>
      tokenOptions(pod, container, variables).map((token): World => ({
        settled: [...settled, ...(label === '' ? [] : [label]), ...(token.label === '' ? [] : [token.label])],
        variables,
        files: new Map([
          ...files,
          ...tokens,
          ...(token.path === undefined ? [] : [[token.path, AGENT_TOKEN] as const]),
        ]),
      })),
    );
  });
  return evenly(worlds);
}
