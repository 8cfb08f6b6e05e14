/**
 * Topics and queues for EventBridge and Lambda: senders are authorized, messages are stored, and nothing is delivered
 * any further. KMS keys are not checked.
 */
import type { AssemblyQueue, AssemblyTopic } from '../assembly/messaging.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { denialOfRole, denialOfService, isRole, type ResourceCaller } from '../authorization/resource-policy.ts';
import type { SandboxClock } from '../clock/clock.ts';
import type { World } from '../world/world.ts';

export interface MessagesOptions {
  world: World;
  clock: Pick<SandboxClock, 'now'>;
  authorizer: Authorizer;
  topics?: readonly AssemblyTopic[];
  queues?: readonly AssemblyQueue[];
}

/**
 * Why a message was not accepted. `code` is a dead letter's ERROR_CODE (EventBridge User Guide, "Using dead-letter
 * queues to process undelivered events").
 */
export interface DeliveryFailure {
  code:
    | 'NO_PERMISSIONS'
    | 'NO_RESOURCE'
    | 'INVALID_PARAMETER'
    | 'INVALID_JSON'
    | 'RESOURCE_ALREADY_EXISTS'
    | 'ERROR_FROM_TARGET';
  message: string;
}

export const isTopicArn = (text: string): boolean => /^arn:aws[\w-]*:sns:[^:]+:\d{12}:[\w-]+$/.test(text);

/** Longest message in bytes: SNS API Reference, Publish. */
const MAX_MESSAGE_BYTES = 262_144;

/** One call to either service. */
interface Sending {
  service: 'sns' | 'sqs';
  operation: 'Publish' | 'SendMessage';
  arn: string;
  input: object;
  /** The resource with that ARN, if it exists. */
  resource: Pick<AssemblyTopic, 'policies'> | undefined;
}

/** Error names for the call log: SNS API Reference, Publish; SQS API Reference, SendMessage. */
const ERRORS = {
  sns: { denied: 'AuthorizationError', missing: 'NotFound', text: 'Topic does not exist' },
  sqs: {
    denied: 'AccessDenied',
    missing: 'AWS.SimpleQueueService.NonExistentQueue',
    text: 'The specified queue does not exist.',
  },
} as const;

export class Messages {
  private readonly options: MessagesOptions;

  constructor(options: MessagesOptions) {
    this.options = options;
  }

  /**
   * Publishes a message; returns undefined once the topic has it. A service does not send SNS the resource that it
   * publishes for, so conditions on a rule or its account are never met. Source: EventBridge User Guide, "Using
   * resource-based policies", Amazon SNS permissions (Condition blocks can't be used in topic policies for
   * EventBridge).
   */
  publish(topicArn: string, message: string, by: ResourceCaller): DeliveryFailure | undefined {
    const caller: ResourceCaller = isRole(by) ? by : { caller: by.caller };
    const { world, topics = [] } = this.options;
    const sending: Sending = {
      service: 'sns',
      operation: 'Publish',
      arn: topicArn,
      input: { TopicArn: topicArn },
      resource: topics.find(({ arn }) => arn === topicArn),
    };
    if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) {
      this.log(sending, caller, { status: 400, error: 'InvalidParameter' });
      return { code: 'INVALID_PARAMETER', message: 'Invalid parameter: Message too long' };
    }
    const failure = this.send(sending, caller);
    if (!failure) world.notifications.push({ at: this.at(), topicArn, message });
    return failure;
  }

  /**
   * Sends a message; returns undefined once the queue has it. `event` is the message's body, and `why` its attributes.
   */
  keep(
    queueArn: string,
    { event, why }: { event: unknown; why: string },
    caller: ResourceCaller,
  ): DeliveryFailure | undefined {
    const { world, queues = [] } = this.options;
    const failure = this.send(
      {
        service: 'sqs',
        operation: 'SendMessage',
        arn: queueArn,
        input: { queueArn },
        resource: queues.find(({ arn }) => arn === queueArn),
      },
      caller,
    );
    if (!failure) world.deadLetters.push({ at: this.at(), queueArn, event, why });
    return failure;
  }

  private send(sending: Sending, caller: ResourceCaller): DeliveryFailure | undefined {
    const { authorizer } = this.options;
    const { service, operation, arn, resource } = sending;
    const errors = ERRORS[service];
    const call = { action: `${service}:${operation}`, resource: arn };
    // A refusal does not reveal to a role whether the resource exists.
    const denial = isRole(caller)
      ? denialOfRole(authorizer, resource?.policies ?? [], call, caller)
      : resource && denialOfService(authorizer, resource.policies, call, caller);
    if (denial) {
      this.log(sending, caller, { status: 403, error: errors.denied, denied: denial.action });
      return { code: 'NO_PERMISSIONS', message: denial.message };
    }
    this.log(sending, caller, resource ? { status: 200 } : { status: 404, error: errors.missing });
    return resource ? undefined : { code: 'NO_RESOURCE', message: errors.text };
  }

  private at(): string {
    return new Date(this.options.clock.now()).toISOString();
  }

  private log(
    { service, operation, arn, input }: Sending,
    { caller }: ResourceCaller,
    answer: { status: number; error?: string; denied?: string },
  ): void {
    const [, , , region = '', account = ''] = arn.split(':');
    this.options.world.log.add({
      at: this.at(),
      service,
      operation,
      mutating: true,
      caller,
      account,
      region,
      input,
      ...answer,
    });
  }
}
