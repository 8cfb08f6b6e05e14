import type { Association } from '../../lambdas/domain/terms/observed.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Outcome } from '../../lambdas/domain/terms/outcome.ts';
import { verifiedText } from '../../lambdas/domain/terms/levels.ts';
import { LAST_ROLLBACK, whyEnded } from '../../lambdas/domain/failures/ended-by.ts';
import { subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { whoMustNotApply } from '../../lambdas/domain/hand-off/order.ts';
import { approvalsSection } from './approval.ts';
import { checksSection, reasonSection, warningsSection } from './checks.ts';
import { between, duration } from '../text/duration.ts';
import { headlineOf } from './headline.ts';
import { recoveryText, releaseText, retirementText, rollbackText } from './known.ts';
import { planSection } from './plan.ts';
import { nextAfter, type NextOptions, nextSection } from './next.ts';
import { podsSection } from './pods.ts';
import { remedyLines, typedLine } from '../text/remedy.ts';
import { stepsSection } from './steps.ts';
import { hanging, oneLine, type Style } from '../text/style.ts';
import { trustChangesLines } from './trust.ts';
import { carriedOverLines, disruptionText, strategyText } from './attempts.ts';

/** Outcomes of migrations that began a change: they have changes, pods and durations to show. */
const BEGUN: readonly Outcome[] = ['migrated', 'rolled-back', 'needs-human'];

/** Returns what a quiet output has: the result, what blocks it, and what a person has to do. */
const quietSummary = (report: MigrationReport, style: Style): string[] => [
  ...headline(report, style),
  ...failureSection(report, style),
  ...(report.plan && report.outcome === 'blocked'
    ? [...reasonSection(report.plan.checks, style), ...checksSection(report.plan.checks, style)]
    : []),
  ...restoreCommandsSection(report, style),
];

/** Sections that another output may have printed already. */
type Section = 'checks' | 'pods' | 'hand-off';

/** Returns the report of one migration, most important first. `omit`: sections that were already printed. */
export const summary = (report: MigrationReport, style: Style, omit: readonly Section[] = []): string[] => {
  const begun = BEGUN.includes(report.outcome);
  if (style.detail === 'quiet') return quietSummary(report, style);
  return [
    ...headline(report, style),
    ...(report.plan ? reasonSection(report.plan.checks, style) : []),
    ...failureSection(report, style),
    ...recoverySection(report, style),
    ...rollbackSection(report, style),
    ...retirementSection(report, style),
    ...releaseSection(report, style),
    ...approvalsSection(report.approvals, style),
    ...warningsSection(
      report.warnings.filter(({ id }) => id !== LAST_ROLLBACK),
      style,
    ),
    ...(report.plan && !omit.includes('checks') ? checksSection(report.plan.checks, style) : []),
    ...(report.plan && !begun ? planSection(report.plan, style) : []),
    ...(omit.includes('hand-off') ? [] : codeSection(report, style)),
    ...(begun ? changesSection(report, style) : []),
    ...(omit.includes('pods') ? [] : podsSection(report, style)),
    ...(begun ? stepsSection(report, style) : []),
    ...restoreCommandsSection(report, style),
  ];
};

/** Returns whether the migration ended by a rollback on demand. */
const isOnDemand = ({ rollback }: MigrationReport): boolean =>
  rollback?.cause === 'requested' && rollback.state === 'ended';

const headline = (report: MigrationReport, style: Style): string[] => {
  const { mark, format, word, says } = headlineOf(report);
  const { account, region, cluster } = report.target;
  const facts = [
    report.migrationId,
    strategyText(report),
    // A rollback on demand may be days after the migration, so it is timed separately.
    ...(BEGUN.includes(report.outcome)
      ? [
          verifiedText(report),
          took(
            report,
            isOnDemand(report) ? { ...report, startedAt: report.rollback?.startedAt ?? report.startedAt } : report,
          ),
        ]
      : []),
  ];
  return [
    ...oneLine(
      `${style.paint(format, mark)} ${style.paint(['bold', format], word)}  `,
      `${subjectOf(report)} on ${cluster} (${account}, ${region}): ${says}`,
      style,
    ),
    ...factLines(facts, style),
  ];
};

/** Returns the facts below a headline, on as many lines as they need. */
export const factLines = (facts: readonly string[], style: Style): string[] =>
  facts
    .reduce<string[]>((lines, fact) => {
      const line = lines.at(-1);
      const longer = `${line} · ${fact}`;
      return line === undefined || longer.length > style.lineWidth - 2
        ? [...lines, fact]
        : [...lines.slice(0, -1), longer];
    }, [])
    .flatMap((line) => oneLine('  ', line, style, 'dim'));

/** Returns the headline once more, as one sentence. */
export const verdictOf = (report: MigrationReport, style: Style): string => {
  const { mark, format, word, says } = headlineOf(report);
  return `${style.paint(format, mark)} ${word}: ${says}.`;
};

/** Returns the last lines of the report: the verdict, and the commands to paste next. */
export const conclusion = (report: MigrationReport, options: NextOptions, style: Style): string[] =>
  nextSection(verdictOf(report, style), nextAfter(report, options), style);

/** Returns the duration, marked as simulated in a sandbox, where it comes from the scenario's knobs. */
const took = (
  { simulated, outcome, recovery, plan }: MigrationReport,
  { startedAt, endedAt }: { startedAt: string; endedAt: string },
): string => {
  // The forecast applies only to a migration that ran to its end.
  const forecast = outcome === 'migrated' && !recovery ? plan?.forecast : undefined;
  return `${between(startedAt, endedAt)}${forecast ? `, forecast about ${duration(forecast.seconds * 1000)}` : ''}${simulated ? ' (simulated)' : ''}`;
};

/** Returns what ended the migration and, after a failed rollback, why it was rolled back. */
const failureSection = ({ failure, outcome, warnings }: MigrationReport, style: Style): string[] => {
  const [why, ...earlier] = outcome === 'migrated' ? [] : whyEnded(failure, warnings);
  if (why === undefined) return [];
  return [
    '',
    style.paint('bold', 'Why'),
    ...remedyLines('  ', why, style),
    ...(earlier.length > 0 ? ['', style.paint('bold', 'Earlier')] : []),
    ...earlier.flatMap((text) => remedyLines('  ', text, style)),
  ];
};

/** Returns who must not apply the code until when, before the migration, unless a check on its owner does. */
const codeSection = ({ outcome, handOff, plan }: MigrationReport, style: Style): string[] =>
  outcome !== 'planned' ||
  handOff === undefined ||
  plan?.checks.some(({ id, status }) => id.startsWith('owner-') && status === 'warn') === true
    ? []
    : [
        '',
        style.paint('bold', 'The code that defines it'),
        ...whoMustNotApply(handOff).flatMap((sentence) => hanging('  ', sentence, style)),
      ];

const recoverySection = ({ recovery }: MigrationReport, style: Style): string[] =>
  recovery ? ['', style.paint('bold', 'Recovery'), ...hanging('  ', recoveryText(recovery), style)] : [];

/** Returns a rollback on demand. Other rollbacks are explained by the failure. */
const rollbackSection = ({ rollback }: MigrationReport, style: Style): string[] =>
  rollback?.cause === 'requested'
    ? ['', style.paint('bold', 'Rollback on demand'), ...hanging('  ', `${rollbackText(rollback)}.`, style)]
    : [];

const retirementSection = ({ retirement }: MigrationReport, style: Style): string[] =>
  retirement ? ['', style.paint('bold', 'OIDC trust'), ...hanging('  ', `${retirementText(retirement)}.`, style)] : [];

const releaseSection = ({ released }: MigrationReport, style: Style): string[] =>
  released
    ? ['', style.paint('bold', 'Released'), ...hanging('  ', `its locks were released ${releaseText(released)}`, style)]
    : [];

const associationLines = (
  mark: string,
  { id, namespace, serviceAccount, roleArn, ownerArn }: Association,
  style: Style,
): string[] =>
  hanging(
    `    ${mark} ${id}  `,
    `${namespace}/${serviceAccount}${ownerArn ? '' : ' (standalone)'} → ${roleArn}`,
    style,
  );

const ANNOTATION: Partial<Record<Outcome, string>> = {
  migrated: 'no IRSA annotation: it was removed',
  'rolled-back': 'the same IRSA annotation: it was removed and restored',
};

/** Returns the state of the annotation, except if its removal failed, which the warnings report. */
const annotationLine = ({ annotationChange, outcome, plan }: MigrationReport, style: Style): string[] => {
  const toGo = plan?.steps.some(({ name }) => name === 'annotate-service-account') === true;
  const kept =
    outcome === 'migrated' && !toGo && plan?.serviceAccount?.roleArn !== undefined
      ? 'the same IRSA annotation, which has no effect while the association exists'
      : undefined;
  const now = annotationChange?.writtenAt === undefined ? kept : ANNOTATION[outcome];
  return now === undefined ? [] : oneLine('  service account now:    ', now, style);
};

/**
 * Titles for associations that the migration created and deleted again. The ledger records each deletion before it is
 * attempted.
 */
const UNDONE: Partial<Record<Outcome, string>> = {
  'needs-human': 'associations created that the rollback was to delete',
};

/** Returns the add-on, or the service account, before and now. */
const subjectLines = (report: MigrationReport, style: Style): string[] => {
  const { created } = report.associations;
  const before = report.plan?.addon;
  const role = before?.serviceAccountRoleArn;
  const had = [
    role ? `IRSA role ${role}` : 'no role',
    ...(before?.podIdentityAssociations.length ? ['its own associations'] : []),
  ].join(' and ');
  const account = report.plan?.serviceAccount;
  const has: Partial<Record<Outcome, string>> = {
    migrated: `no role of its own; ${created.map(({ id }) => id).join(', ') || 'Pod Identity associations'}`,
    'rolled-back': `${had} again`,
  };
  return [
    ...(before
      ? [
          ...oneLine('  add-on before: ', `${before.version}, ${had}`, style),
          ...(has[report.outcome]
            ? oneLine('  add-on now:    ', `${before.version}, ${has[report.outcome]}`, style)
            : []),
        ]
      : []),
    ...(account
      ? [
          ...oneLine(
            '  service account before: ',
            account.roleArn === undefined ? 'no IRSA annotation' : `IRSA annotation ${account.roleArn}`,
            style,
          ),
          ...annotationLine(report, style),
        ]
      : []),
  ];
};

const changesSection = (report: MigrationReport, style: Style): string[] => {
  const { purged, created, restored } = report.associations;
  const undone = created.map(({ id }) => id).filter((id) => purged.some((one) => one.id === id));
  return [
    '',
    style.paint('bold', 'What changed'),
    ...subjectLines(report, style),
    ...trustChangesLines(report, style),
    ...listed(
      'associations deleted',
      purged.filter((one) => !undone.includes(one.id)),
      style.paint('red', '-'),
      style,
    ),
    ...listed(
      'associations created',
      created.filter((one) => !undone.includes(one.id)),
      style.paint('green', '+'),
      style,
    ),
    ...listed(
      UNDONE[report.outcome] ?? 'associations created and deleted again',
      created.filter((one) => undone.includes(one.id)),
      style.paint('cyan', '='),
      style,
    ),
    ...(report.plan && report.outcome === 'migrated' ? carriedOverLines(report.plan, style) : []),
    ...listed('associations restored', restored, style.paint('cyan', '+'), style),
    ...(report.disruption
      ? oneLine(
          '  ',
          disruptionText(report.disruption, report.serviceAccount ? 'pods of its workloads' : 'controller pods'),
          style,
        )
      : []),
  ];
};

const listed = (title: string, associations: readonly Association[], mark: string, style: Style): string[] =>
  associations.length === 0
    ? []
    : [`  ${title}:`, ...associations.flatMap((association) => associationLines(mark, association, style))];

const restoreCommandsSection = ({ restoreCommands, released }: MigrationReport, style: Style): string[] =>
  restoreCommands.length === 0
    ? []
    : [
        '',
        style.paint('bold', released ? 'Commands that would have restored it at its end' : 'What you have to do now'),
        ...oneLine(
          '  ',
          'For bash or zsh. A line that begins with ": " does nothing: it is a note, or a command for you to decide on.',
          style,
          'dim',
        ),
        ...restoreCommands.map((command) => `  ${typedLine(command, style)}`),
      ];
