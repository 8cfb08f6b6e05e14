/** Lists of migrations and of sweeps: what they are narrowed down by, and their order, the newest first. */
import { z } from 'zod';
import { migrationId } from '../text/names.ts';
import type { Outcome, Status } from './outcome.ts';
import type { SweepStatus } from '../sweep/model.ts';

/** A migration's or a sweep's place in the order of its list. Where two started at once, the greater id comes first. */
export const listPosition = z.object({ startedAt: z.iso.datetime(), id: migrationId });
export type ListPosition = z.infer<typeof listPosition>;

interface Started {
  /** Started at that time or later, milliseconds since 1970. */
  since?: number | undefined;
  /** Started before that time. */
  until?: number | undefined;
}

/** Which migrations; each field that is there narrows the list. */
export interface MigrationFilter extends Started {
  account?: string | undefined;
  region?: string | undefined;
  cluster?: string | undefined;
  addon?: string | undefined;
  /** What the request states, whole. */
  requestedBy?: string | undefined;
  status?: Status | undefined;
  /** A migration that is rolling back has none. */
  outcome?: Outcome | undefined;
  /** Dry runs alone, or none of them; both where it is undefined. */
  dryRun?: boolean | undefined;
}

/** Which sweeps. */
export interface SweepFilter extends Started {
  status?: SweepStatus | undefined;
}

/** A text that sorts as the list does, from its end. */
export const orderOf = ({ startedAt, id }: ListPosition): string => `${startedAt}#${id}`;
