/** Delivers a rule's events to its targets. Undeliverable events go to the target's dead-letter queue. */
import type { AssemblyRule, AssemblyTarget } from '../assembly/rules.ts';
import type { ParsedPolicy } from '../../lambdas/domain/policy/index.ts';
import { denialOfRole } from '../authorization/resource-policy.ts';
import { isJson } from '../json.ts';
import { isFunctionArn } from '../function-arn.ts';
import type { AsyncInvocations } from '../lambda/async-invocations.ts';
import { isTopicArn, type Messages, type DeliveryFailure } from '../messaging/messages.ts';
import type { Event } from './event.ts';
import { inputFor } from './input.ts';
import { type StartOptions, startAs } from '../messaging/start-execution.ts';

export interface TargetsOptions extends StartOptions {
  invocations: AsyncInvocations;
  messages: Messages;
  /** Returns the resource policies of a bus. */
  policiesOf: (busArn: string) => ParsedPolicy[];
  /** Forwards an event to another bus, unchanged. */
  forward: (event: Event, busArn: string) => void;
}

/** The principal that calls a function, a topic or a queue for EventBridge. */
const EVENTS_PRINCIPAL = 'events.amazonaws.com';

const isBusArn = (arn: string): boolean => arn.split(':')[2] === 'events';

/** EventBridge assumes a role for a state machine or another bus; functions and topics have resource policies. */
export const needsRole = (arn: string): boolean => !isFunctionArn(arn) && !isTopicArn(arn);

/**
 * Deliveries are not retried: EventBridge's retries for throttled or unreachable targets are not simulated, and "for
 * errors that result from missing permissions to a target, or if a target resource that no longer exists, no retry
 * attempts will happen" (EventBridge User Guide, "Using dead-letter queues to process undelivered events").
 */
export class Targets {
  private readonly options: TargetsOptions;

  constructor(options: TargetsOptions) {
    this.options = options;
  }

  /** Delivers an event to a target. `executionName` is called only for a state machine. */
  deliver(target: AssemblyTarget, rule: AssemblyRule, event: Event, executionName: () => string): void {
    const { arn, roleArn } = target;
    const input = inputFor(target, rule, event);
    const undelivered = (failure: DeliveryFailure | undefined): void => this.undelivered(target, rule, event, failure);
    // A topic accepts any text.
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
        message: `The input of the target ${target.id} is not JSON: ${input}`,
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
    failure: DeliveryFailure | undefined,
  ): void {
    if (!failure || deadLetterArn === undefined) return;
    this.options.messages.keep(
      deadLetterArn,
      { event, why: `${failure.code}: ${failure.message}` },
      { caller: EVENTS_PRINCIPAL, sourceArn: rule.arn },
    );
  }

  /**
   * Forwards to the bus of another account or region. EventBridge sends the original event; the condition keys are
   * those of PutEvents.
   */
  private forward(arn: string, roleArn: string, event: Event): DeliveryFailure | undefined {
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
    const permission = {
      action: 'events:PutEvents',
      resource: arn,
      context: { 'events:source': [source], 'events:detail-type': [detailType], 'events:eventBusInvocation': 'true' },
    };
    const denial = denialOfRole(authorizer, policiesOf(arn), permission, { caller: roleArn });
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
