import type { Outcome } from '../../lambdas/domain/migration/model.ts';
import type { MigrationSummary } from '../../lambdas/domain/migration/summary.ts';
import { subjectOf } from '../../lambdas/domain/migration/subject.ts';
import { printable, shown } from '../../lambdas/domain/text/text.ts';
import type { Format, Style } from '../print/style.ts';
import { table } from '../print/table.ts';
import type { Listed } from '../service.ts';

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

/** An ARN is shown by its end, which tells people apart. */
const MOST = 40;
const whoOf = ({ requestedBy = '' }: MigrationSummary): string =>
  requestedBy.length > MOST ? `…${printable(requestedBy.slice(1 - MOST))}` : shown(requestedBy, MOST);

/** Newest first. */
export const listLines = (
  { migrations, more }: Listed,
  { limit, dryRun, withDryRuns }: { limit: number; dryRun: boolean; withDryRuns: boolean },
  style: Style,
): string[] => {
  if (migrations.length === 0)
    return dryRun || withDryRuns
      ? [dryRun ? 'There are no such dry runs.' : 'There are no such migrations or dry runs.']
      : ['There are no such migrations. Dry runs are not among them: --dry-run lists them.'];
  return [
    ...table<MigrationSummary>(
      migrations,
      [
        { title: 'MIGRATION', value: ({ migrationId }) => migrationId },
        { title: 'STARTED', value: ({ startedAt }) => `${startedAt.slice(0, 19)}Z` },
        { title: 'OUTCOME', value: (one) => ended(one, style) },
        { title: 'WHAT', value: (one) => printable(subjectOf(one)) },
        {
          title: 'CLUSTER',
          value: ({ target: { cluster, account, region } }) => printable(`${cluster} (${account}, ${region})`),
        },
        { title: 'BY (AS STATED)', value: whoOf },
      ],
      style,
      '',
    ),
    ...(more
      ? ['', `There are older ones than these ${migrations.length}: narrow the list down, or raise --limit (${limit}).`]
      : []),
  ];
};
