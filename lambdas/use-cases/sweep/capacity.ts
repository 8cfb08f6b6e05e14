/** Computes how many migrations a sweep's dispatcher may begin in each location where calls already wait for their turn. */
import { type PaceScope, type PacedService, PLAN_CALLS, roomFor } from '../../domain/aws/pace.ts';
import type { SweepItem } from '../../domain/sweep/model.ts';
import { regionOf } from '../../domain/sweep/waves.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { failureOf } from '../../runtime/failures.ts';
import { each } from './each.ts';

/** The number of locations that are read at once. */
const AT_ONCE = 10;

type Ports = Pick<HandlerDependencies, 'pace' | 'clock' | 'telemetry'>;

/** Returns undefined if nothing waits or the pace can't be read: then the sweep's own limits decide. */
async function roomIn(item: SweepItem, { pace, clock, telemetry }: Ports): Promise<number | undefined> {
  // A migration begins with its plan; its later calls are spread over minutes.
  const roomOf = async (service: PacedService): Promise<number | undefined> => {
    const scope: PaceScope = { service, account: item.account, region: item.region, cluster: item.cluster };
    const state = await pace.read(scope, clock.now());
    return state && roomFor(state, service, PLAN_CALLS[service], clock.now());
  };
  try {
    const rooms = [await roomOf('eks'), await roomOf('iam')].filter((room) => room !== undefined);
    return rooms.length === 0 ? undefined : Math.min(...rooms);
  } catch (error) {
    const { name, message } = failureOf(error);
    telemetry.log.warn('could not read the shared pace', { error: name, message });
    return undefined;
  }
}

/** Returns the room by location of the queued items (`regionOf`). */
export async function roomsFor(queued: readonly SweepItem[], ports: Ports): Promise<Map<string, number>> {
  const locations = [...new Map(queued.map((item) => [regionOf(item), item])).values()];
  const rooms = new Map<string, number>();
  await each(locations, AT_ONCE, async (item) => {
    const room = await roomIn(item, ports);
    if (room !== undefined) rooms.set(regionOf(item), room);
  });
  return rooms;
}
