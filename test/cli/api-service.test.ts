import { describe, expect, it } from 'vitest';
import { apiService } from '../../cli/api/service.ts';
import type { MigrationAnswer } from '../../lambdas/api/answers.ts';
import { migrationRequest, type MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import { migrationReport } from '../../lambdas/domain/record/migration.ts';
import type { StepLine } from '../../lambdas/domain/terms/evidence.ts';
import {
  accepted,
  anAnswer,
  aRunning,
  asked,
  fakeApi,
  type FakeApi,
  HASH,
  ID,
  json,
  lost,
  pending,
  problemAnswer,
  thrownBy,
  watching,
} from './api-fixtures.ts';
import { FakeDocuments } from '../lambdas/fake-sweeps.ts';
import { aPlan, aReport, TARGET } from './fixtures.ts';
import { containing, expectError } from '../lambdas/matchers.ts';

const serviceOf = ({ ask, clock }: FakeApi, simulated = true) =>
  apiService({ ask, clock, simulated, documentsIn: () => new FakeDocuments() });
const request = (change: Partial<MigrationRequestInput> = {}) =>
  migrationRequest.parse({ target: TARGET, addon: 'aws-ebs-csi-driver', requestedBy: 'me', ...change });
const line = (name: string, second: number, change: Partial<StepLine> = {}): StepLine => ({
  name,
  startedAt: `2026-01-15T09:00:${String(second).padStart(2, '0')}.000Z`,
  endedAt: `2026-01-15T09:00:${String(second + 1).padStart(2, '0')}.000Z`,
  tries: 1,
  ...change,
});
const bodyOf = (api: FakeApi, index = 0): unknown => JSON.parse(api.requests[index]?.body ?? 'null');

describe('a migration through the API', () => {
  it('is requested, followed, and reported as through direct calls', async () => {
    const api = fakeApi(
      json(accepted, 202),
      json(aRunning()),
      json(aRunning({ steps: [line('plan', 0)] })),
      json(
        aRunning({
          steps: [
            line('plan', 0),
            line('await-deleted', 2, { error: { name: 'AddonStillThere', message: 'not yet' } }),
          ],
        }),
      ),
      json(anAnswer()),
    );
    const { watcher, steps } = watching();
    const started: string[] = [];
    const end = await serviceOf(api).migrate(
      request({
        changeWindow: { schedule: '0 22 * * SUN', durationMinutes: 60, timeZone: 'UTC' },
        approval: 'required',
      }),
      watcher,
      (id) => started.push(id),
    );
    expect([end, migrationReport.parse(end.report)]).toEqual([{ migrationId: ID, report: aReport() }, aReport()]);
    expect(started).toEqual([ID]);
    expect(api.requests.map(asked)).toEqual([
      'POST /migrations',
      ...Array.from({ length: 4 }, () => `GET /migrations/${ID}`),
    ]);
    // The requester is the signer of the request, regardless of its body.
    expect(bodyOf(api)).toEqual({
      ...(JSON.parse(
        JSON.stringify(
          request({
            changeWindow: { schedule: '0 22 * * SUN', durationMinutes: 60, timeZone: 'UTC' },
            approval: 'required',
          }),
        ),
      ) as object),
      requestedBy: undefined,
      dryRun: undefined,
    });
    expect(api.requests[0]?.headers['idempotency-key']).toMatch(/^[\da-f-]{36}$/);
    // A response without a change is followed by another poll.
    expect(steps).toEqual([[], ['plan'], ['plan', 'await-deleted …'], ['plan', 'await-deleted']]);
  });

  it('is started once if the first response is lost', async () => {
    const api = fakeApi(lost(), json(accepted, 202), json(anAnswer()));
    await serviceOf(api).migrate(request(), watching().watcher);
    const keys = api.requests.slice(0, 2).map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toBeDefined();
    expect(keys[0]).toBe(keys[1]);
    expect(bodyOf(api, 0)).toEqual(bodyOf(api, 1));
  });

  it('has a different key for each command', async () => {
    const [one, other] = [
      fakeApi(json(accepted, 202), json(anAnswer())),
      fakeApi(json(accepted, 202), json(anAnswer())),
    ];
    for (const api of [one, other]) await serviceOf(api).migrate(request(), watching().watcher);
    expect(one.requests[0]?.headers['idempotency-key']).not.toBe(other.requests[0]?.headers['idempotency-key']);
  });

  it('is a plan if it is a dry run, which waits for nothing', async () => {
    const api = fakeApi(json(accepted, 202), json(anAnswer({ outcome: 'planned', dryRun: true })));
    const end = await serviceOf(api, false).migrate(
      request({ dryRun: true, approval: 'required' }),
      watching().watcher,
    );
    expect(end.report).toMatchObject({ outcome: 'planned', simulated: false });
    expect(asked(api.requests[0]!)).toBe('POST /plans');
    for (const field of ['dryRun', 'requestedBy', 'approval', 'approvalHours', 'changeWindow'])
      expect(bodyOf(api)).not.toHaveProperty(field);
  });

  it('is polled less often while nothing happens, and at the rate that the API requests', async () => {
    const api = fakeApi(
      json(accepted, 202),
      ...Array.from({ length: 6 }, () => json(aRunning())),
      json(aRunning({ steps: [line('plan', 0)] }), 200, { 'retry-after': '3' }),
      json(aRunning({ steps: [line('plan', 0), line('begin', 1)] })),
      json(anAnswer()),
    );
    await serviceOf(api).migrate(request(), watching().watcher);
    expect(api.sleeps).toEqual([2000, 4000, 8000, 10_000, 10_000, 10_000, 3000, 1000]);
  });

  it('shows once what it waits for, and is polled less often', async () => {
    const waiting = aRunning({
      steps: [line('plan', 0), line('request-approval', 1)],
      approvals: [pending],
      plan: aPlan(),
    });
    const window = aRunning({
      steps: [
        line('plan', 0),
        line('request-approval', 1),
        line('await-window', 3, { error: { name: 'WindowClosed', message: 'it opens later' } }),
      ],
      approvals: [{ ...pending, state: 'approved', decidedBy: 'you' }],
    });
    const api = fakeApi(
      json(accepted, 202),
      ...Array.from({ length: 7 }, () => json(waiting)),
      json(window),
      json(window),
      json(anAnswer()),
    );
    const { watcher, waited, steps } = watching();
    await serviceOf(api).migrate(
      request({ changeWindow: { schedule: '0 22 * * SUN', durationMinutes: 60, timeZone: 'UTC' } }),
      watcher,
    );
    expect(waited).toMatchObject([
      { for: 'approval', migrationId: ID, approval: pending, plan: { hash: HASH } },
      { for: 'window', window: { timeZone: 'UTC' }, opensAt: '2026-01-18T22:00:00.000Z' },
    ]);
    expect(waited).toHaveLength(2);
    expect(api.sleeps.slice(0, 7)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    // Its line is printed after it has ended.
    expect([steps[0], steps[7]]).toEqual([['plan'], ['plan', 'request-approval']]);
  });

  it('waits for Recover if the execution has stopped, and then reports that there is no outcome', async () => {
    const stopped = json(aRunning({ executionStatus: 'ABORTED', executionArn: 'arn:execution' }));
    const api = fakeApi(json(accepted, 202), stopped);
    const { watcher, messages } = watching();
    const end = await serviceOf(api).migrate(request(), watcher);
    expect(messages).toEqual([containing('stopped before its end was recorded')]);
    expect(end).toMatchObject({
      migrationId: ID,
      failure: {
        name: 'ExecutionFailed',
        exitCode: 1,
        message: `the run of migration ${ID} has no outcome: execution ABORTED`,
        hint: containing('arn:execution'),
      },
    });
    expect(api.sleeps.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(600_000);

    const taken = fakeApi(
      json(accepted, 202),
      stopped,
      stopped,
      json(aRunning()),
      json(anAnswer({ outcome: 'rolled-back' })),
    );
    expect((await serviceOf(taken).migrate(request(), watching().watcher)).report?.outcome).toBe('rolled-back');
  });

  it('shows how many pods the API has omitted', async () => {
    const api = fakeApi(
      json(accepted, 202),
      json(anAnswer({ verification: { before: [], pods: [], left: { before: 2, pods: 40 } } })),
    );
    const { watcher, messages } = watching();
    expect((await serviceOf(api).migrate(request(), watcher)).report?.verification).toEqual({ before: [], pods: [] });
    expect(messages).toEqual(['42 pods are not shown, because the API returns only some of them.']);
  });
});

describe('a rollback through the API', () => {
  const rollback = {
    id: `${ID}-1`,
    state: 'requested',
    cause: 'requested',
    after: 'migrated',
    startedAt: '2026-01-16T08:00:00.000Z',
    executionArn: 'arn:recover',
  } as const;
  const running = { ...rollback, state: 'running' } as const;
  const over = { ...rollback, state: 'ended', outcome: 'rolled-back' } as const;
  const steps = [line('plan', 0), line('finish', 5)];
  const took = line('take-over', 9);
  const isAccepted = {
    action: 'rollback',
    migrationId: ID,
    status: 'rolling-back',
    first: true,
    rollback,
    links: { self: `/v1/migrations/${ID}` },
  } as const;
  const rollingBack = (change: Partial<MigrationAnswer>): MigrationAnswer =>
    aRunning({ status: 'rolling-back', rollback, ...change });
  const rollBack = (...answers: MigrationAnswer[]) => {
    const api = fakeApi(json(anAnswer({ steps })), json(isAccepted, 202), ...answers.map((one) => json(one)));
    const { watcher, steps: reported } = watching();
    return {
      api,
      reported,
      end: serviceOf(api).rollBack({ migrationId: ID, requestedBy: '', reason: 'try it' }, watcher),
    };
  };

  it('is followed by its own steps until the migration has ended', async () => {
    const { api, end, reported } = rollBack(
      rollingBack({ steps }),
      rollingBack({ steps: [...steps, took], rollback: running }),
      anAnswer({ steps: [...steps, took, line('finish-rolled-back', 20)], rollback: over, outcome: 'rolled-back' }),
    );
    expect(await end).toMatchObject({ report: { outcome: 'rolled-back', rollback: over } });
    expect(api.requests.slice(0, 2).map(asked)).toEqual([`GET /migrations/${ID}`, `POST /migrations/${ID}/rollback`]);
    expect(bodyOf(api, 1)).toEqual({ reason: 'try it' });
    expect(reported).toEqual([[], ['take-over'], ['take-over', 'finish-rolled-back']]);
  });

  it('needs no steps to know its outcome', async () => {
    const { end } = rollBack(
      rollingBack({ steps: [] }),
      anAnswer({ steps: [], rollback: over, outcome: 'rolled-back' }),
    );
    expect(await end).toMatchObject({ report: { outcome: 'rolled-back' } });
  });

  it('is refused with the message that the migration shows', async () => {
    const error = { name: 'RollbackRefused', message: 'another holds the lock' };
    const { end } = rollBack(
      rollingBack({ steps }),
      anAnswer({ steps, rollback: { ...rollback, state: 'refused', error } }),
    );
    expect(await thrownBy(end)).toMatchObject({
      name: 'RollbackRefused',
      exitCode: 2,
      message: 'another holds the lock',
    });
  });

  it('is refused by the API itself', async () => {
    const api = fakeApi(json(anAnswer()), problemAnswer('no-rollback', 'It changed nothing.'));
    expect(await thrownBy(serviceOf(api).rollBack({ migrationId: ID }, watching().watcher))).toMatchObject({
      name: 'RollbackRefused',
      exitCode: 2,
    });
  });
});

describe('other calls of the API', () => {
  it('cancels', async () => {
    const cancelled = {
      migrationId: ID,
      cancellation: { requestedAt: '2026-01-15T09:00:00.000Z', reason: 'no' },
      first: true,
      begun: false,
      willEnd: 'blocked',
    } as const;
    const api = fakeApi(json({ ...cancelled, action: 'cancel', status: 'running', links: { self: '/x' } }, 202));
    expect(await serviceOf(api).cancel({ migrationId: ID, requestedBy: 'nobody', reason: 'no' })).toEqual(cancelled);
    expect([asked(api.requests[0]!), bodyOf(api)]).toEqual([`POST /migrations/${ID}/cancel`, { reason: 'no' }]);
  });

  it('shows a migration that has ended, and one that is running', async () => {
    expect(await serviceOf(fakeApi(json(anAnswer()))).lookUp(ID)).toEqual({ ended: aReport() });
    const shown = await serviceOf(fakeApi(json(aRunning({ approvals: [pending], step: 'plan' })))).lookUp(ID);
    expect(shown).toMatchObject({
      running: {
        migrationId: ID,
        status: 'running',
        approvals: [pending],
        executionStatus: 'RUNNING',
        simulated: true,
      },
    });
    for (const field of ['links', 'verification', 'step', 'outcome'])
      expect(shown).not.toHaveProperty(['running', field]);
  });

  it('shows a plan that waits for a decision, and decides about it', async () => {
    const waiting = fakeApi(json(aRunning({ approvals: [pending] })));
    expect(await serviceOf(waiting).undecided(ID)).toMatchObject({
      migrationId: ID,
      approval: pending,
      plan: { hash: HASH },
    });
    expect(await thrownBy(serviceOf(fakeApi(json(anAnswer()))).undecided(ID))).toMatchObject({
      name: 'NotDecided',
      exitCode: 2,
    });
    const approval = { ...pending, state: 'approved', decidedBy: 'me', decidedAt: '2026-01-15T10:00:00.000Z' } as const;
    const deciding = fakeApi(
      json({ action: 'approval', migrationId: ID, status: 'running', first: true, approval, links: { self: '/x' } }),
    );
    expect(await serviceOf(deciding).decide(ID, { decision: 'approve', planHash: HASH })).toEqual({
      migrationId: ID,
      approval,
    });
    expect([asked(deciding.requests[0]!), bodyOf(deciding)]).toEqual([
      `POST /migrations/${ID}/approval`,
      { decision: 'approve', planHash: HASH },
    ]);
  });

  it('does not read pages without end', async () => {
    const api = fakeApi(json({ migrations: [], next: 'a' }));
    await expectError(serviceOf(api).list({}, 10), 'ApiError', 'more than 1000 pages');
  });

  it('lists page by page, up to the limit', async () => {
    const one = (index: number) => ({
      migrationId: `${ID.slice(0, -3)}${String(index).padStart(3, '0')}`,
      target: TARGET,
      addon: 'a',
      status: 'ended',
      outcome: 'migrated',
      dryRun: false,
      startedAt: '2026-01-15T09:00:00.000Z',
      links: { self: '/x' },
    });
    const page = (from: number, n: number, next?: string) =>
      json({
        migrations: Array.from({ length: n }, (_, index) => one(from + index)),
        ...(next === undefined ? {} : { next }),
      });
    const api = fakeApi(page(0, 100, 'a'), page(100, 0, 'b'), page(100, 20, 'c'));
    const listed = await serviceOf(api).list(
      { cluster: 'demo', dryRun: false, since: Date.parse('2026-01-01T00:00:00Z'), until: Date.parse('2026-02-01') },
      120,
    );
    expect(listed).toMatchObject({ more: true });
    expect(listed.migrations).toHaveLength(120);
    expect(listed.migrations[0]).not.toHaveProperty('links');
    const filters = 'cluster=demo&since=2026-01-01T00%3A00%3A00.000Z&until=2026-02-01T00%3A00%3A00.000Z&dryRun=false';
    expect(api.requests.map(asked)).toEqual([
      `GET /migrations?${filters}&limit=100`,
      `GET /migrations?${filters}&limit=20&next=a`,
      `GET /migrations?${filters}&limit=20&next=b`,
    ]);
    const all = fakeApi(page(0, 3));
    expect(await serviceOf(all).list({}, 50)).toMatchObject({ more: false, migrations: { length: 3 } });
    expect(all.requests.map(asked)).toEqual(['GET /migrations?dryRun=any&limit=50']);
  });
});
