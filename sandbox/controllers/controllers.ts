/**
 * Controllers that reconcile resources of AWS or of a cluster with their own desired state, such as ACK, Crossplane and
 * Argo CD: they undo what anybody else changes. Those of AWS resources make calls, which are in the call log under the
 * controller's role.
 */
import type { AwsCredentialIdentity } from '@smithy/types';
import type { ClientFactory } from '../../lambdas/adapters/clients.ts';
import type { Failure } from '../gateway/calls.ts';
import { credentialsOf } from '../authorization/access-keys.ts';
import type { ControlPlanes } from '../kubernetes/control-planes.ts';
import type { SandboxClock } from '../clock/clock.ts';
import type { ControllerState } from '../world/controllers.ts';
import { Later } from '../clock/later.ts';
import { untilTick } from '../clock/ticks.ts';
import { type ClusterState, findRole, type World } from '../world/world.ts';
import { annotationReconciler } from './annotation.ts';
import { addonReconciler, associationReconciler, type Reconcile, trustReconciler } from './desired.ts';

export interface ControllersOptions {
  world: World;
  clock: SandboxClock;
  controlPlanes: ControlPlanes;
  clientsFor: (credentials: AwsCredentialIdentity, region: string) => ClientFactory;
  /** Receives errors that are not AWS's, each of which is a defect of the sandbox. */
  failures: Failure[];
}

/** An error that AWS answered: a controller tries again next time. */
const isAnswer = (error: unknown): boolean => error instanceof Error && '$metadata' in error;

class Controllers {
  private readonly options: ControllersOptions;
  private readonly later: Later;

  constructor(options: ControllersOptions) {
    this.options = options;
    this.later = new Later(options.clock);
    for (const { clusters } of options.world.accounts.values())
      for (const cluster of clusters.values())
        for (const [index, controller] of (cluster.controllers ?? []).entries())
          this.tick(controller, this.reconcilerOf(cluster, controller), { cluster, index });
  }

  /** Stops all controllers. */
  close(): void {
    this.later.close();
  }

  private reconcilerOf(cluster: ClusterState, controller: ControllerState): (token: string) => Promise<void> {
    const { world, clock, clientsFor, controlPlanes } = this.options;
    if (controller.owns === 'annotation') {
      const putBack = annotationReconciler(controlPlanes, cluster, controller);
      return async () => {
        world.schedule.advanceTo(clock.now());
        putBack();
      };
    }
    const clients = clientsFor(credentialsOf(world, controller.roleArn), cluster.region);
    const reconcile = this.desiredOf(cluster, controller);
    return (token) => reconcile(clients, token);
  }

  private desiredOf(cluster: ClusterState, { owns, name }: ControllerState): Reconcile {
    if (owns === 'add-on') return addonReconciler(cluster, name);
    if (owns === 'association') return associationReconciler(cluster, name);
    const role = findRole(this.options.world, name);
    if (!role) throw new Error(`There is no role ${name}.`);
    return trustReconciler(role);
  }

  /** Reconciles again and again, never twice at the same time. */
  private tick(
    controller: ControllerState,
    reconcile: (token: string) => Promise<void>,
    { cluster, index, ticks = 0 }: { cluster: ClusterState; index: number; ticks?: number },
  ): void {
    const { clock, failures } = this.options;
    const run = async (): Promise<void> => {
      try {
        if (!controller.paused) await reconcile(`${controller.tool}-${index}-${ticks}`);
      } catch (error) {
        if (!isAnswer(error))
          failures.push({ service: 'controllers', operation: `${controller.tool} ${controller.name}`, error });
      } finally {
        this.tick(controller, reconcile, { cluster, index, ticks: ticks + 1 });
      }
    };
    this.later.after(untilTick(clock, controller.everySeconds * 1000, ticks), () => void clock.spawn(run), {
      background: true,
    });
  }
}

/** Starts the controllers of all clusters. Returns a function that stops them. */
export const openControllers = (options: ControllersOptions): (() => Promise<void>) => {
  const controllers = new Controllers(options);
  return async () => controllers.close();
};
