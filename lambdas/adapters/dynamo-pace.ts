/**
 * The shared pace in the ledger's table: an item `PACE` for each scope, in the partition `PACE#<scope>`
 * (`eks#<account>#<region>`, `iam#<account>`, `kube#<account>#<region>#<cluster>`). `expires`, the table's time to
 * live, is a day after the last use.
 *
 * A reservation is a single conditional UpdateItem. While calls are waiting, it only adds to `head`, so that any number
 * of writers succeed in turn without a second try. Only the first reservation after a pause depends on the time. A
 * caller that has not seen the item reserves as if the rate was never cut and no call was waiting, which is usual; it
 * reads the item only if that is wrong.
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
/** Maximum number of tries for a reservation. A failed try returns the current item. */
const MOST_TRIES = 5;

const partition = (scope: PaceScope): string => `PACE#${paceScopeKey(scope)}`;
const paceKey = (scope: PaceScope): Key => ({ pk: partition(scope), sk: 'PACE' });

class DynamoPace implements Pace {
  private readonly table: DynamoTable;
  /** The last known item of each scope. It may be stale, which the conditions detect. */
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
      // The known state may be stale, so the reservation may not be too late after all.
      if (known ? isTooLate(known, scope, now, within) : tries > 1) known = await this.found(scope, now);
      if (known && isTooLate(known, scope, now, within)) return { state: known };
      const made = await this.attempt(scope, calls, now, { known, within });
      if (made) return made;
      known = undefined;
    }
    throw new MigrationError(
      'Busy',
      `The pace of ${paceScopeText(scope)} was changed concurrently in each of ${MOST_TRIES} tries. The calls are made without it.`,
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
    const state = (await this.read(scope, now)) ?? freshState(service);
    const lower = state.cutAt > cutAt ? undefined : cut(state, service, now);
    if (!lower) return this.remember(scope, state);
    try {
      const after = await this.table.update(paceKey(scope), {
        UpdateExpression: 'SET atCut = :atCut, cutAt = :now, rate = :rate, expires = :expires ADD head :none',
        // A concurrent cut covers this throttled call too.
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

  /** Returns undefined for an item that this service did not write. */
  private stateIn(item: Item, { service }: PaceScope, now: number): PaceState | undefined {
    const { data } = paceState.safeParse(item);
    return data && isPlausible(data, service, now) ? data : undefined;
  }

  /** Returns the current state. An invalid item is replaced. */
  private async found(scope: PaceScope, now: number): Promise<PaceState | undefined> {
    const [item] = await this.table.under(partition(scope), 'PACE');
    if (!item) return undefined;
    const state = this.stateIn(item, scope, now);
    if (state) return state;
    const fresh = freshState(scope.service);
    await this.table.update(paceKey(scope), {
      ...setting([...Object.entries(fresh), ['expires', expiresAt(now)]]),
      ConditionExpression: 'attribute_exists(pk)',
    });
    throw new MigrationError(
      'BadInput',
      `The pace of ${paceScopeText(scope)} in the ledger did not have the format that this service writes, and was reset. Find out which principal wrote it.`,
    );
  }

  /**
   * Reserves based on the known item. Returns undefined if the conditions show that it is stale. If `known` is
   * undefined, there may be no item, or one whose rate was not cut and for which no call waits.
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
        const fresh = freshState(service);
        const position = nextPosition(fresh, service, now);
        const state = { ...fresh, head: position + calls };
        const change = setting([...Object.entries(state), ['expires', expires]]);
        await this.table.update(paceKey(scope), {
          ...change,
          ConditionExpression:
            'attribute_not_exists(pk) OR (cutAt = :cutAt AND atCut = :atCut AND rate = :rate AND head < :allowed)',
          ExpressionAttributeValues: {
            ...change.ExpressionAttributeValues,
            ':cutAt': fresh.cutAt,
            ':atCut': fresh.atCut,
            ':rate': fresh.rate,
            ':allowed': position,
          },
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

/** Returns the last position that is allowed within a number of milliseconds. */
const latestBy = (state: PaceState, { service }: PaceScope, now: number, within: number): number =>
  allowedBy(state, service, now + within + TOLERANCE);

const isTooLate = (state: PaceState, scope: PaceScope, now: number, within: number | undefined): boolean =>
  within !== undefined && nextPosition(state, scope.service, now) > latestBy(state, scope, now, within);

/** Returns the pace in a ledger's table. */
export const createDynamoPace = ({ client, tableName }: { client: DynamoDBClient; tableName: string }): Pace =>
  new DynamoPace(new DynamoTable(client, tableName));
