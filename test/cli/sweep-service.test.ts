/** Sweeps through direct calls and through the API: the same requests and the same results. */
import { describe, expect, it } from 'vitest';
import { readServiceEnvironment, serviceEnvironment } from '../../cli/service-environment.ts';
import { apiSweeps } from '../../cli/api/sweep.ts';
import { directSweeps } from '../../cli/service/sweep.ts';
import { followSweep } from '../../cli/service/sweep-follow.ts';
import type { LocationsDone } from '../../cli/service/sweep-calls.ts';
import { MigrationError } from '../../lambdas/domain/failures/errors.ts';
import { clusterKey, locationKey, locationsKey } from '../../lambdas/domain/sweep/keys.ts';
import type { SweepItem } from '../../lambdas/domain/sweep/model.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import { FakeDocuments } from '../lambdas/fake-sweeps.ts';
import { asked, fakeApi, json, lost, problemAnswer, thrownBy } from './api-fixtures.ts';
import { machine } from './backend-fixtures.ts';
import { errorOf } from './fixtures.ts';
import {
  aStanding,
  aSweep,
  aSweepReport,
  aSweepRequest,
  BUCKET,
  ENDED,
  fakeClock,
  ID,
  REPORTS,
  sweepBackend,
  SWEEP_ARN,
} from './sweep-fixtures.ts';
import { anExit, containing, expectError } from '../lambdas/matchers.ts';

const item = (migrationId: string, change: Partial<SweepItem> = {}): SweepItem => ({
  migrationId,
  account: '111122223333',
  region: 'eu-west-1',
  cluster: 'demo',
  addon: 'vpc-cni',
  roles: [],
  state: 'queued',
  ...change,
});
const LINKS = { self: `/v1/sweeps/${ID}` };

describe('following a sweep', () => {
  const follow = async (...answers: SweepStanding[]) => {
    const clock = fakeClock();
    const updates: (readonly [SweepStanding['phase'], LocationsDone | undefined])[] = [];
    const work = followSweep(
      {
        show: async () => (answers.length > 1 ? answers.shift() : answers[0]) ?? aStanding(),
        locations: async () => ({ done: 1, total: 4 }),
      },
      clock,
      ID,
      { update: ({ phase }, locations) => void updates.push([phase, locations]) },
    );
    return { work, updates, clock };
  };

  it('polls until the sweep is over, less often while nothing changes', async () => {
    const quiet = Array.from({ length: 6 }, () => aStanding());
    const { work, updates, clock } = await follow(
      ...quiet,
      aStanding({ phase: 'migrations' }),
      aStanding({ status: 'ended', outcome: 'completed', phase: 'report' }),
    );
    expect((await work).outcome).toBe('completed');
    expect(clock.sleeps).toEqual([2000, 4000, 8000, 16_000, 20_000, 20_000, 2000]);
    // The number of locations that were read is requested only during the inventory.
    expect(updates.map(([phase, locations]) => [phase, locations?.done])).toEqual([
      ...quiet.map(() => ['inventory', 1]),
      ['migrations', undefined],
      ['report', undefined],
    ]);
  });

  it('polls rarely for thousands of migrations, of which another has always ended', async () => {
    const answers = Array.from({ length: 4 }, (_, index) =>
      aStanding({
        phase: 'migrations',
        tally: { queued: 500 - index, inFlight: 20, ended: { migrated: 480 + index } },
      }),
    );
    const { work, clock } = await follow(
      ...answers,
      aStanding({ phase: 'migrations', tally: { queued: 0, inFlight: 0, ended: { migrated: 10_000 } } }),
      aStanding({ status: 'ended', outcome: 'completed' }),
    );
    await work;
    expect(clock.sleeps).toEqual([60_000, 60_000, 60_000, 60_000, 60_000]);
  });

  it.each([
    ['its execution has ended', { executionStatus: 'ABORTED' }],
    ['none has begun', { executionArn: undefined, executionStatus: undefined }],
  ])('gives up if no execution works on it: %s', async (_, change) => {
    const { work, clock } = await follow(aStanding(change));
    expect(await thrownBy(work)).toMatchObject({
      name: 'ExecutionFailed',
      exitCode: 1,
      message: containing('ended, but no execution works on it'),
      hint: containing(`sweep resume ${ID}`),
    });
    expect(clock.sleeps.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(600_000);
  });

  it('continues if an execution has handed over to the next', async () => {
    const over = aStanding({ executionStatus: 'SUCCEEDED' });
    const { work } = await follow(over, over, aStanding(), over, aStanding({ status: 'ended', outcome: 'stopped' }));
    expect((await work).outcome).toBe('stopped');
  });
});

describe('sweeps through direct calls', () => {
  it('are started for the requester, and can be shown once their execution has recorded them', async () => {
    const { backend, sweeps, clock, started } = sweepBackend();
    const updates: string[] = [];
    const [get, looks] = [sweeps.get.bind(sweeps), { n: 0 }];
    sweeps.get = async (id) => {
      looks.n += 1;
      // The id is known without waiting.
      expect(updates).toEqual([id]);
      if (looks.n === 3) await sweeps.create(aSweep({ sweepId: id }));
      return get(id);
    };
    await directSweeps(backend, 'me').start(aSweepRequest(), (id) => updates.push(id));
    expect(started).toEqual([
      { name: updates[0], input: { sweepId: updates[0], request: aSweepRequest({ requestedBy: 'me' }) } },
    ]);
    expect(clock.sleeps).toEqual([1000, 1000]);
  });

  it('fail if their execution ends before it has recorded them', async () => {
    const { backend } = sweepBackend(() => 'FAILED');
    expect(await thrownBy(directSweeps(backend, 'me').start(aSweepRequest(), () => {}))).toMatchObject(
      anExit('ExecutionFailed', 1, 'did not begin: execution FAILED'),
    );
  });

  it('are shown as the API shows them', async () => {
    const { backend, sweeps } = sweepBackend();
    await sweeps.create(aSweep({ failed: ['a', 'b'], phase: 'migrations' }));
    await sweeps.enqueue(ID, item('a'));
    await sweeps.enqueue(ID, item('b', { state: 'ended', outcome: 'migrated' }));
    expect(await directSweeps(backend, 'me').show(ID)).toEqual(
      aStanding({ phase: 'migrations', failures: 2, tally: { queued: 1, inFlight: 0, ended: { migrated: 1 } } }),
    );
    expect(await thrownBy(directSweeps(backend, 'me').show('01JD8Z5Q6R7S8T9V0W1X2Y3Z4B'))).toMatchObject({
      name: 'UnknownSweep',
      exitCode: 2,
    });
  });

  it('show how many locations were read, if that is known', async () => {
    const { backend, documents } = sweepBackend();
    const calls = directSweeps(backend, 'me');
    expect(await calls.locations(ID)).toBeUndefined();
    const locations = ['eu-west-1', 'us-east-1', 'us-west-2'].map((region) => ({ account: '111122223333', region }));
    await documents.put(locationsKey(ID), JSON.stringify(locations), 'application/json');
    // More than a page of the list.
    for (let index = 0; index < 1500; index += 1)
      await documents.put(
        clusterKey(ID, locations[0] ?? { account: '', region: '' }, `c-${index}`),
        '{}',
        'application/json',
      );
    for (const location of locations.slice(0, 2))
      await documents.put(locationKey(ID, location), '{}', 'application/json');
    expect(await calls.locations(ID)).toEqual({ done: 2, total: 3 });
    documents.get = () => Promise.reject(new MigrationError('AccessDenied', 's3:GetObject'));
    expect(await calls.locations(ID)).toBeUndefined();
  });

  it('are listed, page by page', async () => {
    const { backend, sweeps } = sweepBackend();
    const idAt = (index: number): string => `01JD8Z5Q6R7S8T9V0W1X2Y3Z4${index}`;
    for (let index = 0; index < 5; index += 1) await sweeps.create(aSweep({ sweepId: idAt(index) }));
    const short = sweeps.list.bind(sweeps);
    sweeps.list = (filter, limit, after) => short(filter, Math.min(2, limit), after);
    const calls = directSweeps(backend, 'me');
    const ids = async (limit: number) => {
      const { sweeps: found, more } = await calls.list({}, limit);
      return [found.map(({ sweepId }) => sweepId), more];
    };
    expect([await ids(3), await ids(5)]).toEqual([
      [[4, 3, 2].map(idAt), true],
      [[4, 3, 2, 1, 0].map(idAt), false],
    ]);
  });

  it('accept commands, or refuse them with the reason', async () => {
    const { backend, sweeps, started } = sweepBackend();
    await sweeps.create(aSweep({ phase: 'migrations' }));
    const calls = directSweeps(backend, 'me');
    expect(await calls.command(ID, { command: 'pause', reason: 'night' })).toMatchObject({
      command: { command: 'pause', by: 'me', reason: 'night' },
    });
    expect(await calls.command(ID, { command: 'resume' })).toMatchObject({ command: { command: 'resume' } });
    expect(started).toEqual([]);
    await sweeps.update(ID, { status: 'ended', outcome: 'completed' });
    expect(await thrownBy(calls.command(ID, { command: 'stop' }))).toMatchObject(
      anExit('NotNow', 2, /^sweep .* does not accept the command stop: .*[^.]$/),
    );
    expect(await thrownBy(calls.command('01JD8Z5Q6R7S8T9V0W1X2Y3Z4B', { command: 'stop' }))).toMatchObject({
      name: 'UnknownSweep',
    });
  });

  it('report what their service lacks', async () => {
    const { backend } = sweepBackend();
    delete backend.sweeping?.stateMachineArn;
    await expectError(
      directSweeps(backend, 'me').start(aSweepRequest(), () => {}),
      'NotConfigured',
      'POD_IDENTITY_SWEEP_STATE_MACHINE_ARN',
    );
  });
});

describe('the report', () => {
  const ended = aStanding({ status: 'ended', outcome: 'completed', endedAt: ENDED, reports: REPORTS });
  it('is read only in the requested formats', async () => {
    const { backend, documents } = sweepBackend();
    const report = aSweepReport();
    await documents.put(REPORTS.json, JSON.stringify(report), 'application/json');
    await documents.put(REPORTS.html, '<html>', 'text/html');
    const sweeps = directSweeps(backend, 'me');
    expect(await sweeps.report(ended, ['html'])).toEqual({
      report,
      texts: { json: JSON.stringify(report), html: '<html>' },
    });
    expect(await thrownBy(sweeps.report(ended, ['csv']))).toMatchObject({
      name: 'ReportUnread',
      message: containing('no longer exists'),
      hint: containing(`s3://${BUCKET}/${REPORTS.csv}`),
    });
    await documents.put(REPORTS.json, '{"schemaVersion":2}', 'application/json');
    expect((await thrownBy(sweeps.report(ended, []))).message).toContain(
      'its format is unknown; the versions of this program',
    );
    documents.get = () => Promise.reject(new MigrationError('AccessDenied', 's3:GetObject is not allowed'));
    expect(await thrownBy(sweeps.report(ended, []))).toMatchObject({
      exitCode: 1,
      message: containing('s3:GetObject is not allowed'),
    });
  });
  it('does not exist before the end, nor after an end without a report', async () => {
    const sweeps = directSweeps(sweepBackend().backend, 'me');
    expect(await thrownBy(sweeps.report(aStanding(), []))).toMatchObject({ name: 'NoReport', exitCode: 2 });
    const failed = aStanding({
      status: 'ended',
      outcome: 'failed',
      cause: { name: 'BadInput', message: 'account 1 is not configured' },
    });
    expect(await thrownBy(sweeps.report(failed, []))).toMatchObject(
      anExit('NoReport', 1, 'BadInput: account 1 is not configured'),
    );
  });
});

describe('sweeps through the API', () => {
  const service = ({ ask, clock }: ReturnType<typeof fakeApi>, documents = new FakeDocuments()) =>
    apiSweeps({ ask, clock, documentsIn: () => documents });

  it('are started once although the response is lost, and followed', async () => {
    const api = fakeApi(
      lost(),
      json({ sweepId: ID, status: 'accepted', links: LINKS }, 202),
      json({ ...aStanding(), links: LINKS }),
      json({ ...aStanding({ status: 'ended', outcome: 'completed' }), links: LINKS }),
    );
    const started: string[] = [];
    const end = await service(api).sweep(aSweepRequest(), { update: () => {} }, (id) => started.push(id));
    expect([end.outcome, started]).toEqual(['completed', [ID]]);
    expect(end).not.toHaveProperty('links');
    expect(api.requests.map(asked)).toEqual(['POST /sweeps', 'POST /sweeps', `GET /sweeps/${ID}`, `GET /sweeps/${ID}`]);
    const keys = api.requests.slice(0, 2).map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toBe(keys[1]);
    // The signature identifies the requester.
    expect(JSON.parse(api.requests[0]?.body ?? '')).toEqual(
      JSON.parse(JSON.stringify({ ...aSweepRequest(), requestedBy: undefined })),
    );
  });

  it('are shown, listed and commanded', async () => {
    const { request, startedAt } = aSweep();
    const one = { sweepId: ID, request, status: 'running', startedAt, links: LINKS };
    const api = fakeApi(
      json({ sweeps: [one], next: 'bmV4dA' }),
      json({ sweeps: [one] }),
      json({ ...aStanding(), action: 'pause', first: true, links: LINKS }, 202),
      problemAnswer('not-now', `Sweep ${ID} does not accept the command stop: it has ended.`),
      problemAnswer('unknown-sweep', `There is no sweep ${ID}.`),
    );
    const sweeps = service(api);
    expect(await sweeps.list({}, 10)).toMatchObject({ sweeps: [{ sweepId: ID }, { sweepId: ID }], more: false });
    expect(await sweeps.command(ID, { command: 'pause', reason: 'night' })).toEqual(aStanding());
    expect(await thrownBy(sweeps.command(ID, { command: 'stop' }))).toMatchObject({
      name: 'NotNow',
      exitCode: 2,
      hint: containing(`sweep show ${ID} --deployed`),
    });
    expect(await thrownBy(sweeps.show(ID))).toMatchObject({ name: 'UnknownSweep', exitCode: 2 });
    expect(api.requests.map(asked)).toEqual([
      'GET /sweeps?limit=10',
      'GET /sweeps?limit=9&next=bmV4dA',
      `POST /sweeps/${ID}/pause`,
      `POST /sweeps/${ID}/stop`,
      `GET /sweeps/${ID}`,
    ]);
    expect(JSON.parse(api.requests[2]?.body ?? '')).toEqual({ reason: 'night' });
  });

  it('show where to check when it is not known whether a sweep was started', async () =>
    expect((await thrownBy(service(fakeApi(lost())).start(aSweepRequest(), () => {}))).hint).toContain(
      'pod-identity sweeps --deployed',
    ));

  it('read their report from S3', async () => {
    const documents = new FakeDocuments();
    await documents.put(REPORTS.json, JSON.stringify(aSweepReport()), 'application/json');
    const { report } = await service(fakeApi(), documents).report(aStanding({ status: 'ended', reports: REPORTS }), []);
    expect(report.sweepId).toBe(ID);
    expect(SWEEP_ARN).toContain(ID);
  });
});

describe('the variables of sweeps', () => {
  const outputs = {
    stateMachineArn: machine('MigrateAddon'),
    recoverStateMachineArn: machine('Recover'),
    tableName: 'Ledger',
  };
  it('are optional, and are printed if sweeps are deployed', () => {
    const others = { simulated: true, allowUnknownRequester: true };
    expect(readServiceEnvironment(serviceEnvironment(outputs))).toEqual({ ...outputs, ...others });
    const all = { ...outputs, sweepStateMachineArn: machine('Sweep'), sweepBucketName: 'a-bucket' };
    expect(serviceEnvironment(all)).toMatchObject({
      POD_IDENTITY_SWEEP_STATE_MACHINE_ARN: machine('Sweep'),
      POD_IDENTITY_SWEEP_BUCKET_NAME: 'a-bucket',
    });
    expect(readServiceEnvironment(serviceEnvironment(all))).toEqual({ ...all, ...others });
  });
  it('must be valid', () => {
    const wrong = { ...serviceEnvironment(outputs), POD_IDENTITY_SWEEP_STATE_MACHINE_ARN: 'Sweep' };
    expect(errorOf(() => readServiceEnvironment(wrong)).message).toContain(
      'POD_IDENTITY_SWEEP_STATE_MACHINE_ARN must be the ARN of a state machine',
    );
  });
});
