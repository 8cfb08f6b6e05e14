/**
 * An API server that the first plan can't reach: as a rule nobody has opened a way to it, and waiting would change
 * nothing. It counts as one that lets nobody in, so that the plan says so and what to do about it. Later the plan has
 * seen it, and it is waited for.
 */
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Clock, HandlerDependencies } from '../../ports/index.ts';

/** Waits before further tries, milliseconds: a connection may be lost once. */
const TRIES = [1000, 4000] as const;
/** Milliseconds that a try may take: the connection's own time-out, and a margin. */
const TIME_FOR_ONE = 20_000;

export const closedWhereUnreached =
  (
    portsFor: HandlerDependencies['portsFor'],
    { clock, remainingTime }: { clock: Clock; remainingTime: () => number },
  ): HandlerDependencies['portsFor'] =>
  (target, around) => {
    const ports = portsFor(target, around);
    let closed: MigrationError | undefined;
    const answering = async (call: () => Promise<unknown>): Promise<unknown> => {
      for (const wait of [...TRIES, undefined]) {
        if (closed) throw closed;
        try {
          return await call();
        } catch (error) {
          if (!isMigrationError(error, 'ConnectionLost')) throw error;
          if (wait === undefined || remainingTime() < TIME_FOR_ONE)
            closed = new MigrationError('Unauthorised', error.message, { cause: error });
          else await clock.sleep(wait);
        }
      }
      throw closed ?? new MigrationError('ConnectionLost', 'The API server gave no answer.');
    };
    const kubernetes = new Proxy(ports.kubernetes, {
      get: (inner, name) => {
        const member: unknown = Reflect.get(inner, name);
        return typeof member === 'function'
          ? (...given: unknown[]): Promise<unknown> =>
              answering(() => Reflect.apply(member, inner, given) as Promise<unknown>)
          : member;
      },
    });
    return { ...ports, kubernetes };
  };
