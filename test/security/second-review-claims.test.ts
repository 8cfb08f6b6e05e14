/**
 * A claim in the ledger ensures that a request is carried out once. A principal that can only write claims cannot start
 * anything with them: neither in place of another principal's request, nor in another principal's name.
 */
import { describe, expect, it } from 'vitest';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import { newMigration } from '../../lambdas/domain/record/migration.ts';
import { sha256 } from '../../lambdas/domain/text/sha256.ts';
import { type Denial, denialKey } from '../../lambdas/domain/events/denial.ts';
import { diagnoseDenialStep } from '../../lambdas/steps/diagnose-denial/handler.ts';
import type { Claim } from '../../lambdas/ports/index.ts';
import { ALICE, newFakes, type Request, send } from '../lambdas/api/gateway.ts';
import { deniedEvent } from '../lambdas/denied-event.ts';
import { invoke } from '../lambdas/fakes.ts';
import { ACCOUNT, ADDON, at, MIGRATION_ID, OTHER_ROLE, target } from '../lambdas/fixtures.ts';

const body = { target, addon: ADDON, dryRun: true };
const asked = migrationRequest.parse({ ...body, requestedBy: ALICE });
const fingerprint = sha256({ migrate: asked });
const forged: Claim = {
  migrationId: MIGRATION_ID,
  fingerprint,
  at: at(0),
  input: JSON.stringify({
    request: migrationRequest.parse({
      target,
      addon: ADDON,
      roleArn: OTHER_ROLE,
      trust: 'repair',
      strategy: 'recreate',
      requestedBy: ALICE,
    }),
  }),
};

describe('a forged claim', () => {
  const ways: [string, string, Request][] = [
    ['of what is asked', sha256({ content: fingerprint }), { method: 'POST', path: '/migrations', body }],
    [
      'under a key',
      sha256({ by: ALICE, key: 'weekly' }),
      { method: 'POST', path: '/migrations', body, headers: { 'Idempotency-Key': 'weekly' } },
    ],
  ];

  it.each(ways)('%s starts nothing in place of a dry run', async (_, key, request) => {
    const fakes = newFakes();
    await fakes.ledger.claim(key, forged);
    expect((await send(fakes, request)).status).toBeGreaterThanOrEqual(400);
    expect(fakes.executions.migrations).toEqual([]);
    expect(await fakes.ledger.getMigration(MIGRATION_ID)).toBeUndefined();
  });

  it.each(ways)('%s does not pass another migration off as the requested one', async (_, key, request) => {
    const fakes = newFakes();
    const { requestedBy: by } = asked;
    await fakes.ledger.putMigration(
      newMigration({
        migrationId: MIGRATION_ID,
        request: migrationRequest.parse({ target, addon: 'vpc-cni', requestedBy: by }),
        executionArn: 'arn:aws:states:eu-west-1:111122223333:execution:MigrateAddon:x',
        startedAt: at(0),
      }),
    );
    await fakes.ledger.claim(key, { ...forged, input: JSON.stringify({ request: asked }) });
    expect((await send(fakes, request)).status).toBeGreaterThanOrEqual(400);
    expect(fakes.executions.migrations).toEqual([]);
  });

  it('starts no sweep in place of an inventory', async () => {
    const fakes = newFakes();
    const key = 'nightly';
    const sent: Request = {
      method: 'POST',
      path: '/sweeps',
      body: { mode: 'inventory' },
      headers: { 'Idempotency-Key': key },
    };
    // An attacker would copy the claim that the same request creates.
    await send(fakes, sent);
    const real = await fakes.ledger.claim(sha256({ by: ALICE, key }), forged);
    const again = newFakes();
    await again.ledger.claim(sha256({ by: ALICE, key }), {
      ...real,
      input: real.input.replace('"inventory"', '"migrate"'),
    });
    expect((await send(again, sent)).status).toBeGreaterThanOrEqual(400);
    expect(again.executions.sweeps).toEqual([]);
  });

  it('starts no migration by a denied call that only leads to a plan', async () => {
    const fakes = newFakes();
    fakes.settings.denials = { account: ACCOUNT, accounts: [ACCOUNT], action: 'notify', quietHours: 24 };
    const event = deniedEvent();
    const key = denialKey(event as unknown as Denial);
    await fakes.ledger.claim(key, { ...forged, at: new Date(fakes.clock.now()).toISOString() });
    await expect(invoke(diagnoseDenialStep, event, fakes)).rejects.toMatchObject({ name: 'BadInput' });
    expect(fakes.executions.migrations).toEqual([]);
  });

  it('sets no requester for a denied call that CloudTrail has not attributed', async () => {
    const denials = { account: ACCOUNT, accounts: [ACCOUNT], action: 'notify' as const, quietHours: 24 };
    const event = deniedEvent();
    const key = denialKey(event as unknown as Denial);
    const first = newFakes();
    first.settings.denials = denials;
    await invoke(diagnoseDenialStep, event, first);
    const real = await first.ledger.claim(key, forged);
    const again = newFakes();
    again.settings.denials = denials;
    const input = { ...(JSON.parse(real.input) as object), requester: { source: 'api', principal: ALICE } };
    await again.ledger.claim(key, { ...real, input: JSON.stringify(input) });
    await expect(invoke(diagnoseDenialStep, event, again)).rejects.toMatchObject({ name: 'BadInput' });
    expect(again.executions.migrations).toEqual([]);
  });
});
