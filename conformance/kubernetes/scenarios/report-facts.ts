/** What a migration's report states, in a normal form that two runs of the same scenario share. */
import type { MigrationReport } from '../../../lambdas/domain/record/migration.ts';
import type { Facts } from './compare.ts';
import { counted, normaliser } from './normal.ts';

type Evidence = MigrationReport['verification']['pods'][number];
type StepLine = MigrationReport['steps'][number];

const attemptText = ({ strategy, preserve }: { strategy: string; preserve: boolean }): string =>
  preserve ? `${strategy} with preserve` : strategy;

/** Returns what a pod's evidence shows, with the workload that its name begins with. */
const evidenceText = ({
  namespace,
  name,
  serviceAccount,
  identity,
  ready,
  restarts,
  level,
  ...pod
}: Evidence): string =>
  [
    `${namespace}/${name}`,
    `service account ${serviceAccount}`,
    identity,
    ready ? 'ready' : 'not ready',
    `${restarts ?? 'unknown'} restarts`,
    `level ${level ?? 'none'}`,
    ...(pod.loss ? [`loses ${pod.loss.from} for ${pod.loss.to}`] : []),
    ...(pod.excluded === undefined ? [] : [`excluded: ${pod.excluded}`]),
    pod.evidence,
  ].join(', ');

/** Fields of a step's result that depend on durations, or are hashes of what does. */
const UNCOMPARED: ReadonlySet<string> = new Set(['firstPolls', 'planHash', 'settleSeconds', 'readyAt', 'startedAt']);

const stepText = ({ name, result, error }: StepLine): string => {
  if (error) return `${name} failed with ${error.name}: ${error.message}`;
  if (result === undefined) return name;
  try {
    return `${name} ${JSON.stringify(JSON.parse(result, (key, value: unknown) => (UNCOMPARED.has(key) ? undefined : value)))}`;
  } catch {
    return `${name} ${result}`;
  }
};

const checkText = ({
  status,
  message,
  remedy,
}: {
  status: string;
  message: string;
  remedy?: string | undefined;
}): string => `${status}: ${message}${remedy === undefined ? '' : ` ${remedy}`}`;

const accountsOf = (
  associations: readonly { namespace: string; serviceAccount: string; roleArn: string }[],
): string[] =>
  associations.map(({ namespace, serviceAccount, roleArn }) => `${namespace}/${serviceAccount} ${roleArn}`).sort();

/** Returns the facts of the plan: its verdict, its attempts, and each of its checks. */
const planFacts = (
  plan: NonNullable<MigrationReport['plan']>,
  normal: (text: string) => string,
): [string, string | string[]][] => {
  const ids = [...new Set(plan.checks.map(({ id }) => id))];
  const of = (id: string): typeof plan.checks => plan.checks.filter((check) => check.id === id);
  return [
    ['verdict', plan.verdict],
    ['attempts', plan.attempts.map(attemptText)],
    ['planned steps', plan.steps.map(({ name, what, disruption }) => normal(`${name} (${disruption}): ${what}`))],
    ...ids.flatMap((id): [string, string | string[]][] => [
      [
        `check ${id}`,
        of(id)
          .map(({ status }) => status)
          .join(', '),
      ],
      [`text of check ${id}`, of(id).map((check) => normal(checkText(check)))],
    ]),
  ];
};

/**
 * Returns what the report states. `workloads`: names of the workloads of the cluster. Times, durations, ids and random
 * names are left out, and so is how often a step polled.
 */
export const reportFacts = (report: MigrationReport, workloads: readonly string[]): Facts => {
  const normal = normaliser(workloads);
  const evidence = (pods: readonly Evidence[]): string[] => counted(pods.map((pod) => normal(evidenceText(pod))));
  const { plan, failure, applied, handOff, associations } = report;
  return new Map<string, string | string[]>([
    ['outcome', report.outcome],
    ['level', report.verified],
    ['failure', failure ? normal(`${failure.name}: ${failure.message}`) : 'none'],
    ['last attempt', applied ? attemptText(applied) : 'none'],
    ...(plan ? planFacts(plan, normal) : []),
    ['warnings', report.warnings.map((check) => normal(`${check.id} ${checkText(check)}`))],
    ['steps', report.steps.map((step) => normal(stepText(step)))],
    ['evidence before', evidence(report.verification.before)],
    ['evidence', evidence(report.verification.pods)],
    ['deleted associations', accountsOf(associations.purged)],
    ['created associations', accountsOf(associations.created)],
    ['restored associations', accountsOf(associations.restored)],
    ['trust changes', report.trustChanges.map((change) => normal(JSON.stringify(change)))],
    ['restore commands', report.restoreCommands.map(normal)],
    [
      'hand-off',
      handOff ? Object.entries(handOff).map(([key, value]) => normal(`${key}: ${JSON.stringify(value)}`)) : [],
    ],
  ]);
};
