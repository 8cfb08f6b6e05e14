/** The reasons for which the sandbox answers otherwise than a recorded server: each covers differences of some answers. */
import { readCorpusFile } from './corpus.ts';

export interface Reason {
  /** Ids of exchanges; `*` at the end stands for any rest. */
  ids: string[];
  /** A regular expression that the differences match; without one, all of them. */
  at?: string;
  /** Why the sandbox answers otherwise, as a sentence. */
  reason: string;
}

/** Returns the reasons that are known for a version. */
export const readReasons = (version: string): Reason[] =>
  JSON.parse(readCorpusFile(version, 'reasons.json')) as Reason[];

/** Returns whether a reason covers a difference of an exchange. */
export const covers = ({ ids, at }: Reason, id: string, difference: string): boolean =>
  ids.some((each) => (each.endsWith('*') ? id.startsWith(each.slice(0, -1)) : each === id)) &&
  (at === undefined || new RegExp(at, 's').test(difference));
