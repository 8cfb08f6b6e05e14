import { ASSOCIATE } from '../../lambdas/domain/plan/attempts.ts';
import type { Disruption, MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Plan, Attempt } from '../../lambdas/domain/record/plan.ts';
import { duration } from '../text/duration.ts';
import { type Format, hanging, type Style, visibleWidth } from '../text/style.ts';

/** The disruption that users of the add-on notice. */
export const DISRUPTION: Record<Plan['steps'][number]['disruption'], { text: string; format: Format }> = {
  none: { text: 'no disruption', format: 'green' },
  rolling: { text: 'pods roll, capacity stays', format: 'yellow' },
  outage: { text: 'outage until the add-on is created again', format: 'red' },
};

/** Returns the name of an attempt: `in place`, `recreate with preserve`, `recreate` or `associate and restart`. */
export const attemptName = ({ strategy, preserve }: Pick<Attempt, 'strategy' | 'preserve'>): string =>
  strategy === 'in-place'
    ? 'in place'
    : strategy === 'associate'
      ? 'associate and restart'
      : `recreate${preserve ? ' with preserve' : ''}`;

/** Returns the attempts of the plan, and when those after the first are made. */
export const attemptsSection = ({ attempts, strategy }: Plan, style: Style): string[] => {
  if (attempts.length === 0) return [];
  const lines = attempts.flatMap((attempt, index) => {
    const { text, format } = DISRUPTION[attempt.disruption];
    const when =
      index === 0
        ? []
        : hanging(
            '      only if: ',
            'the pods still do not get the new identity after restarts in the previous attempt; any other failure leads to a rollback',
            style,
            'dim',
          );
    const conflicts = attempt.strategy === 'associate' ? '' : `(resolveConflicts ${attempt.resolveConflicts})`;
    const line = `  ${String(index + 1).padStart(2)}. ${attemptName(attempt)}: ${style.paint(format, text)}`;
    const fits = visibleWidth(line) + 1 + conflicts.length <= style.width;
    return [
      `${line}${conflicts === '' || !fits ? '' : ` ${style.paint('dim', conflicts)}`}`,
      ...(conflicts === '' || fits ? [] : [`      ${style.paint('dim', conflicts)}`]),
      ...when,
    ];
  });
  const chosen = attempts.some((attempt) => attempt.strategy === 'associate') ? '' : `  strategy ${strategy}`;
  return ['', `${style.paint('bold', attempts.length === 1 ? 'Attempt' : 'Attempts')}${chosen}`, ...lines];
};

/** Returns the settings, other than the role, that new associations get from former ones. */
export const carriedOverLines = ({ carryOver }: Plan, style: Style): string[] =>
  carryOver.flatMap(({ namespace, serviceAccount, from, targetRoleArn, disableSessionTags, policy, tags }) => {
    const tagText = Object.entries(tags).map(([key, value]) => `${key}=${value}`);
    const fields = [
      ...(targetRoleArn ? [`targetRoleArn ${targetRoleArn}`] : []),
      ...(disableSessionTags === undefined ? [] : [`disableSessionTags ${disableSessionTags}`]),
      ...(policy ? ['its session policy'] : []),
      ...(tagText.length > 0 ? [`tags ${tagText.join(', ')}`] : []),
    ];
    return fields.length === 0
      ? []
      : hanging(
          `  ${style.paint('cyan', '=')} carried over from ${from} to ${namespace}/${serviceAccount}: `,
          fields.join('; '),
          style,
        );
  });

const seconds = (value: number): string => duration(value * 1000);

/** Returns the disruption of `whose` pods, such as `controller pods: never fewer than 2 ready`. */
export const disruptionText = (
  { controllerUnavailableSeconds, minReadyPods, simulated }: Disruption,
  whose: string,
): string => {
  const what =
    controllerUnavailableSeconds > 0 || minReadyPods === 0
      ? `0 ready for ${seconds(controllerUnavailableSeconds)}`
      : `never fewer than ${minReadyPods} ready`;
  return `${whose}: ${what}${simulated ? ' (simulated)' : ''}`;
};

/** Returns the requested strategy, with the strategy that was applied if it differs. */
export const strategyText = ({
  strategy,
  preserve,
  applied,
  serviceAccount,
}: Pick<MigrationReport, 'strategy' | 'preserve' | 'applied' | 'serviceAccount'>): string => {
  // Service accounts have only one strategy.
  if (serviceAccount) return attemptName(ASSOCIATE);
  const asked = `strategy ${strategy}${preserve ? ' with preserve' : ''}`;
  return applied && attemptName(applied) !== `${strategy}${preserve ? ' with preserve' : ''}`
    ? `${asked}, done ${applied.strategy === 'in-place' ? 'in place' : `by ${attemptName(applied)}`}`
    : asked;
};
