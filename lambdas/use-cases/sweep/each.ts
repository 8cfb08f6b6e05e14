/**
 * Runs the function for each item, up to `atOnce` at a time, and returns the results in the items' order. All items are
 * run even if one fails: the first failure is thrown at the end.
 */
export async function each<Item, Answer>(
  items: readonly Item[],
  atOnce: number,
  run: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const failures: unknown[] = [];
  const waiting = items.entries();
  const worker = async (): Promise<void> => {
    // All workers share the iterator.
    for (const [index, item] of waiting) {
      try {
        answers[index] = await run(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return answers;
}
