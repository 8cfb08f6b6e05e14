import { array, assert, constant, integer, nat, oneof, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { TimeQueue, type Queued } from '../../../sandbox/world/queue.ts';

/** Add one at that time, take the first, or remove the n-th of those that are there. */
const command = oneof(
  record({ add: integer({ min: 0, max: 20 }) }),
  record({ take: constant(true) }),
  record({ remove: nat() }),
);

test('a queue has its things in the order of their times, and of equal times as they came', () => {
  assert(
    property(array(command, { maxLength: 200 }), (commands) => {
      const queue = new TimeQueue<Queued>();
      // Sorted as it shall be: by a stable sort.
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
          // Once more changes nothing.
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
  );
});
