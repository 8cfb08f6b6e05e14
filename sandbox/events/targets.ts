/** What a rule does with its targets. What EventBridge can't deliver goes to the target's dead-letter queue. */
import type { AssemblyRule, AssemblyTarget } from '../assembly/rules.ts';
import type { ParsedPolicy } from '../../lambdas/domain/policy/index.ts';
import { denialOfRole } from '../authorization/resource-policy.ts';
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
  /** What the policy of a bus says. */
  policiesOf: (busArn: string) => ParsedPolicy[];
  /** Hands an event on to another bus, as it is. */
  forward: (event: Event, busArn: string) => void;
}

/** Who calls a function, a topic or a queue for EventBridge. */
const EVENTS_PRINCIPAL = 'events.amazonaws.com';

const isBusArn = (arn: string): boolean => arn.split(':')[2] === 'events';

/** A state machine, or another bus, is called as a role; functions and topics have policies of their own. */
export const needsRole = (arn: string): boolean => !isFunctionArn(arn) && !isTopicArn(arn);

/**
 * Nothing here is tried again: EventBridge itself does it where a target is throttled or out of reach, which is not
 * played, and "for errors that result from missing permissions to a target, or if a target resource that no longer
 * exists, no retry attempts will happen" (EventBridge User Guide, "Using dead-letter queues to process undelivered
 * events").
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
    if (isTopicArn(arn))
      return undelivered(
        this.options.messages.publish(
          arn,
          input,
          roleArn === undefined ? { caller: EVENTS_PRINCIPAL, sourceArn: rule.arn } : { caller: roleArn },
        ),
      );
    if (!isJson(input))
      return undelivered({
        code: 'INVALID_JSON',
        message: `The input of the target ${target.id} is no JSON: ${input}`,
      });
    if (isBusArn(arn)) return undelivered(this.forward(arn, roleArn ?? '', event));
    if (!isFunctionArn(arn))
      return undelivered(startAs(this.options, roleArn ?? '', { arn, input, name: executionName() }));
    return this.options.invocations.invoke({
      functionArn: arn,
      payload: JSON.parse(input),
      caller: { caller: EVENTS_PRINCIPAL, sourceArn: rule.arn },
      refused: ({ status, failureCause }) =>
        undelivered({ code: status === 403 ? 'NO_PERMISSIONS' : 'NO_RESOURCE', message: failureCause }),
    });
  }

  private undelivered(
    { deadLetterArn }: AssemblyTarget,
    rule: AssemblyRule,
    event: Event,
    notTaken: NotTaken | undefined,
  ): void {
    if (!notTaken || deadLetterArn === undefined) return;
    this.options.messages.keep(
      deadLetterArn,
      { event, why: `${notTaken.code}: ${notTaken.message}` },
      { caller: EVENTS_PRINCIPAL, sourceArn: rule.arn },
    );
  }

  /** To the bus of another place. What EventBridge sends is the event as it came; the keys are those of PutEvents. */
  private forward(arn: string, roleArn: string, event: Event): NotTaken | undefined {
    const { world, clock, authorizer, policiesOf, forward } = this.options;
    const [, , , region = '', account = ''] = arn.split(':');
    const { source, 'detail-type': detailType } = event;
    const call = {
      at: new Date(clock.now()).toISOString(),
      service: 'events',
      operation: 'PutEvents',
      mutating: true,
      caller: roleArn,
      account,
      region,
      input: { Entries: [{ Source: source, DetailType: detailType, EventBusName: arn }] },
    };
    const asked = {
      action: 'events:PutEvents',
      resource: arn,
      context: { 'events:source': [source], 'events:detail-type': [detailType], 'events:eventBusInvocation': 'true' },
    };
    const denial = denialOfRole(authorizer, policiesOf(arn), asked, { caller: roleArn });
    world.log.add({
      ...call,
      status: denial ? 400 : 200,
      ...(denial ? { error: 'AccessDeniedException', denied: denial.action } : {}),
    });
    if (denial) return { code: 'NO_PERMISSIONS', message: denial.message };
    forward(event, arn);
    return undefined;
  }
}
