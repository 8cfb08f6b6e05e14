/** What is counted of the requests of schemathesis, and which flags the part has. */
import { describe, expect, it } from 'vitest';
import { readOrder } from '../../../conformance/api/arguments.ts';
import { countsOf, operationsOf } from '../../../conformance/api/tally.ts';

describe('the report of the walk', () => {
  const operations = operationsOf({
    counted: {
      listMigrations: { coverage: { 200: 3, 400: 2 }, stateful: { 200: 1, 304: 1 } },
      cancel: { examples: { 202: 1 }, coverage: { 204: 1, 409: 4 } },
    },
    problems: [],
  });

  it('is added up for each operation', () => {
    expect(operations).toEqual({
      cancel: { requests: 6, statuses: { 202: 1, 204: 1, 409: 4 }, links: 0 },
      listMigrations: { requests: 7, statuses: { 200: 4, 304: 1, 400: 2 }, links: 2 },
    });
    expect(Object.keys(operations)).toEqual(['cancel', 'listMigrations']);
  });

  it('is added up over all, without what OPTIONS answers', () =>
    expect(countsOf(operations)).toEqual({
      operations: 2,
      requests: 13,
      'answers 2xx': 5,
      'requests in sequences along links': 2,
    }));
});

describe('the flags', () => {
  it('keep the results only of ten times the requests', () => {
    expect(readOrder([])).toEqual({ times: 10, brief: false, whole: true });
    expect(readOrder(['--times', '1', '--brief'])).toEqual({ times: 1, brief: true, whole: false });
  });

  it.each([[['--times', '0']], [['--times', 'many']], [['--every']]])('are refused: %j', (words) =>
    expect(() => readOrder(words)).toThrow(/Usage:/),
  );
});
