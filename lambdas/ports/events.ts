import type { ServiceEvent } from '../domain/events/service-event.ts';

/** The bus on which the service tells others what happens. */
export interface Events {
  /**
   * All of them, in that order, or it throws Throttled or ServiceUnavailable: then any may have been put, and all have
   * to be put again, under their ids.
   */
  publish(events: ServiceEvent[]): Promise<void>;
}
