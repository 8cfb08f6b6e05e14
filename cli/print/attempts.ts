import { ASSOCIATE } from '../../lambdas/domain/plan/attempts.ts';
import type { Disruption, MigrationReport, Plan, Attempt } from '../../lambdas/domain/migration/model.ts';
import { duration } from './duration.ts';
import { type Format, hanging, type Style } from './style.ts';

/** What somebody who depends on the add-on notices. */
export const DISRUPTION: Record<Plan['steps'][number]['disruption'], { text: string; format: Format }> = {
  none: { text: 'no disruption', format: 'green' },
  rolling: { text: 'pods roll, capacity stays', format: 'yellow' },
  outage: { text: "outage: the add-on's software is not running for a while", format: 'red' },
};

/** `in place`, `recreate with preserve` or `recreate`. */
export const attemptName = ({ strategy, preserve }: Pick<Attempt, 'strategy' | 'preserve'>): string =>
  strategy === 'in-place'
    ? 'in place'
    : strategy === 'associate'
      ? 'associate and restart'
      : `recreate${preserve ? ' with preserve' : ''}`;

/** The ways of the plan, and when those after the first are taken; the first one's steps follow in full. */
export const attemptsSection = ({ attempts, strategy }: Plan, style: Style): string[] => {
  if (attempts.length === 0) return [];
  const lines = attempts.flatMap((attempt, index) => {
    const { text, format } = DISRUPTION[attempt.disruption];
    const when =
      index === 0
        ? []
        : hanging(
            '      only if: ',
            'the pods still do not take the new identity after restarts, on the way before it; any other failure goes to the rollback',
            style,
            'dim',
          );
    return [
      `  ${String(index + 1).padStart(2)}. ${attemptName(attempt)}: ${style.paint(format, text)}${attempt.strategy === 'associate' ? '' : ` ${style.paint('dim', `(resolveConflicts ${attempt.resolveConflicts})`)}`}`,
      ...when,
    ];
  });
  const chosen = attempts.some((attempt) => attempt.strategy === 'associate') ? '' : `  strategy ${strategy}`;
  return ['', `${style.paint('bold', attempts.length === 1 ? 'Way' : 'Ways')}${chosen}`, ...lines];
};

/** What the new associations get beside their role, from the ones before them. */
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

/** `controller pods: never fewer than 2 ready`, or for how long there was none. `whose`: such as `controller pods`. */
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

/** Which way a report's migration went, next to what was asked for. */
export const strategyText = ({
  strategy,
  preserve,
  applied,
  serviceAccount,
}: Pick<MigrationReport, 'strategy' | 'preserve' | 'applied' | 'serviceAccount'>): string => {
  // It has one way.
  if (serviceAccount) return attemptName(ASSOCIATE);
  const asked = `strategy ${strategy}${preserve ? ' with preserve' : ''}`;
  return applied && attemptName(applied) !== `${strategy}${preserve ? ' with preserve' : ''}`
    ? `${asked}, done ${applied.strategy === 'in-place' ? 'in place' : `by ${attemptName(applied)}`}`
    : asked;
};
