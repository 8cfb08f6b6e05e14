/** What the API does about sweeps: starting, looking, asking, and where the report is. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sweepAnswer } from '../../../lambdas/api/answers.ts';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { Sweep, SweepItem } from '../../../lambdas/domain/sweep/model.ts';
import { sweepRequest } from '../../../lambdas/domain/sweep/request.ts';
import { newSweep } from '../../../lambdas/use-cases/sweep/commanding.ts';
import { faultCases, MOMENTS } from '../../faults/contract.ts';
import type { Fakes } from '../fakes.ts';
import { ACCOUNT, at, executionArn } from '../fixtures.ts';
import { ALICE, BOB, newFakes, problemIn, send, fieldsIn } from './gateway.ts';
import { endedAs } from '../run-examples.ts';
import { forAllAsync } from '../../for-all.ts';

const it = test.extend('fakes', () => newFakes());
const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
const OTHER = '222233334444';
const REPORTS = {
  bucket: 'sweeps',
  json: `sweeps/${ID}/report.json`,
  csv: `sweeps/${ID}/report.csv`,
  html: `sweeps/${ID}/report.html`,
};
const request = sweepRequest.parse({ mode: 'migrate', requestedBy: ALICE });
const ARN = executionArn(ID, 'Sweep');

async function withSweep(change: Partial<Sweep> = {}): Promise<Fakes> {
  const fakes = newFakes();
  await fakes.sweeps.create({
    ...newSweep({ sweepId: ID, request, startedAt: at(0) }),
    executions: 1,
    executionArn: ARN,
    ...change,
  });
  fakes.executions.states.set(ARN, { status: 'RUNNING' });
  return fakes;
}
const item = (migrationId: string, change: Partial<SweepItem> = {}): SweepItem => ({
  migrationId,
  account: ACCOUNT,
  region: 'eu-west-1',
  cluster: 'demo',
  addon: 'vpc-cni',
  roles: [],
  state: 'queued',
  ...change,
});
const post = (fakes: Fakes, body: unknown, headers: Record<string, string> = {}, caller = ALICE) =>
  send(fakes, { method: 'POST', path: '/sweeps', body, headers, caller });
const ended = (outcome: Sweep['outcome']): Partial<Sweep> => ({ ...endedAs(outcome, 300), phase: 'report' });

describe('POST /sweeps', () => {
  it('notes the sweep, by who signed it, and starts it once', async ({ fakes }) => {
    const { status, body, headers } = await post(fakes, { mode: 'inventory' });
    const [record] = [...fakes.sweeps.records.values()];
    const self = `/v1/sweeps/${record?.sweepId ?? ''}`;
    expect({ status, body, location: headers['location'] }).toEqual({
      status: 202,
      body: { sweepId: record?.sweepId, status: 'accepted', links: { self } },
      location: self,
    });
    expect(record).toMatchObject({
      status: 'running',
      phase: 'inventory',
      request: { mode: 'inventory', requestedBy: ALICE, callsPerSecond: 5, limits: { canary: 1, concurrency: 20 } },
    });
    expect(fakes.executions.sweeps).toEqual([{ sweepId: record?.sweepId, name: record?.sweepId }]);
    expect(fakes.executions.migrations).toEqual([]);
  });

  it('is one sweep, however often it is sent: with a key also after it is over, without one while it goes on', async () => {
    const fakes = newFakes();
    const key = { 'Idempotency-Key': 'once' };
    const idOf = async (...more: [Record<string, string>, string?]): Promise<string> =>
      ((await post(fakes, { mode: 'plan' }, ...more)).body as { sweepId: string }).sweepId;
    const ids = async (headers: Record<string, string>): Promise<Set<unknown>> =>
      new Set(await Promise.all([1, 2, 3].map(() => idOf(headers))));
    const byKey = await ids(key);
    const byContent = await ids({});
    expect([byKey.size, byContent.size, fakes.sweeps.records.size, fakes.executions.sweeps.length]).toEqual([
      1, 1, 2, 2,
    ]);
    for (const id of fakes.sweeps.records.keys())
      await fakes.sweeps.update(id, { status: 'ended', outcome: 'completed' });
    expect(await ids(key)).toEqual(byKey);
    const next = await ids({});
    expect([next.size, [...next].some((id) => byContent.has(id)), fakes.sweeps.records.size]).toEqual([1, false, 3]);
    // The same request by another principal is another sweep.
    expect(byContent.has(await idOf({}, BOB))).toBe(false);
    expect(problemIn(await post(fakes, { mode: 'migrate' }, key), 'key-used').errors).toMatchObject([
      { field: 'header.idempotency-key' },
    ]);
  });

  it.each(faultCases(MOMENTS, ['sweeps.create', 'executions.startSweep']))(
    'that broke off at $call, $kind its effect, is finished when it is sent again',
    async ({ call, kind }) => {
      const fakes = newFakes();
      fakes.journal.failNext(call, kind, new MigrationError('ServiceUnavailable', 'no'));
      problemIn(await post(fakes, { mode: 'migrate' }), 'unavailable');
      expect((await post(fakes, { mode: 'migrate' })).status).toBe(202);
      expect([fakes.sweeps.records.size, fakes.executions.sweeps.length]).toEqual([1, 1]);
    },
  );

  it('takes the accounts that the deployment is for, and no other', async ({ fakes }) => {
    const wanted = { mode: 'inventory', selection: { accounts: [ACCOUNT, OTHER] } };
    const found = problemIn(await post(fakes, wanted), 'other-account');
    expect(found.errors).toMatchObject([{ field: 'body.selection.accounts.1' }]);
    expect(found.detail).toContain(ACCOUNT);
    expect(fakes.sweeps.records.size).toBe(0);
    fakes.dependencies.settings.accounts = [OTHER];
    expect((await post(fakes, wanted)).status).toBe(202);
  });

  it('refuses a region of another partition', async ({ fakes }) => {
    const selection = { regions: ['eu-west-1', 'cn-north-1'] };
    expect(fieldsIn(await post(fakes, { mode: 'inventory', selection }))).toEqual(['body.selection.regions.1']);
  });

  it.each<[object, string[]]>([
    [{}, ['body.mode']],
    [{ mode: 'look' }, ['body.mode']],
    [{ mode: 'plan', requestedBy: 'operator' }, ['body.requestedBy']],
    [{ mode: 'plan', sweepId: ID }, ['body.sweepId']],
    [{ mode: 'plan', selection: { accounts: [] } }, ['body.selection.accounts']],
    [
      { mode: 'plan', selection: { accounts: ['1'], clusters: ['a b'], tag: {} } },
      ['body.selection.accounts.0', 'body.selection.clusters.0', 'body.selection.tag'],
    ],
    [
      { mode: 'plan', limits: { canary: 0, concurrency: 501, stopAtFailurePercent: 101 } },
      ['body.limits.canary', 'body.limits.concurrency', 'body.limits.stopAtFailurePercent'],
    ],
    [
      { mode: 'plan', options: { strategy: 'fast', approvalHours: 1 } },
      ['strategy', 'approvalHours'].map((name) => `body.options.${name}`),
    ],
    [{ mode: 'plan', callsPerSecond: 0 }, ['body.callsPerSecond']],
  ])('refuses %j, and names each field', async (body, fields) => {
    const fakes = newFakes();
    expect(fieldsIn(await post(fakes, body))).toEqual(fields);
    expect([fakes.sweeps.records.size, fakes.executions.sweeps.length]).toEqual([0, 0]);
  });
});

describe('GET /sweeps/{id}', () => {
  const get = (fakes: Fakes, rest = '') => send(fakes, { method: 'GET', path: `/sweeps/${ID}${rest}` });

  it('shows one as it stands: its tally, its wave and what can be asked of it', async () => {
    const fakes = await withSweep({ phase: 'migrations', wave: { number: 2, size: 2, begun: 1 }, failed: ['a', 'b'] });
    await fakes.sweeps.enqueue(ID, item('a'));
    await fakes.sweeps.enqueue(ID, item('b', { state: 'in-flight' }));
    await fakes.sweeps.enqueue(ID, item('c', { state: 'ended', outcome: 'rolled-back' }));
    const { status, body } = await get(fakes);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      sweepId: ID,
      status: 'running',
      phase: 'migrations',
      failures: 2,
      executionStatus: 'RUNNING',
      tally: { queued: 1, inFlight: 1, ended: { 'rolled-back': 1 } },
    });
    const self = `/v1/sweeps/${ID}`;
    expect(body).toHaveProperty('links', { self, pause: `${self}/pause`, stop: `${self}/stop` });
    expect(sweepAnswer.strict().parse(body)).toBeTruthy();
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it.each<[string, Partial<Sweep>, string[]]>([
    ['is paused', { status: 'paused', phase: 'migrations' }, ['self', 'pause', 'resume', 'stop']],
    ['is stopping', { status: 'stopping', phase: 'migrations' }, ['self']],
    ['has stopped', { ...ended('stopped'), reports: REPORTS }, ['self', 'resume', 'report']],
    ['has completed', { ...ended('completed'), reports: REPORTS }, ['self', 'report']],
    ['is an inventory', { request: { ...request, mode: 'inventory' } }, ['self']],
  ])('offers of one that %s what would be taken', async (_, change, links) => {
    const { body } = await get(await withSweep(change));
    expect(Object.keys((body as { links: object }).links)).toEqual(links);
    // Of one that is over Step Functions is not asked.
    expect('executionStatus' in (body as object)).toBe(change.status !== 'ended');
  });

  it('says where the report is, once there is one', async () => {
    expect((await get(await withSweep({ ...ended('completed'), reports: REPORTS }), '/report')).body).toMatchObject({
      sweepId: ID,
      reports: REPORTS,
    });
    expect(problemIn(await get(await withSweep(), '/report'), 'no-report').status).toBe(404);
    expect(problemIn(await get(await withSweep(ended('failed')), '/report'), 'no-report').detail).toContain(
      'ended before a report was written',
    );
  });

  it.each([
    ['GET', ''],
    ['GET', '/report'],
    ['POST', '/pause'],
    ['POST', '/resume'],
    ['POST', '/stop'],
  ])('is a problem with %s …%s where there is no such sweep', async (method, rest) => {
    const fakes = newFakes();
    const found = problemIn(await send(fakes, { method, path: `/sweeps/${ID}${rest}` }), 'unknown-sweep');
    expect(found).toMatchObject({ status: 404, errors: [{ field: 'path.id' }] });
    expect(found).not.toHaveProperty('links');
    expect(fieldsIn(await send(fakes, { method, path: `/sweeps/latest${rest}` }))).toEqual(['path.id']);
    expect(fakes.executions.sweeps).toEqual([]);
  });
});

describe('what is asked of a sweep', () => {
  const ask = (fakes: Fakes, command: string, body?: object) =>
    send(fakes, { method: 'POST', path: `/sweeps/${ID}/${command}`, body });

  it.each(['pause', 'stop'])('%s: is recorded with its signer and the reason', async (command) => {
    const fakes = await withSweep({ phase: 'migrations' });
    const { status, body } = await ask(fakes, command, { reason: 'release night' });
    expect(status).toBe(202);
    expect(body).toMatchObject({ sweepId: ID, command: { command, by: ALICE, reason: 'release night' } });
    expect([(await ask(fakes, command)).status, fakes.executions.sweeps]).toEqual([202, []]);
  });

  it('resume: starts an execution for one that has stopped', async () => {
    const fakes = await withSweep({ ...ended('stopped'), failed: ['a'], wave: { number: 3, size: 4, begun: 4 } });
    expect((await ask(fakes, 'resume')).body).toMatchObject({
      status: 'running',
      phase: 'migrations',
      failures: 0,
      command: { command: 'resume', by: ALICE },
    });
    expect(fakes.executions.sweeps).toMatchObject([{ sweepId: ID }]);
  });

  it.each<[string, Partial<Sweep>, string]>([
    ['resume', {}, 'running already'],
    ['resume', ended('completed'), 'completed'],
    ['pause', ended('stopped'), 'ended stopped'],
    ['stop', { request: { ...request, mode: 'inventory' } }, 'inventory'],
  ])('%s is refused where it makes no sense, and notes nothing', async (command, change, why) => {
    const fakes = await withSweep(change);
    const found = problemIn(await ask(fakes, command), 'not-now');
    expect(found.detail).toContain(why);
    expect(found.links).toEqual({ self: `/v1/sweeps/${ID}` });
    expect((await fakes.sweeps.get(ID))?.command).toBeUndefined();
    expect(fakes.executions.sweeps).toEqual([]);
  });

  it('refuses what is no reason', async () => {
    const fakes = await withSweep({ phase: 'migrations' });
    expect(fieldsIn(await ask(fakes, 'pause', { reason: 'a\nb', by: BOB }))).toEqual(['body.reason', 'body.by']);
  });
});

describe('GET /sweeps', () => {
  it('lists all, newest first, in pages of any size', async () => {
    const idAt = (index: number): string => `01JD8Z5Q6R7S8T9V0W1X2Y${String(index).padStart(4, '0')}`;
    const fakes = newFakes();
    for (let index = 0; index < 7; index += 1)
      await fakes.sweeps.create(newSweep({ sweepId: idAt(index), request, startedAt: at(index) }));
    await forAllAsync(undefined, fc.integer({ min: 1, max: 9 }), async (limit) => {
      const found: string[] = [];
      let next: string | undefined;
      do {
        const { body } = await send(fakes, {
          method: 'GET',
          path: '/sweeps',
          query: { limit: String(limit), ...(next === undefined ? {} : { next }) },
        });
        const page = body as { sweeps: { sweepId: string; links: { self: string } }[]; next?: string };
        expect(page.sweeps.length).toBeLessThanOrEqual(limit);
        for (const { sweepId, links } of page.sweeps) expect(links.self).toBe(`/v1/sweeps/${sweepId}`);
        found.push(...page.sweeps.map(({ sweepId }) => sweepId));
        ({ next } = page);
      } while (next !== undefined);
      expect(found).toEqual([6, 5, 4, 3, 2, 1, 0].map(idAt));
    });
  });

  it('refuses a next that DynamoDB does not take there', async ({ fakes }) => {
    const next = Buffer.from(JSON.stringify(ID)).toString('base64url');
    fakes.journal.refuseNext('sweeps.list', 'InvalidRequest', 'The provided starting key is invalid');
    expect(fieldsIn(await send(fakes, { method: 'GET', path: '/sweeps', query: { next } }))).toEqual(['query.next']);
  });
});
