/**
 * Opens the sandbox of a scenario on a real control plane: EKS, IAM, STS and the service itself stay the sandbox's, the
 * API server and the controllers of its cluster are the real ones.
 */
import { openSandboxBackend, type SandboxBackend } from '../../../cli/backend.ts';
import { EksError } from '../../../sandbox/eks/errors.ts';
import { findOperation } from '../../../sandbox/eks/model.ts';
import { decodeInput } from '../../../sandbox/eks/wire.ts';
import type { HttpRequest } from '../../../sandbox/http.ts';
import { type ControlPlanes, ownControlPlanes } from '../../../sandbox/kubernetes/control-planes.ts';
import type { Outside } from '../../../sandbox/clock/clock.ts';
import type { Scenario } from '../../../sandbox/scenario/scenario.ts';
import { type ClusterState, findCluster, type World } from '../../../sandbox/world/world.ts';
import type { ControlPlane } from '../plane/options.ts';
import { type AddonCall, RealCluster } from './cluster.ts';
import { cannotHold } from './cannot-hold.ts';
import type { Webhooks } from './webhooks.ts';

export interface BridgeOptions {
  scenario: Scenario;
  /** Empty, and started with `planeOptions(webhooks)`. */
  plane: ControlPlane;
  webhooks: Webhooks;
  seed?: number;
}

export interface Bridge {
  backend: SandboxBackend;
  /** Mirrors the real cluster, with the world's times. */
  cluster: ClusterState;
  /** Errors of the bridge, each of which is a defect of it. */
  failures: () => unknown[];
  /** What time waits for now. */
  state: () => string;
  /** What controllers had still to do when waiting for it was given up. */
  stalls: () => string[];
  close: () => Promise<void>;
}

/** Returns the options of a control plane that a bridge can use. */
export const planeOptions = ({
  authentication,
  authorization,
}: Webhooks): Pick<
  Parameters<ControlPlane['reset']>[0] & object,
  'authentication' | 'authorization' | 'withoutPods'
> => ({
  authentication,
  authorization,
  withoutPods: true,
});

/** Returns the cluster that the control plane holds: the first of the scenario. The others stay the sandbox's own. */
const heldCluster = (world: World, { accounts }: Scenario): ClusterState => {
  const account = accounts.find(({ clusters }) => clusters.length > 0);
  const [first] = account?.clusters ?? [];
  const cluster = account && first && findCluster(world, account.id, first.region, first.name);
  if (!cluster) throw new Error('The scenario has no cluster for the control plane to hold.');
  return cluster;
};

const APPLYING = new Set(['CreateAddon', 'UpdateAddon']);

interface AddonInput {
  clusterName?: string;
  name?: string;
  addonName?: string;
  addonVersion?: string;
  configurationValues?: string;
  namespaceConfig?: { namespace?: string };
}

/** Returns the add-on of the cluster whose objects a call applies, as it will be; undefined for any other call. */
const addonOf = (world: World, { addons, name: held }: ClusterState, request: HttpRequest): AddonCall | undefined => {
  const route = findOperation(request.method, request.path);
  if (!route || !APPLYING.has(route.operation.name)) return undefined;
  let input: AddonInput;
  try {
    input = decodeInput(route.operation, route.labels, request);
  } catch (error) {
    // EKS itself refuses the call.
    if (error instanceof EksError) return undefined;
    throw error;
  }
  if (input.clusterName !== held) return undefined;
  const { addonName = '', addonVersion, configurationValues, namespaceConfig } = input;
  const before = addons.get(addonName);
  const offered = world.catalogue.get(addonName);
  const version = addonVersion ?? before?.version ?? offered?.versions.find(({ offered: is }) => is)?.version;
  const namespace = before?.namespace ?? namespaceConfig?.namespace ?? offered?.objects.namespace;
  if (version === undefined || namespace === undefined) return undefined;
  const values = configurationValues ?? before?.configurationValues;
  return { name: addonName, version, namespace, ...(values === undefined ? {} : { configurationValues: values }) };
};

/**
 * Opens a scenario on an empty control plane, and returns once the cluster is as the scenario has it. Throws an Error
 * for a scenario that `cannotHold` names a reason for, and for a cluster that does not settle.
 */
export const openOnControlPlane = async ({ scenario, plane, webhooks, seed }: BridgeOptions): Promise<Bridge> => {
  const reason = cannotHold(scenario);
  if (reason !== undefined) throw new Error(`The scenario cannot be held on a real control plane: ${reason}`);
  let real: RealCluster | undefined;
  let world: World | undefined;
  const required = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('The bridge is not open yet.');
    return value;
  };
  const outside: Outside = {
    isBusy: () => real?.work.isBusy() ?? false,
    nextEvent: () => world?.schedule.next(),
    happen: (at) => world?.schedule.advanceTo(at),
  };
  const controlPlanes = (built: World): ControlPlanes => {
    world = built;
    const cluster = heldCluster(built, scenario);
    const own = ownControlPlanes(built);
    // What building the world has left to do happens to the sandbox's own objects.
    built.schedule.advanceTo(built.schedule.now());
    const opened = new RealCluster({ world: built, cluster, plane, webhooks, now: () => built.schedule.now() });
    real = opened;
    return {
      apiServer: (of, verify) => (of === cluster ? opened.apiServer : own.apiServer(of, verify)),
      aroundEks: (eks) => (request, context) =>
        opened.aroundEks(addonOf(built, cluster, request), () => eks(request, context)),
      applyAddon: (of, name, objects, options) =>
        of === cluster ? opened.addons.apply(name, objects, options) : own.applyAddon(of, name, objects, options),
      removeAddon: (of, name, objects) =>
        of === cluster ? opened.addons.remove(name, objects) : own.removeAddon(of, name, objects),
      addonReplicas: (of, objects) =>
        of === cluster ? opened.addons.replicas(objects) : own.addonReplicas(of, objects),
      annotate: (of, write) => (of === cluster ? opened.addons.annotate(write) : own.annotate(of, write)),
    };
  };
  const backend = await openSandboxBackend(scenario, {
    clock: { paced: outside },
    controlPlanes,
    ...(seed === undefined ? {} : { seed }),
  });
  const opened = required(real);
  const close = async (): Promise<void> => {
    opened.close();
    await backend.close();
  };
  try {
    await opened.open();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    backend,
    cluster: heldCluster(required(world), scenario),
    failures: () => [...opened.failures(), ...backend.sandbox.failures],
    state: () => opened.work.state(),
    stalls: () => [...opened.work.stalls],
    close,
  };
};
