/** A program that is built from a Go module, and where builds are stored. */
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');
/** Holds everything that is built; git ignores it. */
export const BUILDS = join(ROOT, 'conformance', '.build');

export interface Program {
  name: string;
  /** The release whose program it is, without "v". */
  release: string;
  /** Directory of the `go.mod` that names the package as a tool and pins every module. */
  module: string;
  package: string;
  /** Variables of the program that the linker sets, so that it reports its release. */
  variables: Record<string, string>;
  /** Path of the built program. */
  path: string;
}

/**
 * Returns a program. `module`: directory of its `go.mod`. Programs of one `tool` and release are stored together; without
 * `variables`, the linker sets none.
 */
export const goProgram = ({
  tool,
  variables = {},
  ...given
}: Omit<Program, 'path' | 'variables'> & { tool: string; variables?: Record<string, string> }): Program => ({
  ...given,
  variables,
  path: join(BUILDS, `${tool}-${given.release}`, given.name),
});
