/** `node conformance/kubernetes/build/main.ts [VERSION…]`: builds the programs of control planes of these versions, default all. */
import { buildControlPlanes } from './control-planes.ts';
import { BuildError } from '../../build/go.ts';
import { printTo } from '../../build/print.ts';
import { isKubernetesVersion, KUBERNETES_VERSIONS } from './tools.ts';

const given = process.argv.slice(2);
const unknown = given.filter((text) => !isKubernetesVersion(text));
if (unknown.length > 0) {
  console.error(
    `There is no control plane of version ${unknown.join(', ')} to build. Versions: ${KUBERNETES_VERSIONS.join(', ')}.\nRun: node conformance/kubernetes/build/main.ts ${KUBERNETES_VERSIONS[0]}`,
  );
  process.exitCode = 2;
} else
  try {
    await buildControlPlanes(
      given.length > 0 ? given.filter(isKubernetesVersion) : KUBERNETES_VERSIONS,
      printTo(process.stderr),
    );
    console.log('All programs are built.');
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
