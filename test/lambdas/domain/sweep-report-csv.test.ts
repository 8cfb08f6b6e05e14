import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportCsv } from '../../../lambdas/domain/sweep/csv.ts';
import type { ReportRow } from '../../../lambdas/domain/sweep/report.ts';
import { printable } from '../../../lambdas/domain/text/text.ts';
import { AGENT, fleetReport, TRUST } from './sweep-report-fixtures.ts';
import { codePoint } from '../../code-points.ts';
import { forAllIn } from '../../for-all.ts';

/** RFC 4180: records end with CRLF; a quoted field may hold anything, with its quotes doubled. */
function read(csv: string): string[][] {
  const records: string[][] = [];
  let [record, field, isQuoted]: [string[], string, boolean] = [[], '', false];
  for (let at = 0; at < csv.length; at += 1) {
    const character = csv.charAt(at);
    if (isQuoted) {
      if (character !== '"') field += character;
      else if (csv.charAt(at + 1) === '"') [field, at] = [`${field}"`, at + 1];
      else isQuoted = false;
    } else if (character === '"' && field === '') isQuoted = true;
    else if (character === ',') [record, field] = [[...record, field], ''];
    else if (character === '\r' && csv.charAt(at + 1) === '\n') {
      records.push([...record, field]);
      [record, field, at] = [[], '', at + 1];
    } else field += character;
  }
  expect({ record, field, isQuoted }).toEqual({ record: [], field: '', isQuoted: false });
  return records;
}

const report = fleetReport();
const ofRows = (rows: ReportRow[]): Record<string, string>[] => {
  const [head = [], ...lines] = read(reportCsv({ ...report, rows }));
  return lines.map((line) => {
    expect(line).toHaveLength(head.length);
    return Object.fromEntries(head.map((name, location) => [name, line[location] ?? '']));
  });
};
const row = (change: Partial<ReportRow>): ReportRow => ({
  account: '111122223333',
  region: 'eu-west-1',
  class: 'unreachable',
  checks: [],
  ...change,
});

describe('reportCsv', () => {
  it('has a line for each row, in order', () => {
    const lines = ofRows(report.rows);
    expect(lines.map(({ account, region, cluster, addon }) => [account, region, cluster, addon])).toEqual(
      report.rows.map(({ account, region, cluster = '', addon = '' }) => [account, region, cluster, addon]),
    );
    expect(lines.map((line) => line['class'])).toEqual(report.rows.map((one) => one.class));
    expect(reportCsv(report).split('\n')).toHaveLength(report.rows.length + 2);
  });
  it('has the blocking checks, and the outcome', () => {
    const [blocked, migrated, ended] = ofRows([
      row({ class: 'blocked', checks: [TRUST, TRUST, AGENT] }),
      row({ outcome: 'migrated', verified: 'ready', state: 'ended' }),
      row({
        outcome: 'rolled-back',
        state: 'ended',
        seconds: 59.5,
        wave: 2,
        failure: { name: 'Throttled', message: 'Rate exceeded, "again"' },
        heldBy: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
      }),
    ]);
    expect(blocked).toMatchObject({
      checks: 'role-trust agent',
      remedies: `${TRUST.remedy} | ${TRUST.remedy} | ${AGENT.remedy}`,
    });
    expect([blocked?.['verified'], migrated?.['verified']]).toEqual(['', 'ready']);
    expect(ended).toMatchObject({
      outcome: 'rolled-back',
      seconds: '59.5',
      wave: '2',
      failure: 'Throttled: Rate exceeded, "again"',
      migrationId: '',
      heldBy: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A',
    });
  });
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1', '=HYPERLINK("http://example.com","x")'])(
    'makes %j harmless',
    (reason) => expect(ofRows([row({ reason })])[0]?.['reason']).toBe(`'${printable(reason)}`),
  );
  it.each([
    ['a;=1+1', "a;'=1+1"],
    ['a\t=1', "a\\x09'=1"],
    ['a| @SUM(A1)', "a|' @SUM(A1)"],
    ['a;"=1"', 'a;\'"=1"'],
    [' =1', "' =1"],
    ['a;b;-1', "a;b;'-1"],
    ['a=b-c', 'a=b-c'],
  ])('makes %j harmless if a spreadsheet splits at other characters', (reason, as) =>
    expect(ofRows([row({ reason })])[0]?.['reason']).toBe(as),
  );
  it('has every cell in quotes', () => {
    const csv = reportCsv({ ...report, rows: [...report.rows, row({ reason: 'a;=1', seconds: 1 })] });
    for (const line of csv.split('\r\n').slice(0, -1)) expect(line).toMatch(/^"(?:[^"]|"")*"(?:,"(?:[^"]|"")*")*$/);
  });
  it('is parsed to the same text, for any contents', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom(...'"\',;=+-@\t\r\n\u202e '.split('')),
        fc.string({ unit: codePoint, minLength: 1, maxLength: 1 }),
      ),
    });
    forAllIn(200, text, text, (reason, message) => {
      const [line] = ofRows([row({ reason, checks: [{ id: 'agent', message }] })]);
      const harmless = (value: string): string =>
        printable(value.replaceAll(/(^|[;|\t])(?=[\s"']*[=+\-@＝＋－＠]|[\t\r\n])/g, "$1'"));
      expect(line).toMatchObject({ reason: harmless(reason), messages: harmless(message) });
    });
  });
});
