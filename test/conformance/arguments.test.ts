/** The flags of the conformance run on Kubernetes. */
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../conformance/flags.ts';
import { readOrder } from '../../conformance/kubernetes/arguments.ts';

const KNOWN = ['ebs-csi-irsa', 'ebs-csi-irsa 1', 'in-place'];
const order = (...args: string[]) => readOrder(args, KNOWN);
const refusal = (...args: string[]): string => {
  try {
    order(...args);
  } catch (error) {
    if (error instanceof ArgumentError) return error.message;
    throw error;
  }
  throw new Error('It was not refused.');
};

describe('the flags', () => {
  it('select everything by default', () =>
    expect(order()).toEqual({
      versions: ['1.35', '1.30'],
      scenarios: true,
      cases: true,
      names: [],
      brief: false,
      whole: true,
    }));

  it.each([
    [['--scenarios'], { scenarios: true, cases: false, whole: true }],
    [['--cases'], { scenarios: false, cases: true, whole: false }],
    [['--scenarios', '--cases'], { scenarios: true, cases: true, whole: true }],
    [['--scenario', 'in-place'], { scenarios: true, cases: false, names: ['in-place'], whole: false }],
    [
      ['--scenario', 'in-place', '--scenario', 'ebs-csi-irsa 1'],
      { names: ['in-place', 'ebs-csi-irsa 1'], whole: false },
    ],
    [['--plant', 'rollout-order'], { scenarios: false, cases: true, plant: 'rollout-order', whole: false }],
    [['--plant', 'x', '--cases'], { scenarios: false, cases: true, plant: 'x', whole: false }],
    [
      ['--record', 'out', '--version', '1.35'],
      { versions: ['1.35'], scenarios: false, cases: false, record: 'out', whole: false },
    ],
    [['--version', '1.30', '--brief'], { versions: ['1.30'], brief: true, whole: true }],
  ])('%j', (args, expected) => expect(order(...args)).toMatchObject(expected));

  it.each([
    [
      ['--scenario', 'in-plac'],
      /^--scenario in-plac: there is no run or scenario of this name\.\nSimilar names: in-place$/,
    ],
    [['--scenario', 'q'], /\nUse one of: ebs-csi-irsa, /],
    [
      ['--version', '1.29'],
      /^--version 1\.29: no control plane .*\nUse one of: 1\.35, 1\.30\. docs\/conformance-kubernetes\.md/,
    ],
    [['--record', 'out'], /^--record writes the answers of one version\.\nName it: --version 1\.35$/],
    [['--record', 'out', '--cases'], /^--record and --cases exclude each other\.\nUse only one of them\./],
    [['--plant', 'x', '--scenario', 'in-place'], /^--plant and --scenario exclude each other\./],
    [['--unknown'], /Unknown option '--unknown'.*\nUsage:/s],
    [['--version'], /argument missing.*\nUsage:/s],
    [['scenario'], /Unexpected argument 'scenario'.*\nUsage:/s],
  ])('refuse %j', (args, message) => expect(refusal(...args)).toMatch(message));
});
