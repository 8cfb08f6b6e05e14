/** Requests that wait: a flood of them, squatters, and slots that a crash leaves occupied. */
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../../lambdas/adapters/dynamo-ledger.ts';
import { createHandler, type LambdaContext } from '../../lambdas/runtime/handler.ts';
import { apiStep } from '../../lambdas/steps/api/handler.ts';
import { findStrandedStep } from '../../lambdas/steps/find-stranded/handler.ts';
import { requestApprovalStep } from '../../lambdas/steps/request-approval/handler.ts';
import { MigrationError } from '../../lambdas/domain/failures/errors.ts';
import {
  BODY,
  ended,
  HOURS,
  inApiWorld,
  pending,
  personIn,
  ROLES,
  until,
  WANTS_APPROVAL,
} from '../end-to-end/api-world.ts';
import { ADDON } from '../end-to-end/fixture.ts';
import { newDynamoDb, TABLE } from '../lambdas/adapters/ledgers.ts';
import { eventOf } from '../lambdas/api/gateway.ts';
import { type Fakes, newFakes } from '../lambdas/fakes.ts';
import { aMigration, aPlan, aRequest, at, target } from '../lambdas/fixtures.ts';
import { containing } from '../lambdas/matchers.ts';

const FLOOD = 200;
const CAPS = { perPrincipal: 50, perDeployment: 120 };
const context = { getRemainingTimeInMillis: () => 60_000 } as unknown as LambdaContext;
const role = (name: string): string => `arn:aws:sts::111122223333:assumed-role/${name}`;

/** Returns the ledger on an in-process DynamoDB; everything else is faked. */
async function onDynamoDb(): Promise<Fakes> {
  const fakes = newFakes();
  const ledger = createDynamoLedger({ client: await newDynamoDb('direct'), tableName: TABLE });
  const settings = { ...fakes.settings, waiting: CAPS };
  return { ...fakes, ledger: ledger as Fakes['ledger'], dependencies: { ...fakes.dependencies, ledger, settings } };
}

const post = (fakes: Fakes, index: number, change: object = {}, caller = `${role('deployer')}/session-${index}`) =>
  createHandler(apiStep, fakes.dependencies)(
    eventOf({
      method: 'POST',
      path: '/migrations',
      caller,
      body: { target, addon: ADDON, approval: 'required', ...change },
      headers: { 'Idempotency-Key': `key-${index}` },
    }),
    context,
  ) as Promise<{ statusCode: number; body: string }>;
const statuses = (answers: { statusCode: number }[]): Record<number, number> =>
  Object.fromEntries(
    [...new Set(answers.map(({ statusCode }) => statusCode))].map((status) => [
      status,
      answers.filter(({ statusCode }) => statusCode === status).length,
    ]),
  );

describe('a flood of requests', () => {
  it('of one role for one add-on leaves no more waiting than allowed, regardless of the names of its sessions', async () => {
    const fakes = await onDynamoDb();
    const answers: { statusCode: number; body: string }[] = [];
    for (let index = 0; index < FLOOD; index += 1) answers.push(await post(fakes, index));
    expect(statuses(answers)).toEqual({ 202: CAPS.perPrincipal, 429: FLOOD - CAPS.perPrincipal });
    expect(fakes.executions.migrations).toHaveLength(CAPS.perPrincipal);
    expect(JSON.parse(answers.at(-1)!.body)).toMatchObject({
      type: 'urn:eks-pod-identity-migrator:problem:too-many-waiting',
      detail: `50 migrations of ${role('deployer')} already wait for an approval or a change window, and the limit is 50 (waiting.perPrincipal). Nothing was changed. Approve, reject or cancel some of them, then start the migration again.`,
    });
    // A request that was admitted gets the same answer again.
    expect((await post(fakes, 7)).body).toBe(answers[7]!.body);
    expect(fakes.executions.migrations).toHaveLength(CAPS.perPrincipal);
  });

  it('at the same time leaves no more than that, and none that begins at once is refused', async () => {
    const fakes = await onDynamoDb();
    const answers = await Promise.all(Array.from({ length: FLOOD }, (_, index) => post(fakes, index)));
    expect(answers.filter(({ statusCode }) => statusCode === 202).length).toBeLessThanOrEqual(CAPS.perPrincipal);
    expect(await fakes.ledger.listWaiting()).toHaveLength(fakes.executions.migrations.length);
    for (let index = 0; index < FLOOD; index += 1) await post(fakes, index);
    expect(await fakes.ledger.listWaiting()).toHaveLength(CAPS.perPrincipal);
    expect((await post(fakes, FLOOD, { approval: 'none' })).statusCode).toBe(202);
    expect((await post(fakes, FLOOD + 1, {}, `${role('another')}/bob`)).statusCode).toBe(202);
  });

  it('of many roles leaves no more waiting than the deployment allows', async () => {
    const fakes = await onDynamoDb();
    for (let index = 0; index < FLOOD; index += 1) await post(fakes, index, {}, `${role(`role-${index % 20}`)}/x`);
    expect(fakes.executions.migrations).toHaveLength(CAPS.perDeployment);
  });

  it('of executions started by hand ends them blocked', async () => {
    const fakes = await onDynamoDb();
    const outcomes: string[] = [];
    for (let index = 0; index < FLOOD; index += 1) {
      const migrationId = `01JD8Z5Q6R7S8T9V0W1X2Y${String(index).padStart(4, '0')}`;
      const requestedBy = `${role('engineer')}/hand-${index}`;
      const record = aMigration({
        migrationId,
        plan: aPlan(),
        request: aRequest({ approval: 'required', requestedBy }),
      });
      await fakes.ledger.putMigration(record);
      const input = { migrationId, target, subject: ADDON, planHash: record.plan!.hash, taskToken: `token-${index}` };
      await createHandler(requestApprovalStep, fakes.dependencies)(input, context).then(
        () => outcomes.push('waits'),
        (error: unknown) => outcomes.push(error instanceof MigrationError ? error.name : String(error)),
      );
    }
    expect(outcomes.filter((one) => one === 'waits')).toHaveLength(CAPS.perPrincipal);
    expect(new Set(outcomes.slice(CAPS.perPrincipal))).toEqual(new Set(['TooManyWaiting']));
  });
});

const ROLE_OF_ANN = 'arn:aws:sts::111122223333:assumed-role/deployer';
const executionOf = (machine: string, id: string): string =>
  `${machine.replace(':stateMachine:', ':execution:')}:${id}`;

describe('a slot', () => {
  it('of a request that was admitted and never started is free after an hour, not before', async () => {
    const fakes = await onDynamoDb();
    const find = () => createHandler(findStrandedStep, fakes.dependencies)({}, context);
    const waiter = { migrationId: 'lost', principal: 'ann', subject: 'x', since: at(0) };
    await fakes.ledger.takeWaitingSlot(waiter, CAPS);
    await find();
    expect(await fakes.ledger.listWaiting()).toHaveLength(1);
    fakes.clock.advance(3_601_000);
    await find();
    expect(await fakes.ledger.listWaiting()).toEqual([]);
  });

  it('of an execution that was stopped while waiting is freed by Recover, even if no event reports it', () =>
    inApiWorld({ knobs: { eventsLost: true } }, async ({ world, sandbox, ann, bob }) => {
      const id = await ann.migrate(WANTS_APPROVAL);
      await pending(sandbox, bob, id);
      expect(await world.backend.ledger.listWaiting()).toMatchObject([{ migrationId: id, principal: ROLE_OF_ANN }]);
      await world.backend.stepFunctions.send(
        new StopExecutionCommand({ executionArn: executionOf(world.backend.stateMachineArn, id) }),
      );
      await world.later(HOURS);
      await world.rest();
      expect(await ann.shown(id)).toMatchObject({ outcome: 'blocked' });
      expect(await world.backend.ledger.listWaiting()).toEqual([]);
    }));
});

describe('a squatter', () => {
  it('a request for an add-on that is never approved blocks no other request, and ends with the id of the one that began', () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const eve = personIn(sandbox, ROLES.reviewer, 'eve');
      const squats = [await eve.migrate({ ...WANTS_APPROVAL, reason: 'mine' }), await eve.migrate(WANTS_APPROVAL)];
      const later = { schedule: '0 12 * * *', durationMinutes: 60, timeZone: 'UTC', waitAtMostHours: 48 };
      const windowed = await eve.migrate({ ...BODY, changeWindow: later });
      for (const id of squats) await pending(sandbox, eve, id);
      await until(sandbox, eve, windowed, ({ step }) => step === 'await-window');
      const id = await ann.migrate(WANTS_APPROVAL);
      const { planHash } = await pending(sandbox, bob, id);
      await bob.approve(id, planHash);
      expect(await ended(sandbox, ann, id)).toMatchObject({ outcome: 'migrated' });
      for (const squat of [...squats, windowed])
        expect(await ended(sandbox, eve, squat)).toMatchObject({
          outcome: 'blocked',
          failure: { name: 'Superseded', message: containing(`Migration ${id} began`) },
        });
      await world.rest();
      expect(await world.backend.ledger.listWaiting()).toEqual([]);
    }));
});
