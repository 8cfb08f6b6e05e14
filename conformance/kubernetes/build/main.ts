/** `node conformance/kubernetes/build/main.ts [VERSION…]`: builds the programs of control planes of these versions, default all. */
import { buildControlPlanes } from './build.ts';
import { BuildError } from './go.ts';
import { printTo } from './print.ts';
import { KUBERNETES_VERSIONS } from './tools.ts';
import type { KubernetesVersion } from './tools.ts';

const isVersion = (text: string): text is KubernetesVersion => KUBERNETES_VERSIONS.some((version) => version === text);

const given = process.argv.slice(2);
const unknown = given.filter((text) => !isVersion(text));
if (unknown.length > 0) {
  console.error(
    `There is no control plane of version ${unknown.join(', ')} to build. Versions: ${KUBERNETES_VERSIONS.join(', ')}.\nRun: node conformance/kubernetes/build/main.ts ${KUBERNETES_VERSIONS[0]}`,
  );
  process.exitCode = 2;
} else
  try {
    await buildControlPlanes(given.length > 0 ? given.filter(isVersion) : KUBERNETES_VERSIONS, printTo(process.stderr));
    console.log('All programs are built.');
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
