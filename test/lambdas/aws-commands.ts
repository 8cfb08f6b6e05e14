/**
 * Runs the restore commands without a shell: words and quotes as POSIX has them, `aws eks` and `aws iam` as the AWS
 * CLI reads them (kebab-case options, shorthand or JSON for structures), its waiters with their own rules. Anything
 * else is an error, so that restore commands can't have what this does not understand.
 */

/** What the lines act on. `eks` throws an error whose name has NotFound in it for what is not there. */
export interface ScriptHost {
  /** An operation as the SDK names it, such as `CreateAddon`, with the SDK's input. */
  eks(operation: string, input: Record<string, unknown>, region: string): Promise<unknown>;
  /** The same of IAM, whose fields begin with a capital; a host without it has no line for it. */
  iam?(operation: string, input: Record<string, unknown>, region: string): Promise<unknown>;
  kubectl(words: string[]): Promise<void>;
  podIdentity(words: string[]): Promise<void>;
  sleep(milliseconds: number): Promise<void>;
}

type Kind = 'string' | 'flag' | 'map' | 'list' | 'structure';
const WHERE = { 'cluster-name': 'string' } as const;
const ADDON = { ...WHERE, 'addon-name': 'string' } as const;
const IDENTITY = {
  'service-account-role-arn': 'string',
  'pod-identity-associations': 'list',
  'resolve-conflicts': 'string',
} as const;
const FIELDS = { 'target-role-arn': 'string', 'disable-session-tags': 'flag', policy: 'string' } as const;

/** Options of each command, from its synopsis in the AWS CLI command reference. */
const COMMANDS: Record<string, Record<string, Kind>> = {
  'create-addon': {
    ...ADDON,
    ...IDENTITY,
    'addon-version': 'string',
    'configuration-values': 'string',
    'namespace-config': 'structure',
    tags: 'map',
  },
  'update-addon': { ...ADDON, ...IDENTITY, 'addon-version': 'string', 'configuration-values': 'string' },
  'delete-addon': { ...ADDON, preserve: 'flag' },
  'describe-addon': ADDON,
  'create-pod-identity-association': {
    ...WHERE,
    ...FIELDS,
    namespace: 'string',
    'service-account': 'string',
    'role-arn': 'string',
    tags: 'map',
  },
  'update-pod-identity-association': { ...WHERE, ...FIELDS, 'association-id': 'string', 'role-arn': 'string' },
  'delete-pod-identity-association': { ...WHERE, 'association-id': 'string' },
  'list-pod-identity-associations': { ...WHERE, namespace: 'string', 'service-account': 'string' },
  'tag-resource': { 'resource-arn': 'string', tags: 'map' },
  'describe-addon-versions': { 'addon-name': 'string', 'kubernetes-version': 'string' },
  'update-kubeconfig': { name: 'string' },
};

/** The same of `aws iam`. */
const IAM_COMMANDS: Record<string, Record<string, Kind>> = {
  'create-open-id-connect-provider': { url: 'string', 'client-id-list': 'string' },
  'add-client-id-to-open-id-connect-provider': { 'open-id-connect-provider-arn': 'string', 'client-id': 'string' },
  'update-assume-role-policy': { 'role-name': 'string', 'policy-document': 'string' },
};
const SERVICES: Record<string, Record<string, Record<string, Kind>>> = { eks: COMMANDS, iam: IAM_COMMANDS };

const SHELL_SYNTAX = /[|&;<>()`$\\!*?[\]{}~"]/;

interface Line {
  words: string[];
  mayFail: boolean;
}

/** Words of one line. `substitute` answers what the command in `"$(…)"` prints. */
export async function parseLine(
  line: string,
  substitute: (command: string) => Promise<string>,
): Promise<Line | undefined> {
  // A terminal acts on anything else before a shell has it, and an interactive zsh has no comments.
  if (/[^ -~]/.test(line)) throw new Error(`not printable ASCII: ${JSON.stringify(line)}`);
  if (line.startsWith('#')) throw new Error(`a comment: ${line}`);
  const mayFail = line.endsWith(' || true');
  const text = mayFail ? line.slice(0, -' || true'.length) : line;
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) throw new Error(`a quote is not closed: ${text}`);
      word = (word ?? '') + text.slice(at + 1, end);
      at = end;
    } else if (text.startsWith("$'", at)) {
      const [, inner] = /^((?:[^'\\]|\\[0-7]{3})*)'/.exec(text.slice(at + 2)) ?? [];
      if (inner === undefined) throw new Error(`an escaped quote is not closed: ${text}`);
      const bytes = inner.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      );
      word = (word ?? '') + Buffer.from(bytes, 'latin1').toString('utf8');
      at += inner.length + 2;
    } else if (text.startsWith('"$(', at)) {
      const end = text.indexOf(')"', at);
      if (end < 0) throw new Error(`a substitution is not closed: ${text}`);
      word = (word ?? '') + (await substitute(text.slice(at + 3, end)));
      at = end + 1;
    } else if (character === '\\') {
      at += 1;
      word = (word ?? '') + text.charAt(at);
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      if (SHELL_SYNTAX.test(character)) throw new Error(`unquoted ${character}: ${text}`);
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  return { words, mayFail };
}

const camelCase = (name: string): string => name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
/** `a=x,b=y`, as the CLI's shorthand has a structure. */
const shorthand = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split(',').map((pair) => {
      const [, name, value = ''] = /^(\w+)=([^,='"[\]{}]*)$/.exec(pair) ?? [];
      if (name === undefined) throw new Error(`not the CLI's shorthand: ${text}`);
      return [name, value];
    }),
  );

function valueOf(kind: Kind, words: string[], name: string): unknown {
  const [first = ''] = words;
  if (kind !== 'list' && words.length !== 1) throw new Error(`--${name} takes one value, not ${words.length}`);
  if (kind === 'string') {
    // The CLI loads nothing for `create-open-id-connect-provider --url`.
    if (name !== 'url' && /^(file|fileb|https?):\/\//.test(first))
      throw new Error(`the CLI would load --${name} from ${first}`);
    return first;
  }
  if (/^[[{]/.test(first)) return JSON.parse(first) as unknown;
  if (kind === 'list') return words.map(shorthand);
  return shorthand(first);
}

interface AwsCommand {
  command: string;
  /** `addon-active` of `wait addon-active`. */
  waiter?: string;
  input: Record<string, unknown>;
  region: string;
  query?: string;
}

/** The words after `aws eks`, or another service. */
export function parseAwsCommand(words: string[], service = 'eks'): AwsCommand {
  const [first = '', ...after] = words;
  const waiter = first === 'wait' ? after.shift() : undefined;
  const options = SERVICES[service]?.[waiter === undefined ? first : 'describe-addon'];
  if (!options) throw new Error(`aws ${service} ${first} is not a restore command`);
  const parsed: AwsCommand = { command: first, input: {}, region: '', ...(waiter === undefined ? {} : { waiter }) };
  while (after.length > 0) {
    const word = after.shift() ?? '';
    const [, option, joined] = /^--([a-z-]+)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (option === undefined) throw new Error(`aws ${service} ${first}: ${word} is no option`);
    const flag = option.replace(/^no-/, '');
    if (options[flag] === 'flag') {
      parsed.input[camelCase(flag)] = flag === option;
      continue;
    }
    const next = after.findIndex((one) => one.startsWith('--'));
    const values = joined === undefined ? after.splice(0, next < 0 ? after.length : next) : [joined];
    if (option === 'region') parsed.region = String(valueOf('string', values, option));
    else if (option === 'query') parsed.query = String(valueOf('string', values, option));
    else if (option === 'output') valueOf('string', values, option);
    else {
      const kind = options[option];
      if (!kind) throw new Error(`aws ${service} ${first} has no option --${option}`);
      parsed.input[camelCase(option)] = valueOf(kind, values, option);
    }
  }
  if (parsed.region === '') throw new Error(`aws ${service} ${first} names no region`);
  return parsed;
}

const isMissing = (error: unknown): boolean => error instanceof Error && /NotFound/.test(error.name);

/** As the CLI's waiters: DescribeAddon every 10 s, 60 times. Source: EKS API model, waiters-2. */
async function waitFor(waiter: string, { input, region }: AwsCommand, host: ScriptHost): Promise<void> {
  for (let poll = 1; poll <= 60; poll += 1) {
    const status = await host.eks('DescribeAddon', input, region).then(
      (answer) => String((answer as { addon?: { status?: string } }).addon?.status),
      (error: unknown) => {
        if (isMissing(error)) return 'ResourceNotFoundException';
        throw error;
      },
    );
    if (status === (waiter === 'addon-active' ? 'ACTIVE' : 'ResourceNotFoundException')) return;
    const failures =
      waiter === 'addon-active' ? ['CREATE_FAILED', 'DEGRADED', 'ResourceNotFoundException'] : ['DELETE_FAILED'];
    if (failures.includes(status)) throw new Error(`Waiter ${waiter} failed: ${status}`);
    await host.sleep(10_000);
  }
  throw new Error(`Waiter ${waiter} failed: Max attempts exceeded`);
}

/** `associations[0].associationId` and the like; `None` for nothing, as the CLI prints it. */
const queried = (answer: unknown, path: string): string => {
  let value: unknown = answer;
  for (const part of path.match(/\w+/g) ?? []) value = (value as Record<string, unknown> | undefined)?.[part];
  return typeof value === 'string' ? value : 'None';
};

async function runAws(words: string[], host: ScriptHost): Promise<string> {
  const [service = '', ...rest] = words;
  if (service !== 'eks' && (service !== 'iam' || !host.iam))
    throw new Error(`aws ${service} is not one of the restore commands`);
  const parsed = parseAwsCommand(rest, service);
  const { command, waiter, input, region, query } = parsed;
  if (waiter !== undefined) {
    await waitFor(waiter, parsed, host);
    return '';
  }
  if (command === 'update-kubeconfig') return '';
  const operation = camelCase(`-${command}`);
  if (service === 'iam') {
    await host.iam?.(
      operation,
      Object.fromEntries(Object.entries(input).map(([name, value]) => [camelCase(`-${name}`), value])),
      region,
    );
    return '';
  }
  const answer = await host.eks(operation, input, region);
  return query === undefined ? '' : queried(answer, query);
}

const WORDS_OF_SUBSTITUTION = async (): Promise<string> => {
  throw new Error('a substitution within a substitution');
};

async function runLine({ words }: Line, host: ScriptHost): Promise<void> {
  const [program, ...rest] = words;
  if (program === ':') return;
  if (program === 'aws') await runAws(rest, host);
  else if (program === 'kubectl') await host.kubectl(rest);
  else if (program === 'pod-identity') await host.podIdentity(rest);
  else if (program === 'sleep' && /^\d+$/.test(rest.join(' '))) await host.sleep(Number(rest[0]) * 1000);
  else throw new Error(`${program ?? 'an empty line'} is not one of the restore commands`);
}

/**
 * Runs all lines in order, as pasting them would; answers what went wrong, with the line. Only `|| true` may fail
 * silently.
 */
export async function runScript(lines: string[], host: ScriptHost): Promise<string[]> {
  const problems: string[] = [];
  for (const line of lines) {
    let parsed: Line | undefined;
    try {
      parsed = await parseLine(line, async (inner) => {
        const substitution = await parseLine(inner, WORDS_OF_SUBSTITUTION);
        return runAws(substitution?.words.slice(1) ?? [], host);
      });
      if (parsed) await runLine(parsed, host);
    } catch (error) {
      if (!parsed?.mayFail)
        problems.push(`${line}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
    }
  }
  return problems;
}
