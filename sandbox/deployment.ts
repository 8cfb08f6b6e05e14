/** The service's functions, deployed in a sandbox: from their source in this process, or bundled in child processes. */
import type { AwsCredentialIdentity } from '@smithy/types';
import { ulid } from 'ulid';
import { ClientFactory } from '../lambdas/adapters/clients.ts';
import { s3Documents } from '../lambdas/adapters/s3-documents.ts';
import type { Clock } from '../lambdas/ports/runtime.ts';
import { createHandler } from '../lambdas/runtime/handler.ts';
import type { LambdaContext as HandlerContext } from '../lambdas/runtime/handler.ts';
import type { Step } from '../lambdas/runtime/step.ts';
import { deploymentSettingsOf, wire } from '../lambdas/runtime/wiring.ts';
import { steps } from '../lambdas/steps/index.ts';
import type { Assembly } from './assembly/assembly.ts';
import type { AssemblyFunction } from './assembly/functions.ts';
import type { Authorizer } from './authorization/authorizer.ts';
import type { Door } from './door.ts';
import { BundledRuntime } from './lambda/bundled-runtime.ts';
import { sleepWhileRunning } from './lambda/invocation.ts';
import { environmentHere } from './lambda/layers.ts';
import type { LambdaRuntime } from './lambda/runtime.ts';
import { type Invoker, SourceRuntime, stepOf } from './lambda/source-runtime.ts';
import { credentialsOf } from './sts/access-keys.ts';
import { collectTelemetry, type TelemetryLine } from './telemetry.ts';
import { inProcessTransport } from './transports/in-process.ts';
import type { Loopback } from './transports/loopback.ts';
import type { SandboxClock } from './world/clock.ts';
import type { World } from './world/world.ts';

export interface Deployment {
  world: World;
  clock: SandboxClock;
  assembly: Assembly;
  door: Door;
  authorizer: Authorizer;
  /** How the functions' clients call, where they run in this process. */
  clients: 'direct' | 'sdk';
  keepCalls?: number | undefined;
  /** Of a function: a session of its role, named after it as Lambda names it. */
  credentialsFor: (fn: AssemblyFunction) => AwsCredentialIdentity;
}

export interface Deployed {
  lambda: LambdaRuntime;
  /** What the functions logged and counted so far. */
  logs: () => TelemetryLine[];
}

/** Reports of sweeps say so of what they have measured. */
const SIMULATED = { SIMULATED: 'true' };

/**
 * How long a function's call to AWS takes, milliseconds: steps that follow each other have different times. A
 * placeholder, not a measurement.
 */
const CALL_MILLISECONDS = 20;

const STEPS: Record<string, Step> = steps;

/** Issued in the functions' order before anything runs, so that who runs first changes nothing. */
export const issueCredentials = (
  world: World,
  functions: readonly AssemblyFunction[],
): Deployment['credentialsFor'] => {
  const credentials = new Map(functions.map((fn) => [fn.arn, credentialsOf(world, fn.roleArn, fn.name)]));
  return (fn) => credentials.get(fn.arn) ?? credentialsOf(world, fn.roleArn, fn.name);
};

/** Wires a function as Lambda's container does, but for where its calls and its logs go. */
const invokerOf = (
  { world, clock, door, clients, keepCalls, credentialsFor }: Deployment,
  lines: TelemetryLine[],
): ((fn: AssemblyFunction) => Invoker) => {
  const random = world.random.fork();
  const transport = inProcessTransport(door, world, {
    latency: () => clock.sleep(CALL_MILLISECONDS),
    hang: sleepWhileRunning(clock),
    clients,
  });
  const skew = world.knobs.functionClockSkewSeconds * 1000;
  const functionClock: Clock = { now: () => clock.now() + skew, sleep: sleepWhileRunning(clock) };
  const ids = { ulid: () => ulid(functionClock.now(), () => random.next()) };
  return (fn) => {
    const name = stepOf(fn);
    const step = STEPS[name];
    if (!step) throw new Error(`There is no step ${name}.`);
    const [, , , region = ''] = fn.arn.split(':');
    const environment = environmentHere(fn);
    const dependencies = wire({
      clients: new ClientFactory({ region, credentials: credentialsFor(fn), transport }),
      step: name,
      environment: { ...environment, ...SIMULATED },
      deployment: deploymentSettingsOf(step.schema, environment),
      clock: functionClock,
      ids,
      telemetry: collectTelemetry(lines, fn.name, clock, keepCalls),
      documentsOf: s3Documents,
    });
    const handler = createHandler(step, dependencies);
    // The type of aws-lambda has members of a time before async handlers, which no step uses.
    return (payload, context) => handler(payload, context as HandlerContext);
  };
};

/** Functions run from their source, each with the credentials of its own role. */
export const deploySource = (deployment: Deployment): Deployed => {
  const { world, clock, assembly, authorizer } = deployment;
  const lines: TelemetryLine[] = [];
  const createInvoker = invokerOf(deployment, lines);
  const lambda = new SourceRuntime({
    world,
    clock,
    authorizer,
    functions: assembly.functions,
    steps: STEPS,
    createInvoker,
  });
  return { lambda, logs: () => lines };
};

/** Functions run from the bundles, in processes that reach the sandbox by loopback. */
export const deployBundled = (
  { world, clock, assembly, authorizer, credentialsFor }: Deployment,
  loopback: Loopback,
): Deployed & { lambda: BundledRuntime } => {
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
