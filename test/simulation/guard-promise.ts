/** Promises about the preconditions of a change: the lock, read before each of them, and the ledger. */
import { inputOf, keyOf } from './calls.ts';
import { changes } from './observe.ts';
import { about, type Promised } from './promised.ts';

export const guardedOneByOne: Promised = {
  name: 'guarded-one-by-one',
  statement:
    'Directly before each change, and not once for several changes, its invocation reads the lock that the change needs.',
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
      return read ? [] : [`${about(call)} was made without reading the lock since the previous change`];
    });
  },
};

/** Items of the ledger that two executions may write at once, or that a late invocation may write again. */
const CONTENDED = /^(RECORD|SNAPSHOT|CANCEL|LOCK|CLAIM|APPROVAL#\d+|REPAIR#.*|VERIFICATION#.*)$/;

export const ledgerIsCertain: Promised = {
  name: 'ledger-is-certain',
  statement:
    'What a step decides by is read from the ledger with strong consistency, and items that several executions may write are written under a condition.',
  broken: ({ sandbox }) =>
    sandbox.world.log.calls
      .filter(({ service, step, status }) => service === 'dynamodb' && step !== undefined && status < 300)
      .flatMap((call) => {
        const input = inputOf(call);
        const reads = /^(GetItem|Query)$/.test(call.operation) && input['IndexName'] === undefined;
        if (reads && input['ConsistentRead'] !== true) return [`${about(call)} may return an outdated item`];
        const key = /^(Put|Update)Item$/.test(call.operation) ? keyOf(call) : undefined;
        return key && CONTENDED.test(key.sk) && typeof input['ConditionExpression'] !== 'string'
          ? [`${about(call)} writes ${key.sk} without a condition`]
          : [];
      }),
};
