/** Creates nodes on a real API server. */
import { setTimeout as wait } from 'node:timers/promises';
import type { KubeClient } from './client.ts';
import type { KubeObject } from './options.ts';
import { HELD } from './stages.ts';

interface NodeList {
  items: { metadata: { name: string }; spec?: { taints?: { key: string }[] } }[];
}

const NOT_READY = 'node.kubernetes.io/not-ready';
/** How many nodes are created at the same time: each has its own connection. */
const AT_ONCE = 16;
/** A list of many nodes costs the API server as much as their creation. */
const pollMs = (nodes: number): number => 100 + 2 * nodes;
const LONGEST_WAIT_MS = 120_000;

const create = async (client: KubeClient, node: KubeObject): Promise<void> => {
  const { status, text } = await client.request('POST', '/api/v1/nodes?fieldManager=kubelet', { body: node });
  if (status !== 201) throw new Error(`Creating node ${node.metadata.name} was answered with ${status}: ${text}`);
};

/** Creates the nodes, and waits until pods can be scheduled on each that is not held. */
export const addNodes = async (client: KubeClient, nodes: KubeObject[]): Promise<void> => {
  const left = nodes.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const node of left) await create(client, node);
    }),
  );
  const awaited = new Set(
    nodes.filter(({ metadata }) => metadata.annotations?.[HELD] === undefined).map(({ metadata }) => metadata.name),
  );
  const deadline = Date.now() + LONGEST_WAIT_MS;
  while (awaited.size > 0) {
    const { items } = (await client.request('GET', '/api/v1/nodes')).body as NodeList;
    for (const { metadata, spec } of items)
      if (!spec?.taints?.some(({ key }) => key === NOT_READY)) awaited.delete(metadata.name);
    if (awaited.size === 0) return;
    if (Date.now() > deadline)
      throw new Error(
        `${awaited.size} of ${nodes.length} nodes did not get ready within ${LONGEST_WAIT_MS / 1000} seconds: ${[...awaited].slice(0, 3).join(', ')}`,
      );
    await wait(pollMs(nodes.length));
  }
};
