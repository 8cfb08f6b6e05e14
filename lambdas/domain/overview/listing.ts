/** The filters of lists of migrations and sweeps, and their order: the newest first. */
import { z } from 'zod';
import { migrationId } from '../text/names.ts';
import type { Outcome, Status } from '../terms/outcome.ts';
import type { SweepStatus } from '../sweep/model.ts';

/** A migration's or a sweep's position in its list. If two started at the same time, the greater id comes first. */
export const listPosition = z.object({ startedAt: z.iso.datetime(), id: migrationId });
export type ListPosition = z.infer<typeof listPosition>;

interface Started {
  /** Started at that time or later, milliseconds since 1970. */
  since?: number | undefined;
  /** Started before that time. */
  until?: number | undefined;
}

/** Selects migrations. Each field that is present narrows the list. */
export interface MigrationFilter extends Started {
  account?: string | undefined;
  region?: string | undefined;
  cluster?: string | undefined;
  addon?: string | undefined;
  /** The full text that the request states. */
  requestedBy?: string | undefined;
  status?: Status | undefined;
  /** A migration that is rolling back has no outcome. */
  outcome?: Outcome | undefined;
  /** `true`: only dry runs; `false`: no dry runs; absent: both. */
  dryRun?: boolean | undefined;
}

/** Selects sweeps. */
export interface SweepFilter extends Started {
  status?: SweepStatus | undefined;
}

/** Returns a text whose ascending order is the reverse of the list's order. */
export const orderOf = ({ startedAt, id }: ListPosition): string => `${startedAt}#${id}`;
