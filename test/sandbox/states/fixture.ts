/** Executions over hand-written definitions and functions, in virtual time. */
import { Readable } from 'node:stream';
import { SFN } from '@aws-sdk/client-sfn';
import { HttpResponse } from '@smithy/core/protocols';
import type { HttpRequest } from '@smithy/types';
import type { AssemblyFunction } from '../../../sandbox/assembly/functions.ts';
import type { AssemblyBucket } from '../../../sandbox/assembly/buckets.ts';
import { Buckets } from '../../../sandbox/s3/buckets.ts';
import { type Invoker, SourceRuntime } from '../../../sandbox/lambda/source-runtime.ts';
import { type Execution, Executions } from '../../../sandbox/states/executions.ts';
import type { HistoryEvent } from '../../../sandbox/states/history.ts';
import { createStatesService } from '../../../sandbox/states/service.ts';
import type { StateSet } from '../../../sandbox/states/definition.ts';
import { reachedIn } from '../../../sandbox/states/validation/transitions.ts';
import { VirtualClock } from '../../../sandbox/clock/clock.ts';
import type { Knobs } from '../../../sandbox/knobs/knobs.ts';
import type { RoleState, World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, bareWorld, START } from '../../../sandbox/build/bare-world.ts';

export { START };
export const MACHINE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:machine';
export const ROLE = 'arn:aws:iam::111122223333:role/machine';
export const functionArn = (name: string): string => `arn:aws:lambda:eu-west-1:111122223333:function:${name}`;

export const allow = (action: string, ...resources: string[]): object => ({
  Effect: 'Allow',
  Action: action,
  Resource: resources,
});

/** A role of the account with these statements. */
export const roleOf = (arn: string, ...statements: object[]): RoleState => ({
  arn,
  name: arn.split('/').at(-1)!,
  path: '/',
  roleId: 'AROAXXXXXXXXXXXXXXXXX',
  createdAt: START,
  trustPolicy: '{}',
  pastTrust: [],
  policies: [{ name: 'own', document: JSON.stringify({ Version: '2012-10-17', Statement: statements }) }],
  attachedPolicies: [],
  tags: {},
});

/** A world with only roles; by default the state machine's role may call every function. */
export const worldOf = (
  seed = 1,
  roles: RoleState[] = [roleOf(ROLE, allow('lambda:InvokeFunction', functionArn('*')))],
  knobs: Partial<Knobs> = {},
): World =>
  bareWorld({
    seed,
    knobs,
    accounts: new Map([
      [ACCOUNT, { id: ACCOUNT, roles: new Map(roles.map((role) => [role.name, role])), clusters: new Map() }],
    ]),
  });

export const functionOf = (name: string, more: Partial<AssemblyFunction> = {}): AssemblyFunction => ({
  logicalId: name,
  name,
  arn: functionArn(name),
  versionArns: [`${functionArn(name)}:1`],
  handler: `${name}.handler`,
  timeoutSeconds: 60,
  memoryMb: 512,
  environment: {},
  roleArn: `arn:aws:iam::111122223333:role/${name}`,
  codeDirectory: '/nowhere',
  ...more,
});

export type Handlers = Record<string, (payload: never, clock: VirtualClock) => unknown>;

export const fail = (name: string, message: string): never => {
  throw Object.assign(new Error(message), { name });
};

/** A Task that calls a function of the handlers. */
export const invoke = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: `${functionArn(name)}:1`, Payload: '{% $states.input %}' },
  Output: '{% $states.result.Payload %}',
  ...more,
});

/** A Task that calls a function of the handlers with its token, and waits for the token. */
export const waitForToken = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Arguments: { FunctionName: `${functionArn(name)}:1`, Payload: { token: '{% $states.context.Task.Token %}' } },
  ...more,
});

export interface Bench {
  world: World;
  clock: VirtualClock;
  executions: Executions;
  /** Runs one execution to its end. */
  run(input?: unknown): Promise<Execution>;
}

export interface BenchOptions {
  handlers?: Handlers;
  seed?: number;
  clock?: VirtualClock;
  functions?: AssemblyFunction[];
  knobs?: Partial<Knobs>;
  /** Replace the default role of the state machine, which may call every function. */
  roles?: RoleState[];
  buckets?: AssemblyBucket[];
  forgetHistories?: boolean;
  onStatus?: (execution: Execution) => void;
}

/**
 * Returns the definition without unreachable states: tests offer more targets than they use, and AWS refuses
 * unreachable states.
 */
export const withoutUnused = (definition: Record<string, unknown>): Record<string, unknown> => {
  const { StartAt, States } = definition as unknown as StateSet;
  const reached = reachedIn({ StartAt, States });
  return { ...definition, States: Object.fromEntries(Object.entries(States).filter(([name]) => reached.has(name))) };
};

export const openBench = (definition: Record<string, unknown>, options: BenchOptions = {}): Bench => {
  const { handlers = {}, seed, clock = new VirtualClock(START) } = options;
  const world = worldOf(seed, options.roles, options.knobs);
  const createInvoker =
    (fn: AssemblyFunction): Invoker =>
    async (payload) =>
      handlers[fn.name]!(payload as never, clock);
  const lambda = new SourceRuntime({
    world,
    clock,
    functions: options.functions ?? Object.keys(handlers).map((name) => functionOf(name)),
    steps: handlers,
    createInvoker,
  });
  const machine = {
    logicalId: 'Machine',
    name: 'machine',
    arn: MACHINE,
    definition: { QueryLanguage: 'JSONata', ...withoutUnused(definition) },
    roleArn: ROLE,
  };
  const { forgetHistories = false, onStatus } = options;
  const buckets = new Buckets({ world, clock, buckets: options.buckets ?? [] });
  const executions = new Executions({
    world,
    clock,
    lambda,
    buckets,
    forgetHistories,
    stateMachines: [machine],
    ...(onStatus ? { onStatus } : {}),
  });
  return {
    world,
    clock,
    executions,
    run: async (input = {}) => {
      const execution = executions.start(MACHINE, JSON.stringify(input));
      await execution.ended;
      return execution;
    },
  };
};

// A plain view: the SDK's own byte arrays warn when they are used like text.
const bytesOf = (body: Uint8Array): Uint8Array => new Uint8Array(body.buffer, body.byteOffset, body.byteLength);

interface Described {
  operation: string;
  input: unknown;
}

/** The real client directly connected to the service. */
export const openService = (
  definition: Record<string, unknown>,
  options?: BenchOptions,
): Bench & { client: SFN; described: Described[] } => {
  const bench = openBench(definition, options);
  const service = createStatesService(bench.world, bench.executions);
  const described: Described[] = [];
  const caller = { accessKeyId: 'AKIA', principalArn: ROLE, account: '111122223333' };
  const handle = async (request: HttpRequest): Promise<{ response: HttpResponse }> => {
    const response = await service(
      {
        method: request.method,
        host: request.hostname,
        path: request.path,
        query: {},
        headers: request.headers,
        body: bytesOf(request.body),
      },
      {
        caller,
        region: 'eu-west-1',
        describe: (operation, input) => described.push({ operation, input }),
        authorize: () => undefined,
      },
    );
    return {
      response: new HttpResponse({
        statusCode: response.status,
        headers: response.headers,
        body: Readable.from([Buffer.from(response.body as string)]),
      }),
    };
  };
  const client = new SFN({
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
    requestHandler: { handle } as never,
  });
  return { ...bench, client, described };
};

/** Runs one state that may name other states as its targets; these end with their input as output. */
export const runState = async (
  state: Record<string, unknown>,
  input: unknown = {},
  options: BenchOptions = {},
): Promise<Execution> => {
  const others = Object.fromEntries(
    ['Yes', 'No', 'Caught'].map((name) => [
      name,
      { Type: 'Pass', Output: { to: name, input: '{% $states.input %}' }, End: true },
    ]),
  );
  return openBench({ StartAt: 'It', States: { It: state, ...others } }, options).run(input);
};

/** Runs one Task that calls a function, with an empty input. */
export const runTask = (
  more: Record<string, unknown>,
  it: Handlers[string],
  options: BenchOptions = {},
): Promise<Execution> => runState(invoke('it', { End: true, ...more }), {}, { handlers: { it }, ...options });

/** A function that runs for that long. */
export const sleeps =
  (milliseconds: number) =>
  (_: unknown, clock: VirtualClock): Promise<void> =>
    clock.sleep(milliseconds);

/** A definition of a single state. */
export const only = (state: Record<string, unknown>, more: object = {}) => ({
  StartAt: 'A',
  States: { A: state },
  ...more,
});

/** The types of an execution's events, as one text. */
export const tracedBy = (execution: Pick<Execution, 'history'>): string => typesOf(execution).join(' ');

export const outputOf = (execution: Execution): unknown => {
  if (execution.output === undefined)
    throw new Error(`It ended ${execution.status}: ${execution.error}: ${execution.cause}`);
  return JSON.parse(execution.output);
};

export const typesOf = ({ history }: Pick<Execution, 'history'>): string[] => history.events.map(({ type }) => type);
export const ofType = ({ history }: Execution, type: string): HistoryEvent[] =>
  history.events.filter((event) => event.type === type);
/** Seconds after the start of the execution at which events of that type occurred. */
export const secondsOf = (execution: Execution, type: string): number[] =>
  ofType(execution, type).map(({ timestamp }) => (timestamp - execution.startedAt) / 1000);
