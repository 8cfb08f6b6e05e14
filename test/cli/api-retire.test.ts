/** `retire` through the API: the same document, text and exit codes as with direct calls. */
import { describe, expect, it } from 'vitest';
import { retireByApi } from '../../cli/api/retire.ts';
import type { RetireRequest } from '../../cli/service/retire.ts';
import type { MigrationAnswer } from '../../lambdas/api/answers.ts';
import type { Retirement } from '../../lambdas/domain/record/retirement.ts';
import type { StepLine } from '../../lambdas/domain/terms/evidence.ts';
import { anAnswer, asked, fakeApi, ID, json, problemAnswer, thrownBy, watching } from './api-fixtures.ts';
import { aCheck, ROLE } from './fixtures.ts';
import { containing } from '../lambdas/matchers.ts';

const REQUEST: RetireRequest = { migrationId: ID, action: 'retire', dryRun: false, soakDays: 7, requestedBy: 'me' };
const requested: Retirement = {
  id: `${ID}-1`,
  state: 'requested',
  action: 'retire',
  dryRun: false,
  soakDays: 7,
  startedAt: '2026-01-30T08:00:00.000Z',
  executionArn: 'arn:retire',
};
const line = (endedAt: string): StepLine => ({
  name: 'retire-trust-retire',
  startedAt: '2026-01-20T09:00:00.000Z',
  endedAt,
  tries: 1,
});
const shows = (change: Partial<Retirement>, more: Partial<MigrationAnswer> = {}): MigrationAnswer =>
  anAnswer({ retirement: { ...requested, ...change }, ...more });
const removed = { roleArn: ROLE, result: 'removed', before: '{}', after: '{"a":1}' } as const;
const over: Partial<Retirement> = { state: 'ended', done: true, checks: [aCheck()], roles: [removed] };

const retire = (answers: MigrationAnswer[], request: RetireRequest = REQUEST) => {
  const isAccepted = {
    action: 'retire',
    migrationId: ID,
    status: 'ended',
    first: true,
    retirement: requested,
    links: { self: `/v1/migrations/${ID}` },
  };
  const earlier = anAnswer({ steps: [line('2026-01-20T09:00:01.000Z')] });
  const api = fakeApi(json(earlier), json(isAccepted, 202), ...answers.map((one) => json(one)));
  const { watcher, steps } = watching();
  let started = false;
  const end = retireByApi(api, request, watcher, () => (started = true));
  return { api, end, steps, isStarted: () => started };
};

describe('a retirement through the API', () => {
  it('is requested once, and followed to its end by its own steps', async () => {
    const { api, end, steps, isStarted } = retire(
      [
        shows({}, { steps: [line('2026-01-20T09:00:01.000Z')] }),
        shows({ state: 'running', error: { name: 'RoleLockHeld', message: 'held' } }),
        shows(over, { steps: [line('2026-01-30T08:00:09.000Z')] }),
      ],
      { ...REQUEST, accept: ['consumer:SecretStore/shop/aws'], reason: 'it is time' },
    );
    expect(await end).toEqual({
      migrationId: ID,
      action: 'retire',
      dryRun: false,
      done: true,
      checks: [aCheck()],
      roles: [removed],
    });
    expect(isStarted()).toBe(true);
    const [, post, ...looks] = api.requests;
    expect(asked(post!)).toBe(`POST /migrations/${ID}/retire`);
    expect(JSON.parse(post!.body!)).toEqual({
      action: 'retire',
      dryRun: false,
      soakDays: 7,
      accept: ['consumer:SecretStore/shop/aws'],
      reason: 'it is time',
    });
    expect(post!.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
    expect(looks.map(asked)).toEqual(Array.from({ length: 3 }, () => `GET /migrations/${ID}`));
    expect([steps.at(-1), steps[0]]).toEqual([['retire-trust-retire'], []]);
  });

  it("is refused with the service's message", async () => {
    const refused: Partial<Retirement> = { state: 'refused', error: { name: 'LockHeld', message: 'another holds it' } };
    expect(await thrownBy(retire([shows(refused)]).end)).toMatchObject({
      name: 'RetireRefused',
      exitCode: 3,
      message: 'another holds it',
      hint: containing(`retire ${ID}`),
    });
    const undo = { ...REQUEST, action: 'reinstate' } as const;
    expect((await thrownBy(retire([shows(refused)], undo).end)).hint).toContain('--undo');
  });

  it.each<[string, Partial<Retirement>, string]>([
    ['ended by another error', { state: 'ended', error: { name: 'TrustChanged', message: 'by hand' } }, 'by hand'],
    ['was followed by another one', { ...over, id: 'another' }, 'shows another retirement'],
  ])('that %s is not a refusal: something may have been written', async (_, change, message) =>
    expect(await thrownBy(retire([shows(change)]).end)).toMatchObject({
      name: 'RetireFailed',
      exitCode: 1,
      message: containing(message),
      hint: containing('arn:retire'),
    }),
  );

  it.each([
    ['not-enabled', 'NotEnabled', 2],
    ['retiring', 'RetireRefused', 3],
    ['unknown-migration', 'UnknownMigration', 2],
  ] as const)('that the API refuses by %s is %s', async (kind, name, exitCode) => {
    const api = fakeApi(json(anAnswer()), problemAnswer(kind, 'why'));
    const { watcher } = watching();
    expect(await thrownBy(retireByApi(api, REQUEST, watcher))).toMatchObject({ name, exitCode });
    expect(api.requests).toHaveLength(2);
  });
});
