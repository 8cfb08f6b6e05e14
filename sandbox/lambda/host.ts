/**
 * A function's container: a child process that imports its bundle and answers invocations by IPC.
 * Arguments: the bundle's file and the name of the handler in it. In: HostRequest, Slept; out: HostResponse, Sleeping.
 */
import * as nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import type { ContextData, LambdaContext } from './context.ts';
import { failureOf, stringifyResult } from './handler-error.ts';
import { WorldTimers } from './host-timers.ts';

export interface HostRequest {
  id: string;
  /** JSON text. */
  payload: string;
  context: ContextData;
  /** Milliseconds of the sandbox's time until the timeout. */
  remaining: number;
}
/** The function only waits for a timer: milliseconds of the sandbox's time, or null when it resumes work. */
export interface Sleeping {
  sleeping: number | null;
}
/** Milliseconds of the sandbox's time that passed while the function slept. */
export interface Slept {
  slept: number;
}
export type HostResponse =
  | { id: string; result: string }
  | {
      id: string;
      error: { errorType: string; errorMessage: string };
      /** True if the bundle itself could not be loaded. */ unusable: boolean;
    };

class Unusable extends Error {}

type Handler = (event: unknown, context: LambdaContext) => unknown;

const load = async (file: string, exportName: string): Promise<Handler> => {
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    const { errorType, errorMessage } = failureOf(error);
    throw Object.assign(new Unusable(`${errorType}: ${errorMessage}`), { name: 'Runtime.ImportModuleError' });
  }
  const handler = module[exportName];
  if (typeof handler !== 'function')
    throw Object.assign(new Unusable(`${exportName} is undefined or not exported`), {
      name: 'Runtime.HandlerNotFound',
    });
  return handler as Handler;
};

/** The part of `node:module` that Node 20 lacks. */
const { flushCompileCache } = nodeModule as { flushCompileCache?: () => void };
let isKept = false;
/** Keeps the compiled code for later containers, if NODE_COMPILE_CACHE is set: the sandbox kills them, and only an exit would. */
const keepCompiled = (): void => {
  if (!isKept) flushCompileCache?.();
  isKept = true;
};

const [, , file = '', exportName = ''] = process.argv;
const handler = load(file, exportName);
// Reported to each invocation.
handler.catch(() => undefined);

const timers = new WorldTimers((sleeping) => process.send?.({ sleeping: sleeping ?? null }));
timers.install();

const answer = async ({ id, payload, context, remaining }: HostRequest): Promise<HostResponse> => {
  timers.begin();
  const startedAt = timers.now;
  const getRemainingTimeInMillis = (): number => Math.max(0, Math.round(remaining - (timers.now - startedAt)));
  try {
    const result = await (await handler)(JSON.parse(payload), { ...context, getRemainingTimeInMillis });
    return { id, result: stringifyResult(result) };
  } catch (error) {
    return { id, error: failureOf(error), unusable: error instanceof Unusable };
  }
};

const respond = async (request: HostRequest): Promise<void> => {
  process.send?.(await answer(request));
  keepCompiled();
};

process.on('message', (message: HostRequest | Slept) => {
  if ('slept' in message) timers.pass(message.slept);
  else void respond(message);
});
// The sandbox has exited, so no answer is needed any more.
process.on('disconnect', () => process.exit());
