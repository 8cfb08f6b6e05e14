/** The data that the page's script reads. */
import type { ReportRow } from '../domain/sweep/report.ts';
import type { Shown, Status, STATUSES } from '../domain/sweep/statuses.ts';

/** A row of the report with the texts that the page shows for it, with and without JavaScript. */
export interface PageRow extends ReportRow {
  /** The row's id in the page. It consists of names, so that it is the same in the report of the next sweep. */
  anchor: string;
  what: string;
  /** The most important reason, on one line. */
  why: string;
  /** Absent if the sweep did nothing with the row. */
  result?: Status | undefined;
  /** Level of evidence of a migration that was not rolled back, such as `verified: ready`. */
  level?: string | undefined;
  /** What that level, or a verified rollback, shows. */
  evidence?: string | undefined;
  took?: string | undefined;
}

export interface PageData {
  /** The script adds `text`, which it searches, in lower case. */
  rows: (PageRow & { text?: string })[];
  statuses: typeof STATUSES & Record<string, Pick<Shown, 'label' | 'sign' | 'tone'>>;
  simulated: boolean;
}
