import { describe, expect, it } from 'vitest';
import { compareHistories } from '../../../conformance/step-functions/compare.ts';
import { addVisits, coveredOf, graphsOf, visit, type Visits } from '../../../conformance/step-functions/coverage.ts';
import { fromMoto, fromSandbox, type PlainEvent } from '../../../conformance/step-functions/events.ts';
import { REASONS } from '../../../conformance/step-functions/reasons.ts';
import { Explainer } from '../../../conformance/reasons.ts';
import { createDefinition } from '../../../sandbox/states/create-definition.ts';

const event = (id: number, type: string, details: PlainEvent['details'] = {}): PlainEvent => ({
  id,
  previousEventId: id - 1,
  type,
  at: 1000 * id,
  details,
});
const entered = (id: number, name: string, input = '{}'): PlainEvent =>
  event(id, 'PassStateEntered', { stateEnteredEventDetails: { name, input } });

describe('the histories of both interpreters', () => {
  it('have one form', () => {
    const details = { stateEnteredEventDetails: { name: 'A' } };
    const common = { id: 2, previousEventId: 0, type: 'PassStateEntered', ...details };
    expect(fromMoto({ ...common, timestamp: '2026-01-15T09:00:00.120Z' })).toEqual(
      fromSandbox({ ...common, timestamp: Date.parse('2026-01-15T09:00:00.120Z') }),
    );
  });

  it('are equal whatever the order and the spaces of JSON texts', () =>
    expect(compareHistories([entered(2, 'A', '{"a":1,"b":2}')], [entered(2, 'A', '{ "b": 2, "a": 1 }')])).toEqual([]));

  it('differ in each field of each event', () => {
    const other = { ...entered(2, 'A', '{"a":{"b":[1,3]}}'), at: 2001, previousEventId: 0 };
    expect(compareHistories([entered(2, 'A', '{"a":{"b":[1,2],"c":null}}')], [other])).toEqual([
      { what: 'PassStateEntered.previousEventId', sandbox: '1', real: '0' },
      { what: 'PassStateEntered.at', sandbox: '2000', real: '2001' },
      { what: 'PassStateEntered.input.a.b.1', sandbox: '2', real: '3' },
      { what: 'PassStateEntered.input.a.c', sandbox: 'null', real: 'absent' },
    ]);
  });

  it('are compared up to where they part', () => {
    const shared = entered(2, 'A');
    expect(compareHistories([shared, entered(3, 'B'), entered(4, 'D')], [shared, entered(3, 'C')])).toEqual([
      { what: 'event PassStateEntered B', sandbox: 'PassStateEntered B', real: 'PassStateEntered C' },
    ]);
    expect(compareHistories([shared], [shared, event(3, 'ExecutionSucceeded')])).toEqual([
      { what: 'event the end of the history', sandbox: 'the end of the history', real: 'ExecutionSucceeded' },
    ]);
  });

  it('may differ only by what has a reason', () => {
    const [stopped] = compareHistories(
      [event(3, 'ExecutionAborted', { executionAbortedEventDetails: {} })],
      [event(3, 'ExecutionAborted', { executionAbortedEventDetails: { error: null } })],
    );
    const explainer = new Explainer(REASONS);
    expect(explainer.explain('MigrateAddon', stopped!).reason).toMatch(/moto writes null/);
    expect(explainer.explain('MigrateAddon', { ...stopped!, real: '"Error"' }).reason).toBeUndefined();
    expect(explainer.explain('MigrateAddon', { ...stopped!, what: 'ExecutionFailed.error' }).reason).toBeUndefined();
  });
});

describe('coverage', () => {
  const definition = createDefinition('Test', {
    QueryLanguage: 'JSONata',
    StartAt: 'Which',
    States: {
      Which: { Type: 'Choice', Choices: [{ Condition: '{% $states.input.a %}', Next: 'Each' }], Default: 'End' },
      Each: {
        Type: 'Map',
        Label: 'items',
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          StartAt: 'Do',
          States: { Do: { Type: 'Pass', Output: '{% 1 %}', End: true } },
        },
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'End' }],
        Next: 'End',
      },
      End: { Type: 'Succeed' },
    },
  });

  it('counts states, transitions and expressions of a definition, and of its Maps by themselves', () => {
    const graphs = graphsOf('Test', definition);
    expect(graphs.map(({ name, states }) => [name, states])).toEqual([
      ['Test', ['Which', 'Each', 'End']],
      ['Test/items', ['Do']],
    ]);
    const visits: Visits = {};
    visit(visits, 'Test', [event(1, 'ExecutionStarted'), entered(2, 'Which'), entered(4, 'End')]);
    addVisits(visits, { Test: { executions: 2, states: ['End'], transitions: ['Which → End'] } });
    expect(graphs.map((graph) => coveredOf(graph, visits, new Set(['$states.input.a'])))).toMatchObject([
      {
        executions: 3,
        states: { visited: 2, all: 3, missing: ['Each'] },
        transitions: { visited: 2, all: 4, missing: ['Which → Each', 'Each → End'] },
      },
      { executions: 0, states: { visited: 0, all: 1 }, expressions: { visited: 0, all: 1 } },
    ]);
  });
});
