/** From where an SDK got credentials in a world. */
import { KEYS } from './endpoints.ts';
import type { Reply } from './sdks/protocol.ts';
import { FILE_KEY } from './worlds.ts';

/**
 * `ecs`, `other`: from the agent of ECS, or from another address; `file`: from a file or a profile; `none`: from nowhere,
 * because it failed or found none.
 */
export type Outcome = 'agent' | 'irsa' | 'node-role' | 'static-keys' | 'file' | 'ecs' | 'other' | 'none';

const BY_KEY = new Map<string, Outcome>([
  [KEYS.agent, 'agent'],
  [KEYS.irsa, 'irsa'],
  [KEYS.node, 'node-role'],
  [KEYS.ecs, 'ecs'],
  [KEYS.other, 'other'],
  [KEYS.role, 'file'],
  [FILE_KEY, 'file'],
]);

/** Returns from where an SDK got credentials. */
export const outcomeOf = (reply: Reply): Outcome =>
  'error' in reply ? 'none' : (BY_KEY.get(reply.key) ?? 'static-keys');
