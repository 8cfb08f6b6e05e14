/** The promise that every single change is guarded by the lock, and not a series of them by one look. */
import { changes, keyOf } from './look.ts';
import { about, type Promised } from './promised.ts';

export const guardedOneByOne: Promised = {
  name: 'guarded-one-by-one',
  says: 'Directly before each change, and not once for several, its invocation reads the lock that the change needs.',
  broken: (result) => {
    const changed = new Set(changes(result));
    /** Invocations that have read a lock since their last change. */
    const guarded = new Set<string>();
    return result.sandbox.world.log.calls.flatMap((call) => {
      const { invocation = '' } = call;
      if (call.operation === 'GetItem' && call.status < 300 && keyOf(call)?.pk.startsWith('LOCK#') === true)
        guarded.add(invocation);
      if (!changed.has(call)) return [];
      const read = guarded.delete(invocation);
      return read ? [] : [`${about(call)} was made without a look at the lock since the change before it`];
    });
  },
};
