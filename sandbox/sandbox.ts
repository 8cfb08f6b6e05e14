/** Opens AWS on this machine: a scenario's world, the services over it, and the service itself deployed in it. */
import { setImmediate as turn } from 'node:timers/promises';
import type { AwsCredentialIdentity } from '@smithy/types';
import { ClientFactory } from '../lambdas/adapters/clients.ts';
import { createApiGateway } from './apigateway/service.ts';
import { type Assembly, type AssemblyStateMachine, loadAssembly } from './assembly/assembly.ts';
import { loadSpokes, type Spokes } from './assembly/spokes.ts';
import { Authorizer } from './authorization/authorizer.ts';
import { type Deployed, type Deployment, deployBundled, deploySource, issueCredentials } from './deployment.ts';
import { closer } from './closer.ts';
import { createDoor, type Door, onThreads } from './door.ts';
import { createDynamoDb } from './dynamodb/service.ts';
import { createEksAuthService } from './eks-auth/service.ts';
import { createEksService } from './eks/service.ts';
import type { BusPlace } from './events/bus.ts';
import { deployEvents } from './events/deploy.ts';
import { createEventsService } from './events/service.ts';
import type { Service } from './http.ts';
import { createIamService } from './iam/service.ts';
import { createKubernetesService } from './kubernetes/service.ts';
import type { LambdaRuntime } from './lambda/runtime.ts';
import { stepOf } from './lambda/source-runtime.ts';
import { apiUrlOf, outputsOf, type SandboxOutputs } from './outputs.ts';
import { Buckets } from './s3/buckets.ts';
import { createS3Service } from './s3/service.ts';
import { checkServiceRoles } from './service-roles.ts';
import { Executions } from './states/executions.ts';
import { createStatesService } from './states/service.ts';
import { credentialsOf, operatorRoleArn } from './sts/access-keys.ts';
import { createStsService } from './sts/service.ts';
import type { TelemetryLine } from './telemetry.ts';
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
   * How clients in this process call: `direct` (default) hands their commands over as they are, `sdk` has them go all the
   * way of the SDK, signed, which takes several times as long. Answers, errors and the call log are the same. Whoever
   * comes from outside signs in any case.
   */
  clients?: 'direct' | 'sdk';
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
  outputs: SandboxOutputs;
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

type OpenOptions = SandboxOptions & { assemblyDirectory: string };

/** What is known before anything is deployed. */
interface Ground {
  options: OpenOptions;
  assembly: Assembly;
  spokes: Spokes;
  outputs: SandboxOutputs;
  world: World;
  clock: SandboxClock;
  clients: NonNullable<SandboxOptions['clients']>;
  bundled: boolean;
  /** Where it listens at all. */
  listen: { port?: number } | undefined;
}

/** Resolves the application, and builds the world that it is deployed in. */
const prepare = (options: OpenOptions): Ground => {
  const { assemblyDirectory, seed, keepCalls, clients = 'direct' } = options;
  const bundled = options.lambdas === 'bundled';
  const wanted = Date.parse(options.scenario.startAt);
  const startAt = bundled ? Math.max(wanted, Date.now()) : wanted;
  const scenario: Scenario = { ...options.scenario, startAt: new Date(startAt).toISOString() };
  const listen = options.listen ?? (bundled ? {} : undefined);
  const kind = options.clock ?? (listen ? 'real' : 'virtual');
  if (options.listen && kind === 'virtual')
    throw new Error("A sandbox that listens can't run in virtual time. Open it with a real or scaled clock.");

  const home = homeOf(scenario);
  const assembly = loadAssembly(assemblyDirectory, home);
  const places = spokePlacesOf(scenario);
  const spokes = loadSpokes(assemblyDirectory, { places, outputs: assembly.outputs, rolesRegion: home.region });
  checkServiceRoles(assembly);
  if (spokes.roles.length > 0) checkServiceRoles({ ...assembly, functions: [], stateMachines: [], ...spokes });
  const outputs = outputsOf(assembly, assemblyDirectory);
  const world = buildWorld(scenario, {
    ...(seed === undefined ? {} : { seed }),
    ...(keepCalls === undefined ? {} : { keepCalls }),
    roles: assembly.roles,
    kubernetesRoles: outputs.kubernetesRoleArns,
    restartRoles: outputs.restartRoleArns,
    annotateRoles: outputs.annotateRoleArns,
    spokeRoles: spokes.roles,
  });
  if (bundled) world.faults.restrict(CALL_FAULTS);
  return {
    options,
    assembly,
    spokes,
    outputs,
    world,
    clock: openClock(kind, startAt),
    clients,
    bundled,
    listen,
  };
};

/** The services that need no functions, behind a door; `services` takes the others. */
interface Front {
  services: Record<string, Service>;
  buckets: Buckets;
  authorizer: Authorizer;
  door: Door;
  /** Until the ledger's tables are there. */
  ready: Promise<unknown>;
}

const openFront = ({ world, clock, assembly, bundled }: Ground, invoke: LambdaRuntime['invoke']): Front => {
  const dynamodb = createDynamoDb(world);
  const ready = Promise.all(assembly.tables.map(dynamodb.createTable));
  const buckets = new Buckets({ world, clock, buckets: assembly.buckets ?? [] });
  const services: Record<string, Service> = {
    eks: createEksService(world),
    'eks-auth': createEksAuthService(world),
    iam: createIamService(world),
    sts: createStsService(world),
    dynamodb: dynamodb.service,
    s3: createS3Service(world, buckets),
  };
  // Functions in processes of their own are known by their role alone.
  const stepsByRole = new Map(bundled ? assembly.functions.map((fn) => [fn.roleArn, stepOf(fn)]) : []);
  const authorizer = new Authorizer(world);
  const { apis = [] } = assembly;
  const door = createDoor({
    world,
    clock,
    services,
    authorizer,
    ...(apis.length === 0 ? {} : { apis: createApiGateway({ world, clock, apis, invoke }) }),
    stepOf: (role) => stepsByRole.get(role),
    kubernetes: (cluster) => createKubernetesService(world, cluster),
  });
  return { services, buckets, authorizer, door, ready };
};

/** Executions and events over the functions, as services behind the door. */
const openBack = (
  { options, world, clock, assembly, spokes }: Ground,
  { services, buckets, authorizer }: Front,
  lambda: LambdaRuntime,
) => {
  const { forgetHistories = false, definitionOf = ({ definition }: AssemblyStateMachine) => definition } = options;
  const executions: Executions = new Executions({
    world,
    clock,
    stateMachines: assembly.stateMachines.map((machine) => ({
      ...machine,
      definition: definitionOf(machine, assembly),
    })),
    lambda,
    authorizer,
    buckets,
    forgetHistories,
    onStatus: (execution) => bus.executionChanged(execution),
  });
  const startExecution: Executions['start'] = (...given) => executions.start(...given);
  const { bus, close: closeEvents } = deployEvents({
    world,
    clock,
    assembly,
    spokeRules: spokes.rules,
    authorizer,
    lambda,
    startExecution,
  });
  services['states'] = createStatesService(world, executions);
  services['events'] = createEventsService(world, bus);
  const close = async (): Promise<void> => {
    closeEvents();
    for (const execution of executions.running()) execution.stop();
  };
  return { executions, bus, close };
};

/**
 * Opens a sandbox over a synthesised application (`assemblyDirectory`: a cdk.out). Throws AssemblyError for an
 * application that can't be read, ServiceRoleError for one whose roles AWS could not use, PortError for a port that
 * can't be had, and an Error for a definition or a clock that can't be run here.
 *
 * Bundled functions look at the machine's clock, so their sandbox's time starts now, unless the scenario starts later.
 */
export const openSandbox = async (options: OpenOptions): Promise<Sandbox> => {
  const ground = prepare(options);
  const { world, clock, assembly, outputs, clients } = ground;
  let deployed: Deployed | undefined;
  const front = openFront(ground, (...given) => {
    if (!deployed) throw new Error("The sandbox's functions are not deployed yet.");
    return deployed.lambda.invoke(...given);
  });
  const { door, authorizer } = front;
  // After all that happens at that moment, whichever way the call takes to the door.
  const transport = inProcessTransport(door, world, { clients, latency: () => turn() });
  const operator = credentialsOf(world, operatorRoleArn(world));
  await front.ready;
  const deployment: Deployment = {
    world,
    clock,
    assembly,
    door,
    authorizer,
    clients,
    keepCalls: options.keepCalls,
    credentialsFor: issueCredentials(world, assembly.functions),
  };
  const [closing, close] = closer();
  try {
    const served = { door: onThreads(door, clock), world, credentials: operator };
    const loopback = ground.listen && (await openLoopback({ ...served, ...ground.listen }));
    if (loopback) closing.push(loopback.close);
    if (ground.bundled && loopback) {
      const bundled = deployBundled(deployment, loopback);
      closing.push(() => bundled.lambda.close());
      deployed = bundled;
    } else {
      deployed = deploySource(deployment);
    }
    const { executions, bus, close: closeBack } = openBack(ground, front, deployed.lambda);
    closing.push(closeBack);
    const apiUrl = apiUrlOf(assembly.apis ?? [], loopback?.url);
    return {
      world,
      clock,
      clients: (credentials = operator, region = world.home.region) =>
        new ClientFactory({ region, credentials, transport }),
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
