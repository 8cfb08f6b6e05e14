/** The short form of what a command would change, which is shown before it asks. */
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import { subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { whoMustNotApply } from '../../lambdas/domain/hand-off/order.ts';
import { attemptName, DISRUPTION } from './attempts.ts';
import { duration } from '../text/duration.ts';
import { hanging, type Style } from '../text/style.ts';

export interface Fact {
  name: string;
  /** One line each, or more if they are long. */
  values: readonly string[];
}

/** Returns a title and named facts below it, with the names in one column. */
export const factsSection = (title: string, facts: readonly Fact[], style: Style): string[] => {
  const shown = facts.filter(({ values }) => values.length > 0);
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  return [
    '',
    ...hanging('', title, style).map((line) => style.paint('bold', line)),
    ...shown.flatMap(({ name, values }) =>
      values.flatMap((value, index) => hanging(`  ${(index === 0 ? name : '').padEnd(width)}  `, value, style)),
    ),
  ];
};

const forecastText = ({ forecast }: Plan): string[] =>
  forecast === undefined
    ? []
    : [`about ${duration(forecast.seconds * 1000)}, at most ${duration(forecast.atMostSeconds * 1000)}`];

const strategyOf = ({ attempts: [first, ...others] }: Plan): string[] =>
  first === undefined
    ? []
    : [
        `${attemptName(first)}${others.length === 0 ? '' : `; if the pods keep the old identity after restarts: ${others.map(attemptName).join(', then ')}`}`,
      ];

/** Returns whether a step only observes pods, or what EKS reports of the add-on, and names the level of evidence. */
const isObservation = (name: string): boolean => name === 'verify-pods' || name === 'confirm-ready';

/** Returns the subject, what would change, its disruption and forecast, and the warnings of a plan. */
export const shortPlan = (report: MigrationReport, style: Style): string[] => {
  const { cluster, account, region } = report.target;
  const { plan } = report;
  const facts: Fact[] = [
    { name: 'cluster', values: [`${cluster}, account ${account}, ${region}`] },
    ...(plan
      ? [
          { name: 'strategy', values: strategyOf(plan) },
          { name: 'changes', values: plan.steps.filter(({ calls }) => calls.length > 0).map(({ what }) => what) },
          {
            name: 'verified',
            values: plan.steps
              .filter(({ name, calls }) => isObservation(name) && calls.length === 0)
              .map(({ what }) => what),
          },
          {
            name: 'trust',
            values: plan.trustRepairs.map(({ roleArn }) => `one statement is added to role ${roleArn}`),
          },
          {
            name: 'disruption',
            values: plan.attempts.slice(0, 1).map(({ disruption }) => DISRUPTION[disruption].text),
          },
          { name: 'forecast', values: forecastText(plan) },
          { name: 'code', values: report.handOff === undefined ? [] : whoMustNotApply(report.handOff) },
          {
            name: 'warnings',
            values: plan.checks.filter(({ status }) => status === 'warn').map(({ id, message }) => `${id}: ${message}`),
          },
        ]
      : []),
  ];
  return factsSection(`Migrate ${subjectOf(report)}`, facts, style);
};

/** Returns the subject and the last end of a migration that a command is about to change. */
export const shortRecord = (title: string, report: MigrationReport, consequence: string, style: Style): string[] => {
  const { cluster, account, region } = report.target;
  return factsSection(
    title,
    [
      { name: 'migration', values: [report.migrationId] },
      { name: 'subject', values: [`${subjectOf(report)} on ${cluster}, account ${account}, ${region}`] },
      { name: 'ended', values: [`${report.outcome} at ${report.endedAt}`] },
      { name: 'changes', values: [consequence] },
    ],
    style,
  );
};
