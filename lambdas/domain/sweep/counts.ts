/** How many of what, by its name. */
export type Counts = Record<string, number>;

export function added(all: Counts[]): Counts {
  // No prototype: the names of services come from what was read.
  const sum: Counts = Object.create(null) as Counts;
  for (const [name, count] of all.flatMap((each) => Object.entries(each))) sum[name] = (sum[name] ?? 0) + count;
  return { ...sum };
}
