/** Opens AWS on this machine: a scenario's world, the services over it, and this application deployed in it. */
import { setImmediate as turn } from 'node:timers/promises';
import type { AwsCredentialIdentity } from '@smithy/types';
import { ClientFactory } from '../lambdas/adapters/clients.ts';
import type { Authorizer } from './authorization/authorizer.ts';
import { closer } from './closer.ts';
import { openControllers } from './controllers/controllers.ts';
import { type Deployed, type Deployment, deployBundled, deploySource, issueCredentials } from './deployment.ts';
import type { DynamoDb } from './dynamodb/service.ts';
import type { BusLocation } from './events/bus.ts';
import { type Gateway, onThreads } from './gateway/gateway.ts';
import { type Ground, type OpenOptions, prepare } from './ground.ts';
import { apiUrlOf, type SandboxOutputs } from './outputs.ts';
import { type Front, openBack, openFront } from './services.ts';
import type { Executions } from './states/executions.ts';
import { credentialsOf, operatorRoleArn } from './authorization/access-keys.ts';
import type { TelemetryLine } from './telemetry.ts';
import { inProcessTransport } from './transports/in-process.ts';
import { type Loopback, openLoopback } from './transports/loopback.ts';
import type { SandboxClock } from './clock/clock.ts';
import type { World } from './world/world.ts';

export type { OpenOptions, SandboxOptions } from './ground.ts';

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
  /** Returns an item of a DynamoDB table as it is stored now, without a call; callers must not modify it. */
  item: DynamoDb['item'];
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

const deploymentOf = (
  { world, clock, assembly, clients }: Ground,
  { gateway, authorizer }: Front,
  keepCalls: OpenOptions['keepCalls'],
): Deployment => ({
  world,
  clock,
  assembly,
  gateway,
  authorizer,
  clients,
  keepCalls,
  credentialsFor: issueCredentials(world, assembly.functions),
});

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
  const deployment = deploymentOf(ground, front, options.keepCalls);
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
    const { executions, bus, close: closeBack } = openBack(ground, front, deployed.lambda, loopback?.url);
    closing.push(closeBack);
    const clientsFor = (credentials: AwsCredentialIdentity, region: string): ClientFactory =>
      new ClientFactory({ region, credentials, transport });
    closing.push(
      openControllers({ world, clock, controlPlanes: ground.controlPlanes, clientsFor, failures: gateway.failures }),
    );
    const apiUrl = apiUrlOf(assembly.apis ?? [], loopback?.url);
    return {
      world,
      clock,
      clients: (credentials = operator, region = world.home.region) => clientsFor(credentials, region),
      outputs,
      executions,
      deliver: (event, location) => bus.receive(event, location),
      logs: deployed.logs,
      item: front.item,
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
