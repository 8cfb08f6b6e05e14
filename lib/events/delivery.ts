/**
 * Time for which EventBridge retries the delivery of an event that nothing else would replace. After that, it sends the
 * event to the dead-letter queue.
 */
import { Duration } from 'aws-cdk-lib';

export const KEPT_FOR = Duration.hours(6);
export const RETRIES = 60;
