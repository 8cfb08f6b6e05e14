/** What the answers of a hostile API server do to the client that reads them, which has the bounds of `node-http.ts`. */
import { LONGEST_ANSWER, longAnswer, slowAnswer, SOCKET_TIMEOUT, timeFor } from '../../lambdas/adapters/node-http.ts';
import { ConnectionLost } from '../gateway/faults.ts';
import { currentInvocation, ProcessExited } from '../lambda/invocation.ts';
import type { HostileApiServer } from '../world/hostile.ts';

const MB = 1024 * 1024;
const HUGE_ANSWER = 57 * MB;
const LARGER_OBJECT = 2 * MB;
const MILLISECONDS_PER_BYTE = 5000;
/** An answer takes this many times its size in memory when it is read and parsed. */
const TIMES_IN_MEMORY = 10;

/** Ends the function's process. Outside of functions, only the connection breaks. */
const runOutOfMemory = (): never => {
  const invocation = currentInvocation();
  if (!invocation) throw new ConnectionLost('socket hang up');
  invocation.exit('memory');
  throw new ProcessExited('The process of this invocation has exited.');
};

const objectsIn = (content: unknown): number => {
  const { items } = (content ?? {}) as { items?: unknown };
  return Array.isArray(items) ? items.length : 0;
};

const lengthOf = (hostile: HostileApiServer, text: string): number => {
  if (hostile === 'huge-answers') return HUGE_ANSWER;
  return text.length + (hostile === 'huge-objects' ? objectsIn(JSON.parse(text)) * LARGER_OBJECT : 0);
};

/** Resolves once the answer is read. Throws what reading it throws. */
export const readHostile = async (
  hostile: HostileApiServer,
  text: string,
  hang: (milliseconds: number) => Promise<void>,
): Promise<void> => {
  if (hostile === 'fatal') runOutOfMemory();
  const length = lengthOf(hostile, text);
  if (length > LONGEST_ANSWER) throw longAnswer();
  if (length * TIMES_IN_MEMORY > (currentInvocation()?.memoryMb ?? Infinity) * MB) runOutOfMemory();
  if (hostile !== 'trickling') return;
  const needed = length * MILLISECONDS_PER_BYTE;
  await hang(Math.min(needed, SOCKET_TIMEOUT));
  if (needed > timeFor(length)) throw slowAnswer(SOCKET_TIMEOUT / MILLISECONDS_PER_BYTE);
};
