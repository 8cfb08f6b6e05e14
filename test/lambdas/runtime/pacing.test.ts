/** The shared pace of an invocation: who waits, who is sent back, and what is reserved and given back. */
import { beforeEach, describe, expect, it } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { PACED_SECONDS, REFUSED_CALL, UNPACED } from '../../../lambdas/domain/events/metrics.ts';
import { backlogOf, CEILINGS, freshState, paceScopeKey, pacedSeconds } from '../../../lambdas/domain/aws/pace.ts';
import type { PaceScope, PaceState } from '../../../lambdas/domain/aws/pace.ts';
import type { CalledService } from '../../../lambdas/ports/index.ts';
import { createHandler, type LambdaContext } from '../../../lambdas/runtime/handler.ts';
import { InvocationPace } from '../../../lambdas/runtime/pacing.ts';
import { awaitActiveStep } from '../../../lambdas/steps/await-active/handler.ts';
import { planStep } from '../../../lambdas/steps/plan/handler.ts';
import { type StepName, stepSchemas } from '../../../lambdas/steps/schemas.ts';
import { type Fakes, newFakes } from '../fakes.ts';
import { EXECUTION, executionArn, MIGRATION_ID, NOW, target } from '../fixtures.ts';
import { expectError } from '../matchers.ts';

const EKS: PaceScope = { service: 'eks', ...target };
const throttled = new MigrationError('Throttled', 'too many');
const nameOf = (error: unknown): 'Throttled' | 'ConnectionLost' =>
  error === throttled ? 'Throttled' : 'ConnectionLost';

let fakes: Fakes;
let spare: number;
beforeEach(() => {
  fakes = newFakes();
  spare = 45_000;
});
const paceOf = (step: StepName, { isRollback = false } = {}): InvocationPace =>
  new InvocationPace({
    pace: fakes.pace,
    clock: fakes.clock,
    telemetry: fakes.telemetry,
    spareTime: () => spare,
    step: stepSchemas[step],
    isRollback,
    random: () => 0.5,
  });
const stateNow = (): PaceState => fakes.pace.states.get(paceScopeKey(EKS))!;
/** So many seconds of calls wait there. */
const busy = (seconds: number, rate = 5): void => {
  const state = { ...freshState('eks'), cutAt: NOW, rate, atCut: 1000 };
  let head = 1000;
  while (backlogOf({ ...state, head }, 'eks', NOW) < seconds * 1000) head += 1;
  fakes.pace.states.set(paceScopeKey(EKS), { ...state, head });
};
const callOf = (pace: InvocationPace, waits = true, service: CalledService = 'eks'): Promise<string> =>
  pace.around(target, { waits })(service, async () => 'answer', nameOf);
const slept = (): number => fakes.clock.slept.reduce((sum, one) => sum + one, 0);

describe('a step', () => {
  it('reserves what it is known to call, of each service, before it begins', async () => {
    await paceOf('plan').admit(target);
    expect(fakes.pace.reservations.map(([key, calls]) => `${key.split('#')[0]} ${calls}`)).toEqual([
      'eks 9',
      'iam 20',
      'kube 10',
    ]);
    expect(fakes.clock.slept).toEqual([]);
  });

  it('that has changed nothing is sent back where it would wait for long, and leaves nothing reserved', async () => {
    busy(30);
    const before = stateNow();
    const sent = await paceOf('plan')
      .admit(target)
      .catch((error: unknown) => error as MigrationError);
    expect(sent).toMatchObject({ name: 'Paced' });
    const { message } = sent as MigrationError;
    expect(message).toContain(
      `Step plan waits for its turn to call EKS in account ${target.account}, ${target.region}: the service currently makes at most 5.0 calls a second there.`,
    );
    // The backlog and half of it.
    expect(pacedSeconds(message)).toBeGreaterThanOrEqual(45);
    expect(pacedSeconds(message)).toBeLessThanOrEqual(46);
    expect([stateNow(), fakes.clock.slept]).toEqual([before, []]);
  });

  it('gives back what it has reserved before it is sent back by another service', async () => {
    busy(3);
    const before = stateNow();
    const iam: PaceScope = { ...EKS, service: 'iam' };
    fakes.pace.states.set(paceScopeKey(iam), { ...freshState('iam'), cutAt: NOW, head: 1000 });
    await expect(paceOf('plan').admit(target)).rejects.toThrow(`to call IAM in account ${target.account}`);
    expect(stateNow()).toEqual(before);
  });

  it('waits for seconds in the middle of a change, and goes on', async () => {
    busy(30);
    const pace = paceOf('update-addon');
    await pace.admit(target);
    for (let call = 0; call < 8; call += 1) expect(await callOf(pace)).toBe('answer');
    // Five seconds each, until half of the time is up.
    expect(Math.max(...fakes.clock.slept)).toBe(5000);
    expect(slept()).toBeLessThanOrEqual(22_500);
    expect(slept()).toBeGreaterThan(20_000);
    expect(fakes.telemetry.measured[PACED_SECONDS]).toBeGreaterThan(0);
  });

  it.each<[string, StepName, boolean]>([
    ['of the rollback', 'verify-pods', true],
    ['after a delete', 'create-addon', false],
  ])('%s waits for nothing, and is counted', async (_, step, isRollback) => {
    busy(30);
    const before = stateNow().head;
    const pace = paceOf(step, { isRollback });
    await pace.admit(target);
    for (let call = 0; call < 8; call += 1) await callOf(pace);
    await pace.end();
    expect(fakes.clock.slept).toEqual([]);
    expect(stateNow().head).toBe(before + 8);
  });

  it('does not wait to change something', async () => {
    busy(30);
    await callOf(paceOf('update-addon'), false);
    expect(fakes.clock.slept).toEqual([]);
  });
});

describe('calls', () => {
  it('come at the rate where it was cut, and without gaps where it was not', async () => {
    const quick = paceOf('plan');
    await quick.admit(target);
    for (let call = 0; call < 12; call += 1) await callOf(quick);
    expect(fakes.clock.slept).toEqual([]);
    busy(0.2, 2);
    const slow = paceOf('plan');
    await slow.admit(target);
    const since = fakes.clock.now();
    for (let call = 0; call < 12; call += 1) await callOf(slow);
    // The first ones within a second's tolerance; the rate grows a little meanwhile.
    expect(fakes.clock.now() - since).toBeGreaterThan(3500);
    expect(fakes.clock.now() - since).toBeLessThan(6000);
  });

  it('never use up the time that the step needs to end', async () => {
    busy(30);
    spare = 0;
    const pace = paceOf('update-addon');
    await callOf(pace);
    expect(fakes.clock.slept).toEqual([]);
  });

  it('reserve more where there are more than expected, and give back what is left over', async () => {
    busy(2);
    const before = stateNow().head;
    const pace = paceOf('await-active');
    await pace.admit(target);
    for (let call = 0; call < 2; call += 1) await callOf(pace);
    expect(stateNow().head).toBe(before + 5);
    await pace.end();
    expect(stateNow().head).toBe(before + 2);
  });

  it('are not given back once all that are reserved are allowed: nobody waits for them', async () => {
    const pace = paceOf('plan');
    await pace.admit(target);
    const { cutAt, head } = stateNow();
    fakes.clock.advance(cutAt + (head / CEILINGS.eks) * 1000 - fakes.clock.now());
    await pace.end();
    expect(stateNow().head).toBe(head);
  });

  it('at once of one invocation share a reservation', async () => {
    const pace = paceOf('take-inventory');
    await Promise.all(Array.from({ length: 8 }, () => callOf(pace)));
    expect(fakes.pace.reservations.map(([, calls]) => calls)).toEqual([4, 4]);
  });

  it('that are refused in their turn halve the rate once, and throw what they threw', async () => {
    const pace = paceOf('plan');
    await pace.admit(target);
    const around = pace.around(target, { waits: true });
    for (let time = 0; time < 3; time += 1)
      await expect(around('eks', () => Promise.reject(throttled), nameOf)).rejects.toBe(throttled);
    expect(stateNow().rate).toBe(CEILINGS.eks / 2);
    expect(fakes.telemetry.counts[REFUSED_CALL]).toBe(3);
    await expect(around('eks', () => Promise.reject(new Error('lost')), nameOf)).rejects.toThrow('lost');
    expect(fakes.telemetry.counts[REFUSED_CALL]).toBe(3);
  });

  it('that did not wait for their turn say nothing about the rate', async () => {
    busy(30);
    const pace = paceOf('create-addon');
    await expect(pace.around(target, { waits: true })('eks', () => Promise.reject(throttled), nameOf)).rejects.toBe(
      throttled,
    );
    expect(stateNow().rate).toBe(5);
  });

  it("are refused by an API server's answer too", async () => {
    const pace = paceOf('verify-pods');
    const answer = { status: 429, body: '' };
    expect(await pace.around(target, { waits: true })('kubernetes', async () => answer, nameOf)).toBe(answer);
    expect(fakes.pace.states.get(paceScopeKey({ ...EKS, service: 'kubernetes' }))?.rate).toBe(CEILINGS.kubernetes / 2);
  });
});

it('without the ledger calls are made without a pace, which is logged and counted once', async () => {
  fakes.pace.down = new MigrationError('ServiceUnavailable', 'dynamodb: down');
  const pace = paceOf('plan');
  await pace.admit(target);
  for (let call = 0; call < 5; call += 1) expect(await callOf(pace)).toBe('answer');
  await expect(pace.around(target, { waits: true })('eks', () => Promise.reject(throttled), nameOf)).rejects.toBe(
    throttled,
  );
  await pace.end();
  expect(fakes.telemetry.counts[UNPACED]).toBe(1);
  expect(fakes.telemetry.lines).toEqual([
    {
      level: 'warn',
      message: 'plan: calls are made without the shared pace',
      fields: { error: 'ServiceUnavailable', message: 'dynamodb: down' },
    },
  ]);
});

describe('the handler', () => {
  const context = (): LambdaContext =>
    ({ awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 }) as LambdaContext;

  it('sends a plan back before it has read anything, and notes that in its line', async () => {
    busy(60);
    const request = { target, addon: 'aws-ebs-csi-driver' };
    const event = { migrationId: MIGRATION_ID, executionArn: executionArn(EXECUTION), request };
    await expectError(createHandler(planStep, fakes.dependencies)(event, context()), 'Paced');
    expect(fakes.journal.names().filter((name) => !name.startsWith('ledger.'))).toEqual([]);
    expect(fakes.journal.of('ledger.recordStep')).toMatchObject([[MIGRATION_ID, { error: { name: 'Paced' } }]]);
  });

  it('has a poll wait for its turn, and ask', async () => {
    busy(4);
    const event = { migrationId: MIGRATION_ID, target, subject: 'aws-ebs-csi-driver', attempt: 0, fence: 1 };
    await createHandler(awaitActiveStep, fakes.dependencies)(event, context()).catch(() => undefined);
    expect(fakes.pace.reservations[0]).toEqual([paceScopeKey(EKS), 1]);
  });
});
