/** Adds up what the inputs of a run have shown. */
import type { PlacedDifference } from '../part-results.ts';
import type { Explainer } from '../reasons.ts';
import { addVisits, type Covered, coveredOf, type Graph, type Visits } from './coverage.ts';
import type { Input } from './inputs.ts';
import type { Played } from './play-input.ts';

export class Tally {
  /** Inputs by what goes wrong in them: some have both kinds. */
  readonly inputs = { withoutFault: 0, withFaultsOfCalls: 0, withErrorsOfFunctions: 0, sweeps: 0 };
  readonly counts: Played['counts'] = { executions: 0, events: 0, retries: 0, failures: 0, evaluations: 0 };
  readonly ends: Record<string, number> = {};
  private readonly visits: Visits = {};
  private readonly evaluated = new Set<string>();
  private readonly graphs = new Map<string, Graph>();
  readonly differences: PlacedDifference[] = [];

  /** Returns the differences that have no reason. */
  add(input: Input, played: Played, explainer: Explainer): PlacedDifference[] {
    this.inputs.withoutFault += input.faults.length + input.answers.length === 0 ? 1 : 0;
    this.inputs.withFaultsOfCalls += input.faults.length > 0 ? 1 : 0;
    this.inputs.withErrorsOfFunctions += input.answers.length > 0 ? 1 : 0;
    this.inputs.sweeps += input.kind === 'sweep' ? 1 : 0;
    for (const name of Object.keys(this.counts) as (keyof Played['counts'])[]) this.counts[name] += played.counts[name];
    for (const [end, count] of Object.entries(played.ends)) this.ends[end] = (this.ends[end] ?? 0) + count;
    addVisits(this.visits, played.visits);
    for (const expression of played.expressions) this.evaluated.add(expression);
    for (const graph of played.graphs) if (!this.graphs.has(graph.name)) this.graphs.set(graph.name, graph);
    const explained = played.differences.map(({ execution, ...difference }): PlacedDifference => ({
      where: execution,
      ...explainer.explain(execution, difference),
    }));
    this.differences.push(...explained);
    return explained.filter(({ reason }) => reason === undefined);
  }

  get covered(): Covered[] {
    return [...this.graphs.values()].map((graph) => coveredOf(graph, this.visits, this.evaluated));
  }
}
