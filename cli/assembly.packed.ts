/** `assembly.ts` of the published package, which contains the build's output. */
import { join } from 'node:path';
import type { ensureAssembly as ensure } from './assembly.ts';

/** The folder of the bundle's chunks is next to the assembly's. */
const PACKAGE = join(import.meta.dirname, '..');

export const ensureAssembly: typeof ensure = async () => ({
  directory: join(PACKAGE, 'assembly'),
  lambdaDirectory: join(PACKAGE, 'lambda'),
});
