/**
 * `node conformance/kubernetes/plane/main.ts [--version 1.35] [--nodes 3]`: builds and starts a control plane with empty
 * nodes, prints how to use it with kubectl, and ends it with Ctrl-C.
 */
import { parseArgs } from 'node:util';
import { buildControlPlanes } from '../build/control-planes.ts';
import { BuildError } from '../../build/go.ts';
import { printTo } from '../../build/print.ts';
import { isKubernetesVersion, KUBERNETES_VERSIONS, programsOf } from '../build/tools.ts';
import type { KubernetesVersion } from '../build/tools.ts';
import type { KubeObject } from './options.ts';
import { startControlPlane } from './plane.ts';

const EXAMPLE = `Run: node conformance/kubernetes/plane/main.ts --version ${KUBERNETES_VERSIONS[0]} --nodes 3`;
const MOST_NODES = 500;

const readFlags = (): { version: KubernetesVersion; nodes: number } => {
  const text = { type: 'string' } as const;
  const { version = KUBERNETES_VERSIONS[0], nodes = '3' } = parseArgs({
    options: { version: text, nodes: text },
  }).values;
  if (!isKubernetesVersion(version))
    throw new Error(`--version must be one of ${KUBERNETES_VERSIONS.join(', ')}, not ${JSON.stringify(version)}.`);
  if (!/^\d{1,3}$/.test(nodes) || Number(nodes) > MOST_NODES)
    throw new Error(`--nodes must be a number up to ${MOST_NODES}, not ${JSON.stringify(nodes)}.`);
  return { version, nodes: Number(nodes) };
};

const nodeOf = (version: KubernetesVersion, index: number): KubeObject => {
  const name = `node-${index + 1}`;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
    status: {
      addresses: [{ type: 'InternalIP', address: `10.0.${(index + 1) >> 8}.${(index + 1) & 255}` }],
      nodeInfo: { kubeletVersion: `v${programsOf(version).apiServer.release}`, operatingSystem: 'linux' },
    },
  };
};

const serve = async (version: KubernetesVersion, nodes: number): Promise<void> => {
  const print = printTo(process.stderr);
  await buildControlPlanes([version], print);
  const plane = await startControlPlane({ version, onProgress: print });
  await plane.addNodes(Array.from({ length: nodes }, (_, index) => nodeOf(version, index)));
  console.log(`export KUBECONFIG=${plane.kubeconfig}`);
  print(`Kubernetes ${version} with ${nodes} nodes is at ${plane.url}, until Ctrl-C.`);
  await new Promise<void>((resolve) => {
    // Keeps this process alive; the programs of the plane do not.
    const timer = setInterval(() => {}, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        clearInterval(timer);
        resolve();
      });
  });
  await plane.stop();
};

let flags: ReturnType<typeof readFlags> | undefined;
try {
  flags = readFlags();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${EXAMPLE}`);
  process.exitCode = 2;
}
if (flags)
  try {
    await serve(flags.version, flags.nodes);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
