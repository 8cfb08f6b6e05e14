import { beforeEach, describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { clusterKey, locationKey, locationsKey, reportKey } from '../../../lambdas/domain/sweep/keys.ts';
import type { ClusterInventory, Sweep } from '../../../lambdas/domain/sweep/model.ts';
import { sweepReport } from '../../../lambdas/domain/sweep/report.ts';
import { reportSweepStep } from '../../../lambdas/steps/report-sweep/handler.ts';
import { anItem, aSweep, SWEEP_EXECUTION, SWEEP_ID } from '../domain/sweep-fixtures.ts';
import { type Fakes, invoke, newFakes } from '../fakes.ts';
import { ACCOUNT, at, executionArn } from '../fixtures.ts';
import { containing, expectError, matching } from '../matchers.ts';
import { endedAs } from '../run-examples.ts';

let fakes: Fakes;
const put = (sweep: Partial<Sweep> = {}): Promise<Sweep> =>
  fakes.sweeps.create(aSweep({}, { executionArn: SWEEP_EXECUTION, executions: 1, phase: 'report', ...sweep }));
const report = (more: object = {}): Promise<unknown> =>
  invoke(reportSweepStep, { sweepId: SWEEP_ID, executionArn: SWEEP_EXECUTION, ...more }, fakes);
const record = async (): Promise<Sweep> => (await fakes.sweeps.get(SWEEP_ID))!;
const location = { account: ACCOUNT, region: 'eu-west-1' };
const cluster = (name: string): ClusterInventory => ({
  ...location,
  cluster: name,
  version: '1.33',
  observedAt: at(0),
  calls: { eks: 3 },
  findings: [{ addon: 'vpc-cni', version: 'v1', class: 'ready', checks: [], roles: [] }],
});
const keep = (key: string, value: unknown): Promise<void> =>
  fakes.documents.put(key, JSON.stringify(value), 'application/json');
const kept = (): unknown => JSON.parse(fakes.documents.objects.get(reportKey(SWEEP_ID, 'json'))!.text);

beforeEach(async () => {
  fakes = newFakes();
  fakes.settings.bucket = 'the-bucket';
  await keep(locationsKey(SWEEP_ID), [location]);
  await keep(locationKey(SWEEP_ID, location), { ...location, clusters: 2, notSelected: 0, calls: { eks: 1 } });
  for (const name of ['a', 'b']) await keep(clusterKey(SWEEP_ID, location, name), cluster(name));
});

describe('the report of a sweep', () => {
  it('is put in three forms, and the record says where and how it ended', async () => {
    await put();
    const answer = await report();
    expect(answer).toMatchObject({
      outcome: 'completed',
      text: containing(`Sweep ${SWEEP_ID} (migrate) completed. 2 clusters in 1 locations, 2 add-ons: 2 ready.`),
    });
    expect(answer).toMatchObject({ text: containing(`Report: s3://the-bucket/sweeps/${SWEEP_ID}/report.html`) });
    const types = Object.fromEntries(
      [...fakes.documents.objects]
        .filter(([key]) => key.includes('/report.'))
        .map(([key, { type }]) => [key.split('.').at(-1), type]),
    );
    expect(types).toEqual({
      json: 'application/json',
      csv: 'text/csv; charset=utf-8',
      html: 'text/html; charset=utf-8',
    });
    const reports = {
      bucket: 'the-bucket',
      json: reportKey(SWEEP_ID, 'json'),
      csv: reportKey(SWEEP_ID, 'csv'),
      html: reportKey(SWEEP_ID, 'html'),
    };
    expect(await record()).toMatchObject({ ...endedAs('completed', 0), phase: 'report', reports });
    expect(sweepReport.parse(kept())).toMatchObject({
      sweepId: SWEEP_ID,
      status: 'ended',
      totals: { clusters: 2, addons: 2 },
    });
    expect(fakes.telemetry.counts).toEqual({ 'sweep-completed': 1 });
  });

  it.each([
    ['a cluster', 'Sweep [^ ]+ \\(migrate\\) incomplete: 1 of 2 clusters inspected\\.', {}],
    ['a location', 'incomplete: 1 of 2 clusters inspected, and 1 location not or only in part', { unreachable: 'no' }],
  ])('of a sweep that could not inspect %s is incomplete, and says how many of how many', async (_, text, more) => {
    await put();
    await keep(locationKey(SWEEP_ID, location), { ...location, clusters: 2, notSelected: 0, calls: {}, ...more });
    await keep(clusterKey(SWEEP_ID, location, 'b'), {
      ...cluster('b'),
      findings: [{ class: 'unreachable', reason: 'no', checks: [], roles: [] }],
    });
    expect(await report()).toMatchObject({ outcome: 'incomplete', text: matching(new RegExp(text)) });
    const inspected = { clusters: 1, of: 2, locations: 'unreachable' in more ? 1 : 0 };
    expect(await record()).toMatchObject({ status: 'ended', outcome: 'incomplete', inspected });
    expect(sweepReport.parse(kept())).toMatchObject({ outcome: 'incomplete', totals: { inspected } });
    expect(fakes.telemetry.counts).toEqual({ 'sweep-incomplete': 1 });
  });

  it('has every cluster and every item, over all pages', async () => {
    await put();
    for (let number = 0; number < 1100; number += 1)
      await keep(clusterKey(SWEEP_ID, location, `c${number}`), cluster(`c${number}`));
    await fakes.sweeps.enqueue(SWEEP_ID, anItem(1));
    await report();
    expect(sweepReport.parse(kept()).totals).toMatchObject({ clusters: 1102, queued: 1 });
  });

  it('says that it was stopped, and by what', async () => {
    await put({ status: 'stopping', cause: { name: 'SweepStopped', message: '3 failed.' } });
    expect(await report()).toMatchObject({ outcome: 'stopped', text: containing('stopped. SweepStopped: 3 failed.') });
    expect(await record()).toMatchObject({ outcome: 'stopped', cause: { name: 'SweepStopped' } });
  });

  it('says what it failed by, with what was found until then, and keeps where it failed', async () => {
    await put({ phase: 'inventory' });
    fakes.documents.objects.delete(locationsKey(SWEEP_ID));
    expect(await report({ failure: { name: 'States.Timeout', message: 'too long' } })).toMatchObject({
      outcome: 'failed',
    });
    expect(await record()).toMatchObject({
      status: 'ended',
      outcome: 'failed',
      phase: 'inventory',
      cause: { name: 'States.Timeout', message: 'too long' },
    });
    expect(sweepReport.parse(kept()).totals.clusters).toBe(2);
  });

  it('is said again as it stands', async () => {
    await put();
    await report();
    const objects = new Map(fakes.documents.objects);
    fakes.clock.advance(60_000);
    expect(await report({ failure: { name: 'Late', message: 'reply lost' } })).toMatchObject({ outcome: 'completed' });
    expect([fakes.documents.objects, fakes.telemetry.counts]).toEqual([objects, { 'sweep-completed': 1 }]);
  });

  it('is not written by an execution that another one has taken the place of', async () => {
    await put({ executionArn: executionArn('another', 'Sweep') });
    expect(await report({ failure: { name: 'Late', message: 'why' } })).toMatchObject({
      outcome: 'failed',
      text: containing('does not work on sweep'),
    });
    expect((await record()).status).toBe('running');
  });

  it('waits where the bucket is busy, and ends the sweep as failed where an object is no inventory', async () => {
    await put();
    const get = fakes.documents.get.bind(fakes.documents);
    fakes.documents.get = () => Promise.reject(new MigrationError('Throttled', 'SlowDown'));
    await expectError(report(), 'Throttled');
    expect((await record()).status).toBe('running');
    fakes.documents.get = get;
    await fakes.documents.put(clusterKey(SWEEP_ID, location, 'c'), 'garbage', 'application/json');
    expect(await report()).toMatchObject({
      outcome: 'failed',
      text: containing(
        `clusters/c.json in the bucket does not have the form that this version of the service writes: it is not JSON`,
      ),
    });
    expect(await record()).toMatchObject({ status: 'ended', outcome: 'failed', cause: { name: 'BadInput' } });
  });

  it('does without the report before where that can not be read', async () => {
    await put({ previous: '01JD8Z5Q6R7S8T9V0W1X2Y0000' });
    await keep(reportKey('01JD8Z5Q6R7S8T9V0W1X2Y0000', 'json'), { schemaVersion: 99 });
    expect(await report()).toMatchObject({ outcome: 'completed' });
    expect(fakes.telemetry.lines).toMatchObject([
      { level: 'warn', message: 'could not read the report of the previous sweep' },
    ]);
  });
});
