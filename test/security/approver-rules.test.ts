/** Requesters and approvers with different names that may still be the same person. */
import { describe, expect, it } from 'vitest';
import type { ApproverRules } from '../../lambdas/domain/approval/approval.ts';
import { denial, requesterFor, requestFor } from '../../lambdas/domain/events/denial.ts';
import type { AuthenticatedRequester } from '../../lambdas/domain/approval/requester.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import { LONGEST_PRINCIPAL } from '../../lambdas/domain/aws/principal.ts';
import { itemId } from '../../lambdas/domain/sweep/items.ts';
import { decideApproval } from '../../lambdas/use-cases/approval/decide.ts';
import { newSweep } from '../../lambdas/use-cases/sweep/commanding.ts';
import { requestOf } from '../../lambdas/use-cases/sweep/flights.ts';
import { planStep } from '../../lambdas/steps/plan/handler.ts';
import { sweepRequest } from '../../lambdas/domain/sweep/request.ts';
import { send } from '../lambdas/api/gateway.ts';
import { type Fakes, invoke, newFakes } from '../lambdas/fakes.ts';
import { matching } from '../lambdas/matchers.ts';
import { ADDON, aMigration, aPlan, aRequest, at, EXECUTION, MIGRATION_ID, NOW, target } from '../lambdas/fixtures.ts';

const ACCOUNT = '111122223333';
const role = (name: string, session: string): string => `arn:aws:sts::${ACCOUNT}:assumed-role/${name}/${session}`;
const user = (name: string): string => `arn:aws:iam::${ACCOUNT}:user/${name}`;
const federated = (name: string): string => `arn:aws:sts::${ACCOUNT}:federated-user/${name}`;
const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
const BOB = role('Reviewer', 'bob');
const long = (name: string): string => user(`${'division/'.repeat(55)}${name}`);

interface Attempt {
  requester: AuthenticatedRequester | undefined;
  request?: Partial<MigrationRequest>;
  approver: string;
  rules?: Partial<ApproverRules>;
}

const putPending = ({ ledger }: Fakes, planHash: string): Promise<unknown> =>
  ledger.putApproval(
    MIGRATION_ID,
    { round: 1, planHash, state: 'pending', requestedAt: at(0), expiresAt: at(60) },
    { taskToken: 'token', at: NOW },
  );

/** Returns the reason why an approver of a waiting plan is barred; `undefined` if the approver may decide. */
async function attempt({ requester, request = {}, approver, rules = {} }: Attempt): Promise<string | undefined> {
  const fakes = newFakes();
  fakes.settings.approvals = { ...fakes.settings.approvals, ...rules };
  const asked = aRequest({ approval: 'required', ...request });
  const migration = aMigration({
    plan: aPlan(),
    request: asked,
    ...(requester ? { requester: { requester, request: asked } } : {}),
  });
  await fakes.ledger.putMigration(migration);
  const planHash = migration.plan!.hash;
  await putPending(fakes, planHash);
  fakes.executions.tasks.set('token', 'waiting');
  const decided = await decideApproval(MIGRATION_ID, { decision: 'approve', planHash }, approver, fakes.dependencies);
  if (!('refused' in decided)) return undefined;
  expect([decided.refused, fakes.executions.tasks.get('token')]).toEqual(['barred', 'waiting']);
  return decided.why;
}
const byApi = (principal: string): AuthenticatedRequester => ({ source: 'api', principal });

describe('an approver who may be the requester', () => {
  it.each<[string, string, string, RegExp]>([
    ['a federated user under another name', federated('ann'), federated('bob'), /does not show whose session it is/],
    ['a federated user, and the user that may own the session', federated('ann'), user('ann'), /does not show whose/],
    ['a user, and a federated user', user('ann'), federated('bob'), /does not show whose session it is/],
    ['the root user, and a federated user', ROOT, federated('bob'), /does not show whose session it is/],
    ['the root user, twice', ROOT, ROOT, /this is the same user/],
    ['a user whose name differs in case', user('ann'), user('Ann'), /this is the same user/],
    ['a user with a long path, twice', long('ann'), long('ann'), /this is the same user/],
    ['a role in another session', role('Deployer', 'ann'), role('Deployer', 'bob'), /this is the same role/],
    [
      'a role, and the ARN of the role',
      role('Deployer', 'ann'),
      `arn:aws:iam::${ACCOUNT}:role/eng/Deployer`,
      /same role/,
    ],
    ['a text that is not an ARN', role('Deployer', 'ann'), 'the-boss', /not the complete ARN of a user or a role/],
    ['half an ARN', role('Deployer', 'ann'), BOB.slice(4), /not the complete ARN of a user or a role/],
    [
      'an ARN of a partition that does not exist',
      role('Deployer', 'ann'),
      BOB.replace('aws', 'aws-x'),
      /not the complete/,
    ],
  ])('is barred: %s', async (_, requester, approver, why) =>
    expect(await attempt({ requester: byApi(requester), approver })).toMatch(why),
  );

  it.each<[string, string, string]>([
    ['two roles', role('Deployer', 'ann'), BOB],
    ['two users', user('ann'), user('team/bob')],
    ['two users with the same long path', long('ann'), long('bob')],
    ['a federated user, and a role', federated('ann'), BOB],
    ['a user and the root user', user('ann'), ROOT],
    ['roles with the same name in two accounts', role('Deployer', 'ann'), BOB.replace(ACCOUNT, '444455556666')],
    [
      'roles in China',
      'arn:aws-cn:sts::111122223333:assumed-role/a/x1',
      'arn:aws-cn:sts::111122223333:assumed-role/b/x1',
    ],
  ])('may approve: %s', async (_, requester, approver) =>
    expect(await attempt({ requester: byApi(requester), approver })).toBeUndefined(),
  );

  it.each<[Partial<ApproverRules>, string, RegExp]>([
    [{ approver: 'anyone' }, role('Deployer', 'ann'), /^admitted$/],
    [{ approver: 'another-session' }, role('Deployer', 'ann'), /this is the same principal/],
    [{ approver: 'another-session' }, role('Deployer', 'bob'), /^admitted$/],
  ])('is evaluated by the rule of the deployment: %j, %s', async (rules, approver, why) =>
    expect((await attempt({ requester: byApi(role('Deployer', 'ann')), approver, rules })) ?? 'admitted').toMatch(why),
  );
});

describe('an unauthenticated requester', () => {
  const UNKNOWN = /^the requester is not authenticated/;
  it.each(['ssm-automation 0d1f3f54-7d9e-4b5b-9f0a-5f4f7c1c9e11', 'cloudtrail: someone', role('Deployer', 'ann'), ''])(
    'bars every approver by default: %j',
    async (requestedBy) => {
      const given = { requester: undefined, request: { requestedBy } };
      expect(await attempt({ ...given, approver: BOB })).toMatch(UNKNOWN);
      expect(await attempt({ ...given, approver: BOB, rules: { approver: 'another-session' } })).toMatch(UNKNOWN);
      expect(await attempt({ ...given, approver: BOB, rules: { approver: 'anyone' } })).toBeUndefined();
      expect(await attempt({ ...given, approver: BOB, rules: { allowUnknownRequester: true } })).toBeUndefined();
    },
  );
  it('bars the principal that it names itself if the deployment allows unknown requesters', async () => {
    const given = { requester: undefined, rules: { allowUnknownRequester: true } };
    const named = { ...given, request: { requestedBy: role('Deployer', 'ann') } };
    expect(await attempt({ ...named, approver: role('Deployer', 'bob') })).toMatch(/this is the same role/);
    expect(await attempt({ ...given, request: { requestedBy: 'me' }, approver: 'me' })).toMatch(/same principal/);
  });
  it('is not the one recorded for another request', async () => {
    const fakes = newFakes();
    const asked = aRequest({ approval: 'required' });
    // Recorded by the API, and then started by hand under the same id, with more than was requested.
    await fakes.ledger.putMigration({
      ...aMigration({ request: asked }),
      requester: { requester: byApi(role('Deployer', 'ann')), request: asked },
    });
    const more = { ...asked, maxDisruption: 'outage' as const };
    await fakes.ledger.putMigration(aMigration({ request: more }));
    const planHash = (await fakes.ledger.getMigration(MIGRATION_ID))!.plan!.hash;
    await putPending(fakes, planHash);
    const decided = await decideApproval(MIGRATION_ID, { decision: 'approve', planHash }, BOB, fakes.dependencies);
    expect(decided).toMatchObject({ refused: 'barred', why: matching(UNKNOWN) });
  });
});

describe('the principal of the denied call that the service answers', () => {
  const event = (arn: string | undefined) =>
    denial.parse({
      account: ACCOUNT,
      region: 'eu-west-1',
      detail: {
        eventID: 'e-1',
        eventTime: '2026-01-05T09:00:00Z',
        ...(arn === undefined ? {} : { userIdentity: { arn } }),
        requestParameters: { name: 'dev', addonName: ADDON },
      },
    });
  const judge = (arn: string | undefined, approver: string): Promise<string | undefined> => {
    const { requestedBy } = requestFor(event(arn), 'ask');
    return attempt({ requester: requesterFor(event(arn)), request: { requestedBy }, approver });
  };
  it('is barred by the whole ARN in the event, however long, and no one else is', async () => {
    expect(await judge(role('Deployer', 'ann'), role('Deployer', 'bob'))).toMatch(/this is the same role/);
    expect(await judge(long('ann'), long('ann'))).toMatch(/this is the same user/);
    expect(requestFor(event(long('ann')), 'ask').requestedBy).toBe(`cloudtrail: ${long('ann')}`);
    expect(await judge(long('ann'), long('bob'))).toBeUndefined();
  });
  it.each([undefined, 'someone', role('Deployer', 'ann').slice(0, -5), `${user('a')}${'x'.repeat(LONGEST_PRINCIPAL)}`])(
    'is unknown if the event has %s',
    async (arn) => {
      expect(await judge(arn, BOB)).toMatch(/^the requester is not authenticated/);
      expect(requestFor(event(arn), 'ask').requestedBy).toBe('cloudtrail: an unknown principal');
    },
  );
});

it('a principal with a long ARN requests by the API, and cannot approve the request', async () => {
  const fakes = newFakes();
  const caller = long('ann');
  expect(caller.length).toBeGreaterThan(500);
  const asked = { target, addon: ADDON, approval: 'required' };
  const { status, body } = await send(fakes, { method: 'POST', path: '/migrations', body: asked, caller });
  expect(status).toBe(202);
  expect(await fakes.ledger.getMigration((body as { migrationId: string }).migrationId)).toMatchObject({
    request: { requestedBy: caller },
    requester: { requester: { source: 'api', principal: caller } },
  });
});

describe('the requester of a sweep', () => {
  const SWEEP = '01JD8Z5Q6R7S8T9V0W1X2Y3Z50';
  const options = { approval: 'required' as const };
  const started = async (more: object): Promise<{ fakes: Fakes; id: string; request: MigrationRequest }> => {
    const fakes = newFakes();
    const request = sweepRequest.parse({ mode: 'migrate', options, requestedBy: role('Deployer', 'ann') });
    const sweep = newSweep({ sweepId: SWEEP, request, startedAt: at(0), ...more });
    await fakes.sweeps.create(sweep);
    return { fakes, id: itemId(sweep, target, ADDON), request: requestOf(sweep, { ...target, addon: ADDON }) };
  };
  const noted = async (
    { fakes }: { fakes: Fakes },
    migrationId: string,
    request: MigrationRequest,
  ): Promise<AuthenticatedRequester | undefined> => {
    const input = { migrationId, executionArn: EXECUTION, request: JSON.parse(JSON.stringify(request)) as unknown };
    await invoke(planStep, input, fakes);
    return (await fakes.ledger.getMigration(migrationId))!.requester?.requester;
  };

  it('is the requester of its migrations: by the API, or none for a schedule', async () => {
    const ann = byApi(role('Deployer', 'ann'));
    const one = await started({ requester: ann });
    expect(await noted(one, one.id, one.request)).toEqual(ann);
    const other = await started({ schedule: { name: 'weekly', at: at(0) } });
    const schedule = { source: 'schedule', schedule: 'weekly' } as const;
    expect(await noted(other, other.id, other.request)).toEqual(schedule);
    expect(await attempt({ requester: schedule, approver: role('Deployer', 'ann') })).toBeUndefined();
  });
  it('is unknown if the sweep was started by hand', async () => {
    const one = await started({});
    expect(await noted(one, one.id, one.request)).toBeUndefined();
  });
  it.each<[string, (id: string, request: MigrationRequest) => [string, MigrationRequest]]>([
    ['under another id', (_, request) => [MIGRATION_ID, request]],
    ['with another request', (id, request) => [id, { ...request, strategy: 'recreate' }]],
    ['for another reason', (id, request) => [id, { ...request, reason: 'because' }]],
  ])('is not the requester of a migration that was started by hand in its name, %s', async (_, change) => {
    const one = await started({ requester: byApi(role('Deployer', 'ann')) });
    expect(await noted(one, ...change(one.id, one.request))).toBeUndefined();
  });
});
