/**
 * A function's container: a child process that imports its bundle and answers invocations by IPC.
 * Arguments: the bundle's file and the name of the handler in it. In: HostRequest; out: HostResponse.
 */
import { pathToFileURL } from 'node:url';
import type { ContextData, LambdaContext } from './context.ts';
import { failureOf, stringifyResult } from './handler-error.ts';

export interface HostRequest {
  id: string;
  /** JSON text. */
  payload: string;
  context: ContextData;
  /** Milliseconds of the sandbox's time until the time-out. */
  remaining: number;
  /** How much faster than the wall the sandbox's time passes. */
  timeScale: number;
}
export type HostResponse =
  | { id: string; result: string }
  | {
      id: string;
      error: { errorType: string; errorMessage: string };
      /** Whether the bundle itself could not be used. */ unusable: boolean;
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

const [, , file = '', exportName = ''] = process.argv;
const handler = load(file, exportName);
// Told to whoever invokes.
handler.catch(() => undefined);

/** Timers run at the pace of the sandbox's time; `Date` stays the machine's, since requests are signed by it. */
const paceTimers = (timeScale: number): void => {
  const wait = globalThis.setTimeout;
  const paced = (run: (...args: unknown[]) => void, delay = 0, ...args: unknown[]): NodeJS.Timeout =>
    wait(run, delay / timeScale, ...args);
  globalThis.setTimeout = Object.assign(paced, wait);
};
let paced = false;

const answer = async ({ id, payload, context, remaining, timeScale }: HostRequest): Promise<HostResponse> => {
  if (!paced && timeScale !== 1) paceTimers(timeScale);
  paced = true;
  const startedAt = performance.now();
  const getRemainingTimeInMillis = (): number =>
    Math.max(0, Math.round(remaining - (performance.now() - startedAt) * timeScale));
  try {
    const result = await (await handler)(JSON.parse(payload), { ...context, getRemainingTimeInMillis });
    return { id, result: stringifyResult(result) };
  } catch (error) {
    return { id, error: failureOf(error), unusable: error instanceof Unusable };
  }
};

process.on('message', (request: HostRequest) => {
  void answer(request).then((response) => process.send?.(response));
});
// The sandbox has gone: nobody is left to answer to.
process.on('disconnect', () => process.exit());
