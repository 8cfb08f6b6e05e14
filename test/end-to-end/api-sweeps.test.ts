/**
 * Sweeps over HTTP, in virtual time: from the request to the report, by principals with permissions on the API alone.
 */
import { describe, expect, it } from 'vitest';
import { type SweepAnswer, sweepAccepted, sweepAnswer, sweepReportAnswer } from '../../lambdas/api/answers.ts';
import { sweepReport } from '../../lambdas/domain/sweep/report.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { atOnce, inApiWorld, migrationsIn, personIn, problemIn, ROLES, type Person } from './api-world.ts';
import { ADDON, TARGET } from './fixture.ts';

const BODY = { mode: 'migrate', selection: { addons: [ADDON] }, reason: 'IRSA goes' };
const start = async (person: Person, body: object, key?: string): Promise<string> => {
  const headers = key === undefined ? {} : { headers: { 'idempotency-key': key } };
  return sweepAccepted.parse(JSON.parse((await person.ask('POST', '/sweeps', { body, ...headers })).text)).sweepId;
};
const show = async (person: Person, id: string): Promise<SweepAnswer> =>
  sweepAnswer.parse(JSON.parse((await person.ask('GET', `/sweeps/${id}`)).text));
const command = async (person: Person, id: string, what: string): Promise<SweepAnswer> => {
  const { text } = await person.ask('POST', `/sweeps/${id}/${what}`, { body: { reason: 'night' } });
  return sweepAnswer.parse(JSON.parse(text));
};

/** Longer than any of these sweeps takes, half a minute each. */
const POLLS = 120;
const until = async (
  sandbox: Sandbox,
  person: Person,
  id: string,
  isSo: (shown: SweepAnswer) => boolean,
): Promise<SweepAnswer> => {
  for (let poll = 0; poll < POLLS; poll += 1) {
    const shown = await show(person, id);
    if (isSo(shown)) return shown;
    await sandbox.clock.sleep(30_000);
  }
  throw new Error(`Sweep ${id} never came so far: ${JSON.stringify(await show(person, id))}`);
};
const isOver = ({ status }: SweepAnswer): boolean => status === 'ended';

describe('a sweep over HTTP', () => {
  it('goes from the request to the report, and migrates what is ready', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await start(ann, BODY);
      expect(await show(bob, id)).toMatchObject({
        status: 'running',
        request: { mode: 'migrate', requestedBy: ann.arn, reason: 'IRSA goes' },
      });
      problemIn(await bob.ask('GET', `/sweeps/${id}/report`), 'no-report');
      expect(await until(sandbox, ann, id, isOver)).toMatchObject({
        outcome: 'completed',
        tally: { queued: 0, inFlight: 0, ended: { migrated: 1 } },
        failures: 0,
        links: { report: `/v1/sweeps/${id}/report` },
      });
      expect(migrationsIn({ world, sandbox })).toHaveLength(1);

      const { reports } = sweepReportAnswer.parse(JSON.parse((await ann.ask('GET', `/sweeps/${id}/report`)).text));
      const text = await world.backend.sweeping?.documentsIn(reports.bucket).get(reports.json);
      expect(sweepReport.parse(JSON.parse(text ?? '')).rows.find(({ addon }) => addon === ADDON)).toMatchObject({
        cluster: TARGET.cluster,
        class: 'ready',
        outcome: 'migrated',
      });
      expect(JSON.parse((await bob.ask('GET', '/sweeps')).text)).toMatchObject({
        sweeps: [{ sweepId: id, outcome: 'completed' }],
      });
      problemIn(await bob.ask('POST', `/sweeps/${id}/resume`), 'not-now');
    }));

  it('is started once for many simultaneous requests', () =>
    inApiWorld({}, async ({ sandbox, ann }) => {
      const ids = await atOnce(
        sandbox,
        Array.from(
          { length: 20 },
          (_, index) => () => start(ann, { mode: 'inventory' }, index % 2 === 0 ? 'once' : undefined),
        ),
      );
      expect(new Set(ids.filter((_, index) => index % 2 === 0)).size).toBe(1);
      expect(new Set(ids.filter((_, index) => index % 2 === 1)).size).toBe(1);
      for (const id of new Set(ids))
        expect(await until(sandbox, ann, id, isOver)).toMatchObject({ outcome: 'completed' });
      expect(sandbox.executions.list(sandbox.outputs.sweepStateMachineArn ?? '')).toHaveLength(2);
    }));

  it('starts nothing while it is paused, and continues when it is resumed', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const id = await start(ann, BODY);
      expect(await command(bob, id, 'pause')).toMatchObject({
        command: { command: 'pause', by: bob.arn, reason: 'night' },
      });
      const paused = await until(sandbox, ann, id, ({ status }) => status === 'paused');
      await sandbox.clock.sleep(1_800_000);
      expect(await show(ann, id)).toMatchObject({
        status: 'paused',
        tally: { queued: 1, inFlight: 0, ended: {} },
        links: { resume: `${paused.links.self}/resume` },
      });
      expect(migrationsIn({ world, sandbox })).toEqual([]);
      await command(bob, id, 'resume');
      expect(await until(sandbox, ann, id, isOver)).toMatchObject({
        outcome: 'completed',
        tally: { ended: { migrated: 1 } },
      });
    }));

  it('is stopped, and resumed after it', () =>
    inApiWorld({}, async ({ world, sandbox, ann }) => {
      const id = await start(ann, BODY);
      await command(ann, id, 'stop');
      expect(await until(sandbox, ann, id, isOver)).toMatchObject({
        outcome: 'stopped',
        tally: { queued: 1, ended: {} },
      });
      expect(migrationsIn({ world, sandbox })).toEqual([]);
      await command(ann, id, 'resume');
      expect(await until(sandbox, ann, id, isOver)).toMatchObject({
        outcome: 'completed',
        tally: { queued: 0, ended: { migrated: 1 } },
      });
    }));

  it('is refused to callers without permission, and for invalid requests', () =>
    inApiWorld({}, async ({ sandbox, ann }) => {
      const visitor = personIn(sandbox, ROLES.visitor, 'vic');
      problemIn(await visitor.ask('POST', '/sweeps', { body: BODY }), 'gateway-access-denied');
      expect((await ann.client.request('POST', '/sweeps', { body: { mode: 'unknown' } })).status).toBe(400);
      expect(sandbox.executions.list(sandbox.outputs.sweepStateMachineArn ?? '')).toEqual([]);
    }));
});
