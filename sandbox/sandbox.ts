/** Opens AWS on this machine: a scenario's world, the services over it, and the service itself deployed in it. */
import type { AwsCredentialIdentity } from '@smithy/types';
import { ulid } from 'ulid';
import { ClientFactory } from '../lambdas/adapters/clients.ts';
import { s3Documents } from '../lambdas/adapters/s3-documents.ts';
import { createHandler } from '../lambdas/runtime/handler.ts';
import type { LambdaContext as HandlerContext } from '../lambdas/runtime/handler.ts';
import type { Clock } from '../lambdas/ports/runtime.ts';
import type { Step } from '../lambdas/runtime/step.ts';
import { wire } from '../lambdas/runtime/wiring.ts';
import { steps } from '../lambdas/steps/index.ts';
import { loopbackUrlOf } from './apigateway/addresses.ts';
import { createApiGateway } from './apigateway/service.ts';
import type { AssemblyApi } from './assembly/apis.ts';
import { type Assembly, type AssemblyFunction, type AssemblyStateMachine, loadAssembly } from './assembly/assembly.ts';
import { loadSpokes } from './assembly/spokes.ts';
import { Authorizer } from './authorization/authorizer.ts';
import { createDoor, type Door } from './door.ts';
import { createDynamoDb } from './dynamodb/service.ts';
import { createEksService } from './eks/service.ts';
import type { BusPlace } from './events/bus.ts';
import { deployEvents } from './events/deploy.ts';
import { createEventsService } from './events/service.ts';
import type { Service } from './http.ts';
import { createIamService } from './iam/service.ts';
import { createKubernetesService } from './kubernetes/service.ts';
import { BundledRuntime } from './lambda/bundled-runtime.ts';
import { sleepWhileRunning } from './lambda/invocation.ts';
import type { LambdaRuntime } from './lambda/runtime.ts';
import { SourceRuntime, stepOf } from './lambda/source-runtime.ts';
import { Buckets } from './s3/buckets.ts';
import { createS3Service } from './s3/service.ts';
import { checkServiceRoles } from './service-roles.ts';
import { Executions } from './states/executions.ts';
import { createStatesService } from './states/service.ts';
import { credentialsOf, operatorRoleArn } from './sts/access-keys.ts';
import { createStsService } from './sts/service.ts';
import { collectTelemetry, type TelemetryLine } from './telemetry.ts';
import { inProcessTransport } from './transports/in-process.ts';
import { type Loopback, openLoopback } from './transports/loopback.ts';
import { homeOf, spokePlacesOf } from './world/build.ts';
import { type SandboxClock, VirtualClock } from './world/clock.ts';
import { CALL_FAULTS } from './world/faults.ts';
import { buildWorld } from './world/load.ts';
import { ScaledClock } from './world/scaled-clock.ts';
import type { Scenario } from './world/scenario.ts';
import type { World } from './world/world.ts';

export interface SandboxOptions {
  scenario: Scenario;
  seed?: number;
  /**
   * Default: virtual; real where the sandbox listens (see `listen`), since other programs can't live in virtual time.
   */
  clock?: 'virtual' | 'real' | { scaled: number };
  /**
   * `source` (default) runs handlers from source in this process; `bundled` runs the built asset in child processes
   * over loopback.
   */
  lambdas?: 'source' | 'bundled';
  /**
   * Also serves AWS and the clusters' API servers on 127.0.0.1, for other programs; at that port, a free one by
   * default. Wants a real or scaled clock. Bundled functions have it served anyway.
   */
  listen?: { port?: number };
  /**
   * Callers name their access key instead of signing, which takes a quarter of a run's time: for many runs. Only in
   * this process: where the sandbox listens, every caller signs. Default: false.
   */
  trustCallers?: boolean;
  /**
   * An execution that has ended keeps the last event of its history alone: for thousands of them in one process.
   * Default: false.
   */
  forgetHistories?: boolean;
  /**
   * How many of the latest calls, and of the lines that functions log, are kept, for runs with millions of them; see
   * `CallLog`. Default: all.
   */
  keepCalls?: number;
  /** What a state machine runs in place of its own definition, such as that of an earlier release. Default: its own. */
  definitionOf?: (machine: AssemblyStateMachine, assembly: Assembly) => object;
}

export interface Sandbox {
  world: World;
  clock: SandboxClock;
  /** Clients that call this sandbox as that role; the operator's role when left out. */
  clients(as?: AwsCredentialIdentity, region?: string): ClientFactory;
  /**
   * ARNs of the deployed state machines, the name of the ledger's table, and the roles that call API servers, all of
   * them, those that restart workloads there and those that change service accounts, as the template's outputs say;
   * Retire is there where roles' trust may be changed.
   */
  outputs: {
    stateMachineArn: string;
    recoverStateMachineArn: string;
    retireStateMachineArn?: string;
    sweepStateMachineArn?: string;
    sweepBucketName?: string;
    tableName: string;
    kubernetesRoleArns: string[];
    restartRoleArns: string[];
    annotateRoleArns: string[];
  };
  /** What runs and has run: whoever waits for an execution's end parks on its `ended`, which costs no calls. */
  executions: Executions;
  /**
   * Puts an event of AWS's own, such as a recorded one of CloudTrail, on the default bus of that place, or where the
   * service is deployed: the rules that match it get it `eventLagSeconds` later. Throws EventError for what is no
   * event.
   */
  deliver(event: unknown, place?: BusPlace): void;
  /** What the functions logged and counted so far. */
  logs(): TelemetryLine[];
  /** What the sandbox's own services threw; each is a defect of the sandbox. */
  failures: Door['failures'];
  /** What was refused for want of a right, and the rights that calls rested on. */
  authorizer: Authorizer;
  /** Where the AWS services listen, and variables that point other programs there; there for a sandbox that listens. */
  url?: Loopback['url'];
  environment?: Loopback['environment'];
  /**
   * Base URL of the application's HTTP API, its first stage, without a slash at the end; there where the application
   * has one. Of a sandbox that listens it is on 127.0.0.1, otherwise the API's own host in AWS, which
   * `clients().config.transport.http` reaches. Requests are signed for `execute-api` in `world.home.region`; in virtual
   * time whoever sends them is a thread of the clock.
   */
  apiUrl?: string;
  /** Stops what still runs, and ends every process and connection. */
  close(): Promise<void>;
}

const openClock = (kind: NonNullable<SandboxOptions['clock']>, startAt: number): SandboxClock => {
  if (kind === 'virtual') return new VirtualClock(startAt);
  return new ScaledClock(kind === 'real' ? 1 : kind.scaled, startAt);
};

/** Reports of sweeps say so of what they have measured. */
const SIMULATED = { SIMULATED: 'true' };

const outputOf = (assembly: Assembly, name: string, directory: string): string => {
  const value = assembly.outputs[name];
  if (value === undefined)
    throw new Error(`The application in ${directory} has no output ${name}. Build the project again (npm run build).`);
  return value;
};

/** Of the first stage of the first API. `url`: where the sandbox listens. */
const apiUrlOf = (apis: readonly AssemblyApi[], url: string | undefined): string | undefined => {
  const [api] = apis;
  const [stage] = api?.stages ?? [];
  if (!api || !stage) return undefined;
  return url === undefined ? `https://${api.host}/${stage.name}` : loopbackUrlOf(apis, api, stage.name, url);
};

interface Deployment {
  world: World;
  clock: SandboxClock;
  assembly: Assembly;
  door: Door;
  authorizer: Authorizer;
  trustCallers: boolean;
  keepCalls?: number | undefined;
  /** Of a function: a session of its role, named after it as Lambda names it. */
  credentialsFor: (fn: AssemblyFunction) => AwsCredentialIdentity;
}

/** Issued in the functions' order before anything runs, so that who runs first changes nothing. */
const issueCredentials = (world: World, functions: readonly AssemblyFunction[]): Deployment['credentialsFor'] => {
  const credentials = new Map(functions.map((fn) => [fn.arn, credentialsOf(world, fn.roleArn, fn.name)]));
  return (fn) => credentials.get(fn.arn) ?? credentialsOf(world, fn.roleArn, fn.name);
};

/**
 * How long a function's call to AWS takes, milliseconds: steps that follow each other have different times. A
 * placeholder, not a measurement.
 */
const CALL_MILLISECONDS = 20;

/** Functions run from their source, each with the credentials of its own role. */
const deploySource = ({
  world,
  clock,
  assembly,
  door,
  authorizer,
  trustCallers,
  keepCalls,
  credentialsFor,
}: Deployment): { lambda: LambdaRuntime; logs: () => TelemetryLine[] } => {
  const lines: TelemetryLine[] = [];
  const random = world.random.fork();
  const transport = inProcessTransport(door, world, {
    latency: () => clock.sleep(CALL_MILLISECONDS),
    hang: sleepWhileRunning(clock),
    trusted: trustCallers,
  });
  const functionClock: Clock = { now: () => clock.now(), sleep: sleepWhileRunning(clock) };
  const ids = { ulid: () => ulid(clock.now(), () => random.next()) };
  const known: Record<string, Step> = steps;
  const lambda = new SourceRuntime({
    world,
    clock,
    authorizer,
    functions: assembly.functions,
    steps: known,
    createInvoker: (fn) => {
      const name = stepOf(fn);
      const step = known[name];
      if (!step) throw new Error(`There is no step ${name}.`);
      const telemetry = collectTelemetry(lines, fn.name, clock, keepCalls);
      const [, , , region = ''] = fn.arn.split(':');
      const clients = new ClientFactory({ region, credentials: credentialsFor(fn), transport });
      const dependencies = wire({
        clients,
        step: name,
        environment: { ...fn.environment, ...SIMULATED },
        clock: functionClock,
        ids,
        telemetry,
        documentsOf: s3Documents,
      });
      const handler = createHandler(step, dependencies);
      // The type of aws-lambda has members of a time before async handlers, which no step uses.
      return (payload, context) => handler(payload, context as HandlerContext);
    },
  });
  return { lambda, logs: () => lines };
};

/** Functions run from the bundles, in processes that reach the sandbox by loopback. */
const deployBundled = ({ world, clock, assembly, authorizer, credentialsFor }: Deployment, loopback: Loopback) => {
  const lambda = new BundledRuntime({
    world,
    clock,
    authorizer,
    functions: assembly.functions,
    environmentOf: (fn) => ({ ...loopback.environment(credentialsFor(fn), fn.arn.split(':')[3]), ...SIMULATED }),
  });
  const logs = (): TelemetryLine[] =>
    lambda.logs.map(({ functionName, stream, text }) => ({
      functionName,
      level: stream === 'stderr' ? 'ERROR' : 'INFO',
      message: text.trimEnd(),
    }));
  return { lambda, logs };
};

/**
 * Opens a sandbox over a synthesised application (`assemblyDirectory`: a cdk.out). Throws AssemblyError for an
 * application that can't be read, ServiceRoleError for one whose roles AWS could not use, PortError for a port that
 * can't be had, and an Error for a definition or a clock that can't be run here.
 *
 * Bundled functions look at the machine's clock, so their sandbox's time starts now, unless the scenario starts later.
 */
export const openSandbox = async (options: SandboxOptions & { assemblyDirectory: string }): Promise<Sandbox> => {
  const {
    assemblyDirectory,
    seed,
    lambdas = 'source',
    definitionOf = ({ definition }: AssemblyStateMachine) => definition,
  } = options;
  const startAt =
    lambdas === 'source'
      ? Date.parse(options.scenario.startAt)
      : Math.max(Date.parse(options.scenario.startAt), Date.now());
  const scenario: Scenario = { ...options.scenario, startAt: new Date(startAt).toISOString() };
  const listens = lambdas === 'bundled' || options.listen !== undefined;
  const kind = options.clock ?? (listens ? 'real' : 'virtual');
  if (options.trustCallers === true && listens)
    throw new Error(
      "A sandbox that listens can't trust its callers, who come from outside. Leave out trustCallers, or don't listen and run the functions from source.",
    );
  if (options.listen && kind === 'virtual')
    throw new Error("A sandbox that listens can't run in virtual time. Open it with a real or scaled clock.");

  const assembly = loadAssembly(assemblyDirectory, homeOf(scenario));
  const spokes = loadSpokes(assemblyDirectory, {
    places: spokePlacesOf(scenario),
    outputs: assembly.outputs,
    rolesRegion: homeOf(scenario).region,
  });
  checkServiceRoles(assembly);
  checkServiceRoles({ ...assembly, functions: [], stateMachines: [], ...spokes });
  const {
    RetireStateMachineArn: retireStateMachineArn,
    SweepStateMachineArn: sweepStateMachineArn,
    SweepBucketName: sweepBucketName,
  } = assembly.outputs;
  const outputs: Sandbox['outputs'] = {
    stateMachineArn: outputOf(assembly, 'StateMachineArn', assemblyDirectory),
    recoverStateMachineArn: outputOf(assembly, 'RecoverStateMachineArn', assemblyDirectory),
    ...(retireStateMachineArn === undefined ? {} : { retireStateMachineArn }),
    ...(sweepStateMachineArn === undefined ? {} : { sweepStateMachineArn }),
    ...(sweepBucketName === undefined ? {} : { sweepBucketName }),
    tableName: outputOf(assembly, 'TableName', assemblyDirectory),
    kubernetesRoleArns: outputOf(assembly, 'KubernetesRoleArns', assemblyDirectory).split(','),
    restartRoleArns: outputOf(assembly, 'KubernetesRestartRoleArns', assemblyDirectory).split(','),
    annotateRoleArns: outputOf(assembly, 'KubernetesAnnotateRoleArns', assemblyDirectory).split(','),
  };
  const world = buildWorld(scenario, {
    ...(seed === undefined ? {} : { seed }),
    ...(options.keepCalls === undefined ? {} : { keepCalls: options.keepCalls }),
    roles: assembly.roles,
    kubernetesRoles: outputs.kubernetesRoleArns,
    restartRoles: outputs.restartRoleArns,
    annotateRoles: outputs.annotateRoleArns,
    spokeRoles: spokes.roles,
  });
  if (lambdas === 'bundled') world.faults.restrict(CALL_FAULTS);
  const clock = openClock(kind, startAt);

  const dynamodb = createDynamoDb(world);
  const tables = Promise.all(assembly.tables.map(dynamodb.createTable));
  const buckets = new Buckets({ world, clock, buckets: assembly.buckets ?? [] });
  const services: Record<string, Service> = {
    eks: createEksService(world),
    iam: createIamService(world),
    sts: createStsService(world),
    dynamodb: dynamodb.service,
    s3: createS3Service(world, buckets),
  };
  const { trustCallers = false, forgetHistories = false } = options;
  // Functions in processes of their own are known by their role alone.
  const stepsByRole = new Map(lambdas === 'bundled' ? assembly.functions.map((fn) => [fn.roleArn, stepOf(fn)]) : []);
  const authorizer = new Authorizer(world);
  const { apis = [] } = assembly;
  let deployed: { lambda: LambdaRuntime; logs: () => TelemetryLine[] } | undefined;
  const invoke: LambdaRuntime['invoke'] = (...given) => {
    if (!deployed) throw new Error("The sandbox's functions are not deployed yet.");
    return deployed.lambda.invoke(...given);
  };
  const gateway = apis.length === 0 ? {} : { apis: createApiGateway({ world, clock, apis, invoke }) };
  const door = createDoor({
    world,
    clock,
    services,
    trustCallers,
    authorizer,
    ...gateway,
    stepOf: (role) => stepsByRole.get(role),
    kubernetes: (cluster) => createKubernetesService(world, cluster),
  });
  const transport = inProcessTransport(door, world, { trusted: trustCallers });
  const operator = credentialsOf(world, operatorRoleArn(world));
  const clients: Sandbox['clients'] = (credentials = operator, region = world.home.region) =>
    new ClientFactory({ region, credentials, transport });

  await tables;
  const deployment: Deployment = {
    world,
    clock,
    assembly,
    door,
    authorizer,
    trustCallers,
    keepCalls: options.keepCalls,
    credentialsFor: issueCredentials(world, assembly.functions),
  };
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).toReversed()) await end();
  };
  try {
    // Whoever calls from outside is no thread of the clock; answering is.
    const frontDoor: Door = { ...door, handle: (request) => clock.spawn(() => door.handle(request)) };
    const loopback = listens
      ? await openLoopback({ door: frontDoor, world, credentials: operator, ...options.listen })
      : undefined;
    if (loopback) closing.push(loopback.close);
    if (lambdas === 'bundled' && loopback) {
      const bundled = deployBundled(deployment, loopback);
      closing.push(() => bundled.lambda.close());
      deployed = bundled;
    } else {
      deployed = deploySource(deployment);
    }
    const executions = new Executions({
      world,
      clock,
      stateMachines: assembly.stateMachines.map((machine) => ({
        ...machine,
        definition: definitionOf(machine, assembly),
      })),
      lambda: deployed.lambda,
      authorizer,
      buckets,
      forgetHistories,
      onStatus: (execution) => bus.executionChanged(execution),
    });
    const { bus, close: closeEvents } = deployEvents({
      world,
      clock,
      assembly,
      spokeRules: spokes.rules,
      authorizer,
      lambda: deployed.lambda,
      startExecution: (...given) => executions.start(...given),
    });
    closing.push(async () => {
      closeEvents();
      for (const execution of executions.running()) execution.stop();
    });
    services['states'] = createStatesService(world, executions);
    services['events'] = createEventsService(world, bus);
    const apiUrl = apiUrlOf(apis, loopback?.url);
    return {
      world,
      clock,
      clients,
      outputs,
      executions,
      deliver: (event, place) => bus.receive(event, place),
      logs: deployed.logs,
      failures: door.failures,
      authorizer,
      ...(loopback ? { url: loopback.url, environment: loopback.environment } : {}),
      ...(apiUrl === undefined ? {} : { apiUrl }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
