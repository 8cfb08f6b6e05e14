/** A queued item, ordered by time, and by `order` if the times are equal. */
export interface Queued {
  at: number;
  /** Unique within a queue. */
  order: number;
}

const isBefore = (a: Queued, b: Queued): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** A queue by time, and by order at equal times: a binary heap, so that thousands of waiting items are cheap. */
export class TimeQueue<T extends Queued> {
  private readonly heap: T[] = [];
  private readonly indices = new Map<T, number>();

  get size(): number {
    return this.heap.length;
  }

  add(item: T): void {
    this.rise(item, this.heap.length);
  }

  first(): T | undefined {
    return this.heap[0];
  }

  /** Does nothing if the item is no longer in the queue. */
  remove(item: T): void {
    const index = this.indices.get(item);
    if (index === undefined) return;
    this.indices.delete(item);
    const last = this.heap.pop();
    if (last === undefined || last === item) return;
    const parent = this.heap[parentOf(index)];
    if (index > 0 && parent && isBefore(last, parent)) this.rise(last, index);
    else this.sink(last, index);
  }

  private put(item: T, index: number): void {
    this.heap[index] = item;
    this.indices.set(item, index);
  }

  private rise(item: T, from: number): void {
    let index = from;
    for (; index > 0; index = parentOf(index)) {
      const parent = this.heap[parentOf(index)];
      if (!parent || !isBefore(item, parent)) break;
      this.put(parent, index);
    }
    this.put(item, index);
  }

  private sink(item: T, from: number): void {
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      const [one, other] = [this.heap[left], this.heap[left + 1]];
      const child = one && other && isBefore(other, one) ? left + 1 : left;
      const next = this.heap[child];
      if (!next || !isBefore(next, item)) break;
      this.put(next, index);
      index = child;
    }
    this.put(item, index);
  }
}

const parentOf = (index: number): number => (index - 1) >> 1;
