import { type IRule, RuleTargetInput, type RuleTargetInputProperties } from 'aws-cdk-lib/aws-events';
import { MOST } from '../../lambdas/domain/service-event.ts';

const FIRST = 'title';
const nameOf = (line: number): string => `line${line}`;
const LINES = Array.from({ length: MOST.lines }, (_, line) => line);

/**
 * The event's own text, one quoted line for each of its lines: EventBridge escapes a line break within a value, so that a
 * text of many lines would come as one, and puts nothing for a line that an event does not have. CDK's own input for
 * texts takes the quotes of such lines away, which leaves it to EventBridge what they are.
 * Source: EventBridge User Guide, "Amazon EventBridge input transformation" (100 variables, 8192 characters).
 */
export class EventText extends RuleTargetInput {
  /** The constructor of the class is for those alone that extend it. */
  static input(): EventText {
    return new EventText();
  }

  bind(_rule: IRule): RuleTargetInputProperties {
    const paths = { [FIRST]: '$.detail.title', ...Object.fromEntries(LINES.map((line) => [nameOf(line), `$.detail.lines[${line}]`])) };
    return { inputPathsMap: paths, inputTemplate: Object.keys(paths).map((name) => `"<${name}>"`).join('\n') };
  }
}
