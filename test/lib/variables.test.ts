import { describe, expect, it } from 'vitest';
import { definition, edges, states } from './definition.ts';

/** Variables that a state's expressions read: `$name`, but neither `$states`, a function's call, nor what the expression binds for itself. */
function readIn(value: unknown): string[] {
  if (typeof value === 'string' && value.startsWith('{%')) {
    const withoutText = value.replaceAll(/'(?:[^'\\]|\\.)*'/g, '');
    const own = new Set(['states', ...[...withoutText.matchAll(/\$([A-Za-z_]\w*) :=/g)].map(([, name]) => name!)]);
    return [...withoutText.matchAll(/\$([A-Za-z_]\w*)(?!\w|\()/g)].map(([, name]) => name!).filter((name) => !own.has(name));
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(readIn) : [];
}

/** Variables that are assigned on every way to a state. */
function assignedBefore(): Map<string, Set<string>> {
  const all = new Set(edges.flatMap(({ assigns }) => assigns));
  const before = new Map(Object.keys(states).map((name) => [name, name === definition.StartAt ? new Set<string>() : new Set(all)]));
  for (let changed = true; changed; ) {
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

describe('variables of MigrateAddon', () => {
  const before = assignedBefore();

  it.each(Object.keys(states))('are assigned on every way to %s', (name) => {
    for (const variable of readIn(states[name])) expect(before.get(name), `$${variable} in ${name}`).toContain(variable);
  });

  it('are read at all, so that the check above checks something', () => {
    expect(readIn(states.VerifyPods).sort()).toEqual(['addon', 'fence', 'round', 'target']);
    expect(readIn(states.RolledBack)).toContain('failure');
    expect(before.get('Plan')).toEqual(new Set());
    expect(before.get('RecordBlocked')).toEqual(new Set(['failure']));
  });

  it('carry identifiers only', () => {
    expect([...new Set(edges.flatMap(({ assigns }) => assigns))].sort()).toEqual(['addon', 'failure', 'fence', 'round', 'target', 'waitingSince']);
  });
});
