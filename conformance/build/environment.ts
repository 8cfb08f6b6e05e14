/**
 * `node conformance/build/environment.ts NAME REQUIREMENTS`: installs a Python environment if it is not there yet, for
 * scripts that use the same one as a part, and prints its folder.
 */
import { dirname } from 'node:path';
import { BuildError } from './go.ts';
import { printTo } from './print.ts';
import { pythonEnvironment } from './python.ts';

const [name, requirements] = process.argv.slice(2);
if (name === undefined || requirements === undefined) {
  console.error('Use: node conformance/build/environment.ts NAME REQUIREMENTS');
  process.exitCode = 2;
} else
  try {
    const { python } = await pythonEnvironment({ name, requirements }, printTo(process.stderr));
    console.log(dirname(dirname(python)));
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
