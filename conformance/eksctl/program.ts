/** The peer: which program it is, and how it is built. */
import { join } from 'node:path';
import { goProgram, type Program } from '../build/program.ts';

/** The newest release that the Go module proxy has: those after it are not tagged for the module's path. */
export const EKSCTL_RELEASE = '0.215.0';

/** Built with the linker's variable of a release, so that it calls itself 0.215.0, and not 0.215.0-dev. */
export const EKSCTL: Program = goProgram({
  tool: 'eksctl',
  name: 'eksctl',
  release: EKSCTL_RELEASE,
  module: join(import.meta.dirname, 'tools'),
  package: 'github.com/weaveworks/eksctl/cmd/eksctl',
  variables: { 'github.com/weaveworks/eksctl/pkg/version.PreReleaseID': '' },
});
