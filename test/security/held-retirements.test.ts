/**
 * A deployment whose changes need an approval, and a window on Sundays and Wednesdays: its requester alone retires and
 * reinstates nothing.
 */
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MigrationAnswer } from '../../lambdas/api/answers.ts';
import { findRole } from '../../sandbox/world/world.ts';
import {
  HOURS,
  type Person,
  personIn,
  problemIn,
  ROLES,
  until,
  WANTS_APPROVAL,
  withPeople,
} from '../end-to-end/api-world.ts';
import { containing } from '../lambdas/matchers.ts';
import { previousOf } from '../upgrade/previous.ts';
import {
  deploy,
  type Deployment,
  type HostileOptions,
  hostileScenario,
  type HostileWorld,
  inHostileWorld,
  OWN_ROLE,
} from './hostile.ts';

const DAYS = 24 * HOURS;
const RETIRE = { action: 'retire', dryRun: false, soakDays: 2 } as const;
const REINSTATE = { ...RETIRE, action: 'reinstate' } as const;

let deployment: Deployment;
beforeAll(async () => {
  const everyRole = { passableRoleArns: ['role/eks-addons/*'], repairableRoleArns: ['role/eks-addons/*'] };
  deployment = await deploy(everyRole, {
    approvals: { required: true },
    changeWindow: { schedule: '0 10 * * SUN,WED', durationMinutes: 600, timeZone: 'UTC' },
    retirement: { leastSoakDays: 2 },
  });
});
afterAll(() => deployment.remove());

interface Scene {
  world: HostileWorld;
  ann: Person;
  bob: Person;
  id: string;
  isTrusted: () => boolean;
  /** Requests it as that person, and returns the record once it waits or has ended. */
  ask: (person: Person, body: object) => Promise<MigrationAnswer>;
  /** Starts it as any principal with permission to start executions can, and waits for its end. */
  start: (body: object) => ReturnType<HostileWorld['attempt']>;
}

const onSunday: typeof withPeople = (scenario) =>
  withPeople(Object.assign(scenario, { startAt: '2026-01-18T11:00:00.000Z' }));

/** A migration that was approved and has ended on a Sunday, while the window was open; now it is Tuesday. */
const onTuesday = (work: (scene: Scene) => Promise<void>, options: Partial<HostileOptions> = {}): Promise<void> =>
  inHostileWorld({ scenario: hostileScenario(onSunday), deployment, ...options }, async (world) => {
    const { sandbox } = world.backend;
    const [ann, bob] = [personIn(sandbox, ROLES.deployer, 'ann'), personIn(sandbox, ROLES.reviewer, 'bob')];
    const id = await ann.migrate({ ...WANTS_APPROVAL, target: world.target });
    const { plan } = await until(sandbox, ann, id, ({ waitingFor }) => waitingFor?.what === 'approval');
    await bob.approve(id, plan!.hash);
    await world.rest();
    await world.later(2 * DAYS);
    expect(new Date(sandbox.clock.now()).getUTCDay()).toBe(2);
    await work({
      world,
      ann,
      bob,
      id,
      isTrusted: () =>
        JSON.stringify(findRole(sandbox.world, OWN_ROLE)!.trustPolicy).includes('AssumeRoleWithWebIdentity'),
      ask: async (person, body) => {
        expect(await person.ask('POST', `/migrations/${id}/retire`, { body })).toMatchObject({ status: 202 });
        await world.later(60_000);
        return person.shown(id);
      },
      start: (body) => world.attempt({ migrationId: id, ...body }, { machine: world.backend.retireStateMachineArn! }),
    });
  });

/** Retires with the approval of another person, on Wednesday; then it is Friday. */
const retired = async ({ world, ann, bob, id, ask, isTrusted }: Scene): Promise<void> => {
  const { retirement } = await ask(ann, RETIRE);
  await bob.approve(id, retirement!.planHash!);
  await world.rest();
  expect(isTrusted()).toBe(false);
  await world.later(2 * DAYS);
};

describe('a retirement in a deployment with approvals and a window on Sundays and Wednesdays', () => {
  it('waits for another person, and then for the window, when the requester asks for it on a Tuesday', () =>
    onTuesday(async (scene) => {
      const { world, ann, bob, id, ask, isTrusted } = scene;
      const { retirement, waitingFor, approvals, links } = await ask(ann, RETIRE);
      const planHash = retirement!.planHash!;
      expect({ waitingFor, last: approvals.at(-1), roles: retirement!.roles, links }).toMatchObject({
        waitingFor: { what: 'approval' },
        last: { operation: 'retirement', state: 'pending', planHash },
        roles: [{ roleArn: OWN_ROLE, result: 'would-remove', after: expect.any(String) as unknown }],
        links: { approval: `/v1/migrations/${id}/approval` },
      });
      const body = { decision: 'approve', planHash };
      const own = await ann.ask('POST', `/migrations/${id}/approval`, { body });
      expect(problemIn(own, 'not-allowed-to-approve').detail).toMatch(/this is the same role/);
      await bob.approve(id, planHash);
      await world.later(60_000);
      expect(await bob.shown(id)).toMatchObject({
        waitingFor: { what: 'window', until: '2026-01-21T10:00:00.000Z' },
        retirement: { requester: { source: 'api', principal: ann.arn } },
      });
      expect(isTrusted()).toBe(true);
      await world.rest();
      const { retirements, retirement: ended } = await ann.shown(id);
      expect([isTrusted(), ended!.state, ended!.waitingFor]).toEqual([false, 'ended', undefined]);
      expect(retirements[0]!.writtenAt).toMatch(/^2026-01-21/);
      expect(await world.backend.ledger.listWaiting()).toEqual([]);
    }));

  it('changes nothing if it is rejected', () =>
    onTuesday(async ({ world, ann, id, ask, isTrusted }) => {
      const { retirement } = await ask(ann, RETIRE);
      await ann.approve(id, retirement!.planHash!, 'reject', 'not now');
      await world.rest();
      expect(await ann.shown(id)).toMatchObject({
        retirement: { state: 'refused', error: { name: 'ApprovalRejected', message: containing('not now') } },
      });
      expect([isTrusted(), await world.backend.ledger.listWaiting()]).toEqual([true, []]);
    }));

  it('writes no policy that differs from the approved one', () =>
    onTuesday(async ({ world, ann, bob, id, ask }) => {
      const { retirement } = await ask(ann, RETIRE);
      await bob.approve(id, retirement!.planHash!);
      const role = findRole(world.backend.sandbox.world, OWN_ROLE)!;
      const policy = JSON.parse(role.trustPolicy) as { Statement: object[] };
      const owners = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
      role.trustPolicy = JSON.stringify({ ...policy, Statement: [...policy.Statement, owners] });
      const before = role.trustPolicy;
      await world.rest();
      expect(await ann.shown(id)).toMatchObject({
        retirement: {
          state: 'refused',
          error: { name: 'RetireRefused', message: containing('what it would change is no longer what was approved') },
        },
      });
      expect(role.trustPolicy).toBe(before);
    }));

  it('retires and reinstates nothing for an execution that was started by hand, which nobody may approve', () =>
    onTuesday(async (scene) => {
      const { world, start, isTrusted, ann, bob, id } = scene;
      for (const body of [RETIRE, REINSTATE]) {
        if (body === REINSTATE) await retired(scene);
        const before = [isTrusted(), findRole(world.backend.sandbox.world, OWN_ROLE)!.trustPolicy];
        const execution = await start({ ...body, requestedBy: bob.arn });
        expect(execution).toMatchObject({ status: 'FAILED', error: 'RetireRefused' });
        const { retirement, approvals } = await ann.shown(id);
        expect(retirement).toMatchObject({ action: body.action, state: 'refused', error: { name: 'ApprovalExpired' } });
        expect(approvals.at(-1)).toMatchObject({ operation: 'retirement', state: 'expired' });
        expect([isTrusted(), findRole(world.backend.sandbox.world, OWN_ROLE)!.trustPolicy]).toEqual(before);
      }
    }));
});

describe('a retirement that the deployment holds back', () => {
  it('with fewer soak days than the deployment requires is refused, however it is started', () =>
    onTuesday(async ({ world, ann, id, start, isTrusted }) => {
      const body = { ...RETIRE, soakDays: 0 };
      expect((await ann.refused('invalid-request', 'POST', `/migrations/${id}/retire`, { body })).errors).toEqual([
        { field: 'body.soakDays', message: containing('at least 2, which the deployment requires') },
      ]);
      expect(await start(body)).toMatchObject({
        error: 'RetireRefused',
        cause: containing('Request it again with more soakDays.'),
      });
      expect([isTrusted(), await world.backend.ledger.listHeldLocks()]).toEqual([true, []]);
    }));

  it('and runs the definition of the previous release, which cannot wait, is refused', () =>
    onTuesday(
      async ({ start, isTrusted }) => {
        expect(await start(RETIRE)).toMatchObject({
          error: 'RetireRefused',
          cause: containing('runs a definition of an earlier release, which cannot wait for it'),
        });
        expect(isTrusted()).toBe(true);
      },
      { definitionOf: previousOf(['Retire']) },
    ));

  it('is noted as refused by find-stranded if its execution was stopped while it waited', () =>
    onTuesday(async ({ world, ann, id, ask }) => {
      const { retirement } = await ask(ann, RETIRE);
      await world.backend.stepFunctions.send(new StopExecutionCommand({ executionArn: retirement!.executionArn! }));
      await world.later(HOURS);
      expect(await ann.shown(id)).toMatchObject({
        retirement: { state: 'refused', error: { name: 'ExecutionStopped' } },
        approvals: [{}, { operation: 'retirement', state: 'withdrawn' }],
      });
      expect(await world.backend.ledger.listWaiting()).toEqual([]);
    }));
});

describe('a reinstatement in a deployment with approvals and a window on Sundays and Wednesdays', () => {
  it('waits for another person, whose approval overrides the window', () =>
    onTuesday(async (scene) => {
      await retired(scene);
      const { world, ann, bob, id, ask, isTrusted } = scene;
      const { retirement, waitingFor } = await ask(ann, REINSTATE);
      await world.later(2 * HOURS);
      expect([waitingFor?.what, isTrusted()]).toEqual(['approval', false]);
      await bob.approve(id, retirement!.planHash!);
      await world.later(60_000);
      expect([isTrusted(), new Date(world.backend.sandbox.clock.now()).getUTCDay()]).toEqual([true, 5]);
    }));
});
