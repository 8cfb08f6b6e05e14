/**
 * The levels of evidence, with the one text that each output uses for a level. The words are chosen with care: no level
 * observes that a pod uses its credentials. See docs/verification.md.
 */
import { z } from 'zod';
import type { Outcome } from './outcome.ts';

/** The level of evidence that was reached; see `verificationMode`. */
export const verified = z.enum(['injected', 'ready', 'api', 'none']);
export type Verified = z.infer<typeof verified>;

/** Returns whether the outcome was verified on the pods, at whatever level. */
export const isVerifiedOnPods = (level: Verified): boolean => level === 'injected' || level === 'ready';

/** What each level shows, and what it leaves open. */
export const LEVEL_TEXTS: Record<Verified, string> = {
  injected: 'credentials configuration injected; use of the credentials not observed',
  ready: 'stable; use of the credentials not observed',
  api: 'reported by EKS; no pod was inspected',
  none: 'not verified',
};

/** Describes the levels of a field, such as "`ready`: stable; use of the credentials not observed." */
export const levelsText = (levels: readonly Verified[]): string =>
  levels.map((level) => `\`${level}\`: ${LEVEL_TEXTS[level]}.`).join(' ');

/** After a rollback, the pods have what they had before, which may be no credentials configuration at all. */
const FORMER = 'former identity verified on the pods';

/** Returns how an outcome was verified, with the name of the level: "verified: ready (stable; …)". */
export function verifiedText({
  outcome,
  verified: level,
}: {
  outcome?: Outcome | undefined;
  verified: Verified;
}): string {
  if (level === 'none') return LEVEL_TEXTS.none;
  if (outcome === 'rolled-back' && isVerifiedOnPods(level)) return FORMER;
  return `verified: ${level} (${LEVEL_TEXTS[level]})`;
}

/**
 * Returns how many outcomes reached each level, such as "12 ready, 1 injected; use of the credentials not observed". Returns
 * `undefined` if none was verified.
 */
export function levelCounts(levels: readonly Verified[]): string | undefined {
  const counts = (['ready', 'injected', 'api'] as const).flatMap((level) => {
    const count = levels.filter((one) => one === level).length;
    return count === 0 ? [] : [`${count} ${level}`];
  });
  return counts.length === 0 ? undefined : `${counts.join(', ')}; use of the credentials not observed`;
}
