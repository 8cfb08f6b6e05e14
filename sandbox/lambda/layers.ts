import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AssemblyFunction } from '../assembly/functions.ts';

/**
 * The directory in which Lambda unpacks layers. Source: Lambda Developer Guide, "Layer paths for each Lambda runtime".
 */
const UNPACKED = '/opt/';

/**
 * Returns a function's environment on this machine, which has no `/opt` for the function: a variable with the path of a
 * file there gets that file's path in the function's layers. If several layers have the file, the last wins, as Lambda
 * unpacks layers over each other. A path that no layer has is unchanged.
 */
export const withLocalLayers = ({
  environment,
  layerDirectories = [],
}: Pick<AssemblyFunction, 'environment' | 'layerDirectories'>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      if (!value.startsWith(UNPACKED)) return [name, value];
      const files = layerDirectories.map((directory) => join(directory, value.slice(UNPACKED.length)));
      return [name, files.findLast((file) => existsSync(file)) ?? value];
    }),
  );
