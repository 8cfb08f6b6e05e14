/** What the events of a deployment are told to do, in plain values. */
import type { EventType } from '../../lambdas/domain/service-event.ts';

export interface NotificationSettings {
  /** A standard topic of SNS that is there already; its policy must let EventBridge publish. */
  topicArn?: string | undefined;
  /** Addresses that are subscribed to a topic that is made. With neither, nobody is told. */
  emails?: string[] | undefined;
  /** Types of events that are told of. What CloudTrail had the service start is told of in any case. */
  events: EventType[];
}
