import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AssemblyFunction } from '../assembly/functions.ts';

/** Where Lambda unpacks layers. Source: Lambda Developer Guide, "Layer paths for each Lambda runtime". */
const UNPACKED = '/opt/';

/**
 * A function's environment on this machine, which has no `/opt` of the function's own: a variable that is a path of a
 * file there becomes the path of that file in the function's layers. Of two layers with the file the last one counts,
 * as Lambda unpacks one over the other. A path that no layer has stays as it is.
 */
export const environmentHere = ({
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
