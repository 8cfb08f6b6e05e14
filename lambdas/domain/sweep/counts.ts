/** Counts by name. */
export type Counts = Record<string, number>;

/** Returns the sum of the counts, by name. */
export function added(all: Counts[]): Counts {
  // No prototype, since the names of services come from data that was read.
  const sum: Counts = Object.create(null) as Counts;
  for (const [name, count] of all.flatMap((each) => Object.entries(each))) sum[name] = (sum[name] ?? 0) + count;
  return { ...sum };
}
