import { describe, expect, it } from 'vitest';
import { allMachines, type Graph, migrateAddon, recover, retire, sweep } from './definition.ts';
import { synthesiseWith } from './synthesised.ts';

/**
 * Variables that a state's expressions read: `$name`, but neither `$states`, a function's call, nor what the expression
 * binds for itself.
 */
function readIn(value: unknown): string[] {
  if (typeof value === 'string' && value.startsWith('{%')) {
    const withoutText = value.replaceAll(/'(?:[^'\\]|\\.)*'/g, '');
    const own = new Set(['states', ...[...withoutText.matchAll(/\$([A-Za-z_]\w*) :=/g)].map(([, name]) => name!)]);
    return [...withoutText.matchAll(/\$([A-Za-z_]\w*)(?!\w|\()/g)]
      .map(([, name]) => name!)
      .filter((name) => !own.has(name));
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(readIn) : [];
}

/** Variables that are assigned on every way to a state. */
function assignedBefore({ edges, states, startAt }: Graph): Map<string, Set<string>> {
  const all = new Set(edges.flatMap(({ assigns }) => assigns));
  const before = new Map(
    Object.keys(states).map((name) => [name, name === startAt ? new Set<string>() : new Set(all)]),
  );
  for (let changed = true; changed;) {
    changed = false;
    for (const { from, to, assigns } of edges) {
      const arriving = new Set([...before.get(from)!, ...assigns]);
      const narrowed = new Set([...before.get(to)!].filter((variable) => arriving.has(variable)));
      changed ||= narrowed.size < before.get(to)!.size;
      before.set(to, narrowed);
    }
  }
  return before;
}

describe.each(allMachines)('variables of $name', (machine) => {
  // What a Distributed Map runs has variables of its own, and sees no others.
  const all = machine.graphs.flatMap((graph) =>
    Object.keys(graph.states).map((name): [string, Graph] => [name, graph]),
  );

  it.each(all)('are assigned on every way to %s', (name, graph) => {
    const { ItemProcessor: _, ...state } = graph.states[name]!;
    for (const variable of readIn(state))
      expect(assignedBefore(graph).get(name), `$${variable} in ${name}`).toContain(variable);
  });

  it('are those that the request gives in MigrateAddon alone', () => {
    const readsRequest = JSON.stringify(machine.states).includes('Execution.Input.request.');
    expect(readsRequest).toBe(machine === migrateAddon);
  });
});

describe('variables', () => {
  it('are read at all, so that the check above checks something', () => {
    expect(readIn(migrateAddon.states.VerifyPods).sort()).toEqual(['fence', 'round', 'rung', 'subject', 'target']);
    expect(readIn(migrateAddon.states.WhichWay)).toEqual(expect.arrayContaining(['ladder', 'rung']));
    expect(readIn(migrateAddon.states.RolledBack)).toContain('failure');
    const before = assignedBefore(migrateAddon);
    expect(before.get('Plan')).toEqual(new Set());
    expect(before.get('RecordBlocked')).toEqual(new Set(['failure']));
    expect(assignedBefore(recover).get('RecoveryFailed')).toEqual(new Set(['failure']));
  });

  it("carry identifiers, the ladder and the plan's hash, no documents", () => {
    const namesOf = ({ edges }: Graph): string[] => [...new Set(edges.flatMap(({ assigns }) => assigns))].sort();
    expect(namesOf(migrateAddon)).toEqual([
      'actions',
      'approvalSeconds',
      'approvedHash',
      'createsStandalone',
      'failure',
      'fence',
      'hasWindow',
      'installsAgent',
      'ladder',
      'needsApproval',
      'planHash',
      'removesAnnotation',
      'repairsTrust',
      'round',
      'rung',
      'subject',
      'target',
      'waitingSince',
    ]);
    expect(namesOf(recover)).toEqual([
      'actions',
      'failure',
      'fence',
      'removesAnnotation',
      'repairsTrust',
      'round',
      'rung',
      'subject',
      'target',
    ]);
    expect(namesOf(retire)).toEqual(['failure']);
    expect(namesOf(sweep)).toEqual(['failure', 'mapPrefix', 'mode', 'placesKey', 'sweepId', 'tick']);
  });

  it.each(['MigrateAddon', 'Recover'])('of %s speak of trust policies only where these may be changed', (name) => {
    const { edges, states } = synthesiseWith({}).machine(name);
    expect(JSON.stringify({ edges, states })).not.toContain('repairsTrust');
  });
});
