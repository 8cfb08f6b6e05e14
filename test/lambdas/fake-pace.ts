/** The shared pace in memory. */
import { allowedBy, cut, freshState, paceScopeKey, nextPosition, TOLERANCE } from '../../lambdas/domain/aws/pace.ts';
import type { PaceScope, PaceState } from '../../lambdas/domain/aws/pace.ts';
import type { Pace, Reserved } from '../../lambdas/ports/index.ts';

export class FakePace implements Pace {
  /** By location's key. */
  readonly states = new Map<string, PaceState>();
  /** What was reserved: location's key and number of calls. */
  readonly reservations: [string, number][] = [];
  /** Thrown by every call, if there is one. */
  down: Error | undefined;

  private at(scope: PaceScope): PaceState {
    if (this.down) throw this.down;
    return this.states.get(paceScopeKey(scope)) ?? freshState(scope.service);
  }
  private set(scope: PaceScope, state: PaceState): PaceState {
    this.states.set(paceScopeKey(scope), state);
    return state;
  }
  private change(scope: PaceScope, change: (state: PaceState) => Partial<PaceState>): void {
    const state = this.at(scope);
    this.set(scope, { ...state, ...change(state) });
  }

  async read(scope: PaceScope): Promise<PaceState | undefined> {
    this.at(scope);
    return this.states.get(paceScopeKey(scope));
  }
  async reserve(
    scope: PaceScope,
    calls: number,
    now: number,
    within?: number,
  ): Promise<Reserved | { state: PaceState }> {
    const state = this.at(scope);
    const position = nextPosition(state, scope.service, now);
    if (within !== undefined && position > allowedBy(state, scope.service, now + within + TOLERANCE)) return { state };
    this.reservations.push([paceScopeKey(scope), calls]);
    return { position, state: this.set(scope, { ...state, head: position + calls }) };
  }
  async giveBack(scope: PaceScope, calls: number): Promise<void> {
    this.change(scope, ({ head }) => ({ head: head - calls }));
  }
  async refused(scope: PaceScope, now: number, cutAt: number): Promise<PaceState> {
    const state = this.at(scope);
    return state.cutAt > cutAt ? state : this.set(scope, cut(state, scope.service, now) ?? state);
  }
}
