/** The shared pace in memory. */
import {
  allowedBy,
  cut,
  freshState,
  type Location,
  locationKey,
  nextPosition,
  type PaceState,
  TOLERANCE,
} from '../../lambdas/domain/pace.ts';
import type { Pace, Reserved } from '../../lambdas/ports/index.ts';

export class FakePace implements Pace {
  /** By location's key. */
  readonly states = new Map<string, PaceState>();
  /** What was reserved: location's key and number of calls. */
  readonly reservations: [string, number][] = [];
  /** Thrown by every call, if there is one. */
  down: Error | undefined;

  private at(location: Location, now: number): PaceState {
    if (this.down) throw this.down;
    return this.states.get(locationKey(location)) ?? freshState(location.service, now);
  }
  private set(location: Location, state: PaceState): PaceState {
    this.states.set(locationKey(location), state);
    return state;
  }
  private change(location: Location, change: (state: PaceState) => Partial<PaceState>): void {
    const state = this.at(location, 0);
    this.set(location, { ...state, ...change(state) });
  }

  async read(location: Location, now: number): Promise<PaceState | undefined> {
    this.at(location, now);
    return this.states.get(locationKey(location));
  }
  async reserve(
    location: Location,
    calls: number,
    now: number,
    within?: number,
  ): Promise<Reserved | { state: PaceState }> {
    const state = this.at(location, now);
    const position = nextPosition(state, location.service, now);
    if (within !== undefined && position > allowedBy(state, location.service, now + within + TOLERANCE))
      return { state };
    this.reservations.push([locationKey(location), calls]);
    return { position, state: this.set(location, { ...state, head: position + calls }) };
  }
  async giveBack(location: Location, calls: number): Promise<void> {
    this.change(location, ({ head }) => ({ head: head - calls }));
  }
  async refused(location: Location, now: number, cutAt: number): Promise<PaceState> {
    const state = this.at(location, now);
    return state.cutAt > cutAt ? state : this.set(location, cut(state, location.service, now) ?? state);
  }
}
