import { ASSOCIATE } from '../../lambdas/domain/plan/ladder.ts';
import type { Disruption, MigrationReport, Plan, Rung } from '../../lambdas/domain/model.ts';
import { duration } from './duration.ts';
import { type Format, hanging, type Style } from './style.ts';

/** What somebody who depends on the add-on notices. */
export const DISRUPTION: Record<Plan['steps'][number]['disruption'], { text: string; format: Format }> = {
  none: { text: 'no disruption', format: 'green' },
  rolling: { text: 'pods roll, capacity stays', format: 'yellow' },
  outage: { text: "outage: the add-on's software is not running for a while", format: 'red' },
};

/** `in place`, `recreate with preserve` or `recreate`. */
export const wayName = ({ strategy, preserve }: Pick<Rung, 'strategy' | 'preserve'>): string =>
  strategy === 'in-place'
    ? 'in place'
    : strategy === 'associate'
      ? 'associate and restart'
      : `recreate${preserve ? ' with preserve' : ''}`;

/** The ways of the plan, and when those after the first are taken; the first one's steps follow in full. */
export const waysSection = ({ ladder, strategy }: Plan, style: Style): string[] => {
  if (ladder.length === 0) return [];
  const lines = ladder.flatMap((rung, index) => {
    const { text, format } = DISRUPTION[rung.disruption];
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
      `  ${String(index + 1).padStart(2)}. ${wayName(rung)}: ${style.paint(format, text)}${rung.strategy === 'associate' ? '' : ` ${style.paint('dim', `(resolveConflicts ${rung.resolveConflicts})`)}`}`,
      ...when,
    ];
  });
  const chosen = ladder.some((rung) => rung.strategy === 'associate') ? '' : `  strategy ${strategy}`;
  return ['', `${style.paint('bold', ladder.length === 1 ? 'Way' : 'Ways')}${chosen}`, ...lines];
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
  if (serviceAccount) return wayName(ASSOCIATE);
  const asked = `strategy ${strategy}${preserve ? ' with preserve' : ''}`;
  return applied && wayName(applied) !== `${strategy}${preserve ? ' with preserve' : ''}`
    ? `${asked}, done ${applied.strategy === 'in-place' ? 'in place' : `by ${wayName(applied)}`}`
    : asked;
};
