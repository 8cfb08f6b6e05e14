/**
 * How long EventBridge tries to deliver what nothing else would make up for: it is laid into the dead-letter queue
 * after that.
 */
import { Duration } from 'aws-cdk-lib';

export const KEPT_FOR = Duration.hours(6);
export const RETRIES = 60;
