import { type IRule, RuleTargetInput, type RuleTargetInputProperties } from 'aws-cdk-lib/aws-events';
import { MOST } from '../../lambdas/domain/events/service-event.ts';

const nameOf = (line: number): string => `line${line}`;
const LINES = Array.from({ length: MOST.lines }, (_, line) => line);

/**
 * The event's own text, with a quoted line for each of its lines, because it is not documented whether a line break
 * within a value is kept. EventBridge escapes nothing within the quotes, and leaves them empty for a line that an event
 * does not have. CDK's own input for texts removes the quotes of such lines, where values would become JSON. Source:
 * EventBridge User Guide, "Amazon EventBridge input transformation" (100 variables, 8192 characters).
 */
export class EventText extends RuleTargetInput {
  /** The constructor of the base class is protected. */
  static input(): EventText {
    return new EventText();
  }

  bind(_rule: IRule): RuleTargetInputProperties {
    const paths = Object.fromEntries(LINES.map((line) => [nameOf(line), `$.detail.lines[${line}]`]));
    return {
      inputPathsMap: paths,
      inputTemplate: Object.keys(paths)
        .map((name) => `"<${name}>"`)
        .join('\n'),
    };
  }
}
