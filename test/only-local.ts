/**
 * Refuses every connection to another host than this machine, so that a test of commands that call AWS shows that they
 * call nothing but the sandbox. In a separate process: `node --import ./test/only-local.ts PROGRAM`, which ends with exit
 * code 99 at the first such connection. In this process: `onlyLocal()`.
 */
import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

/** The exit code of a process that called another host. */
const CALLED_ELSEWHERE = 99;

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|::1|0:0:0:0:0:0:0:1)$/;

/** Returns the host that the arguments of `Socket.connect` name, or undefined for a local socket. */
const hostIn = (parameters: readonly unknown[]): string | undefined => {
  // Node's own callers pass the normalized arguments as one array.
  const [first, second] = Array.isArray(parameters[0]) ? (parameters[0] as unknown[]) : parameters;
  if (typeof first === 'object' && first !== null) {
    const { host, path } = first as { host?: string | null; path?: string | null };
    return path ? undefined : (host ?? 'localhost');
  }
  if (typeof first === 'string' && !/^\d+$/.test(first)) return undefined;
  return typeof second === 'string' ? second : 'localhost';
};

/** Calls `refuse` for each connection to another host, and makes the connection fail. Returns a function that ends that. */
const watchConnections = (refuse: (host: string) => void): (() => void) => {
  const connect = Reflect.get(Socket.prototype, 'connect') as (...parameters: unknown[]) => Socket;
  Socket.prototype.connect = function (this: Socket, ...parameters: unknown[]): Socket {
    const host = hostIn(parameters);
    if (host === undefined || LOCAL.test(host)) return Reflect.apply(connect, this, parameters);
    refuse(host);
    process.nextTick(() => this.destroy(new Error(`The test allows no connection to ${host}.`)));
    return this;
  };
  return () => void (Socket.prototype.connect = connect);
};

/** Refuses connections of this process. `elsewhere` has the hosts of the refused ones; `end` allows them again. */
export const onlyLocal = (): { elsewhere: string[]; end: () => void } => {
  const elsewhere: string[] = [];
  return { elsewhere, end: watchConnections((host) => elsewhere.push(host)) };
};

if (isMainThread && process.execArgv.some((one) => one.includes('only-local'))) {
  watchConnections((host) => {
    process.stderr.write(`only-local: a connection to ${host} was refused\n`);
    process.exit(CALLED_ELSEWHERE);
  });
}
