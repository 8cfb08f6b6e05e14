/** A caller's own ids of a request, and answers that it has already. */
import { describe, expect, it } from 'vitest';
import { serviceEventOf } from '../../../lambdas/domain/events/service-event.ts';
import { ADDON, MIGRATION_ID, target } from '../fixtures.ts';
import { newFakes, problemIn, type Request, send } from './gateway.ts';
import { ended, path, show, withMigration } from './with-migration.ts';

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const IDS = { 'X-Request-Id': 'build-42/deploy', traceparent: TRACE };
const correlation = { requestId: 'build-42/deploy', traceparent: TRACE };
const migrate = (headers: Record<string, string> = IDS): Request => ({
  method: 'POST',
  path: '/migrations',
  body: { target, addon: ADDON },
  headers,
});

describe("a caller's ids of a request", () => {
  it('are in the answer, the log, the ledger, what is shown, and the events', async () => {
    const fakes = newFakes();
    const { headers, body } = await send(fakes, migrate());
    expect(headers).toMatchObject({ 'x-request-id': IDS['X-Request-Id'], traceparent: TRACE });
    const id = (body as { migrationId: string }).migrationId;
    const record = (await fakes.ledger.getMigration(id))!;
    expect(record.correlation).toEqual(correlation);
    expect(fakes.telemetry.lines.find(({ message }) => message === 'api: a request was accepted')).toMatchObject({
      fields: { correlation },
    });
    expect((await show(fakes, id)).body).toMatchObject({ correlation });
    expect(serviceEventOf(record, 'started')).toMatchObject({ correlation });
  });

  it('are no part of what is asked for: a retry of the same request under other ids is the same', async () => {
    const fakes = newFakes();
    const first = await send(fakes, migrate({ ...IDS, 'Idempotency-Key': 'k' }));
    const again = await send(fakes, migrate({ 'X-Request-Id': 'build-43', 'Idempotency-Key': 'k' }));
    expect(again.body).toEqual(first.body);
    expect(again.headers).toMatchObject({ 'x-request-id': 'build-43' });
    expect(again.headers).not.toHaveProperty('traceparent');
    const { migrationId } = first.body as { migrationId: string };
    expect((await fakes.ledger.getMigration(migrationId))?.correlation).toEqual(correlation);
  });

  it('are in the record of a rollback, and in that of a sweep', async () => {
    const fakes = await withMigration(ended('migrated'));
    await send(fakes, { method: 'POST', path: `${path}/rollback`, body: {}, headers: IDS });
    expect((await fakes.ledger.getMigration(MIGRATION_ID))?.rollback).toMatchObject({ correlation });
    const { body } = await send(fakes, { method: 'POST', path: '/sweeps', body: { mode: 'inventory' }, headers: IDS });
    const { sweepId } = body as { sweepId: string };
    expect((await send(fakes, { method: 'GET', path: `/sweeps/${sweepId}` })).body).toMatchObject({ correlation });
  });

  it.each(['', 'a b', 'x'.repeat(129), 'ü'])('%j is no id of a request, and is refused', async (id) => {
    const fakes = newFakes();
    const answer = await send(fakes, migrate({ 'X-Request-Id': id }));
    expect(problemIn(answer, 'invalid-request')).toMatchObject({ errors: [{ field: 'header.x-request-id' }] });
    expect(answer.headers['x-request-id']).not.toBe(id);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it.each(['', 'x', TRACE.replace('00-', 'ff-'), `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `${TRACE}-more`])(
    '%j is no traceparent, and is passed over',
    async (traceparent) => {
      const answer = await send(newFakes(), migrate({ traceparent }));
      expect(answer.status).toBe(202);
      expect(answer.headers).not.toHaveProperty('traceparent');
    },
  );

  it("are API Gateway's where the caller has none, in a problem too", async () => {
    const { headers, body } = await send(newFakes(), { method: 'GET', path });
    expect((body as { instance: string }).instance).toBe(`urn:uuid:${headers['x-request-id']}`);
  });
});

describe('the ETag of an answer', () => {
  it('saves sending it again while nothing has changed', async () => {
    const fakes = await withMigration();
    const first = await show(fakes);
    const etag = first.headers['etag']!;
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await send(fakes, { method: 'GET', path, headers: { 'If-None-Match': known } });
      expect([again.status, again.body]).toEqual([304, undefined]);
      expect(again.headers).toMatchObject({ etag, 'retry-after': first.headers['retry-after'] });
      expect(again.headers).not.toHaveProperty('content-type');
    }
    await fakes.ledger.updateMigration(MIGRATION_ID, ended('migrated'));
    const changed = await send(fakes, { method: 'GET', path, headers: { 'If-None-Match': etag } });
    expect(changed.status).toBe(200);
    expect(changed.headers['etag']).not.toBe(etag);
  });

  it('is of no action and of no problem', async () => {
    const fakes = newFakes();
    for (const one of [await send(fakes, migrate()), await send(fakes, { method: 'GET', path })])
      expect(one.headers).not.toHaveProperty('etag');
  });
});
