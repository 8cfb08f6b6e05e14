/**
 * What earlier invocations have inspected of a location. A cluster is marked before its inspection begins and after its
 * result is stored, so that an invocation that dies loses nothing but what it was inspecting, and the next one knows which
 * clusters that were.
 */
import type { InspectionMark, Sweep, SweepLocation } from '../../domain/sweep/model.ts';
import type { Sweeps } from '../../ports/index.ts';

export class Marks {
  private readonly sweep: Pick<Sweep, 'sweepId' | 'executions'>;
  private readonly location: SweepLocation;
  private readonly sweeps: Sweeps;
  private readonly known: ReadonlyMap<string, InspectionMark>;
  /** What this invocation has marked. */
  private readonly own = new Map<string, InspectionMark>();

  private constructor(sweep: Sweep, location: SweepLocation, sweeps: Sweeps, marks: readonly InspectionMark[]) {
    this.sweep = sweep;
    this.location = location;
    this.sweeps = sweeps;
    this.known = new Map(marks.map((mark) => [mark.cluster, mark]));
  }

  /** Reads the marks of this execution of the sweep. */
  static async read(sweep: Sweep, location: SweepLocation, sweeps: Sweeps): Promise<Marks> {
    const marks = await sweeps.marks(sweep.sweepId, location);
    return new Marks(
      sweep,
      location,
      sweeps,
      marks.filter(({ execution }) => execution === sweep.executions),
    );
  }

  /** Whether earlier invocations have inspected anything. */
  get areAny(): boolean {
    return this.known.size > 0;
  }

  /** Returns the marks of the clusters during whose inspection an earlier invocation died. */
  interrupted(): InspectionMark[] {
    return [...this.known.values()].filter(({ state }) => state === 'begun');
  }

  /** Returns the mark of a cluster whose result is stored. */
  done(cluster: string): InspectionMark | undefined {
    const mark = this.own.get(cluster) ?? this.known.get(cluster);
    return mark?.state === 'done' ? mark : undefined;
  }

  /** Returns whether an earlier invocation has decided that the cluster must be inspected alone. */
  isApart(cluster: string): boolean {
    return this.known.get(cluster)?.state === 'apart';
  }

  async set(
    cluster: string,
    state: InspectionMark['state'],
    more: { alone?: true; leftOut?: true } = {},
  ): Promise<void> {
    const { sweepId, executions } = this.sweep;
    const mark = { cluster, state, execution: executions, ...more };
    await this.sweeps.mark(sweepId, this.location, mark);
    this.own.set(cluster, mark);
  }
}
