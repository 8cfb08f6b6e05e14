import { ASSOCIATE } from '../../lambdas/domain/plan/ladder.ts';
import type { Disruption, MigrationReport, Plan, Rung } from '../../lambdas/domain/model.ts';
import { duration } from './duration.ts';
import { type Format, hanging, type Style } from './style.ts';

/** The disruption that users of the add-on notice. */
export const DISRUPTION: Record<Plan['steps'][number]['disruption'], { text: string; format: Format }> = {
  none: { text: 'no disruption', format: 'green' },
  rolling: { text: 'pods roll, capacity stays', format: 'yellow' },
  outage: { text: 'outage until the add-on is created again', format: 'red' },
};

/** Returns the name of an attempt: `in place`, `recreate with preserve`, `recreate` or `associate and restart`. */
export const wayName = ({ strategy, preserve }: Pick<Rung, 'strategy' | 'preserve'>): string =>
  strategy === 'in-place'
    ? 'in place'
    : strategy === 'associate'
      ? 'associate and restart'
      : `recreate${preserve ? ' with preserve' : ''}`;

/** Returns the attempts of the plan, and when those after the first are made. */
export const waysSection = ({ ladder, strategy }: Plan, style: Style): string[] => {
  if (ladder.length === 0) return [];
  const lines = ladder.flatMap((rung, index) => {
    const { text, format } = DISRUPTION[rung.disruption];
    const when =
      index === 0
        ? []
        : hanging(
            '      only if: ',
            'the pods still do not get the new identity after restarts in the previous attempt; any other failure leads to a rollback',
            style,
            'dim',
          );
    return [
      `  ${String(index + 1).padStart(2)}. ${wayName(rung)}: ${style.paint(format, text)}${rung.strategy === 'associate' ? '' : ` ${style.paint('dim', `(resolveConflicts ${rung.resolveConflicts})`)}`}`,
      ...when,
    ];
  });
  const chosen = ladder.some((rung) => rung.strategy === 'associate') ? '' : `  strategy ${strategy}`;
  return ['', `${style.paint('bold', ladder.length === 1 ? 'Attempt' : 'Attempts')}${chosen}`, ...lines];
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
  if (serviceAccount) return wayName(ASSOCIATE);
  const asked = `strategy ${strategy}${preserve ? ' with preserve' : ''}`;
  return applied && wayName(applied) !== `${strategy}${preserve ? ' with preserve' : ''}`
    ? `${asked}, done ${applied.strategy === 'in-place' ? 'in place' : `by ${wayName(applied)}`}`
    : asked;
};
