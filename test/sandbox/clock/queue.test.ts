import { array, assert, constant, integer, nat, oneof, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { TimeQueue, type Queued } from '../../../sandbox/clock/queue.ts';

/** Adds an item at that time, takes the first, or removes the n-th of the existing ones. */
const command = oneof(
  record({ add: integer({ min: 0, max: 20 }) }),
  record({ take: constant(true) }),
  record({ remove: nat() }),
);

test('a queue orders items by time, and items of the same time by insertion', () =>
  assert(
    property(array(command, { maxLength: 200 }), (commands) => {
      const queue = new TimeQueue<Queued>();
      // The expected order, from a stable sort.
      let model: Queued[] = [];
      for (const [order, step] of commands.entries()) {
        if ('add' in step) {
          const item = { at: step.add, order };
          queue.add(item);
          model = [...model, item].sort((a, b) => a.at - b.at);
        } else {
          const item = 'take' in step ? queue.first() : model[step.remove % Math.max(1, model.length)];
          if (item) queue.remove(item);
          model = model.filter((other) => other !== item);
          // A second removal changes nothing.
          if (item) queue.remove(item);
        }
        expect([queue.first(), queue.size]).toEqual([model[0], model.length]);
      }
      for (const item of model) {
        expect(queue.first()).toBe(item);
        queue.remove(item);
      }
      expect(queue.first()).toBeUndefined();
    }),
  ));
