/** Prepares a sandbox: resolves the application, and builds the world to deploy it in. */
import { type Assembly, type AssemblyStateMachine, loadAssembly } from './assembly/assembly.ts';
import { loadSpokes, type Spokes } from './assembly/spokes.ts';
import { type ControlPlanes, ownControlPlanes } from './kubernetes/control-planes.ts';
import { outputsOf, type SandboxOutputs } from './outputs.ts';
import type { Interpret } from './states/interpreter.ts';
import { checkServiceRoles } from './service-roles.ts';
import { homeOf, spokeLocationsOf } from './build/build.ts';
import { type Outside, type SandboxClock, VirtualClock } from './clock/clock.ts';
import { CALL_FAULTS } from './calls/faults.ts';
import { buildWorld } from './build/load.ts';
import { ScaledClock } from './clock/scaled-clock.ts';
import type { Scenario } from './scenario/scenario.ts';
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

const openClock = (kind: NonNullable<OpenOptions['clock']>, startAt: number): SandboxClock => {
  if (kind === 'virtual') return new VirtualClock(startAt);
  if (typeof kind === 'object' && 'paced' in kind) return new VirtualClock(startAt, { outside: kind.paced });
  return new ScaledClock(kind === 'real' ? 1 : kind.scaled, startAt);
};

export interface OpenOptions extends Omit<SandboxOptions, 'clock'> {
  assemblyDirectory: string;
  /** `paced`: virtual time that also waits for something outside this process. */
  clock?: SandboxOptions['clock'] | { paced: Outside };
  /** Interprets the state machines' definitions; default: the sandbox's own interpreter. */
  interpret?: Interpret;
  /** Returns the control planes of the world's clusters; default: the sandbox's own. */
  controlPlanes?: (world: World) => ControlPlanes;
}

/** What is known before the deployment. */
export interface Ground {
  options: OpenOptions;
  assembly: Assembly;
  spokes: Spokes;
  outputs: SandboxOutputs;
  world: World;
  controlPlanes: ControlPlanes;
  clock: SandboxClock;
  clients: NonNullable<SandboxOptions['clients']>;
  bundled: boolean;
  /** Set if the sandbox listens. */
  listen: { port?: number } | undefined;
}

/** Resolves the application, and builds the world to deploy it in. */
export const prepare = (options: OpenOptions): Ground => {
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
    controlPlanes: (options.controlPlanes ?? ownControlPlanes)(world),
    clock: openClock(kind, startAt),
    clients,
    bundled,
    listen,
  };
};
