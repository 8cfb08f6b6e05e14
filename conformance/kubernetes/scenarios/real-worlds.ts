/** Opens scenarios on real control planes. */
import { openSandbox } from '../../../sandbox/sandbox.ts';
import type { Print } from '../build/build.ts';
import type { KubernetesVersion } from '../build/tools.ts';
import type { RealWorlds } from './run-all.ts';

export const openRealWorlds = async (
  version: KubernetesVersion,
  _print: Print,
): Promise<RealWorlds & { close(): Promise<void> }> => ({
  kubernetes: version,
  cannotHold: () => undefined,
  open: (scenario, assemblyDirectory) => openSandbox({ scenario, seed: scenario.seed + 7, assemblyDirectory }),
  close: async () => {},
});
