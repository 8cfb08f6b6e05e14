import { describe, expect, it } from 'vitest';
import { readFlags, selectionOf } from './flags.ts';

const selectionFrom = (...args: string[]) => selectionOf(readFlags(args));

describe('the flags of the simulation', () => {
  it('select seeds, with time or without', () => {
    expect(selectionFrom('--seeds', '20')).toEqual({ what: 'seeds', from: 1, count: 20, time: false });
    expect(selectionFrom('--time', '--seeds', '3', '--from', '7')).toMatchObject({ from: 7, count: 3, time: true });
  });

  it('select exhaustive runs and interferences', () => {
    expect(selectionFrom('--exhaustive', '--time', '--brief', '--every', '8', '--offset', '2')).toEqual({
      what: 'exhaustive',
      scenarios: [],
      reach: 'brief',
      time: true,
      every: 8,
      offset: 2,
    });
    expect(selectionFrom('--interferences', '--scenario', 'in-place')).toMatchObject({
      what: 'interferences',
      scenarios: ['in-place'],
      reach: 'usual',
    });
  });

  it('select all mutants, or those with a name', () => {
    const named = selectionFrom('--mutants', '--mutant', 'annotation-stays-off');
    expect(named).toMatchObject({ mutants: [{ name: 'annotation-stays-off' }] });
    const all = selectionFrom('--mutants');
    expect('mutants' in all && all.mutants.length).toBeGreaterThan(90);
  });

  it('are refused if they select nothing, or are not numbers, or name no mutant', () => {
    expect(() => selectionFrom()).toThrow('no simulation was selected');
    expect(() => selectionFrom('--seeds', 'many')).toThrow('--seeds must be a whole number, not "many"');
    expect(() => selectionFrom('--mutants', '--mutant', 'none')).toThrow('There is no mutant none.');
    expect(() => readFlags(['--sedes', '3'])).toThrow('--sedes');
  });
});
