/**
 * Uses the service only through its HTTP API, in virtual time: principals with their own permissions, whose requests
 * the SDK's signer signs.
 */
import type { AwsCredentialIdentity } from '@smithy/types';
import { expect } from 'vitest';
import type { z } from 'zod';
import { firstExecutionOf } from '../../cli/service/known.ts';
import { createApiClient, type ApiClient, type ApiRequestOptions } from '../../cli/api/http.ts';
import {
  accepted,
  approvalAnswer,
  cancelAnswer,
  type MigrationAnswer,
  migrationAnswer,
  planAnswer,
  type PlanAnswer,
  rollbackAnswer,
} from '../../lambdas/api/answers.ts';
import { problem, type Problem, type ProblemKind } from '../../lambdas/api/problems.ts';
import type { Execution } from '../../sandbox/states/executions.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { issueAccessKey } from '../../sandbox/authorization/access-keys.ts';
import { sessionArn } from '../../sandbox/authorization/sessions.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { ADDON, TARGET } from './fixture.ts';
import { inWorld, type OpenWorld, type WorldOptions } from './world.ts';

export const SERVICE_ACCOUNT = 'ebs-csi-controller-sa';
export const MINUTES = 60_000;
export const HOURS = 60 * MINUTES;
export const BODY = { target: TARGET, addon: ADDON };
export const WANTS_APPROVAL = { ...BODY, approval: 'required' } as const;

const roleArn = (name: string): string => `arn:aws:iam::${TARGET.account}:role/${name}`;
/** May call every method of every API of the account, and nothing else; as in docs/api.md. */
const CALLS_APIS = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: 'execute-api:Invoke',
      Resource: `arn:aws:execute-api:${TARGET.region}:${TARGET.account}:*`,
    },
  ],
};
/** Roles of people and pipelines. `visitor` has no permissions at all. */
export const ROLES = {
  deployer: roleArn('deployer'),
  reviewer: roleArn('reviewer'),
  visitor: roleArn('visitor'),
} as const;

export const withPeople = (scenario: Scenario): void => {
  const trustPolicy = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${TARGET.account}:root` }, Action: 'sts:AssumeRole' },
    ],
  };
  for (const arn of Object.values(ROLES)) {
    const policies = arn === ROLES.visitor ? [] : [{ name: 'calls-the-api', document: CALLS_APIS }];
    scenario.accounts[0]!.roles.push({
      arn,
      trustPolicy,
      policies,
      attachedPolicies: [],
      tags: {},
      createdAt: '2025-01-01T00:00:00.000Z',
    });
  }
};

export interface Heard {
  status: number;
  headers: Record<string, string>;
  text: string;
}

/** One principal that calls the API. */
export class Person {
  readonly arn: string;
  readonly credentials: AwsCredentialIdentity;
  readonly client: ApiClient;
  /** All answers that the principal has received. */
  readonly heard: Heard[] = [];

  constructor(sandbox: Sandbox, role: string, session: string) {
    const {
      accessKeyId,
      secretAccessKey,
      sessionToken = '',
    } = issueAccessKey(sandbox.world, role, { sessionName: session });
    this.arn = sessionArn(role, session);
    this.credentials = { accessKeyId, secretAccessKey, sessionToken };
    this.client = createApiClient({
      url: sandbox.apiUrl!,
      region: sandbox.world.home.region,
      credentials: this.credentials,
      http: sandbox.clients().config.transport.http,
    });
  }

  async ask(method: string, path: string, options?: ApiRequestOptions): Promise<Heard> {
    const { status, headers, body: text } = await this.client.request(method, path, options);
    const heard = { status, headers, text };
    this.heard.push(heard);
    return heard;
  }

  private async well<Schema extends z.ZodType>(
    schema: Schema,
    status: number,
    ...question: Parameters<Person['ask']>
  ): Promise<z.output<Schema>> {
    const answered = await this.ask(...question);
    const { 'content-type': type, 'cache-control': cache } = answered.headers;
    if (answered.status !== status || type !== 'application/json' || cache !== 'no-store')
      throw new Error(
        `${question[0]} ${question[1]} was answered by ${answered.status}, ${type ?? ''}, ${cache ?? ''}: ${answered.text}`,
      );
    return schema.parse(JSON.parse(answered.text));
  }

  /** Returns the problem of a refusal, and asserts its code. */
  async refused(kind: ProblemKind, ...question: Parameters<Person['ask']>): Promise<Problem> {
    return problemIn(await this.ask(...question), kind);
  }

  /** Returns the problem of a decision that is refused. */
  refusedDecision = (
    id: string,
    planHash: string,
    decision: 'approve' | 'reject' = 'approve',
    kind: ProblemKind = 'no-approval',
  ): Promise<Problem> => this.refused(kind, 'POST', `/migrations/${id}/approval`, { body: { decision, planHash } });
  /** Returns the problem of a cancellation that is refused. */
  refusedCancel = (id: string): Promise<Problem> =>
    this.refused('no-cancel', 'POST', `/migrations/${id}/cancel`, { body: {} });

  private async accepted(path: string, body: object, key: string | undefined): Promise<string> {
    const headers = key === undefined ? {} : { headers: { 'idempotency-key': key } };
    return (await this.well(accepted, 202, 'POST', path, { body, ...headers })).migrationId;
  }

  /** Returns the id, as `migrate` does. */
  plan = (body: object = BODY, key?: string): Promise<string> => this.accepted('/plans', body, key);
  migrate = (body: object = BODY, key?: string): Promise<string> => this.accepted('/migrations', body, key);
  shownPlan = (id: string): Promise<PlanAnswer> => this.well(planAnswer, 200, 'GET', `/plans/${id}`);
  shown = (id: string): Promise<MigrationAnswer> => this.well(migrationAnswer, 200, 'GET', `/migrations/${id}`);
  approve = (id: string, planHash: string, decision: 'approve' | 'reject' = 'approve', reason?: string) =>
    this.well(approvalAnswer, 200, 'POST', `/migrations/${id}/approval`, {
      body: { decision, planHash, ...(reason === undefined ? {} : { reason }) },
    });
  cancel = (id: string, reason = 'not today') =>
    this.well(cancelAnswer, 202, 'POST', `/migrations/${id}/cancel`, { body: { reason } });
  rollBack = (id: string, reason = 'the new role lacks a permission') =>
    this.well(rollbackAnswer, 202, 'POST', `/migrations/${id}/rollback`, { body: { reason } });
}

/** One of the service's own codes, or of the gateway's (`gateway-access-denied`). */
export const problemIn = ({ status, headers, text }: Heard, kind: string): Problem => {
  expect({ type: headers['content-type'], body: JSON.parse(text) as unknown }).toMatchObject({
    type: 'application/problem+json',
    body: { type: `urn:eks-pod-identity-migrator:problem:${kind}`, code: kind, status },
  });
  return problem.parse(JSON.parse(text));
};

/** A world whose service is used through its API. Ann requests, Bob decides. */
export interface ApiWorld {
  world: OpenWorld;
  sandbox: Sandbox;
  ann: Person;
  bob: Person;
}

export const personIn = (sandbox: Sandbox, role: string, session: string): Person => new Person(sandbox, role, session);

export const inApiWorld = <T>(options: Partial<WorldOptions>, work: (given: ApiWorld) => Promise<T>): Promise<T> =>
  inWorld(
    { scenario: 'ebs-csi-irsa', ...options, change: (scenario) => (withPeople(scenario), options.change?.(scenario)) },
    (world) => {
      const { sandbox } = world.backend;
      return work({
        world,
        sandbox,
        ann: personIn(sandbox, ROLES.deployer, 'ann'),
        bob: personIn(sandbox, ROLES.reviewer, 'bob'),
      });
    },
  );

/** Executions of MigrateAddon, oldest first. */
export const migrationsIn = ({ world, sandbox }: Pick<ApiWorld, 'world' | 'sandbox'>): Execution[] =>
  sandbox.executions.list(world.backend.stateMachineArn).toReversed();

/** Runs all at once, each in a separate thread. */
export const atOnce = <T>({ clock }: Sandbox, work: (() => Promise<T>)[]): Promise<T[]> =>
  clock.park(Promise.all(work.map((one) => clock.spawn(one))));

/** Longer than any of these migrations takes. */
const POLLS = 500;

/**
 * Checks every half minute, as a pipeline would. Throws if the migration has another end or does not end for hours.
 */
export async function until(
  sandbox: Sandbox,
  person: Person,
  id: string,
  isSo: (shown: MigrationAnswer) => boolean,
): Promise<MigrationAnswer> {
  let shown = await person.shown(id);
  for (let poll = 1; poll < POLLS && shown.status !== 'ended' && !isSo(shown); poll += 1) {
    await sandbox.clock.sleep(30_000);
    shown = await person.shown(id);
  }
  if (isSo(shown)) return shown;
  throw new Error(
    `Migration ${id} never reached this state: ${JSON.stringify({ ...shown, plan: undefined, verification: undefined })}`,
  );
}

/** Returns the migration once it has ended; does not check while its first execution runs. */
export async function ended(sandbox: Sandbox, person: Person, id: string): Promise<MigrationAnswer> {
  await sandbox.clock.park(sandbox.executions.execution(firstExecutionOf(sandbox.outputs, id)).ended);
  return until(sandbox, person, id, ({ status }) => status === 'ended');
}

/** Returns the pending approval, from that round on. */
export async function pending(
  sandbox: Sandbox,
  person: Person,
  id: string,
  round = 1,
): Promise<{ planHash: string; shown: MigrationAnswer }> {
  const shown = await until(
    sandbox,
    person,
    id,
    ({ approvals }) => approvals.at(-1)?.round === round && approvals.at(-1)?.state === 'pending',
  );
  return { planHash: shown.approvals.at(-1)!.planHash, shown };
}

/** Returns the locations in which a task token of that migration can be found; none if no secret leaks. */
export async function leaksOf(
  { world, sandbox }: Pick<ApiWorld, 'world' | 'sandbox'>,
  id: string,
  people: Person[],
): Promise<string[]> {
  const { approvals = [] } = (await world.backend.ledger.getMigration(id)) ?? {};
  const tokens = await Promise.all(approvals.map(({ round }) => world.backend.ledger.approvalToken(id, round)));
  expect(tokens).not.toContain(undefined);
  expect(tokens.length).toBeGreaterThan(0);
  const locations: Record<string, unknown> = {
    answers: people.map(({ heard }) => heard),
    events: sandbox.world.events,
    notifications: sandbox.world.notifications,
    'dead letters': sandbox.world.deadLetters,
    logs: sandbox.logs(),
    report: await world.report(id).catch(() => undefined),
    'inputs and outputs of executions': sandbox.executions
      .list(world.backend.stateMachineArn)
      .map(({ input, output, cause }) => ({ input, output, cause })),
  };
  // As JSON encodes it, and as a URL does.
  return Object.entries(locations).flatMap(([location, value]) =>
    tokens.some((token) =>
      [token!, encodeURIComponent(token!)].some((text) => JSON.stringify(value ?? '').includes(text)),
    )
      ? [location]
      : [],
  );
}
