/** What a rule does with its targets. What EventBridge can't deliver goes to the target's dead-letter queue. */
import type { AssemblyRule, AssemblyTarget } from '../assembly/rules.ts';
import { isJson } from '../json.ts';
import { isFunctionArn } from '../lambda/arn.ts';
import type { AsyncInvocations } from '../lambda/async-invocations.ts';
import { isTopicArn, type Messages, type NotTaken } from '../messaging/messages.ts';
import type { Event } from './event.ts';
import { inputFor } from './input.ts';
import { type StartOptions, startAs } from './start-execution.ts';

export interface TargetsOptions extends StartOptions {
  invocations: AsyncInvocations;
  messages: Messages;
}

/** Who calls a function, a topic or a queue for EventBridge. */
const EVENTS_PRINCIPAL = 'events.amazonaws.com';

/** A state machine is started as a role; functions and topics have policies of their own. */
export const needsRole = (arn: string): boolean => !isFunctionArn(arn) && !isTopicArn(arn);

/**
 * Nothing here is tried again: EventBridge itself does it where a target is throttled or out of reach, which is not
 * played, and "for errors that result from missing permissions to a target, or if a target resource that no longer exists,
 * no retry attempts will happen" (EventBridge User Guide, "Using dead-letter queues to process undelivered events").
 */
export class Targets {
  private readonly options: TargetsOptions;

  constructor(options: TargetsOptions) {
    this.options = options;
  }

  /** `executionName` is there for a state machine alone. */
  deliver(target: AssemblyTarget, rule: AssemblyRule, event: Event, executionName: () => string): void {
    const { arn, roleArn } = target;
    const input = inputFor(target, rule, event);
    const undelivered = (notTaken: NotTaken | undefined): void => this.undelivered(target, rule, event, notTaken);
    // A topic takes any text.
    if (isTopicArn(arn)) return undelivered(this.options.messages.publish(arn, input, roleArn === undefined ? { caller: EVENTS_PRINCIPAL, sourceArn: rule.arn } : { caller: roleArn }));
    if (!isJson(input)) return undelivered({ code: 'INVALID_JSON', message: `The input of the target ${target.id} is no JSON: ${input}` });
    if (!isFunctionArn(arn)) return undelivered(startAs(this.options, roleArn ?? '', { arn, input, name: executionName() }));
    return this.options.invocations.invoke({
      functionArn: arn,
      payload: JSON.parse(input),
      caller: { caller: EVENTS_PRINCIPAL, sourceArn: rule.arn },
      refused: ({ status, failureCause }) => undelivered({ code: status === 403 ? 'NO_PERMISSIONS' : 'NO_RESOURCE', message: failureCause }),
    });
  }

  private undelivered({ deadLetterArn }: AssemblyTarget, rule: AssemblyRule, event: Event, notTaken: NotTaken | undefined): void {
    if (!notTaken || deadLetterArn === undefined) return;
    this.options.messages.keep(deadLetterArn, { event, why: `${notTaken.code}: ${notTaken.message}` }, { caller: EVENTS_PRINCIPAL, sourceArn: rule.arn });
  }
}
