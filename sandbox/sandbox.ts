/** Opens AWS on this machine: a scenario's world, the services over it, and this application deployed in it. */
import { setImmediate as turn } from 'node:timers/promises';
import type { AwsCredentialIdentity } from '@smithy/types';
import { ClientFactory } from '../lambdas/adapters/clients.ts';
import { createApiGatewayService } from './apigateway/service.ts';
import { type Assembly, type AssemblyStateMachine, loadAssembly } from './assembly/assembly.ts';
import { loadSpokes, type Spokes } from './assembly/spokes.ts';
import { Authorizer } from './authorization/authorizer.ts';
import { type Deployed, type Deployment, deployBundled, deploySource, issueCredentials } from './deployment.ts';
import { closer } from './closer.ts';
import { createGateway, type Gateway, onThreads } from './gateway/gateway.ts';
import { createDynamoDb } from './dynamodb/service.ts';
import { createEksAuthService } from './eks-auth/service.ts';
import { createEksService } from './eks/service.ts';
import type { BusLocation } from './events/bus.ts';
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
import { homeOf, spokeLocationsOf } from './world/build.ts';
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
   * Default: virtual, or real if the sandbox listens (see `listen`), since other programs cannot follow virtual time.
   */
  clock?: 'virtual' | 'real' | { scaled: number };
  /**
   * `source` (default) runs handlers from source in this process; `bundled` runs the built asset in child processes
   * over loopback.
   */
  lambdas?: 'source' | 'bundled';
  /**
   * Also serves AWS and the clusters' API servers on 127.0.0.1 for other programs, on the given port or a free one.
   * Requires a real or scaled clock. With bundled functions, the sandbox always listens.
   */
  listen?: { port?: number };
  /**
   * How clients in this process make calls: `direct` (default) passes commands as data, `sdk` uses the SDK's whole
   * stack, signed, which takes several times as long. Responses, errors and the call log are the same. Clients from
   * outside always sign.
   */
  clients?: 'direct' | 'sdk';
  /**
   * Keeps only the last event of an ended execution's history, for thousands of executions in one process. Default:
   * false.
   */
  forgetHistories?: boolean;
  /**
   * Number of the latest calls, and of the latest log lines of functions, to keep, for runs with millions of them; see
   * `CallLog`. Default: all.
   */
  keepCalls?: number;
  /** Returns the definition that a state machine runs, such as an earlier release's. Default: its own. */
  definitionOf?: (machine: AssemblyStateMachine, assembly: Assembly) => object;
}

export interface Sandbox {
  world: World;
  clock: SandboxClock;
  /** Clients that call this sandbox with those credentials; default: the operator's role. */
  clients(as?: AwsCredentialIdentity, region?: string): ClientFactory;
  outputs: SandboxOutputs;
  /** Running and ended executions: to wait for an execution's end, park on its `ended`, which makes no calls. */
  executions: Executions;
  /**
   * Puts an AWS service's event, such as a recorded CloudTrail event, on the default bus of an account and region, by
   * default where the service is deployed: matching rules get it `eventLagSeconds` later. Throws EventError for a value
   * that is not an event.
   */
  deliver(event: unknown, location?: BusLocation): void;
  /** Returns the functions' logs and metrics so far. */
  logs(): TelemetryLine[];
  /** Errors that the sandbox's own services threw; each is a defect of the sandbox. */
  failures: Gateway['failures'];
  /** The denied actions, and the permissions that allowed calls. */
  authorizer: Authorizer;
  /**
   * Address of the AWS services, and environment variables that point other programs to it; present only if the sandbox
   * listens.
   */
  url?: Loopback['url'];
  environment?: Loopback['environment'];
  /**
   * Base URL of the first stage of the application's HTTP API, without a trailing slash; present only if the
   * application has an API. If the sandbox listens, the URL is on 127.0.0.1; otherwise it has the API's own host in
   * AWS, which `clients().config.transport.http` reaches. Requests are signed for `execute-api` in `world.home.region`;
   * in virtual time the sender must be a thread of the clock.
   */
  apiUrl?: string;
  /** Stops running executions, and ends every process and connection. */
  close(): Promise<void>;
}

const openClock = (kind: NonNullable<SandboxOptions['clock']>, startAt: number): SandboxClock => {
  if (kind === 'virtual') return new VirtualClock(startAt);
  return new ScaledClock(kind === 'real' ? 1 : kind.scaled, startAt);
};

type OpenOptions = SandboxOptions & { assemblyDirectory: string };

/** What is known before the deployment. */
interface Ground {
  options: OpenOptions;
  assembly: Assembly;
  spokes: Spokes;
  outputs: SandboxOutputs;
  world: World;
  clock: SandboxClock;
  clients: NonNullable<SandboxOptions['clients']>;
  bundled: boolean;
  /** Set if the sandbox listens. */
  listen: { port?: number } | undefined;
}

/** Resolves the application, and builds the world to deploy it in. */
const prepare = (options: OpenOptions): Ground => {
  const { assemblyDirectory, seed, keepCalls, clients = 'direct' } = options;
  const bundled = options.lambdas === 'bundled';
  const configured = Date.parse(options.scenario.startAt);
  const startAt = bundled ? Math.max(configured, Date.now()) : configured;
  const scenario: Scenario = { ...options.scenario, startAt: new Date(startAt).toISOString() };
  const listen = options.listen ?? (bundled ? {} : undefined);
  const kind = options.clock ?? (listen ? 'real' : 'virtual');
  if (options.listen && kind === 'virtual')
    throw new Error('A sandbox that listens cannot run in virtual time. Open it with a real or scaled clock.');

  const home = homeOf(scenario);
  const assembly = loadAssembly(assemblyDirectory, home);
  const locations = spokeLocationsOf(scenario);
  const spokes = loadSpokes(assemblyDirectory, { locations, outputs: assembly.outputs, rolesRegion: home.region });
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

/** The services that need no functions, behind the gateway; the others are added to `services` later. */
interface Front {
  services: Record<string, Service>;
  buckets: Buckets;
  authorizer: Authorizer;
  gateway: Gateway;
  /** Resolves once the ledger's tables exist. */
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
  // Functions in separate processes are identified only by their role.
  const stepsByRole = new Map(bundled ? assembly.functions.map((fn) => [fn.roleArn, stepOf(fn)]) : []);
  const authorizer = new Authorizer(world);
  const { apis = [] } = assembly;
  const gateway = createGateway({
    world,
    clock,
    services,
    authorizer,
    ...(apis.length === 0 ? {} : { apis: createApiGatewayService({ world, clock, apis, invoke }) }),
    stepOf: (role) => stepsByRole.get(role),
    kubernetes: (cluster) => createKubernetesService(world, cluster),
  });
  return { services, buckets, authorizer, gateway, ready };
};

/** Adds executions and events, which need the functions, to the gateway's services. */
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
 * Opens a sandbox over a synthesized application (`assemblyDirectory` is a cdk.out). Throws AssemblyError for an
 * application that cannot be read, ServiceRoleError for roles that AWS could not use, PortError for a port that is not
 * available, and an Error for a definition or a clock that cannot be run here.
 *
 * Bundled functions use the machine's clock, so their sandbox's time starts now, unless the scenario starts later.
 */
export const openSandbox = async (options: OpenOptions): Promise<Sandbox> => {
  const ground = prepare(options);
  const { world, clock, assembly, outputs, clients } = ground;
  let deployed: Deployed | undefined;
  const front = openFront(ground, (...given) => {
    if (!deployed) throw new Error("The sandbox's functions are not deployed yet.");
    return deployed.lambda.invoke(...given);
  });
  const { gateway, authorizer } = front;
  // Answers come after everything else that happens at that moment, for both kinds of clients.
  const transport = inProcessTransport(gateway, world, { clients, latency: () => turn() });
  const operator = credentialsOf(world, operatorRoleArn(world));
  await front.ready;
  const deployment: Deployment = {
    world,
    clock,
    assembly,
    gateway,
    authorizer,
    clients,
    keepCalls: options.keepCalls,
    credentialsFor: issueCredentials(world, assembly.functions),
  };
  const [closing, close] = closer();
  try {
    const served = { gateway: onThreads(gateway, clock), world, credentials: operator };
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
      deliver: (event, location) => bus.receive(event, location),
      logs: deployed.logs,
      failures: gateway.failures,
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
