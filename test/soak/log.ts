/** The log of a soak: one JSON document a line, appended as each part ends, from which an interrupted soak resumes. */
import { z } from 'zod';

const entry = z.strictObject({
  /** Full hash of the commit; followed by `+` and a hash of the changes if the checkout has uncommitted ones. */
  commit: z.string(),
  part: z.string(),
  /** The command that runs this part alone. */
  command: z.string(),
  ok: z.boolean(),
  /** The command's last line, which contains its counts. */
  counts: z.string(),
  seconds: z.number(),
  /** When the part ended, ISO 8601. */
  at: z.string(),
});
export type Entry = z.output<typeof entry>;

/** Reads the entries of a log. Skips invalid lines: the last one may have been cut off when the machine stopped. */
export const readEntries = (text: string): Entry[] =>
  text.split('\n').flatMap((line) => {
    try {
      return [entry.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });

/** Returns the parts that have passed for that commit; a part that failed runs again. */
export const passedFor = (entries: readonly Entry[], commit: string): Map<string, Entry> =>
  new Map(entries.filter((one) => one.commit === commit && one.ok).map((one) => [one.part, one]));

/** Numbers with the noun after each: `1000 runs: 512 migrated, …`, `12 passed, 0 failed`. */
const COUNT = /(\d+) ([a-z][a-z -]*[a-z])/g;

/** Adds up the counts of entries, by noun, in the order in which the nouns first appear. */
export const totalOf = (entries: Iterable<Pick<Entry, 'counts'>>): string => {
  const totals = new Map<string, number>();
  for (const { counts } of entries)
    for (const [, count, noun = ''] of counts.matchAll(COUNT))
      totals.set(noun, (totals.get(noun) ?? 0) + Number(count));
  return [...totals].map(([noun, count]) => `${count} ${noun}`).join(', ');
};
