/**
 * Attacks on approvals, and requests that the gateway must not accept: all are refused, with nothing changed and
 * nothing started.
 */
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { SendTaskFailureCommand, SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { createApiClient } from '../../cli/api/http.ts';
import { problem } from '../../lambdas/api/problems.ts';
import { issueAccessKey } from '../../sandbox/authorization/access-keys.ts';
import type { Knobs } from '../../sandbox/scenario/scenario.ts';
import { expectHostileAnswered } from './api-hostile.ts';
import {
  type ApiWorld,
  BODY,
  ended,
  inApiWorld,
  migrationsIn,
  MINUTES,
  pending,
  personIn,
  problemIn,
  ROLES,
  SERVICE_ACCOUNT,
  WANTS_APPROVAL,
} from './api-world.ts';
import { ADDON } from './fixture.ts';
import { expectError } from '../lambdas/matchers.ts';

/** Still waiting, and nothing has changed. */
async function stillWaits({ world, sandbox, bob }: ApiWorld, id: string): Promise<void> {
  await world.later(15 * MINUTES);
  expect(await bob.shown(id)).toMatchObject({ status: 'running', executionStatus: 'RUNNING' });
  expect([sandbox.world.log.mutations(), await world.backend.ledger.listHeldLocks()]).toEqual([[], []]);
  expect(migrationsIn({ world, sandbox }).filter(({ status }) => status === 'RUNNING')).toHaveLength(1);
}

describe('an approval under attack', () => {
  it('cannot be sent to Step Functions by a principal without permission, with or without the token', () =>
    inApiWorld({}, async (given) => {
      const { world, sandbox, ann, bob } = given;
      const id = await ann.migrate(WANTS_APPROVAL);
      const { planHash } = await pending(sandbox, bob, id);
      const taskToken = (await world.backend.ledger.approvalToken(id, 1))!;
      const states = sandbox.clients(bob.credentials).stepFunctions();
      const output = JSON.stringify({ planHash, decidedBy: bob.arn });
      const succeed = (token: string) => states.send(new SendTaskSuccessCommand({ taskToken: token, output }));
      const failure = new SendTaskFailureCommand({ taskToken, error: 'ApprovalRejected' });
      await expectError(succeed(taskToken), 'AccessDeniedException');
      await expectError(states.send(failure), 'AccessDeniedException');
      await expectError(succeed('QUFBQUtn'), 'InvalidToken');
      await stillWaits(given, id);
      expect((await bob.shown(id)).approvals).toMatchObject([{ state: 'pending' }]);
      await bob.cancel(id);
      await world.rest();
    }));

  it('does not count if it is written into the ledger by hand', async () =>
    inApiWorld({}, async (given) => {
      const { world, sandbox, ann, bob } = given;
      const id = await ann.migrate(WANTS_APPROVAL);
      const { planHash } = await pending(sandbox, bob, id);
      // The operator may do anything with the table; callers of the API may not.
      const forge = new UpdateItemCommand({
        TableName: sandbox.outputs.tableName,
        Key: { pk: { S: `MIGRATION#${id}` }, sk: { S: 'APPROVAL#01' } },
        UpdateExpression: 'SET #state = :approved, decidedBy = :who, decidedAt = :at REMOVE pending',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':approved': { S: 'approved' },
          ':who': { S: 'arn:aws:sts::111122223333:assumed-role/reviewer/forger' },
          ':at': { S: '2026-01-15T09:05:00.000Z' },
        },
      });
      await expectError(sandbox.clients(bob.credentials).dynamodb().send(forge), 'AccessDeniedException');
      await sandbox.clients().dynamodb().send(forge);
      expect((await bob.shown(id)).approvals).toMatchObject([{ state: 'approved' }]);
      await stillWaits(given, id);
      // No other principal can claim it afterwards.
      expect((await bob.refusedDecision(id, planHash)).detail).toContain('assumed-role/reviewer/forger');
      await stillWaits(given, id);
      // A cancel still works.
      await bob.cancel(id);
      await world.later(MINUTES);
      expect(await bob.shown(id)).toMatchObject({ outcome: 'blocked', failure: { name: 'Cancelled' } });
      expect(world.changes()).toEqual([]);
    }));

  it('counts once: a repetition changes nothing, and a second approver is refused', async () =>
    inApiWorld({}, async ({ world, sandbox, ann, bob }) => {
      const eve = personIn(sandbox, ROLES.reviewer, 'eve');
      const id = await ann.migrate(WANTS_APPROVAL);
      const { planHash } = await pending(sandbox, bob, id);
      await bob.approve(id, planHash);
      expect((await bob.approve(id, planHash)).approval).toMatchObject({ decidedBy: bob.arn });
      await eve.refusedDecision(id, planHash);
      await bob.refusedDecision(id, planHash, 'reject');
      expect(await ended(sandbox, ann, id)).toMatchObject({
        outcome: 'migrated',
        approvals: [{ round: 1, decidedBy: bob.arn }],
      });
      // Replayed for the next migration of the same add-on, where no decision is pending.
      const next = await ann.migrate(WANTS_APPROVAL);
      await world.rest();
      await bob.refusedDecision(next, planHash);
      expect(migrationsIn({ world, sandbox })).toHaveLength(2);
    }));

  it('belongs to one migration and one plan: for another plan, or after a cancel, it is refused', () =>
    inApiWorld({}, async (given) => {
      const { world, sandbox, ann, bob } = given;
      const first = await ann.migrate(WANTS_APPROVAL);
      const other = await ann.migrate({ ...WANTS_APPROVAL, strategy: 'recreate' });
      const [one, two] = [await pending(sandbox, bob, first), await pending(sandbox, bob, other)];
      expect(one.planHash).not.toBe(two.planHash);
      expect(await bob.refusedDecision(first, two.planHash)).toMatchObject({
        status: 409,
        errors: [{ field: 'body.planHash' }],
      });
      await bob.cancel(other);
      await world.later(MINUTES);
      await bob.refusedDecision(other, two.planHash);
      await stillWaits(given, first);
      expect(await bob.shown(other)).toMatchObject({ outcome: 'blocked', approvals: [{ state: 'withdrawn' }] });
      await bob.cancel(first);
      await world.rest();
      await bob.refusedDecision(first, one.planHash);
      expect(world.changes()).toEqual([]);
    }));
});

/** Nothing was started, and nothing was recorded. */
const nothing = async ({ world, sandbox }: Pick<ApiWorld, 'world' | 'sandbox'>): Promise<void> => {
  expect([sandbox.executions.running(), migrationsIn({ world, sandbox })]).toEqual([[], []]);
  expect(sandbox.world.log.mutations()).toEqual([]);
  expect((await world.backend.ledger.listMigrations({}, 10)).migrations).toEqual([]);
};

describe('an unauthorized request', () => {
  it('is a 403 problem if it is unsigned, signed by a wrong key or for another service, tampered with, expired, or without permission', async () =>
    inApiWorld({}, async (given) => {
      const { sandbox, ann } = given;
      const { http } = sandbox.clients().config.transport;
      const { region } = sandbox.world.home;
      const url = sandbox.apiUrl!;
      const text = JSON.stringify(BODY);
      const unsigned = { method: 'POST', url: `${url}/migrations`, headers: { 'content-type': 'application/json' } };
      const { body: answer, ...rest } = await http({ ...unsigned, body: text });
      problemIn({ ...rest, text: answer }, 'gateway-missing-authentication-token');

      // The request that is sent in the end, changed in transit.
      const tampered = (
        change: (request: Parameters<typeof http>[0]) => Parameters<typeof http>[0],
        options: Partial<Parameters<typeof createApiClient>[0]> = {},
      ) =>
        createApiClient({
          url,
          region,
          credentials: ann.credentials,
          http: (request) => http(change(request)),
          ...options,
        })
          .request('POST', '/migrations', { body: BODY })
          .then(({ body, ...heard }) => ({ ...heard, text: body }));
      const as = (request: Parameters<typeof http>[0]) => request;
      const withKey = (change: Partial<typeof ann.credentials>) =>
        tampered(as, { credentials: { ...ann.credentials, ...change } });
      for (const refused of [
        await tampered((request) => ({ ...request, body: text.replace(ADDON, 'vpc-cni') })),
        await tampered((request) => ({ ...request, url: request.url.replace('/migrations', '/plans') })),
        await withKey({ secretAccessKey: 'x'.repeat(40) }),
        await tampered(as, { now: () => new Date(Date.now() - 20 * MINUTES) }),
      ])
        problemIn(refused, 'gateway-invalid-signature');
      const { accessKeyId, secretAccessKey, sessionToken } = issueAccessKey(sandbox.world, ROLES.deployer, {
        sessionName: 'ann',
        expiresAt: Date.now() - 1000,
      });
      for (const refused of [
        await withKey({ accessKeyId: 'ASIAAAAAAAAAAAAAAAAA' }),
        await tampered(as, { region: 'us-east-1' }),
        await withKey({ accessKeyId, secretAccessKey, sessionToken: sessionToken! }),
      ]) {
        expect(refused).toMatchObject({ status: 403, headers: { 'content-type': 'application/problem+json' } });
        expect(problem.parse(JSON.parse(refused.text)).code).toMatch(/^gateway-/);
      }

      const visitor = personIn(sandbox, ROLES.visitor, 'vic');
      for (const [method, path] of [
        ['GET', '/migrations'],
        ['POST', '/migrations'],
        ['POST', '/plans'],
      ] as const) {
        const answered = await visitor.ask(method, path, method === 'GET' ? {} : { body: BODY });
        const denied = problemIn(answered, 'gateway-access-denied');
        expect(denied.detail).toContain('is not authorized to perform: execute-api:Invoke');
      }
      await nothing(given);
    }));
});

describe('hostile requests through the gateway', () => {
  it('that are signed are answered, and never by a 5xx; everything but a success is a problem, and starts nothing', () =>
    expectHostileAnswered(60));
});

it.each<Knobs['apiPathParameters']>(['encoded', 'decoded'])(
  'a path that is percent-encoded gets an answer about the decoded path if the function receives it %s',
  (apiPathParameters) =>
    inApiWorld({ knobs: { apiPathParameters } }, async ({ world, ann }) => {
      const id = await ann.plan();
      await world.rest();
      const encoded = id.replace(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`);
      const shown = await ann.ask('GET', `/plans/${encoded}`);
      expect(shown).toMatchObject({ status: 200 });
      expect(JSON.parse(shown.text)).toMatchObject({
        migrationId: id,
        links: { self: `/v1/plans/${id}`, migration: `/v1/migrations/${id}` },
      });
      const identities = await ann.ask('GET', '/clusters/reliability%2Ddev/identities', {
        query: { region: 'eu-west-1' },
      });
      expect(identities.status).toBe(200);
      for (const path of [
        '/migrations/%2f',
        '/migrations/%00',
        '/migrations/%',
        '/migrations/%zz',
        `/migrations/${id}%2fcancel`,
      ]) {
        const refused = await ann.ask('GET', path);
        expect({
          path,
          isRefused: [400, 403, 404].includes(refused.status),
          type: refused.headers['content-type'],
        }).toEqual({ path, isRefused: true, type: 'application/problem+json' });
      }
      expect((world.readAddon(ADDON, SERVICE_ACCOUNT) as { pods: string[] }).pods).not.toContain('pod-identity');
    }),
);
