import { describe, expect, it } from 'vitest';
import { orderOf, readFlags } from './flags.ts';

const orderFrom = (...args: string[]) => orderOf(readFlags(args), 'assembly');

describe('the flags of the simulation', () => {
  it('select seeds, with time or without', () => {
    expect(orderFrom('--seeds', '20')).toEqual({
      what: 'seeds',
      assembly: 'assembly',
      from: 1,
      count: 20,
      time: false,
    });
    expect(orderFrom('--time', '--seeds', '3', '--from', '7')).toMatchObject({ from: 7, count: 3, time: true });
  });

  it('select exhaustive runs and interferences', () => {
    expect(orderFrom('--exhaustive', '--time', '--brief', '--every', '8', '--offset', '2')).toEqual({
      what: 'exhaustive',
      assembly: 'assembly',
      scenarios: [],
      reach: 'brief',
      time: true,
      every: 8,
      offset: 2,
    });
    expect(orderFrom('--interferences', '--scenario', 'in-place')).toMatchObject({
      what: 'interferences',
      scenarios: ['in-place'],
      reach: 'usual',
    });
  });

  it('are refused if they select nothing or are not numbers', () => {
    expect(() => orderFrom()).toThrow('no simulation was selected');
    expect(() => orderFrom('--seeds', 'many')).toThrow('--seeds must be a whole number, not "many"');
    expect(() => readFlags(['--sedes', '3'])).toThrow('--sedes');
  });
});
