/** What the two comparisons of the part have in common: the reads, and the migrations. */
import type { PlacedDifference } from '../part-results.ts';

/** What is run. */
export interface Selection {
  /** Names of scenarios. */
  scenarios: readonly string[];
  /** Whether these are all, so that each reason must explain something. */
  whole: boolean;
  /** Prints only what is different. */
  brief: boolean;
}

export interface Comparison {
  /** How many of what was compared. */
  counts: Record<string, number>;
  /** Differences, with their reasons. */
  differences: PlacedDifference[];
  /** What else makes the part fail, as sentences. */
  problems: string[];
}
