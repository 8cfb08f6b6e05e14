/** What the API shows, and what it does with a migration that is there. */
import { describe, expect, it } from 'vitest';
import { migrationAnswer } from '../../../lambdas/api/answers.ts';
import type { Approval } from '../../../lambdas/domain/approval/approval.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import type { Fakes } from '../fakes.ts';
import { target } from '../example.ts';
import { at, EXECUTION, executionArn, MIGRATION_ID, OTHER_MIGRATION_ID, endedAs, NOW } from '../run-examples.ts';
import { anEvidence, aRollback, aMigration } from '../fixtures.ts';
import { ALICE, BOB, handle, eventOf, newFakes, problemIn, send, fieldsIn } from './gateway.ts';
import { ended, path, pending, plan, self, show, TOKEN, withMigration } from './with-migration.ts';

describe('GET /migrations/{id}', () => {
  it('shows one that is running: its step, its plan, its approval, and what can be done', async () => {
    const fakes = await withMigration({}, pending);
    await fakes.ledger.recordStep(MIGRATION_ID, { name: 'plan', startedAt: at(1), endedAt: at(2), result: '{}' });
    await fakes.ledger.putEvidence(MIGRATION_ID, 'before', [anEvidence()], at(2));
    const { status, body } = await show(fakes);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      migrationId: MIGRATION_ID,
      status: 'running',
      step: 'plan',
      requestedBy: ALICE,
      executionArn: EXECUTION,
      executionStatus: 'RUNNING',
      plan: { hash: plan.hash, checks: plan.checks },
      approvals: [pending],
      steps: [{ name: 'plan', tries: 1 }],
      verification: { before: [anEvidence()], pods: [] },
      links: { self, plan: `/v1/plans/${MIGRATION_ID}`, approval: `${self}/approval`, cancel: `${self}/cancel` },
    });
    expect(body).not.toHaveProperty('outcome');
    expect(JSON.stringify(body)).not.toContain(TOKEN);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('shows one that is over: its report, and that it can be rolled back', async () => {
    const { status, body } = await show(await withMigration({ ...ended('migrated'), attempt: 0 }));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...endedAs('migrated', 300),
      verified: 'ready',
      applied: plan.attempts[0],
      links: { self, rollback: `${self}/rollback` },
    });
    expect(migrationAnswer.strict().parse(body)).toBeTruthy();
    expect(body).not.toHaveProperty('links.cancel');
  });

  it.each([
    ['blocked', []],
    ['rolled-back', ['handOff']],
    ['planned', ['handOff']],
    ['already-migrated', []],
  ] as const)('offers nothing to do with one that ended %s', async (outcome, more) => {
    expect((await show(await withMigration(ended(outcome)))).body).toMatchObject({
      outcome,
      links: { self, plan: `/v1/plans/${MIGRATION_ID}` },
    });
    expect(Object.keys(((await show(await withMigration(ended(outcome)))).body as { links: object }).links)).toEqual([
      'self',
      'plan',
      ...more,
    ]);
  });

  it('does not show the outcome of before while one is being put back', async () => {
    for (const state of ['requested', 'running'] as const) {
      const rollback = aRollback({ state, after: 'migrated' });
      const { body } = await show(await withMigration({ ...ended('migrated'), status: 'rolling-back', rollback }));
      expect(body).toMatchObject({ status: 'rolling-back', rollback, links: { self } });
      expect(body).not.toHaveProperty('outcome');
      expect(body).not.toHaveProperty('endedAt');
      expect(body).not.toHaveProperty('links.cancel');
      expect(body).not.toHaveProperty('links.rollback');
    }
  });

  it('shows a rollback that was refused with the end of before', async () => {
    const error = { name: 'RollbackRefused', message: 'Another migration holds the lock.' };
    const rollback = aRollback({ state: 'refused', after: 'migrated', endedAt: at(410), error, next: 'Wait.' });
    const { body } = await show(await withMigration({ ...ended('migrated'), rollback }));
    expect(body).toMatchObject({ ...endedAs('migrated', 300), rollback, links: { rollback: `${self}/rollback` } });
  });

  it('offers no cancel while it is taken over', async () => {
    const recovery = { startedAt: at(400), executionArn: executionArn('r', 'Recover'), cause: 'stranded' } as const;
    const { body } = await show(await withMigration({ recovery }));
    expect(body).toMatchObject({ status: 'running', recovery });
    expect(body).not.toHaveProperty('links.cancel');
  });

  it('shows at most a thousand pods of each look, and how many are left', async () => {
    const fakes = await withMigration();
    await fakes.ledger.putEvidence(
      MIGRATION_ID,
      'before',
      Array.from({ length: 1300 }, (_, index) => anEvidence({ name: `pod-${index}` })),
      at(2),
    );
    expect(
      ((await show(fakes)).body as { verification: { before: unknown[]; left: unknown } }).verification,
    ).toMatchObject({ before: { length: 1000 }, left: { before: 300, pods: 0 } });
  });

  it('keeps the mapped path of a custom domain, and its own where there is no stage', async () => {
    const fakes = await withMigration();
    const event = eventOf({ method: 'GET', path });
    const mapped = {
      ...event,
      path: `/pim${path}`,
      resource: '/migrations/{id}',
      pathParameters: { id: MIGRATION_ID },
      requestContext: { ...(event.requestContext as object), path: `/pim${path}` },
    };
    expect((await handle(fakes, mapped)).body).toMatchObject({ links: { self: `/pim${path}` } });
    expect(
      (await handle(fakes, { ...event, requestContext: { ...(event.requestContext as object), path } })).body,
    ).toMatchObject({ links: { self: path } });
  });

  it.each([
    ['as it was sent', `%30${MIGRATION_ID.slice(1)}`],
    ['decoded', MIGRATION_ID],
  ])('names what it is decoded to, where API Gateway hands the parameter over %s', async (_, given) => {
    const fakes = await withMigration();
    const sent = `/migrations/%30${MIGRATION_ID.slice(1)}`;
    const event = eventOf({ method: 'GET', path: sent });
    const routed = { ...event, resource: '/migrations/{id}', pathParameters: { id: given } };
    expect((await handle(fakes, routed)).body).toMatchObject({
      migrationId: MIGRATION_ID,
      links: { self: `/v1${path}` },
    });
  });

  it.each([
    ['no migration', OTHER_MIGRATION_ID, 'unknown-migration', 404],
    ['no id', 'latest', 'invalid-request', 400],
    ['small letters', MIGRATION_ID.toLowerCase(), 'invalid-request', 400],
    ['a path', '..%2F..', 'invalid-request', 400],
    ['no percent-encoding', '%zz', 'invalid-request', 400],
  ])('of %s is a problem that names path.id', async (_, id, kind, status) => {
    for (const prefix of ['/migrations/', '/plans/'])
      expect(problemIn(await send(newFakes(), { method: 'GET', path: prefix + id }), kind)).toMatchObject({
        status,
        errors: [{ field: 'path.id' }],
      });
  });
});

describe('GET /plans/{id}', () => {
  it('shows the plan and its verdict, of a dry run and of a migration', async () => {
    for (const outcome of ['planned', 'migrated'] as const) {
      const { body } = await send(await withMigration(ended(outcome)), {
        method: 'GET',
        path: `/plans/${MIGRATION_ID}`,
      });
      expect(body).toMatchObject({
        migrationId: MIGRATION_ID,
        status: 'ended',
        outcome,
        plan: { verdict: 'migrate', hash: plan.hash },
        links: { self: `/v1/plans/${MIGRATION_ID}`, plan: `/v1/plans/${MIGRATION_ID}`, migration: self },
      });
      expect(body).not.toHaveProperty('steps');
    }
  });
  it('has none before it is made', async () => {
    const { body } = await send(await withMigration({ plan: undefined }), {
      method: 'GET',
      path: `/plans/${MIGRATION_ID}`,
    });
    expect(body).toMatchObject({ status: 'running' });
    expect(body).not.toHaveProperty('plan');
  });
});

describe('GET /migrations', () => {
  const idAt = (index: number): string => `01JD8Z5Q6R7S8T9V0W1X2Y${String(index).padStart(4, '0')}`;
  async function many(): Promise<Fakes> {
    const fakes = newFakes();
    for (let index = 0; index < 7; index += 1)
      await fakes.ledger.putMigration(
        aMigration({ migrationId: idAt(index), startedAt: at(index), ...(index % 2 === 0 ? ended('blocked') : {}) }),
      );
    return fakes;
  }
  const list = (fakes: Fakes, query: Record<string, string | string[]> = {}) =>
    send(fakes, { method: 'GET', path: '/migrations', query });
  const pageOf = async (fakes: Fakes, query: Record<string, string>) =>
    (await list(fakes, query)).body as { migrations: { migrationId: string }[]; next?: string };

  it('lists all, newest first, page by page', async () => {
    const fakes = await many();
    const found: string[] = [];
    let next: string | undefined;
    do {
      const page: Awaited<ReturnType<typeof pageOf>> = await pageOf(fakes, {
        limit: '3',
        ...(next === undefined ? {} : { next }),
      });
      expect(page.migrations.length).toBeLessThanOrEqual(3);
      found.push(...page.migrations.map(({ migrationId }) => migrationId));
      ({ next } = page);
    } while (next !== undefined);
    expect(found).toEqual([6, 5, 4, 3, 2, 1, 0].map(idAt));
  });

  it('takes every filter to the ledger, and 50 at a time', async () => {
    const fakes = await many();
    const { account, region, cluster } = target;
    const filters = { account, region, cluster, addon: 'vpc-cni', status: 'ended', outcome: 'blocked' } as const;
    await list(fakes, {
      ...filters,
      requestedBy: BOB,
      dryRun: 'any',
      since: '2026-01-05T10:00:00+01:00',
      until: '2026-01-06',
    });
    await list(fakes, { since: '2026-01-05' });
    await list(fakes, { since: '0001-01-01', dryRun: 'true' });
    expect(fakes.journal.of('ledger.listMigrations')).toEqual([
      [{ ...filters, requestedBy: BOB, dryRun: undefined, since: NOW, until: Date.UTC(2026, 0, 6) }, 50, undefined],
      [{ dryRun: false, since: Date.UTC(2026, 0, 5) }, 50, undefined],
      [{ dryRun: true, since: 0 }, 50, undefined],
    ]);
    expect((await list(fakes, { outcome: 'blocked' })).body).toMatchObject({ migrations: { length: 4 } });
  });

  it('has no dry runs unless they are asked for', async () => {
    const fakes = await many();
    await fakes.ledger.putMigration(
      aMigration({ migrationId: idAt(9), startedAt: at(9), request: { ...aMigration().request, dryRun: true } }),
    );
    const listed = async (query: Record<string, string>) =>
      (await pageOf(fakes, query)).migrations.map(({ migrationId }) => migrationId);
    const migrations = [6, 5, 4, 3, 2, 1, 0].map(idAt);
    expect([await listed({}), await listed({ dryRun: 'false' })]).toEqual([migrations, migrations]);
    expect(await listed({ dryRun: 'true' })).toEqual([idAt(9)]);
    expect(await listed({ dryRun: 'any' })).toEqual([idAt(9), ...migrations]);
  });

  it('goes on with the same filters, however they are written, and with any limit', async () => {
    const fakes = await many();
    const { next = '' } = await pageOf(fakes, { limit: '2', since: '2026-01-05', dryRun: 'false' });
    const { migrations } = await pageOf(fakes, { limit: '3', since: '2026-01-05T00:00:00Z', next });
    expect(migrations.map(({ migrationId }) => migrationId)).toEqual([4, 3, 2].map(idAt));
  });

  it.each([
    ['/migrations', { outcome: 'blocked' }],
    ['/migrations', { since: '2026-01-06' }],
    ['/migrations', { dryRun: 'any' }],
    ['/sweeps', {}],
    ['/clusters/dev/identities', { region: 'eu-west-1' }],
  ])('refuses a next on %s with %j that is of the list without it', async (where, query) => {
    const fakes = await many();
    const { next = '' } = await pageOf(fakes, { limit: '2' });
    const answer = await send(fakes, { method: 'GET', path: where, query: { ...query, next } });
    expect([answer.status, fieldsIn(answer)]).toEqual([400, ['query.next']]);
  });

  it('says what to do about a next of other filters', async () => {
    const fakes = await many();
    const { next = '' } = await pageOf(fakes, { limit: '2', status: 'ended' });
    expect(problemIn(await list(fakes, { next }), 'invalid-request').errors).toEqual([
      {
        field: 'query.next',
        message:
          'belongs to another list or to other filters: send it with the parameters of the page that returned it, or leave it out to start with the first page',
      },
    ]);
    expect(fakes.journal.of('ledger.listMigrations')).toHaveLength(1);
  });

  const WRONG: string[][] = [
    ['limit', '0', '101', '-1', '1e1', ' 5', '5.0', ''],
    ['since', 'yesterday', '2026-13-01', '2026-01-05T09:00:00'],
    ['outcome', 'fine', 'planned'],
    ['account', '1'],
    ['region', 'x'],
    ['cluster', '-'],
    ['next', '', '!', 'bm9uZQ', Buffer.from('"x"').toString('base64url'), 'x'.repeat(3000)],
    ['status', 'paused'],
    ['addon', '-'],
    ['requestedBy', ''],
    ['dryRun', 'yes'],
    ['until', 'now'],
    ...['phase', '__proto__', 'constructor', 'toString'].map((name) => [name, 'x']),
  ];
  const wrong = WRONG.flatMap(([name = '', ...values]) => values.map((value) => [name, value] as const));
  it.each(wrong)('refuses %s=%j, and names it', async (name, value) => {
    const multiValueQueryStringParameters = JSON.parse(`{"${name}":["${value}"]}`) as object;
    const event = { ...eventOf({ method: 'GET', path: '/migrations' }), multiValueQueryStringParameters };
    expect(fieldsIn(await handle(newFakes(), event))).toEqual([`query.${name}`]);
  });

  it('refuses a parameter that is given twice', async () =>
    expect(problemIn(await list(newFakes(), { region: ['eu-west-1', 'eu-west-2'] }), 'invalid-request').errors).toEqual(
      [{ field: 'query.region', message: 'is given more than once' }],
    ));

  it.each(['/migrations', '/sweeps'])('refuses a time on %s that ends before it begins', async (where) => {
    const query = { since: '2026-01-05', until: '2026-01-05' };
    expect(problemIn(await send(newFakes(), { method: 'GET', path: where, query }), 'invalid-request').errors).toEqual([
      {
        field: 'query.until',
        message: 'must be later than since: a list contains what was started at since or later, and before until',
      },
    ]);
  });
});

describe('POST /migrations/{id}/approval', () => {
  const decide = (fakes: Fakes, body: object, caller = BOB) =>
    send(fakes, { method: 'POST', path: `${path}/approval`, body, caller });
  const yes = { decision: 'approve', planHash: plan.hash };

  it('resumes the execution, with the signer as the approver', async () => {
    const fakes = await withMigration({}, pending);
    const { status, body } = await decide(fakes, { ...yes, reason: 'fine' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      migrationId: MIGRATION_ID,
      approval: { state: 'approved', decidedBy: BOB, reason: 'fine' },
      links: { self },
    });
    expect(fakes.executions.tasks.get(TOKEN)).toEqual({ output: { planHash: plan.hash, decidedBy: BOB } });
    expect(JSON.stringify([body, fakes.telemetry.lines])).not.toContain(TOKEN);
    expect((await decide(fakes, yes)).status).toBe(200);
  });

  it('ends it where the plan is rejected', async () => {
    const fakes = await withMigration({}, pending);
    expect((await decide(fakes, { ...yes, decision: 'reject' })).body).toMatchObject({
      approval: { state: 'rejected' },
    });
    expect(fakes.executions.tasks.get(TOKEN)).toMatchObject({ error: 'ApprovalRejected' });
  });

  it.each<[string, Partial<Migration>, Approval | undefined, object, string, string, number]>([
    ['of no migration', { migrationId: OTHER_MIGRATION_ID }, undefined, {}, BOB, 'unknown-migration', 404],
    ['of one that does not wait', {}, undefined, {}, BOB, 'no-approval', 409],
    ['of one that is over', ended('blocked'), pending, {}, BOB, 'no-approval', 409],
    ['of another plan', {}, pending, { planHash: 'a'.repeat(64) }, BOB, 'no-approval', 409],
    ['of one that has expired', {}, { ...pending, expiresAt: at(-1) }, {}, BOB, 'no-approval', 409],
    ['of one that is decided', {}, { ...pending, state: 'rejected', decidedBy: 'ann' }, {}, BOB, 'no-approval', 409],
    ['by who asked for it', {}, pending, {}, ALICE, 'not-allowed-to-approve', 403],
  ])('is refused %s, and nothing changes', async (_, change, asked, body, caller, kind, status) => {
    const fakes = await withMigration(change, asked);
    expect(problemIn(await decide(fakes, { ...yes, ...body }, caller), kind).status).toBe(status);
    expect(fakes.journal.mutations()).toEqual([]);
    expect(fakes.executions.tasks.get(TOKEN)).toBe(asked && 'waiting');
  });

  it.each([
    [{}, ['body.decision', 'body.planHash']],
    [{ ...yes, decision: 'yes' }, ['body.decision']],
    [{ ...yes, planHash: plan.hash.toUpperCase() }, ['body.planHash']],
    [{ ...yes, taskToken: TOKEN }, ['body.taskToken']],
    [{ ...yes, decidedBy: ALICE }, ['body.decidedBy']],
  ])('is refused with %j', async (body, fields) =>
    expect(fieldsIn(await decide(await withMigration({}, pending), body))).toEqual(fields),
  );
});
