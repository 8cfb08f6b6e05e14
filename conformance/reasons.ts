/** Differences from the real program that are accepted, each with its reason. */

export interface Difference {
  /** What differs, such as `outcome` or `check webhook`. */
  what: string;
  /** What the sandbox, or the project, has. */
  sandbox: string;
  /** What the real program has. */
  real: string;
}

export interface Reason {
  /** Where the difference is: the run, and what it was doing. */
  where: RegExp;
  /** What differs. */
  what: RegExp;
  /** Texts that both values must match; any values if absent. */
  values?: RegExp;
  /** Why the difference is accepted: one sentence. */
  reason: string;
}

export interface Explained extends Difference {
  /** Why it is accepted; absent if it is not. */
  reason?: string;
}

/** Finds the reasons of differences, and remembers which of them were used. */
export class Explainer {
  private readonly reasons: readonly Reason[];
  private readonly used = new Set<Reason>();

  constructor(reasons: readonly Reason[]) {
    this.reasons = reasons;
  }

  explain<Given extends Difference>(where: string, difference: Given): Given & { reason?: string } {
    const found = this.reasons.find(
      (one) =>
        one.where.test(where) &&
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
      .map(({ where, what, reason }) => `${where.source}, ${what.source}: ${reason}`);
  }
}
