/** Sweeps, their bucket and EKS of one region, in memory. */
import { copyOf } from './copy.ts';
import { isWithin, pageOf } from './fake-lists.ts';
import type { ListPosition, SweepFilter } from '../../lambdas/domain/overview/listing.ts';
import type {
  InspectionMark,
  Sweep,
  SweepCommand,
  SweepItem,
  SweepLocation,
  SweepTally,
} from '../../lambdas/domain/sweep/model.ts';
import type { Documents, Fleet, SweepChange, SweepPage, Sweeps } from '../../lambdas/ports/index.ts';

export class FakeDocuments implements Documents {
  readonly objects = new Map<string, { text: string; type: string }>();
  async put(key: string, text: string, type: string): Promise<void> {
    this.objects.set(key, { text, type });
  }
  async get(key: string): Promise<string | undefined> {
    return this.objects.get(key)?.text;
  }
  async list(prefix: string, after = ''): Promise<{ keys: string[]; more: boolean }> {
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    return { keys: keys.slice(0, 1000), more: keys.length > 1000 };
  }
}

export class FakeFleet implements Fleet {
  clusters: string[] = [];
  async listClusters(): Promise<string[]> {
    return [...this.clusters];
  }
}

export class FakeSweeps implements Sweeps {
  readonly records = new Map<string, Sweep>();
  /** By sweep and migration. */
  readonly items = new Map<string, Map<string, SweepItem>>();

  async get(sweepId: string): Promise<Sweep | undefined> {
    return copyOf(this.records.get(sweepId));
  }
  async create(made: Sweep): Promise<Sweep> {
    if (!this.records.has(made.sweepId)) this.records.set(made.sweepId, copyOf(made));
    return copyOf(this.recordOf(made.sweepId));
  }
  async update(sweepId: string, change: SweepChange): Promise<void> {
    const record: Record<string, unknown> = this.recordOf(sweepId);
    for (const [name, value] of Object.entries(change)) {
      if (value === null) delete record[name];
      else if (value !== undefined) record[name] = copyOf(value);
    }
  }
  async command(sweepId: string, command: SweepCommand): Promise<Sweep | undefined> {
    const record = this.records.get(sweepId);
    const before = copyOf(record);
    if (record) record.command = { ...command };
    return before;
  }
  async list({ status, ...times }: SweepFilter, limit: number, after?: ListPosition): Promise<SweepPage> {
    const all = [...this.records.values()].filter(
      (one) => (status === undefined || one.status === status) && isWithin(one.startedAt, times),
    );
    const positionOf = ({ sweepId: id, startedAt }: Sweep): ListPosition => ({ startedAt, id });
    const { page, ...more } = pageOf(all, { positionOf, limit, after });
    return { sweeps: copyOf(page), ...more };
  }

  readonly marked = new Map<string, InspectionMark>();
  async marks(sweepId: string, { account, region }: SweepLocation): Promise<InspectionMark[]> {
    const prefix = [sweepId, account, region, ''].join(' ');
    return copyOf([...this.marked].flatMap(([key, mark]) => (key.startsWith(prefix) ? [mark] : [])));
  }
  async mark(sweepId: string, { account, region }: SweepLocation, mark: InspectionMark): Promise<void> {
    const key = [sweepId, account, region, mark.cluster].join(' ');
    const there = this.marked.get(key);
    if (there?.state !== 'done' || there.execution !== mark.execution) this.marked.set(key, copyOf(mark));
  }

  async enqueue(sweepId: string, item: SweepItem): Promise<void> {
    const items = this.itemsOf(sweepId);
    if (!items.has(item.migrationId)) items.set(item.migrationId, copyOf(item));
  }
  async queued(sweepId: string, limit: number): Promise<SweepItem[]> {
    return this.inState(sweepId, 'queued').slice(0, limit);
  }
  async inFlight(sweepId: string): Promise<SweepItem[]> {
    return this.inState(sweepId, 'in-flight');
  }
  async eachItem(sweepId: string, visit: (items: SweepItem[]) => void): Promise<void> {
    visit(copyOf([...this.itemsOf(sweepId).values()]));
  }
  async toFlight(sweepId: string, migrationId: string, begun: { begunAt: string; wave: number }): Promise<void> {
    const item = this.itemsOf(sweepId).get(migrationId);
    if (item?.state === 'queued') Object.assign(item, begun, { state: 'in-flight' });
  }
  async toEnd(sweepId: string, migrationId: string, { failed, ...end }: Parameters<Sweeps['toEnd']>[2]): Promise<void> {
    const record = this.recordOf(sweepId);
    const item = this.itemsOf(sweepId).get(migrationId);
    if (item?.state !== 'in-flight') return;
    if (failed) record.failed.push(migrationId);
    Object.assign(item, end, { state: 'ended' });
    record.ended += 1;
  }
  async forgetFailures(sweepId: string): Promise<void> {
    Object.assign(this.recordOf(sweepId), { failed: [], ended: 0 });
  }
  async tally(sweepId: string): Promise<SweepTally> {
    const tally: SweepTally = { queued: 0, inFlight: 0, ended: {} };
    for (const { state, outcome = 'none' } of this.itemsOf(sweepId).values()) {
      if (state === 'queued') tally.queued += 1;
      else if (state === 'in-flight') tally.inFlight += 1;
      else tally.ended[outcome] = (tally.ended[outcome] ?? 0) + 1;
    }
    return tally;
  }

  private recordOf(sweepId: string): Sweep {
    const record = this.records.get(sweepId);
    if (!record) throw new Error(`no sweep ${sweepId}`);
    return record;
  }
  private itemsOf(sweepId: string): Map<string, SweepItem> {
    const items = this.items.get(sweepId) ?? new Map<string, SweepItem>();
    this.items.set(sweepId, items);
    return items;
  }
  private inState(sweepId: string, state: SweepItem['state']): SweepItem[] {
    return copyOf(
      [...this.itemsOf(sweepId).values()]
        .filter((item) => item.state === state)
        .sort((a, b) => (a.migrationId < b.migrationId ? -1 : 1)),
    );
  }
}
