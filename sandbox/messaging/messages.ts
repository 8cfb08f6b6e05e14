/**
 * Topics and queues, as EventBridge and Lambda use them: who may send is judged, what is sent is kept, and nothing goes
 * any further. Keys of KMS are not looked at.
 */
import type { AssemblyQueue, AssemblyTopic } from '../assembly/messaging.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { denialOfRole, denialOfService, isRole, type ResourceCaller } from '../authorization/resource-policy.ts';
import type { SandboxClock } from '../world/clock.ts';
import type { World } from '../world/world.ts';

export interface MessagesOptions {
  world: World;
  clock: Pick<SandboxClock, 'now'>;
  authorizer: Authorizer;
  topics?: readonly AssemblyTopic[];
  queues?: readonly AssemblyQueue[];
}

/**
 * Why something was not taken. `code` as in a dead letter's ERROR_CODE (EventBridge User Guide, "Using dead-letter
 * queues to process undelivered events").
 */
export interface NotTaken {
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

/** SNS API Reference, Publish: the message's bytes. */
const MAX_MESSAGE_BYTES = 262_144;

/** One call of either service. */
interface Sending {
  service: 'sns' | 'sqs';
  operation: 'Publish' | 'SendMessage';
  arn: string;
  input: object;
  /** What there is at that ARN. */
  resource: Pick<AssemblyTopic, 'policies'> | undefined;
}

/** Names of errors as the call log has them: SNS API Reference, Publish; SQS API Reference, SendMessage. */
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
   * Undefined once the topic has it. A service does not tell SNS what it publishes for, so no condition on a rule or
   * its account is met. Source: EventBridge User Guide, "Using resource-based policies", Amazon SNS permissions
   * (Condition blocks can't be used in topic policies for EventBridge).
   */
  publish(topicArn: string, message: string, by: ResourceCaller): NotTaken | undefined {
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
    const notTaken = this.send(sending, caller);
    if (!notTaken) world.notifications.push({ at: this.at(), topicArn, message });
    return notTaken;
  }

  /** Undefined once the queue has it. `event` is what the message's body says, and `why` what its attributes do. */
  keep(
    queueArn: string,
    { event, why }: { event: unknown; why: string },
    caller: ResourceCaller,
  ): NotTaken | undefined {
    const { world, queues = [] } = this.options;
    const notTaken = this.send(
      {
        service: 'sqs',
        operation: 'SendMessage',
        arn: queueArn,
        input: { queueArn },
        resource: queues.find(({ arn }) => arn === queueArn),
      },
      caller,
    );
    if (!notTaken) world.deadLetters.push({ at: this.at(), queueArn, event, why });
    return notTaken;
  }

  private send(sending: Sending, caller: ResourceCaller): NotTaken | undefined {
    const { authorizer } = this.options;
    const { service, operation, arn, resource } = sending;
    const errors = ERRORS[service];
    const call = { action: `${service}:${operation}`, resource: arn };
    // A role without the right does not learn whether there is one.
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
