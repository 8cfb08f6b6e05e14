import type { ServiceEvent } from '../domain/events/service-event.ts';

/** The event bus to which the service publishes its events. */
export interface Events {
  /**
   * Puts all events in the given order. If it throws `Throttled` or `ServiceUnavailable`, some may have been put, and
   * all must be put again with the same ids.
   */
  publish(events: ServiceEvent[]): Promise<void>;
}
