/** Runs that use the service's HTTP API, one request after the other, through the sandbox's API Gateway. */
import type { AwsCredentialIdentity } from '@smithy/types';
import type { z } from 'zod';
import { type ApiClient, createApiClient } from '../../cli/api/http.ts';
import { type OperationId, OPERATIONS } from '../../lambdas/api/operations.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { isOfIdentityCenter } from '../../lambdas/domain/aws/principal.ts';
import { GRACE_MS } from '../../lambdas/steps/take-over/schema.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { credentialsOf, issueAccessKey, operatorRoleArn } from '../../sandbox/authorization/access-keys.ts';

interface Given {
  /** Of the migration, or the sweep, that the path names. */
  id?: string;
  query?: Record<string, string>;
  body?: object;
  idempotencyKey?: string;
}

export interface ApiCaller {
  target: Target;
  /** The first that uses IRSA. */
  addon: string | undefined;
  /**
   * In one session, but for decisions about approvals. Rejects with Refusal where the answer is not the one that the
   * operation has when all is well.
   */
  ask: <Id extends OperationId>(operation: Id, given?: Given) => Promise<z.output<(typeof OPERATIONS)[Id]['answer']>>;
  sleep: (seconds: number) => Promise<void>;
  /** Until no execution runs. */
  rest: () => Promise<void>;
}

export type ByApi = (api: ApiCaller) => Promise<void>;

/** The API has answered with a problem: nothing that comes after it can be asked. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** `onAsked`: told of each operation that was answered. The caller has to be a thread of the sandbox's clock. */
export const createApiCaller = (
  sandbox: Sandbox,
  location: Pick<ApiCaller, 'target' | 'addon' | 'rest'>,
  onAsked: (operation: OperationId) => void,
): ApiCaller => {
  const { apiUrl: url = '', world, clock } = sandbox;
  const operator = operatorRoleArn(world);
  // Two people who share a role, where the world has one for that: by another, one could not approve the other's.
  const roles = [...(world.accounts.get(world.home.account)?.roles.values() ?? [])].map(({ arn }) => arn);
  const shared = roles.find(isOfIdentityCenter) ?? operator;
  const clientOf = (credentials: AwsCredentialIdentity): ApiClient =>
    createApiClient({ url, region: world.home.region, credentials, http: sandbox.clients().config.transport.http });
  const clientIn = (role: string, sessionName: string): ApiClient => {
    const { accessKeyId, secretAccessKey, sessionToken = '' } = issueAccessKey(world, role, { sessionName });
    return clientOf({ accessKeyId, secretAccessKey, sessionToken });
  };
  const requester = shared === operator ? clientOf(credentialsOf(world, operator)) : clientIn(shared, 'requester');
  const reviewer = clientIn(shared, 'reviewer');
  return {
    ...location,
    sleep: (seconds) => clock.sleep(seconds * 1000),
    ask: async (operation, { id = '', query = {}, body, idempotencyKey } = {}) => {
      const { method, path, status, answer } = OPERATIONS[operation];
      const answered = await (operation === 'decideApproval' ? reviewer : requester).request(
        method,
        path.replace('{id}', id).replace('{name}', location.target.cluster),
        {
          query,
          ...(body === undefined ? {} : { body }),
          ...(idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } }),
        },
      );
      if (answered.status !== status) throw new Refusal(`${operation} ${answered.status}`, { cause: answered.body });
      onAsked(operation);
      return answer.parse(JSON.parse(answered.body)) as z.output<(typeof OPERATIONS)[typeof operation]['answer']>;
    },
  };
};

/** Long enough for a plan. */
const PLANNED = 20;
const required = { approval: 'required' } as const;
/** Closed when scenarios begin, at the full hour; open five minutes later. */
const LATER = { schedule: '5 * * * *', durationMinutes: 30, timeZone: 'UTC' };

const hashOf = async ({ ask }: ApiCaller, id: string): Promise<string | undefined> =>
  (await ask('getPlan', { id })).plan?.hash;

const OTHER_FILTERS: Record<string, string>[] = [{ requestedBy: 'ada' }, { status: 'ended' }, { outcome: 'blocked' }];

/** A dry run, which is looked at. */
export const plans: ByApi = async ({ ask, target, addon, rest }) => {
  const { migrationId: id } = await ask('createPlan', { body: { target, addon } });
  await rest();
  await ask('getPlan', { id });
  await ask('getHandOff', { id, query: { format: 'terraform' } });
};

/** A migration that is approved, waits for its window, and is rolled back; both are sent twice. */
export const approves: ByApi = async (api) => {
  const { ask, target, addon, sleep, rest } = api;
  const request = { body: { target, addon, ...required, changeWindow: LATER }, idempotencyKey: 'migrate' };
  const { migrationId: id } = await ask('createMigration', request);
  await ask('createMigration', request);
  await sleep(PLANNED);
  await ask('getMigration', { id });
  await ask('decideApproval', { id, body: { decision: 'approve', planHash: await hashOf(api, id) } });
  await rest();
  const { account, cluster } = target;
  // Each is read from another index.
  const filters = [{}, target, { cluster }, { account }, { addon: addon ?? '' }, ...OTHER_FILTERS];
  for (const query of filters) await ask('listMigrations', { query });
  await sleep(GRACE_MS / 1000);
  await ask('rollBack', { id, body: {}, idempotencyKey: 'back' });
  await rest();
  await ask('getMigration', { id });
};

/** One plan that is rejected, and one whose migration is cancelled while it waits. */
export const refuses: ByApi = async (api) => {
  const { ask, target, addon, sleep, rest } = api;
  const body = { target, addon, ...required };
  const first = await ask('createMigration', { body });
  await sleep(PLANNED);
  await ask('decideApproval', {
    id: first.migrationId,
    body: { decision: 'reject', planHash: await hashOf(api, first.migrationId), reason: 'not today' },
  });
  await rest();
  const second = await ask('createMigration', { body });
  await sleep(PLANNED);
  await ask('cancel', { id: second.migrationId, body: {} });
  await rest();
};

/** Two for one add-on: one waits for an approval, and is ended once the other one has begun. */
export const supersedes: ByApi = async (api) => {
  const { ask, target, addon, sleep, rest } = api;
  await ask('createMigration', { body: { target, addon, ...required } });
  await sleep(PLANNED);
  await ask('createMigration', { body: { target, addon } });
  await rest();
};

/**
 * A retirement that is looked at beforehand, one whose execution is not started by what accepted it (a fault has to see
 * to that, at its third StartExecution), and what puts it back: rejected once, then
 * approved.
 */
export const retires: ByApi = async ({ ask, target, addon, sleep, rest }) => {
  const { migrationId: id } = await ask('createMigration', { body: { target, addon } });
  await rest();
  await ask('retire', { id, body: { soakDays: 0 } });
  await rest();
  const isLost = await ask('retire', { id, body: { dryRun: false, soakDays: 0 } }).then(
    () => false,
    (error: unknown) => error instanceof Refusal,
  );
  if (!isLost) throw new Error('The retirement was started at once.');
  // By schedule.
  await sleep(7 * 60);
  await rest();
  // By then, the deployment's window is closed.
  await sleep(30 * 60);
  const reinstate = { id, body: { action: 'reinstate', dryRun: false } };
  const decisions = [{ decision: 'reject', reason: 'not today' }, { decision: 'approve' }];
  for (const [index, decision] of decisions.entries()) {
    await ask('retire', { ...reinstate, idempotencyKey: `back-${index}` });
    await sleep(PLANNED);
    const { retirement } = await ask('getMigration', { id });
    await ask('decideApproval', { id, body: { ...decision, planHash: retirement?.planHash } });
    await rest();
  }
};

/** How the workloads of the cluster get their credentials. */
export const looks: ByApi = async ({ ask, target: { account, region } }) => {
  await ask('listIdentities', { query: { account, region } });
};
