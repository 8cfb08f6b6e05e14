/** Opens scenarios on real control planes: one control plane, emptied for each scenario. */
import { ensureAssembly } from '../../../cli/assembly.ts';
import { cannotHold } from '../bridge/cannot-hold.ts';
import { openOnControlPlane, planeOptions } from '../bridge/open.ts';
import { openWebhooks } from '../bridge/webhooks.ts';
import type { Print } from '../../build/build.ts';
import { type KubernetesVersion, releaseOf } from '../build/tools.ts';
import type { ControlPlane } from '../plane/options.ts';
import { startControlPlane } from '../plane/plane.ts';
import type { RealWorld, RealWorlds } from './run-all.ts';

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Returns worlds on control planes of a version, whose programs must have been built. */
export const openRealWorlds = async (
  version: KubernetesVersion,
  print: Print,
): Promise<RealWorlds & { close(): Promise<void> }> => {
  await ensureAssembly(() => print('Building the application once; this takes a few seconds.'));
  const webhooks = await openWebhooks();
  let plane: ControlPlane | undefined;
  /** Returns an empty control plane. */
  const emptied = async (): Promise<ControlPlane> => {
    if (plane) await plane.reset();
    else plane = await startControlPlane({ version, ...planeOptions(webhooks) });
    return plane;
  };
  const open: RealWorlds['open'] = async (scenario): Promise<RealWorld> => {
    const bridge = await openOnControlPlane({ scenario, plane: await emptied(), webhooks });
    return {
      backend: bridge.backend,
      state: () => bridge.state(),
      problems: () => [
        ...bridge.failures().map((failure) => `The bridge failed: ${textOf(failure)}`),
        ...bridge.stalls().map((stall) => `The cluster did not settle: ${stall}`),
      ],
      close: bridge.close,
    };
  };
  return {
    kubernetes: releaseOf(version),
    cannotHold,
    open,
    close: async () => {
      await plane?.stop();
      await webhooks.close();
    },
  };
};
