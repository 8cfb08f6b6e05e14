/** Deploys the service's functions in a sandbox: from source in this process, or bundled in child processes. */
import type { AwsCredentialIdentity } from '@smithy/types';
import { ulid } from 'ulid';
import { ClientFactory } from '../lambdas/adapters/clients.ts';
import { s3Documents } from '../lambdas/adapters/s3-documents.ts';
import type { Clock } from '../lambdas/ports/runtime.ts';
import { createHandler, type LambdaContext as HandlerContext } from '../lambdas/runtime/handler.ts';
import type { Step } from '../lambdas/runtime/step.ts';
import { deploymentSettingsOf, wire, type WireOptions } from '../lambdas/runtime/wiring.ts';
import { steps } from '../lambdas/steps/index.ts';
import type { Assembly } from './assembly/assembly.ts';
import type { AssemblyFunction } from './assembly/functions.ts';
import type { Authorizer } from './authorization/authorizer.ts';
import type { Gateway } from './gateway/gateway.ts';
import { BundledRuntime } from './lambda/bundled-runtime.ts';
import { sleepWhileRunning } from './lambda/invocation.ts';
import { withLocalLayers } from './lambda/layers.ts';
import type { LambdaRuntime } from './lambda/runtime.ts';
import { type Invoker, SourceRuntime, stepOf } from './lambda/source-runtime.ts';
import { credentialsOf } from './authorization/access-keys.ts';
import { collectTelemetry, type TelemetryLine } from './telemetry.ts';
import { inProcessTransport } from './transports/in-process.ts';
import type { Loopback } from './transports/loopback.ts';
import type { SandboxClock } from './clock/clock.ts';
import type { World } from './world/world.ts';

export interface Deployment {
  world: World;
  clock: SandboxClock;
  assembly: Assembly;
  gateway: Gateway;
  authorizer: Authorizer;
  /** How the functions' clients make calls if they run in this process. */
  clients: 'direct' | 'sdk';
  keepCalls?: number | undefined;
  /** Returns the credentials of a function: a session of its role, named after it as Lambda does. */
  credentialsFor: (fn: AssemblyFunction) => AwsCredentialIdentity;
}

export interface Deployed {
  lambda: LambdaRuntime;
  /** Returns the functions' logs and metrics so far. */
  logs: () => TelemetryLine[];
}

/** Reports of sweeps mark their measurements as simulated. */
const SIMULATED = { SIMULATED: 'true' };

/**
 * Duration of a function's call to AWS in milliseconds, so that consecutive steps have different times. A placeholder,
 * not a measurement.
 */
const CALL_MILLISECONDS = 20;

const STEPS: Record<string, Step> = steps;

/**
 * Issues the credentials in the functions' order before anything runs, so that the order of execution has no effect.
 */
export const issueCredentials = (
  world: World,
  functions: readonly AssemblyFunction[],
): Deployment['credentialsFor'] => {
  const credentials = new Map(functions.map((fn) => [fn.arn, credentialsOf(world, fn.roleArn, fn.name)]));
  return (fn) => credentials.get(fn.arn) ?? credentialsOf(world, fn.roleArn, fn.name);
};

type Start = Pick<WireOptions, 'environment' | 'deployment'>;

/**
 * What functions read from their layers at a container's start. An assembly's functions stay the same objects for as
 * long as it does not change.
 */
const starts = new WeakMap<AssemblyFunction, Start>();
const startOf = (fn: AssemblyFunction, { schema }: Step): Start => {
  const known = starts.get(fn);
  if (known) return known;
  const environment = withLocalLayers(fn);
  const start = {
    environment: { ...environment, ...SIMULATED },
    deployment: deploymentSettingsOf(schema, environment),
  };
  starts.set(fn, start);
  return start;
};

/** Wires a function as Lambda's container does, except for the destinations of its calls and logs. */
const invokerOf = (
  { world, clock, gateway, clients, keepCalls, credentialsFor }: Deployment,
  lines: TelemetryLine[],
): ((fn: AssemblyFunction) => Invoker) => {
  const random = world.random.fork();
  const transport = inProcessTransport(gateway, world, {
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
    if (!step) throw new Error(`The function ${fn.name} names the step ${name}, which does not exist.`);
    const [, , , region = ''] = fn.arn.split(':');
    const dependencies = wire({
      clients: new ClientFactory({ region, credentials: credentialsFor(fn), transport }),
      step: name,
      ...startOf(fn, step),
      clock: functionClock,
      ids,
      telemetry: collectTelemetry(lines, fn.name, clock, keepCalls),
      documentsOf: s3Documents,
    });
    const handler = createHandler(step, dependencies);
    // The type in aws-lambda has members from before async handlers, which no step uses.
    return (payload, context) => handler(payload, context as HandlerContext);
  };
};

/** Runs functions from source, each with the credentials of its own role. */
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

/** Runs functions from the bundles, in processes that reach the sandbox through the loopback transport. */
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
