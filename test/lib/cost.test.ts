/** The counts that the cost in docs/service.md is calculated from are those of the template with its default settings. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PRICES, RUNS } from '../../lambdas/domain/sweep/cost.ts';
import { synthesised } from './synthesised.ts';

const PAGE = readFileSync('docs/service.md', 'utf8');
const README = readFileSync('README.md', 'utf8');
const COST = PAGE.split('\n## ').find((section) => section.startsWith('Cost\n')) ?? '';
/** Returns the cells of the row of the section's tables that begins with that text. */
const row = (name: string): string[] => {
  const line = COST.split('\n').find((one) => one.startsWith(`| ${name}`)) ?? '';
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
};
const numberIn = (text = ''): number => Number(/[\d,]+(\.\d+)?/.exec(text)?.[0].replaceAll(',', ''));

const resources = Object.values(synthesised({}).hub.Resources);
const ofType = (type: string) => resources.filter((one) => one.Type === type).map((one) => one.Properties);

const MINUTES_A_MONTH = 30 * 24 * 60;
const runsOf = (expression: string): number => MINUTES_A_MONTH / numberIn(expression);

describe('the cost at rest', () => {
  it('counts the alarms, and each metric that an alarm adds up', () => {
    const alarms = ofType('AWS::CloudWatch::Alarm');
    const metrics = alarms.flatMap(({ Metrics }) =>
      Array.isArray(Metrics) ? (Metrics as { MetricStat?: unknown }[]).filter(({ MetricStat }) => MetricStat) : [{}],
    );
    expect(row('CloudWatch alarms')[1]).toBe(`${metrics.length} alarm metrics in ${alarms.length} alarms`);
    expect(Number(row('CloudWatch alarms')[3])).toBeCloseTo(metrics.length * 0.1, 2);
  });

  it('counts the invocations of the rules with a schedule', () => {
    const schedules = ofType('AWS::Events::Rule').flatMap(({ ScheduleExpression }) =>
      typeof ScheduleExpression === 'string' ? [ScheduleExpression] : [],
    );
    const invocations = schedules.reduce((sum, expression) => sum + runsOf(expression), 0);
    expect(numberIn(row('Lambda')[1])).toBe(invocations);
    expect(numberIn(row('X-Ray')[1])).toBe(invocations);
    const dollars =
      (invocations * PRICES.invocations.dollars) / PRICES.invocations.per +
      invocations * 0.2 * 0.5 * PRICES.gbSeconds.dollars;
    expect(Number(row('Lambda')[3])).toBeCloseTo(dollars, 2);
  });

  it('adds up to the total, in the README too', () => {
    const at = (name: string): number => Number(row(name)[3]);
    const names = [
      'CloudWatch alarms',
      'CloudWatch dashboard',
      'CloudWatch custom metrics',
      'X-Ray',
      'Lambda',
      'CloudWatch Logs',
      'DynamoDB',
      'S3',
    ];
    const total = names.reduce((sum, name) => sum + at(name), 0);
    expect(ofType('AWS::CloudWatch::Dashboard')).toHaveLength(1);
    expect(row('**total**')[3]).toBe(`**about ${Math.round(total)}**`);
    expect(README).toContain(`about ${Math.round(total)}; about 7 within CloudWatch's free tier`);
    // Less 10 alarm metrics, 10 custom metrics and 3 dashboards.
    expect(Math.round(total - 1 - at('CloudWatch dashboard') - at('CloudWatch custom metrics'))).toBe(7);
  });

  it('names how many Lambdas there are', () => {
    expect(ofType('AWS::Lambda::Function')).toHaveLength(30);
    expect(PAGE).toContain('- thirty Lambdas (Node.js 24, arm64)');
  });
});

it.each([
  ['migrated in place', RUNS.migrated],
  ['rolled back', RUNS['rolled-back']],
  ['planned only', RUNS.planned],
])('the cost of a migration %s: that of the report of sweeps', (name, run) => {
  const [, transitions, invocations, dollars] = row(name);
  expect([transitions, invocations].map(Number)).toEqual([run.transitions, run.invocations]);
  const expected =
    (run.transitions * PRICES.transitions.dollars) / PRICES.transitions.per +
    (run.invocations * PRICES.invocations.dollars) / PRICES.invocations.per +
    run.invocations * 0.5 * PRICES.gbSeconds.dollars +
    (run.writeUnits * PRICES.writeUnits.dollars) / PRICES.writeUnits.per +
    (run.readUnits * PRICES.readUnits.dollars) / PRICES.readUnits.per;
  expect(expected).toBeLessThan(numberIn(dollars) + 0.0005);
  expect(expected).toBeLessThan(0.01);
});
