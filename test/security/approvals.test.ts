/** Forged approvals, and the rules for approvers: the task token, a name that nothing authenticates, a change freeze. */
import { GetExecutionHistoryCommand, SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Approval } from '../../lambdas/domain/approval/approval.ts';
import {
  HOURS,
  MINUTES,
  pending,
  type Person,
  personIn,
  problemIn,
  ROLES,
  until,
  WANTS_APPROVAL,
  withPeople,
} from '../end-to-end/api-world.ts';
import { ADDON } from '../end-to-end/fixture.ts';
import {
  ACCOUNT,
  changesIn,
  deploy,
  type Deployment,
  hostileScenario,
  type HostileWorld,
  inHostileWorld,
  NARROW,
  stateOf,
} from './hostile.ts';
import { containing } from '../lambdas/matchers.ts';

let deployment: Deployment;
beforeAll(async () => void (deployment = await deploy(NARROW)));
afterAll(() => deployment.remove());

const COLLEAGUES = `arn:aws:iam::${ACCOUNT}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Platform_0123456789abcdef`;
/** The name suggests another principal. */
const LOOKALIKE = `arn:aws:iam::${ACCOUNT}:role/AWSReservedSSO_Lookalike_0123456789abcdef`;

interface Scene {
  world: HostileWorld;
  ann: Person;
  bob: Person;
  /** A person with that role, in a session of that name. */
  person: (role: string, session: string) => Person;
}

/** The service as it is deployed by default, and people who may call its API. */
const scene = <T>(work: (given: Scene) => Promise<T>): Promise<T> => {
  const scenario = hostileScenario(withPeople);
  const { roles } = scenario.accounts[0]!;
  const reviewer = roles.find(({ arn }) => arn === ROLES.reviewer)!;
  for (const arn of [COLLEAGUES, LOOKALIKE]) roles.push({ ...structuredClone(reviewer), arn });
  return inHostileWorld({ scenario, deployment }, (world) => {
    const { sandbox } = world.backend;
    const person = (role: string, session: string): Person => personIn(sandbox, role, session);
    return work({ world, person, ann: person(ROLES.deployer, 'ann'), bob: person(ROLES.reviewer, 'bob') });
  });
};

const executionOf = ({ backend }: HostileWorld, id: string): string =>
  `${backend.stateMachineArn.replace(':stateMachine:', ':execution:')}:${id}`;

/** Reads the token as a principal with access to the executions' history can. */
async function tokenInHistory({ backend }: HostileWorld, executionArn: string): Promise<string> {
  const { events } = await backend.stepFunctions.send(new GetExecutionHistoryCommand({ executionArn }));
  const [, token] = /\\?"taskToken\\?":\\?"([^"\\]+)/.exec(JSON.stringify(events)) ?? [];
  expect(token, 'the history has the token').toBeDefined();
  return token!;
}

describe("the task token of an approval, read from the execution's history", () => {
  const requester = (world: HostileWorld, id: string): Promise<string> =>
    world.record(id).then((record) => record!.request.requestedBy!);

  it.each<[string, (approval: Approval, world: HostileWorld, id: string) => Promise<Partial<Approval>>, RegExp]>([
    ['that is still pending', async () => ({}), /the approval in the ledger is pending/],
    [
      'of the requester in another session',
      async ({ requestedAt }, world, id) => ({
        state: 'approved',
        decidedBy: (await requester(world, id)).replace(/[^/]+$/, 'another-session'),
        decidedAt: requestedAt,
      }),
      /this is the same role/,
    ],
  ])('does not make an approval valid %s', (_, change, why) =>
    scene(async ({ world, ann }) => {
      const before = stateOf(world);
      const id = await ann.migrate({ ...WANTS_APPROVAL, target: world.target });
      const { planHash } = await pending(world.backend.sandbox, ann, id);
      const taskToken = await tokenInHistory(world, executionOf(world, id));
      const approval = (await world.record(id))!.approvals.at(-1)!;
      await world.forge(`MIGRATION#${id}`, 'APPROVAL#01', { ...approval, ...(await change(approval, world, id)) });
      await world.backend.stepFunctions.send(
        new SendTaskSuccessCommand({ taskToken, output: JSON.stringify({ planHash, decidedBy: ROLES.reviewer }) }),
      );
      await world.rest();
      expect(world.backend.sandbox.executions.execution(executionOf(world, id))).toMatchObject({
        status: 'FAILED',
        error: 'Blocked',
        cause: expect.stringMatching(why) as unknown,
      });
      expect([changesIn(world), stateOf(world), await world.backend.ledger.listHeldLocks()]).toEqual([[], before, []]);
      expect(await world.backend.ledger.getSnapshot(id)).toBeUndefined();
    }),
  );
});

describe("an approver of another principal's request", () => {
  /** Returns why the approval is refused; undefined if it is not. */
  const attempt = async (world: HostileWorld, approver: Person, id: string): Promise<string | undefined> => {
    const { planHash } = await pending(world.backend.sandbox, approver, id);
    const answer = await approver.ask('POST', `/migrations/${id}/approval`, {
      body: { decision: 'approve', planHash },
    });
    return answer.status === 200 ? undefined : problemIn(answer, 'not-allowed-to-approve').detail;
  };
  /** Starts it as any principal with permission to start executions can. */
  const startBy = async (world: HostileWorld, requestedBy: string | undefined): Promise<string> => {
    const execution = await world.start({ addon: ADDON, approval: 'required', ...(requestedBy && { requestedBy }) });
    await world.until(execution, 'RequestApproval');
    return execution.name;
  };

  it.each<[string, (given: Scene) => string | undefined]>([
    ['the runbook, which does not know its starter', () => 'ssm-automation 0d1f3f54-7d9e-4b5b-9f0a-5f4f7c1c9e11'],
    ['a text of their own', () => 'the platform team'],
    ['no one', () => undefined],
    ['CloudTrail, as they state it themselves', ({ bob }) => `cloudtrail: ${bob.arn}`],
    ['another principal, as they state it themselves', ({ bob }) => bob.arn],
  ])('cannot be distinguished from the requester if the execution names %s', async (_, requestedBy) =>
    scene(async (given) => {
      const { world, ann } = given;
      const id = await startBy(world, requestedBy(given));
      expect(await attempt(world, ann, id)).toMatch(/^The requester is not authenticated/);
      const shown = await ann.shown(id);
      expect([[shown.requester, shown.requestedBy], changesIn(world)]).toEqual([[undefined, requestedBy(given)], []]);
      // They may still reject it.
      await ann.approve(id, (await pending(world.backend.sandbox, ann, id)).planHash, 'reject');
    }),
  );

  it('is shown the requester that the API has authenticated', () =>
    scene(async ({ world, ann, bob }) => {
      const id = await ann.migrate({ ...WANTS_APPROVAL, target: world.target });
      expect(await attempt(world, bob, id)).toBeUndefined();
      await world.rest();
      expect(await ann.shown(id)).toMatchObject({
        outcome: 'migrated',
        requester: { source: 'api', principal: ann.arn },
        requestedBy: ann.arn,
      });
    }));

  it('is barred in another session of the role, under any name', () =>
    scene(async ({ world, ann, person }) => {
      const id = await ann.migrate({ ...WANTS_APPROVAL, target: world.target });
      expect(await attempt(world, person(ROLES.deployer, 'another-session'), id)).toMatch(/this is the same role/);
    }));

  it('is another user of IAM Identity Center, although they share a role', async () =>
    scene(async ({ world, person }) => {
      const [ann, twin, bob] = [
        person(COLLEAGUES, 'ann@example.com'),
        person(COLLEAGUES, 'Ann@example.com'),
        person(COLLEAGUES, 'bob@example.com'),
      ];
      const id = await ann.migrate({ ...WANTS_APPROVAL, target: world.target });
      expect(await attempt(world, twin, id)).toMatch(/this is the same role/);
      expect(await attempt(world, bob, id)).toBeUndefined();
      await world.rest();
      // `begin` has also read the role.
      expect(await ann.shown(id)).toMatchObject({ outcome: 'migrated', approvals: [{ decidedBy: bob.arn }] });
    }));

  it('is not another person by a role that only has a name like those of IAM Identity Center', () =>
    scene(async ({ world, person }) => {
      const id = await person(LOOKALIKE, 'ann@example.com').migrate({ ...WANTS_APPROVAL, target: world.target });
      expect(await attempt(world, person(LOOKALIKE, 'bob@example.com'), id)).toMatch(/this is the same role/);
    }));

  it('is barred if the role that they share cannot be read', () =>
    scene(async ({ world, person }) => {
      const id = await person(COLLEAGUES, 'ann@example.com').migrate({ ...WANTS_APPROVAL, target: world.target });
      const bob = person(COLLEAGUES, 'bob@example.com');
      await pending(world.backend.sandbox, bob, id);
      world.backend.sandbox.world.faults.add({
        kind: 'access-denied',
        step: 'api',
        operation: 'GetRole',
        times: 'all',
      });
      expect(await attempt(world, bob, id)).toMatch(/cannot be read, .*\. Approve it as another role\.$/);
    }));
});

it('a change window of the deployment is not extended by a request, and is reported together with the request’s own', async () => {
  const changeWindow = { schedule: '0 22 * * *', durationMinutes: 240, timeZone: 'UTC' };
  const frozen = await deploy(NARROW, { changeWindow });
  try {
    await inHostileWorld({ scenario: hostileScenario(withPeople), deployment: frozen }, async (world) => {
      const { sandbox } = world.backend;
      const ann = personIn(sandbox, ROLES.deployer, 'ann');
      const asked = (schedule: string): object => ({
        target: world.target,
        addon: ADDON,
        changeWindow: { schedule, durationMinutes: 60, timeZone: 'UTC' },
      });
      const never = await ann.refused('invalid-request', 'POST', '/migrations', { body: asked('0 9 * * *') });
      expect(never.errors).toEqual([
        {
          field: 'body.changeWindow',
          message: containing(
            "is never open together with the deployment's change window (0 22 * * *, UTC, for 240 minutes)",
          ),
        },
      ]);
      // Open now, at 09:00, and again at 23:30.
      const id = await ann.migrate(asked('0,30 9,23 * * *'));
      const waits = await until(sandbox, ann, id, ({ step }) => step === 'await-window');
      expect(waits.changeWindow).toEqual({ opensAt: '2026-01-15T23:00:00.000Z' });
      await world.later(13 * HOURS + 30 * MINUTES);
      expect(changesIn(world)).toEqual([]);
      await world.rest();
      expect((await ann.shown(id)).outcome).toBe('migrated');
      expect(Date.parse(world.changes()[0]!.at)).toBeGreaterThanOrEqual(Date.parse('2026-01-15T23:00:00.000Z'));
    });
  } finally {
    frozen.remove();
  }
});
