/** The data that the page's script reads. */
import type { ReportRow } from '../domain/sweep/report.ts';
import type { Shown, Status, STATUSES } from '../domain/sweep/statuses.ts';

/** A row of the report with the texts that are shown of it, with JavaScript and without. */
export interface PageRow extends ReportRow {
  /** The row's id in the page, made of names, so that it is the same in the page of the next sweep. */
  anchor: string;
  what: string;
  /** The most important reason, on one line. */
  why: string;
  became?: Status | undefined;
  took?: string | undefined;
}

export interface PageData {
  /** The script adds the text that it searches, in lower case. */
  rows: (PageRow & { text?: string })[];
  statuses: typeof STATUSES & Record<string, Pick<Shown, 'label' | 'sign' | 'tone'>>;
  simulated: boolean;
}
