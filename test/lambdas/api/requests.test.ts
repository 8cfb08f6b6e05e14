/** POST /plans and POST /migrations: what is started by them, and that it is started once. */
import { describe, expect, test } from 'vitest';
import { faultCases, MOMENTS } from '../../faults/contract.ts';
import { ACCOUNT, ADDON, EXECUTION, MIGRATION_ID, target } from '../fixtures.ts';
import { ALICE, type Answer, BOB, fieldsIn, newFakes, problemIn, type Request, REQUEST_ID, send } from './gateway.ts';

const it = test.extend('fakes', () => newFakes());
const body = { target, addon: ADDON };
const migrate = (change: Partial<Request> = {}): Request => ({ method: 'POST', path: '/migrations', body, ...change });
const keyed = (key: string, change: Partial<Request> = {}): Request =>
  migrate({ headers: { 'Idempotency-Key': key }, ...change });
const idOf = ({ body: answer }: Answer): string => (answer as { migrationId: string }).migrationId;

describe('POST /migrations', () => {
  it('accepts a request, records its signer as the requester, and returns links to the migration', async () => {
    const fakes = newFakes();
    const answer = await send(fakes, migrate({ body: { ...body, approval: 'required', reason: 'IRSA goes' } }));
    const id = idOf(answer);
    expect(answer).toEqual({
      status: 202,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        location: `/v1/migrations/${id}`,
        'retry-after': '5',
        'x-request-id': REQUEST_ID,
      },
      body: { migrationId: id, status: 'accepted', links: { self: `/v1/migrations/${id}`, plan: `/v1/plans/${id}` } },
    });
    const record = await fakes.ledger.getMigration(id);
    expect(record).toMatchObject({
      status: 'running',
      request: { ...body, requestedBy: ALICE, approval: 'required', reason: 'IRSA goes', dryRun: false },
    });
    expect(record).not.toHaveProperty('executionArn');
    expect(fakes.executions.migrations).toEqual([{ migrationId: id, request: record!.request }]);
  });

  it('puts the claim first, then the record, then starts the execution', async ({ fakes }) => {
    await send(fakes, migrate());
    expect(fakes.journal.names().filter((name) => /claim|put|start/.test(name))).toEqual([
      'ledger.claim',
      'ledger.putMigration',
      'executions.startMigration',
    ]);
  });

  const NEVER = { schedule: '0 0 31 6 *', durationMinutes: 60, timeZone: 'UTC' };
  it.each([
    ['a principal of its own choice', { requestedBy: BOB }, 'body.requestedBy'],
    ['a misspelt field', { dryrun: true }, 'body.dryrun'],
    ['an unknown field of the target', { target: { ...target, cluser: 'x' } }, 'body.target.cluser'],
    ['no region', { target: { ...target, region: '' } }, 'body.target.region'],
    ['nothing to migrate', { addon: undefined }, 'body.addon'],
    ['an add-on and a service account', { serviceAccount: { namespace: 'a', name: 'b' } }, 'body.serviceAccount'],
    ['a window that never opens', { changeWindow: NEVER }, 'body.changeWindow.schedule'],
    ['a role that is none', { roles: { sa: 'admin' } }, 'body.roles.sa'],
  ])('refuses %s, and names the field', async (_, change, field) => {
    const fakes = newFakes();
    const found = problemIn(await send(fakes, migrate({ body: { ...body, ...change } })), 'invalid-request');
    expect(found.errors?.map((one) => one.field)).toContain(field);
    expect(found).toMatchObject({
      status: 400,
      title: 'The request is invalid',
      instance: 'urn:uuid:7a3c9f1e-5d2b-4c8a-9e6f-0b1d2c3e4f5a',
    });
    expect(fakes.journal.names()).toEqual([]);
  });

  it('is for the own account, and for those that the service was deployed for', async ({ fakes }) => {
    const other = { target: { ...target, account: '444455556666' }, addon: ADDON };
    expect(problemIn(await send(fakes, migrate({ body: other })), 'other-account')).toMatchObject({
      status: 422,
      errors: [{ field: 'body.target.account', message: `is not ${ACCOUNT}, the account of this service` }],
    });
    expect(fakes.journal.names()).toEqual([]);
    fakes.settings.accounts = ['444455556666'];
    expect((await send(fakes, migrate({ body: other }))).status).toBe(202);
    problemIn(
      await send(fakes, migrate({ body: { ...other, target: { ...target, account: '777788889999' } } })),
      'other-account',
    );
  });

  it('is for regions of the own partition', async () => {
    const found = problemIn(
      await send(newFakes(), migrate({ body: { ...body, target: { ...target, region: 'cn-north-1' } } })),
      'invalid-request',
    );
    expect(found.errors).toEqual([
      { field: 'body.target.region', message: 'must be a region of the partition aws, where this service is deployed' },
    ]);
  });
});

describe('POST /plans', () => {
  it('starts a dry run', async ({ fakes }) => {
    const answer = await send(fakes, { method: 'POST', path: '/plans', body });
    expect(answer).toMatchObject({ status: 202, headers: { location: `/v1/plans/${idOf(answer)}` } });
    expect(fakes.executions.migrations).toMatchObject([
      { migrationId: idOf(answer), request: { dryRun: true, requestedBy: ALICE } },
    ]);
  });

  it.each(['dryRun', 'requestedBy', 'approval', 'approvalHours', 'changeWindow'])('knows no %s', async (field) => {
    const found = problemIn(
      await send(newFakes(), { method: 'POST', path: '/plans', body: { ...body, [field]: false } }),
      'invalid-request',
    );
    expect(found.errors).toEqual([{ field: `body.${field}`, message: 'is not a known field' }]);
  });
});

describe('a former field of accept', () => {
  const former = { acceptImages: ['shop/api:1.0'] };
  const message = 'was replaced by accept: write "accept": ["image:shop/api:1.0"]';
  it.each<[string, object, string]>([
    ['/plans', { ...body, ...former }, 'body.acceptImages'],
    ['/migrations', { ...body, ...former }, 'body.acceptImages'],
    ['/sweeps', { mode: 'plan', options: former }, 'body.options.acceptImages'],
  ])('is refused at %s with its new spelling', async (path, given, field) => {
    const found = problemIn(await send(newFakes(), { method: 'POST', path, body: given }), 'invalid-request');
    expect(found.errors).toEqual([{ field, message }]);
  });
});

describe('an Idempotency-Key', () => {
  it('has a retry find the first migration, also once that is over', async ({ fakes }) => {
    const first = await send(fakes, keyed('deploy-1'));
    await fakes.ledger.updateMigration(idOf(first), { status: 'ended', outcome: 'migrated' });
    expect(await send(fakes, keyed('deploy-1'))).toEqual(first);
    // In whatever order its fields are, and whether what is usual is said or not.
    expect(
      await send(
        fakes,
        keyed('deploy-1', {
          body: {
            addon: ADDON,
            strategy: 'auto',
            target: { cluster: target.cluster, region: target.region, account: target.account },
          },
        }),
      ),
    ).toEqual(first);
    expect(fakes.executions.migrations).toHaveLength(1);
  });

  it('stands for one request', async ({ fakes }) => {
    await send(fakes, keyed('deploy-1'));
    for (const other of [
      keyed('deploy-1', { body: { ...body, strategy: 'in-place' } }),
      { ...keyed('deploy-1'), path: '/plans' },
    ]) {
      const found = problemIn(await send(fakes, other), 'key-used');
      expect(found).toMatchObject({ status: 422, errors: [{ field: 'header.idempotency-key' }] });
    }
    expect(fakes.executions.migrations).toHaveLength(1);
  });

  it("is the principal's own", async ({ fakes }) => {
    const ids = [
      idOf(await send(fakes, keyed('deploy-1'))),
      idOf(await send(fakes, keyed('deploy-1', { caller: BOB }))),
      idOf(await send(fakes, keyed('deploy-2'))),
    ];
    expect(new Set(ids).size).toBe(3);
  });

  it.each([
    ['no characters', ''],
    ['256 of them', 'x'.repeat(256)],
    ['a letter beyond ASCII', 'schlüssel'],
    ['a control character', 'a\tb'],
    ['two values', ['a', 'b']],
  ])('may not have %s', async (_, key) => {
    const fakes = newFakes();
    expect(fieldsIn(await send(fakes, migrate({ headers: { 'idempotency-key': key } })))).toEqual([
      'header.idempotency-key',
    ]);
    expect(fakes.journal.names()).toEqual([]);
  });

  it('has 100 equal requests at once start one', async ({ fakes }) => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => send(fakes, keyed('deploy-1'))));
    expect([new Set(answers.map(idOf)).size, answers.every(({ status }) => status === 202)]).toEqual([1, true]);
    expect(fakes.executions.migrations.map(({ migrationId }) => migrationId)).toEqual([idOf(answers[0]!)]);
    expect((await fakes.ledger.listMigrations({}, 100)).migrations).toHaveLength(1);
  });
});

describe('without a key', () => {
  it('the same request finds the migration that is under way, and starts a new one when that is over', async () => {
    const fakes = newFakes();
    const [first, again] = [await send(fakes, migrate()), await send(fakes, migrate())];
    expect(idOf(again)).toBe(idOf(first));
    expect(idOf(await send(fakes, migrate({ caller: BOB })))).not.toBe(idOf(first));
    expect(idOf(await send(fakes, migrate({ body: { ...body, strategy: 'in-place' } })))).not.toBe(idOf(first));
    expect(fakes.executions.migrations).toHaveLength(3);
    await fakes.ledger.updateMigration(idOf(first), { status: 'ended', outcome: 'blocked' });
    const next = await send(fakes, migrate());
    expect(idOf(next)).not.toBe(idOf(first));
    expect(idOf(await send(fakes, migrate()))).toBe(idOf(next));
    expect(fakes.executions.migrations).toHaveLength(4);
  });

  it('100 at once start one, the first time and after that has ended', async ({ fakes }) => {
    for (let round = 1; round <= 2; round += 1) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => send(fakes, migrate())));
      expect(new Set(answers.map(idOf)).size).toBe(1);
      expect(fakes.executions.migrations).toHaveLength(round);
      await fakes.ledger.updateMigration(idOf(answers[0]!), { status: 'ended', outcome: 'migrated' });
    }
  });
});

describe('whatever breaks', () => {
  const calls = ['ledger.claim', 'ledger.getFile', 'ledger.putMigration', 'executions.startMigration'];

  it.each(faultCases(MOMENTS, calls))(
    'at $call, $kind its effect, the caller is told to try again, and a retry ends with one migration',
    async ({ call, kind }) => {
      for (const request of [keyed('deploy-1'), migrate()]) {
        const fakes = newFakes();
        fakes.journal.failNext(call, kind);
        const first = await send(fakes, request);
        const found = problemIn(first, 'unavailable');
        expect(first).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
        expect(found.detail).toContain('ConnectionLost');
        expect(found.detail).not.toContain('socket hang up');
        const answer = await send(fakes, request);
        expect(answer.status).toBe(202);
        expect(fakes.executions.migrations).toMatchObject([
          { migrationId: idOf(answer), request: { requestedBy: ALICE } },
        ]);
        expect((await fakes.ledger.listMigrations({}, 100)).migrations).toHaveLength(1);
      }
    },
  );

  it('at every one of its calls, twice in a row: one migration at the end', async () => {
    for (let first = 0; first < calls.length; first += 1) {
      for (let second = 0; second < 2 * calls.length; second += 1) {
        const fakes = newFakes();
        fakes.journal.failAt(first, 'after');
        fakes.journal.failAt(first + 1 + second, 'before');
        let last = await send(fakes, keyed('k'));
        for (let tries = 1; tries < 4 && last.status === 503; tries += 1) last = await send(fakes, keyed('k'));
        expect(last.status).toBe(202);
        expect(fakes.executions.migrations.map(({ migrationId }) => migrationId)).toEqual([idOf(last)]);
      }
    }
  });

  it('a retry carries out what was asked for first, also under another deployment', async ({ fakes }) => {
    fakes.journal.failNext('ledger.putMigration');
    await send(fakes, keyed('deploy-1', { body: { ...body, reason: 'first' } }));
    const answer = await send(fakes, keyed('deploy-1', { body: { ...body, reason: 'first' } }));
    expect(fakes.executions.migrations).toMatchObject([{ migrationId: idOf(answer), request: { reason: 'first' } }]);
  });

  it('a late one starts nothing again, and overwrites nothing, where the execution has begun or is over', async () => {
    for (const over of [false, true]) {
      const fakes = newFakes();
      const { ledger } = fakes;
      const put = ledger.putMigration.bind(ledger);
      // Between its look and its put, another one has put the record, and the execution has come to its plan, or its
      // end.
      ledger.putMigration = async (record) => {
        ledger.putMigration = put;
        await ledger.putMigration({ ...record, executionArn: EXECUTION, verified: 'ready' });
        if (over) await ledger.updateMigration(record.migrationId, { status: 'ended', outcome: 'migrated' });
        return put(record);
      };
      const answer = await send(fakes, keyed('deploy-1'));
      expect(answer.status).toBe(202);
      expect(await ledger.getMigration(idOf(answer))).toMatchObject({ executionArn: EXECUTION, verified: 'ready' });
      expect(fakes.executions.migrations).toEqual([]);
    }
  });

  it('a record that can not be put for another reason is a failure', async ({ fakes }) => {
    fakes.journal.refuseNext('ledger.putMigration', 'BadInput', `no ${MIGRATION_ID}`);
    problemIn(await send(fakes, migrate()), 'unexpected');
    expect(fakes.executions.migrations).toEqual([]);
  });
});
