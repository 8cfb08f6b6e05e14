import { describe, expect, it } from 'vitest';
import type { State as SandboxState } from '../../sandbox/states/definition.ts';
import { variablesReadBy } from '../../sandbox/states/validation/expressions.ts';
import { allMachines, type Graph, migrateAddon, recover, retire, type State, sweep } from './definition.ts';
import { synthesiseWith } from './synthesised.ts';
import { words } from '../words.ts';

/** In the order of the alphabet. */
const readIn = (state: State | undefined): string[] => [...variablesReadBy(state as SandboxState)].sort();

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
    for (const variable of readIn(graph.states[name]))
      expect(assignedBefore(graph).get(name), `$${variable} in ${name}`).toContain(variable);
  });

  it('are those that the request gives in MigrateAddon alone', () =>
    expect(JSON.stringify(machine.states).includes('Execution.Input.request.')).toBe(machine === migrateAddon));
});

describe('variables', () => {
  it('are read at all, so that the check above checks something', () => {
    expect(readIn(migrateAddon.states.VerifyPods)).toEqual(words`
      attempt fence pauses planHash podRound settling subject target tries
    `);
    expect(readIn(migrateAddon.states.WhichStrategy)).toEqual(expect.arrayContaining(['attempts', 'attempt']));
    expect(readIn(migrateAddon.states.RolledBack)).toContain('failure');
    const before = assignedBefore(migrateAddon);
    expect(before.get('Plan')).toEqual(new Set(['pauses']));
    expect(before.get('RecordBlocked')).toEqual(new Set(['failure', 'pauses']));
    expect(assignedBefore(recover).get('RecoveryFailed')).toEqual(new Set(['failure', 'pauses']));
  });

  it("carry identifiers, the attempts and the plan's hash, but no documents", () => {
    const namesOf = ({ edges }: Graph): string[] => [...new Set(edges.flatMap(({ assigns }) => assigns))].sort();
    expect(namesOf(migrateAddon)).toEqual(words`
      actions approvalSeconds approvedHash attempt attempts createsStandalone deferred failure fence firstPolls
      hasWindow installsAgent needsApproval newestPodAt pauses planHash podRound removesAnnotation repairsTrust
      replans settling subject target tries waitingSince
    `);
    expect(namesOf(recover)).toEqual(words`
      actions attempt deferred failure fence newestPodAt pauses podRound removesAnnotation repairsTrust subject
      target tries
    `);
    expect(namesOf(retire)).toEqual(words`approvalSeconds approvedHash failure hasWindow planHash subject target`);
    expect(sweep.graphs.map(namesOf)).toEqual([
      ['failure', 'locationsKey', 'mapPrefix', 'mode', 'sweepId', 'tick'],
      ['locationFailure'],
    ]);
  });

  it.each(['MigrateAddon', 'Recover'])('of %s speak of trust policies only where these may be changed', (name) => {
    const { edges, states } = synthesiseWith({}).machine(name);
    expect(JSON.stringify({ edges, states })).not.toContain('repairsTrust');
  });
});
