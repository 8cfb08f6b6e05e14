import { type IRule, RuleTargetInput, type RuleTargetInputProperties } from 'aws-cdk-lib/aws-events';
import { MOST } from '../../lambdas/domain/events/service-event.ts';

const nameOf = (line: number): string => `line${line}`;
const LINES = Array.from({ length: MOST.lines }, (_, line) => line);

/**
 * The event's own text, one quoted line for each of its lines: nobody says whether a line break within a value comes
 * out as one. EventBridge escapes nothing within the quotes, and has nothing between those of a line that an event does
 * not have. CDK's own input for texts takes the quotes of such lines away, where values become JSON of their own.
 * Source: EventBridge User Guide, "Amazon EventBridge input transformation" (100 variables, 8192 characters).
 */
export class EventText extends RuleTargetInput {
  /** The constructor of the class is for those alone that extend it. */
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
