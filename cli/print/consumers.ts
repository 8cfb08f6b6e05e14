/** What else uses the web identity, as a plan lists it. */
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import { counted } from '../../lambdas/domain/text/text.ts';
import { hanging, type Style } from '../text/style.ts';

type PlannedConsumer = NonNullable<Plan['consumers']>[number];

/** Messages of checks name up to this number. */
const NAMED_IN_CHECKS = 5;

const markOf = ({ breaks, accepted }: PlannedConsumer, style: Style): string =>
  breaks ? (accepted ? style.paint('yellow', '!') : style.paint('red', '✖')) : style.paint('dim', '·');

/** Returns every consumer of the plan, if the checks do not name all of them, or if the output is verbose. */
export const consumersSection = ({ consumers = [] }: Pick<Plan, 'consumers'>, style: Style): string[] => {
  if (style.detail === 'quiet' || consumers.length === 0) return [];
  if (style.detail !== 'verbose' && consumers.length <= NAMED_IN_CHECKS) return [];
  const isOfOne = new Set(consumers.map(({ serviceAccount }) => serviceAccount)).size === 1;
  const breaking = consumers.filter(({ breaks, accepted }) => breaks && !accepted).length;
  return [
    '',
    `${style.paint('bold', 'Consumers of the web identity')}  ${counted(breaking, 'object')} to change or accept`,
    ...consumers.flatMap((one) =>
      hanging(
        `  ${markOf(one, style)} `,
        `${one.name} ${one.how}${isOfOne ? '' : `, as ${one.serviceAccount}`}`,
        style,
      ),
    ),
  ];
};
