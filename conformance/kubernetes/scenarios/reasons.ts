/** Differences between the sandbox and a real control plane that are accepted, each with its reason. */
import type { Difference } from './compare.ts';

export interface Reason {
  /** Name of the runs. */
  run: RegExp;
  /** What an act does, as `titleOf` writes it; any act if absent. */
  act?: RegExp;
  /** What differs. */
  what: RegExp;
  /** Texts that both values must match; any values if absent. */
  values?: RegExp;
  /** Why the difference is accepted: one sentence. */
  reason: string;
}

export const REASONS: readonly Reason[] = [];

export interface Explained extends Difference {
  /** Why it is accepted; absent if it is not. */
  reason?: string;
}

/** Finds the reasons of differences, and remembers which of them were used. */
export class Explainer {
  private readonly reasons: readonly Reason[];
  private readonly used = new Set<Reason>();

  constructor(reasons: readonly Reason[] = REASONS) {
    this.reasons = reasons;
  }

  explain(run: string, act: string, difference: Difference): Explained {
    const found = this.reasons.find(
      (one) =>
        one.run.test(run) &&
        (one.act?.test(act) ?? true) &&
        one.what.test(difference.what) &&
        [difference.sandbox, difference.real].every((value) => one.values?.test(value) ?? true),
    );
    if (!found) return difference;
    this.used.add(found);
    return { ...difference, reason: found.reason };
  }

  /** Returns the reasons that explained nothing, as sentences. */
  unused(): string[] {
    return this.reasons
      .filter((one) => !this.used.has(one))
      .map(({ run, act, what, reason }) => `${run.source}${act ? `, ${act.source}` : ''}, ${what.source}: ${reason}`);
  }
}
