/** Lists by looking at everything, for the fakes, and for what the real ones are compared with. */
import {
  orderOf,
  type ListPosition,
  type MigrationFilter,
  type SweepFilter,
} from '../../lambdas/domain/overview/listing.ts';
import type { MigrationSummary } from '../../lambdas/domain/migration/summary.ts';

export const backendOfMigration = ({ migrationId: id, startedAt }: MigrationSummary): ListPosition => ({
  startedAt,
  id,
});

export const isWithin = (startedAt: string, { since, until }: Pick<SweepFilter, 'since' | 'until'>): boolean =>
  (since === undefined || Date.parse(startedAt) >= since) && (until === undefined || Date.parse(startedAt) < until);

export const isListed = (one: MigrationSummary, { since, until, ...filter }: MigrationFilter): boolean => {
  const has: Omit<MigrationFilter, 'since' | 'until'> = { ...one.target, ...one };
  return (
    isWithin(one.startedAt, { since, until }) &&
    Object.entries(filter).every(([name, wanted]) => wanted === undefined || has[name as keyof typeof has] === wanted)
  );
};

/** The newest first. */
export function pageOf<One>(
  all: readonly One[],
  {
    positionOf,
    limit,
    after,
  }: { positionOf: (one: One) => ListPosition; limit: number; after: ListPosition | undefined },
): { page: One[]; next?: ListPosition } {
  const order = (one: One): string => orderOf(positionOf(one));
  const left = all
    .filter((one) => after === undefined || order(one) < orderOf(after))
    .sort((a, b) => (order(a) < order(b) ? 1 : -1));
  const page = left.slice(0, limit);
  const last = page.at(-1);
  return { page, ...(left.length > limit && last !== undefined ? { next: positionOf(last) } : {}) };
}
