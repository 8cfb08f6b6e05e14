/**
 * Reads from where the AWS SDKs in a container get credentials: what each SDK does with its variables, and whether the
 * token is mounted where they say. The pod's spec is all that is read, so that a source may stay unknown.
 */
import type { Container, TokenVolume } from '../kubernetes/objects.ts';
import {
  CHAINS,
  FILES_DIRECTORY,
  isAgentAddress,
  type Link,
  POD_IDENTITY_CONFIG,
  SDK_NAMES,
  SDKS,
  type Sdk,
  type VariableName,
} from './credential-variables.ts';
import { some } from '../terms/check.ts';
import { shown as printed } from '../text/text.ts';
import { isExcepted } from './proxy.ts';
import { tokenAt } from './token-file.ts';
import { type Answer, isOptional, isSetFor, shownValue } from './variable-values.ts';

const ADDRESS = 'AWS_CONTAINER_CREDENTIALS_FULL_URI';
const TOKEN_FILE = 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE';
const TOKEN = 'AWS_CONTAINER_AUTHORIZATION_TOKEN';
const RELATIVE = 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI';
const ROLE = 'AWS_ROLE_ARN';
const IRSA_TOKEN_FILE = 'AWS_WEB_IDENTITY_TOKEN_FILE';
const STATIC_KEY = 'AWS_ACCESS_KEY_ID';
const STATIC_KEYS = [STATIC_KEY, 'AWS_ACCESS_KEY'] as const;

/** From where one SDK gets credentials. `elsewhere`: from another source, or from none because it fails. */
type Source = 'agent' | 'irsa' | 'node-role' | 'static-keys' | 'elsewhere' | 'open';

/** The source of one SDK, with the variables that decide, and what the SDK does, as in "Go v2 and botocore *fail*". */
interface Reading {
  source: Source;
  /** Names of variables, and `a volume at PATH`. */
  names: readonly string[];
  does: string;
}

const reading = (source: Source, does = '', ...names: string[]): Reading => ({ source, names, does });

/** A container in its pod. */
export interface InPod {
  container: Container;
  tokens: readonly TokenVolume[];
}

/** The longest value of a variable, or path, in a text: a pod's author chooses it, and evidence is stored for each pod. */
export const MOST_VALUE = 200;
const MOST_MOUNTS = 3;
const short = (value: string): string => printed(value, MOST_VALUE);

const anyOf = (answers: readonly Answer[]): Answer =>
  answers.includes('yes') ? 'yes' : answers.includes('maybe') ? 'maybe' : 'no';

/** Returns the variables of a list that an SDK finds set, or may find set. */
const seen = (sdk: Sdk, container: Container, names: readonly VariableName[]): VariableName[] =>
  names.filter((name) => isSetFor(sdk, container, name) !== 'no');

function readFiles(link: Extract<Link, { kind: 'file' }>, sdk: Sdk, { container }: InPod): Reading | undefined {
  const mounted = container.mounts.filter(
    ({ path }) =>
      link.places === true && path.includes(FILES_DIRECTORY) && path.split(/[\\/]/).includes(FILES_DIRECTORY),
  );
  const names = [
    ...seen(sdk, container, link.names),
    ...mounted.slice(0, MOST_MOUNTS).map(({ path }) => `a volume at ${short(path)}`),
  ];
  return names.length === 0 ? undefined : reading('open', link.effect, ...names);
}

function readKeys(link: Extract<Link, { kind: 'keys' }>, sdk: Sdk, { container }: InPod): Reading | undefined {
  const answerOf = (names: readonly VariableName[]): Answer =>
    anyOf(names.map((name) => isSetFor(sdk, container, name)));
  const id = answerOf(link.ids);
  const secret = answerOf(link.secrets);
  const names = seen(sdk, container, [...link.ids, ...link.secrets]);
  // Keys from an optional Secret are a note, and not a doubt: every EBS CSI driver has them.
  if (id === 'no' || (id === 'maybe' && seen(sdk, container, link.ids).every((name) => isOptional(container, name))))
    return undefined;
  if (id === 'yes' && secret === 'yes') return reading('static-keys', 'use static keys', ...names);
  if (id === 'yes' && secret === 'no')
    return link.half === 'fails' ? reading('elsewhere', 'fail without a secret key', ...names) : undefined;
  return secret === 'no' && link.half === 'goes on'
    ? undefined
    : reading('open', 'use static keys, if they exist', ...names);
}

/** Returns what an SDK does with the file of a token for this audience, if it is set to this value. */
function readToken(source: 'agent' | 'irsa', name: VariableName, { container, tokens }: InPod): Reading {
  const shown = shownValue(container, name);
  if (shown.is !== 'value') return reading('open', 'read the token from a file that the spec does not show', name);
  const { value } = shown;
  const found = tokenAt(value, container, tokens);
  if (found.is === 'unsure')
    return reading('open', `read the token from ${short(value)}, whose place the spec does not show`, name);
  if (found.is === 'none')
    return reading('elsewhere', `find no token at ${short(value)}, where no volume is mounted`, name);
  if (found.is === 'other')
    return reading(
      'open',
      `read the token from ${short(value)}, which is in volume ${found.volume} and no token of the spec`,
      name,
    );
  if ((found.audience === POD_IDENTITY_CONFIG.audience) === (source === 'agent')) return reading(source, '', name);
  return reading(
    'elsewhere',
    `send the token for ${short(found.audience)} at ${short(value)}, which is not accepted`,
    name,
  );
}

function readWebIdentity(link: Extract<Link, { kind: 'web-identity' }>, sdk: Sdk, inPod: InPod): Reading | undefined {
  const file = isSetFor(sdk, inPod.container, IRSA_TOKEN_FILE);
  const role = isSetFor(sdk, inPod.container, ROLE);
  if (file === 'no' || (role === 'no' && link.half === 'goes on')) return undefined;
  if (file === 'yes' && role === 'no') return reading('elsewhere', `fail without ${ROLE}`, IRSA_TOKEN_FILE);
  if (file === 'yes' && role === 'yes') return readToken('irsa', IRSA_TOKEN_FILE, inPod);
  return reading('open', 'use a web identity, if it exists', IRSA_TOKEN_FILE, ROLE);
}

/** Returns the variables because of which an SDK asks an address through a proxy, or may do so. */
function proxiesOf(sdk: Sdk, { container }: InPod, address: string): VariableName[] {
  const proxies = seen(sdk, container, ['HTTP_PROXY', 'http_proxy']);
  const [exceptions] = seen(sdk, container, ['NO_PROXY', 'no_proxy']);
  if (proxies.length === 0 || exceptions === undefined) return proxies;
  const shown = shownValue(container, exceptions);
  if (shown.is !== 'value') return [...proxies, exceptions];
  const host = new URL(address).hostname.replaceAll(/[[\]]/g, '');
  return isExcepted(shown.value, host) ? [] : proxies;
}

/** Returns what an SDK does that asks the agent: whether it sends a token that is one for EKS Pod Identity. */
function readAgentToken(sdk: Sdk, inPod: InPod): Reading {
  const { container } = inPod;
  const file = isSetFor(sdk, container, TOKEN_FILE);
  if (file === 'yes') {
    const shown = shownValue(container, TOKEN_FILE);
    return shown.is === 'value' && shown.value === ''
      ? reading('elsewhere', 'fail, since the name of the token file is empty', TOKEN_FILE)
      : readToken('agent', TOKEN_FILE, inPod);
  }
  if (file === 'maybe') return reading('open', 'send the token of a file, if the variable exists', TOKEN_FILE);
  return isSetFor(sdk, container, TOKEN) === 'no'
    ? reading('elsewhere', `ask the agent without a token, since ${TOKEN_FILE} is not set`, ADDRESS)
    : reading('open', 'send this token, which the service cannot check', TOKEN);
}

function readContainerLink(sdk: Sdk, inPod: InPod): Reading | undefined {
  const { container } = inPod;
  const relative = isSetFor(sdk, container, RELATIVE);
  if (relative === 'yes') return reading('elsewhere', 'ask 169.254.170.2, and never the agent', RELATIVE);
  if (relative === 'maybe') return reading('open', 'ask 169.254.170.2, if the variable exists', RELATIVE);
  const address = isSetFor(sdk, container, ADDRESS);
  if (address === 'no') return undefined;
  const shown = shownValue(container, ADDRESS);
  if (address === 'maybe' || shown.is !== 'value')
    return reading('open', 'ask an address that the spec does not show', ADDRESS);
  const isAgent = isAgentAddress(shown.value);
  if (isAgent === 'maybe')
    return reading(
      'open',
      `read ${short(shown.value)} differently, and not all of them as the agent's address`,
      ADDRESS,
    );
  if (isAgent === 'yes') {
    const agent = readAgentToken(sdk, inPod);
    const proxies = agent.source === 'agent' ? proxiesOf(sdk, inPod, shown.value) : [];
    return proxies.length === 0
      ? agent
      : reading('open', 'ask the agent through a proxy, since NO_PROXY does not show its address', ...proxies);
  }
  return reading(
    'elsewhere',
    `ask ${shown.value === '' ? 'no address, and fail' : `${short(shown.value)}, which is not the address of the agent`}`,
    ADDRESS,
  );
}

function follow(link: Link, sdk: Sdk, inPod: InPod): Reading | undefined {
  if (link.kind === 'file') return readFiles(link, sdk, inPod);
  if (link.kind === 'keys') return readKeys(link, sdk, inPod);
  if (link.kind === 'web-identity') return readWebIdentity(link, sdk, inPod);
  return readContainerLink(sdk, inPod);
}

function readSdk(sdk: Sdk, inPod: InPod): Reading {
  for (const link of CHAINS[sdk]) {
    const found = follow(link, sdk, inPod);
    if (found) return found;
  }
  return reading('node-role');
}

export interface ContainerReading {
  /**
   * `elsewhere`: no SDK asks the agent, and not all have the same of the other sources. `unknown`: SDKs differ, or the spec
   * does not show it.
   */
  is: 'agent' | 'irsa' | 'node-role' | 'static-keys' | 'elsewhere' | 'unknown';
  /**
   * For `static-keys`, `elsewhere` and `unknown`: the variables that decide, and the reason, which names them and continues
   * a sentence about the container.
   */
  names: readonly string[];
  why: string;
  /** What could override the source, if it exists, but is not counted as unknown. */
  notes: string[];
  /** Whether the container has the complete configuration of EKS Pod Identity: the agent's address, and its token. */
  configured: boolean;
}

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;

/**
 * Returns a clause for each of the variables that decide, with the SDKs for which they do: "has X, with which AWS SDKs do this
 * (Go v2), or do that (botocore)".
 */
function reasons({ env }: Container, readings: readonly [Sdk, Reading][]): string {
  const isHidden = (name: string): boolean => Object.hasOwn(env, name) && env[name] === undefined;
  const clauses = new Map<string, Map<string, string[]>>();
  for (const [sdk, { names, does }] of readings) {
    if (names.length === 0 || does === '') continue;
    const set = listed(names.map((name) => (isHidden(name) ? `${name} (valueFrom)` : name)));
    const effects = clauses.get(set) ?? new Map<string, string[]>();
    clauses.set(set, effects.set(does, [...(effects.get(does) ?? []), SDK_NAMES[sdk]]));
  }
  return [...clauses]
    .map(([set, effects]) => {
      const texts = [...effects].map(([does, sdks]) =>
        sdks.length === SDKS.length ? does : `${does} (${sdks.join(', ')})`,
      );
      return `has ${set}, with which AWS SDKs ${texts.join(', or ')}`;
    })
    .join('; it ');
}

function isConfigured(inPod: InPod): boolean {
  const address = shownValue(inPod.container, ADDRESS);
  return (
    address.is === 'value' &&
    isAgentAddress(address.value) === 'yes' &&
    readToken('agent', TOKEN_FILE, inPod).source === 'agent'
  );
}

/** Returns what every SDK does, regardless of what `envFrom` adds. */
function readOwn(inPod: InPod): Pick<ContainerReading, 'is' | 'names' | 'why'> {
  const readings = SDKS.map((sdk) => [sdk, readSdk(sdk, inPod)] as const satisfies [Sdk, Reading]);
  const sources = new Set(readings.map(([, { source }]) => source));
  const [only = 'open', ...more] = sources;
  const deciding = readings.filter(
    ([, { source }]) => source !== 'agent' && source !== 'irsa' && source !== 'node-role',
  );
  const is = sources.has('open') || (more.length > 0 && sources.has('agent')) ? 'unknown' : 'elsewhere';
  return {
    is: more.length === 0 && only !== 'open' ? only : is,
    names: [...new Set(deciding.flatMap(([, { names }]) => names))],
    why: reasons(inPod.container, deciding),
  };
}

/** Returns from where the AWS SDKs in a container get credentials. */
export function readContainer(inPod: InPod): ContainerReading {
  const { container } = inPod;
  const { envFrom = [] } = container;
  const configured = isConfigured(inPod);
  const own = readOwn(inPod);
  const whole = envFrom.length === 0 ? undefined : `gets variables from ${some(envFrom)} (envFrom)`;
  const notes = [
    ...STATIC_KEYS.filter((name) => isOptional(container, name)).map(
      (name) => `an optional Secret or ConfigMap could set ${name}, which would take precedence`,
    ),
    ...(whole !== undefined && own.is === 'irsa'
      ? [
          `container ${container.name} also gets variables from ${some(envFrom)} (envFrom), and ${STATIC_KEY} would take precedence`,
        ]
      : []),
  ];
  if (whole === undefined || own.is === 'irsa' || own.is === 'static-keys' || own.is === 'elsewhere')
    return { ...own, notes, configured };
  const open = `${whole}, so that the pod does not show whether ${STATIC_KEY} or ${ROLE} is among them`;
  return {
    is: 'unknown',
    names: own.names,
    why: own.why === '' ? open : `${own.why}; it ${open}`,
    notes,
    configured,
  };
}
