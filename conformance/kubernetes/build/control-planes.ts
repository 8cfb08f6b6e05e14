import { buildPrograms, type Print } from '../../build/build.ts';
import { type KubernetesVersion, programsOf } from './tools.ts';

/** Builds what control planes of these versions need, as `buildPrograms` does. */
export const buildControlPlanes = (versions: readonly KubernetesVersion[], print: Print): Promise<void> => {
  const all = new Map(versions.flatMap((version) => Object.values(programsOf(version)).map((one) => [one.path, one])));
  return buildPrograms([...all.values()], print);
};
