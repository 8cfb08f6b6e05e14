/**
 * Consumers of web identities, played: for each object by which software uses the identity of a service account, what it
 * gets from STS now. The code is the sandbox's own, from the documentation and the source of each product, because it
 * judges what the service finds and promises (promise 13).
 */
import type { ClusterState, World } from '../world/world.ts';
import { playCertManager } from './cert-manager.ts';
import { playCrossplane } from './crossplane.ts';
import { playExternalSecrets } from './external-secrets.ts';
import { playFlux } from './flux.ts';
import { playKeda } from './keda.ts';
import { playMountpoint, playSecretsStore } from './mounted.ts';
import { playOwnTokens } from './own-tokens.ts';
import type { PlayedConsumer } from './stage.ts';
import { playVaultOperator } from './vault-operator.ts';

export type { PlayedConsumer } from './stage.ts';

const PLAYERS = [
  playExternalSecrets,
  playVaultOperator,
  playCertManager,
  playFlux,
  playKeda,
  playCrossplane,
  playMountpoint,
  playSecretsStore,
  playOwnTokens,
];

const keyOf = ({ name, serviceAccount }: PlayedConsumer): string =>
  `${name} ${serviceAccount.namespace}/${serviceAccount.name}`;

/**
 * Returns the consumers of a cluster's web identities, by name, and whether each gets credentials if it asks now. An
 * object that uses several service accounts is listed once for each of them; one that uses an account in several ways
 * works only if all of them do. Nothing changes in the world.
 */
export const consumersIn = (world: World, cluster: ClusterState): PlayedConsumer[] => {
  const found = new Map<string, PlayedConsumer>();
  for (const consumer of PLAYERS.flatMap((play) => play({ world, cluster }))) {
    const key = keyOf(consumer);
    if (found.get(key)?.works !== false) found.set(key, consumer);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, consumer]) => consumer);
};
