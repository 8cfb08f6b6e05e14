import type { Outcome } from '../../lambdas/domain/terms/outcome.ts';
import type { MigrationSummary } from '../../lambdas/domain/migration/summary.ts';
import { subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { printable, shown } from '../../lambdas/domain/text/text.ts';
import type { Format, Style } from '../text/style.ts';
import { table } from '../print/table.ts';
import type { Listed } from '../service/service.ts';

const FORMATS: Record<Outcome, Format> = {
  migrated: 'green',
  'already-migrated': 'green',
  planned: 'cyan',
  blocked: 'red',
  'rolled-back': 'yellow',
  'needs-human': 'red',
};

const ended = ({ status, outcome, dryRun }: MigrationSummary, style: Style): string => {
  if (status === 'rolling-back') return style.paint('yellow', 'rolling back');
  if (outcome === undefined) return style.paint('cyan', dryRun ? 'running (plan)' : 'running');
  // Only a dry run ends planned.
  return style.paint(FORMATS[outcome], dryRun && outcome !== 'planned' ? `${outcome} (plan)` : outcome);
};

/** Characters of a requester that are shown: the end of an ARN, which distinguishes principals. */
const MOST = 40;
const whoOf = ({ requestedBy = '' }: MigrationSummary): string =>
  requestedBy.length > MOST ? `…${printable(requestedBy.slice(1 - MOST))}` : shown(requestedBy, MOST);

/** Returns the list of migrations, newest first. */
export const listLines = (
  { migrations, more }: Listed,
  { limit, dryRun, withDryRuns }: { limit: number; dryRun: boolean; withDryRuns: boolean },
  style: Style,
): string[] => {
  if (migrations.length === 0)
    return dryRun || withDryRuns
      ? [dryRun ? 'No dry runs found.' : 'No migrations or dry runs found.']
      : ['No migrations found. To list dry runs: --dry-run'];
  return [
    ...table<MigrationSummary>(
      migrations,
      [
        { title: 'MIGRATION', value: ({ migrationId }) => migrationId, whole: true },
        { title: 'STARTED', value: ({ startedAt }) => `${startedAt.slice(0, 19)}Z`, whole: true, optional: true },
        { title: 'OUTCOME', value: (one) => ended(one, style), whole: true },
        { title: 'SUBJECT', value: (one) => printable(subjectOf(one)) },
        {
          title: 'CLUSTER',
          optional: true,
          value: ({ target: { cluster, account, region } }) => printable(`${cluster} (${account}, ${region})`),
        },
        { title: 'REQUESTED BY (STATED)', value: whoOf, optional: true },
      ],
      style,
      '',
    ),
    ...(more
      ? ['', `Only the newest ${migrations.length} are shown: narrow the list, or raise --limit (${limit}).`]
      : []),
  ];
};
