/**
 * Handles an API server that the first plan can't reach: usually no network route to it was configured, and waiting would not
 * change that. It counts as an API server that refuses access, so that the plan reports it with a remedy. A later plan has
 * reached the API server before, and waits for it.
 */
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Clock, HandlerDependencies } from '../../ports/index.ts';

/** The waits before further tries, in milliseconds: a single connection may be lost. */
const TRIES = [1000, 4000] as const;
/** The milliseconds that a try may take: the connection's own time-out, and a margin. */
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
      throw closed ?? new MigrationError('ConnectionLost', 'The API server did not answer.');
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
