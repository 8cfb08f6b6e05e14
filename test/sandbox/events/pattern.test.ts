import { describe, expect, test } from 'vitest';
import { compile, PatternError } from '../../../sandbox/events/pattern.ts';

const event = {
  source: 'aws.states',
  'detail-type': 'Step Functions Execution Status Change',
  resources: ['arn:one', 'arn:two'],
  detail: { status: 'FAILED', error: 'Lambda.Unknown', redriveCount: 0, output: null, stateMachineArn: 'arn:machine' },
};
const matches = (pattern: Record<string, unknown>): boolean => compile(pattern)(event);

describe('a pattern', () => {
  test.each<[string, Record<string, unknown>, boolean]>([
    ['an exact value', { source: ['aws.states'] }, true],
    ['one of several', { detail: { status: ['ABORTED', 'FAILED'] } }, true],
    ['another value', { detail: { status: ['ABORTED'] } }, false],
    ['a number', { detail: { redriveCount: [0] } }, true],
    ['null', { detail: { output: [null] } }, true],
    ['null for what is not there', { detail: { nothing: [null] } }, false],
    ['a number as text', { detail: { redriveCount: ['0'] } }, false],
    ['all fields', { source: ['aws.states'], detail: { status: ['RUNNING'] } }, false],
    ['one item of a list', { resources: ['arn:two'] }, true],
    ['a prefix', { resources: [{ prefix: 'arn:t' }] }, true],
    ['another prefix', { source: [{ prefix: 'aws.eks' }] }, false],
    ['anything but one', { detail: { error: [{ 'anything-but': 'Blocked' }] } }, true],
    ['anything but a list', { detail: { error: [{ 'anything-but': ['Blocked', 'Lambda.Unknown'] }] } }, false],
    ['anything but a prefix', { detail: { error: [{ 'anything-but': { prefix: 'Lambda.' } }] } }, false],
    ['anything but, of what is not there', { detail: { nothing: [{ 'anything-but': ['Blocked'] }] } }, false],
    ['what is there', { detail: { error: [{ exists: true }] } }, true],
    ['what is not there', { detail: { nothing: [{ exists: false }] } }, true],
    ['a field within what is not there', { nothing: { status: [{ exists: false }] } }, true],
    ['one of two alternatives', { $or: [{ source: ['aws.eks'] }, { detail: { status: ['FAILED'] } }] }, true],
    ['none of two alternatives', { detail: { $or: [{ status: ['ABORTED'] }, { error: ['Blocked'] }] } }, false],
    ['an alternative that leaves out the rest', { source: ['aws.eks'], $or: [{ detail: { status: ['FAILED'] } }] }, false],
  ])('of %s', (_, pattern, expected) => {
    expect(matches(pattern)).toBe(expected);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['numeric', { detail: { redriveCount: [{ numeric: ['>', 0] }] } }, 'detail.redriveCount'],
    ['suffix', { detail: { error: [{ suffix: 'x' }] } }, 'detail.error'],
    ['anything-but of an unknown kind', { detail: { error: [{ 'anything-but': { suffix: 'x' } }] } }, 'detail.error'],
    ['a value that is no list', { source: 'aws.states' }, 'source'],
    ['$or that is no list', { detail: { $or: {} } }, 'detail.$or'],
    ['a wrong alternative', { $or: [{ source: [{ wildcard: '*' }] }] }, '$or[0].source'],
  ])('is refused: %s', (_, pattern, path) => {
    expect(() => compile(pattern)).toThrow(PatternError);
    expect(() => compile(pattern)).toThrow(path);
  });
});
