/**
 * The shared pace in the ledger's table: an item `PACE` for each location, of the partition `PACE#<location>`
 * (`eks#<account>#<region>`, `iam#<account>`, `kube#<account>#<region>#<cluster>`). `expires`, the table's time to live,
 * is a day after the last use.
 *
 * A reservation is one conditional UpdateItem. While calls wait, all that it does is add to `head`, so that any number
 * of writers come after each other without a second try; only the first after a rest has to know the time.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { MigrationError } from '../domain/failures/errors.ts';
import {
  allowedBy,
  cut,
  freshState,
  isPlausible,
  type PaceScope,
  paceScopeKey,
  paceScopeText,
  nextPosition,
  type PaceState,
  paceState,
  TOLERANCE,
} from '../domain/aws/pace.ts';
import type { Pace, Reserved } from '../ports/pace.ts';
import { DynamoTable, isConditionFailed, type Item, type Key, setting } from './dynamo-table.ts';

const KEPT_FOR_SECONDS = 24 * 3600;
/** Tries of one reservation: each that fails has learnt what the item was a moment before. */
const MOST_TRIES = 5;

const partition = (scope: PaceScope): string => `PACE#${paceScopeKey(scope)}`;
const paceKey = (scope: PaceScope): Key => ({ pk: partition(scope), sk: 'PACE' });

class DynamoPace implements Pace {
  private readonly table: DynamoTable;
  /** What this function has last seen of each location: it may be old, and conditions say so. */
  private readonly seen = new Map<string, PaceState>();

  constructor(table: DynamoTable) {
    this.table = table;
  }

  async read(scope: PaceScope, now: number): Promise<PaceState | undefined> {
    const [item] = await this.table.under(partition(scope), 'PACE');
    return item && this.stateIn(item, scope, now);
  }

  async reserve(
    scope: PaceScope,
    calls: number,
    now: number,
    within?: number,
  ): Promise<Reserved | { state: PaceState }> {
    let known = this.seen.get(paceScopeKey(scope));
    for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
      // What was seen before may be too late no more.
      if (!known || isTooLate(known, scope, now, within)) known = await this.found(scope, now);
      if (known && isTooLate(known, scope, now, within)) return { state: known };
      const made = await this.attempt(scope, calls, now, { known, within });
      if (made) return made;
      known = undefined;
    }
    throw new MigrationError(
      'Busy',
      `The pace of ${paceScopeText(scope)} was changed by others at each of ${MOST_TRIES} tries. The calls are made without it.`,
    );
  }

  async giveBack(scope: PaceScope, calls: number): Promise<void> {
    await this.table.update(paceKey(scope), {
      UpdateExpression: 'ADD head :calls',
      ConditionExpression: 'head >= :least',
      ExpressionAttributeValues: { ':calls': -calls, ':least': calls },
    });
  }

  async refused(scope: PaceScope, now: number, cutAt: number): Promise<PaceState> {
    const { service } = scope;
    const state = (await this.read(scope, now)) ?? freshState(service, now);
    const lower = state.cutAt > cutAt ? undefined : cut(state, service, now);
    if (!lower) return this.remember(scope, state);
    try {
      const after = await this.table.update(paceKey(scope), {
        UpdateExpression: 'SET atCut = :atCut, cutAt = :now, rate = :rate, expires = :expires ADD head :none',
        // Whoever has cut it meanwhile has done so for this refusal too.
        ConditionExpression: 'attribute_not_exists(cutAt) OR cutAt = :cutAt',
        ExpressionAttributeValues: {
          ':atCut': lower.atCut,
          ':now': now,
          ':rate': lower.rate,
          ':expires': expiresAt(now),
          ':cutAt': state.cutAt,
          ':none': 0,
        },
        ReturnValues: 'ALL_NEW',
      });
      return this.remember(scope, (after && this.stateIn(after, scope, now)) ?? lower);
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      return this.remember(scope, (await this.read(scope, now)) ?? state);
    }
  }

  private remember(scope: PaceScope, state: PaceState): PaceState {
    this.seen.set(paceScopeKey(scope), state);
    return state;
  }

  /** Undefined for one that this service did not write. */
  private stateIn(item: Item, { service }: PaceScope, now: number): PaceState | undefined {
    const { data } = paceState.safeParse(item);
    return data && isPlausible(data, service, now) ? data : undefined;
  }

  /** Of the item now. One that can't be used is made anew. */
  private async found(scope: PaceScope, now: number): Promise<PaceState | undefined> {
    const [item] = await this.table.under(partition(scope), 'PACE');
    if (!item) return undefined;
    const state = this.stateIn(item, scope, now);
    if (state) return state;
    const fresh = freshState(scope.service, now);
    await this.table.update(paceKey(scope), {
      ...setting([...Object.entries(fresh), ['expires', expiresAt(now)]]),
      ConditionExpression: 'attribute_exists(pk)',
    });
    throw new MigrationError(
      'BadInput',
      `The pace of ${paceScopeText(scope)} in the ledger was not as this service writes it, and was begun again. Find out who wrote it.`,
    );
  }

  /**
   * Reserves by what is known of the item; undefined where the conditions say that it is no longer so. `known`:
   * undefined where there is none.
   */
  private async attempt(
    scope: PaceScope,
    calls: number,
    now: number,
    { known, within }: { known: PaceState | undefined; within: number | undefined },
  ): Promise<Reserved | undefined> {
    const { service } = scope;
    const expires = expiresAt(now);
    try {
      if (!known) {
        const fresh = freshState(service, now);
        const position = nextPosition(fresh, service, now);
        const state = { ...fresh, head: position + calls };
        await this.table.update(paceKey(scope), {
          ...setting([...Object.entries(state), ['expires', expires]]),
          ConditionExpression: 'attribute_not_exists(pk)',
        });
        return { position, state: this.remember(scope, state) };
      }
      const allowed = nextPosition({ ...known, head: 0 }, service, now);
      const waits = known.head >= allowed;
      const latest = within === undefined || !waits ? {} : { ':latest': latestBy(known, scope, now, within) };
      const after = await this.table.update(paceKey(scope), {
        UpdateExpression: waits ? 'SET expires = :expires ADD head :calls' : 'SET expires = :expires, head = :calls',
        ConditionExpression: `cutAt = :cutAt AND head ${waits ? '>=' : '<'} :allowed${':latest' in latest ? ' AND head <= :latest' : ''}`,
        ExpressionAttributeValues: {
          ':expires': expires,
          ':calls': waits ? calls : allowed + calls,
          ':cutAt': known.cutAt,
          ':allowed': allowed,
          ...latest,
        },
        ReturnValues: 'ALL_NEW',
      });
      const state = this.remember(scope, paceState.parse(after));
      return { position: state.head - calls, state };
    } catch (error) {
      if (isConditionFailed(error)) return undefined;
      throw error;
    }
  }
}

const expiresAt = (now: number): number => Math.ceil(now / 1000) + KEPT_FOR_SECONDS;

/** The last position that is allowed within so many milliseconds. */
const latestBy = (state: PaceState, { service }: PaceScope, now: number, within: number): number =>
  allowedBy(state, service, now + within + TOLERANCE);

const isTooLate = (state: PaceState, scope: PaceScope, now: number, within: number | undefined): boolean =>
  within !== undefined && nextPosition(state, scope.service, now) > latestBy(state, scope, now, within);

/** The pace in the ledger's table of that name. */
export const createDynamoPace = ({ client, tableName }: { client: DynamoDBClient; tableName: string }): Pace =>
  new DynamoPace(new DynamoTable(client, tableName));
