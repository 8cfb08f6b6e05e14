/** The peer: which program it is, and how it is built. */
import { join } from 'node:path';
import { BUILDS, type Program } from '../kubernetes/build/tools.ts';

/** The newest release that the Go module proxy has: later ones are tagged v0 under a path that ends in another name. */
export const EKSCTL_RELEASE = '0.215.0';

const NAME = 'eksctl';

/** Built with the linker's variables of a release, so that it calls itself 0.215.0, and not 0.215.0-dev. */
export const EKSCTL: Program = {
  name: NAME,
  release: EKSCTL_RELEASE,
  module: join(import.meta.dirname, 'tools'),
  package: 'github.com/weaveworks/eksctl/cmd/eksctl',
  variables: { 'github.com/weaveworks/eksctl/pkg/version.PreReleaseID': '' },
  path: join(BUILDS, `${NAME}-${EKSCTL_RELEASE}`, NAME),
};
