/** Plans with the caller's own credentials: a served sandbox plays AWS, through AWS_ENDPOINT_URL alone. */
import { readFileSync } from 'node:fs';
import { afterEach, expect } from 'vitest';
import { credentialsOf } from '../../sandbox/authorization/access-keys.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import { ADDON, scenarioFile, TARGET } from '../end-to-end/fixture.ts';
import { type AwsWorld, openAwsWorld, type Ran } from './aws-world.ts';

export const READER = 'arn:aws:iam::111122223333:role/people/reader';
export const OPERATOR = 'arn:aws:iam::111122223333:role/operator';
export const PLAN = ['plan', '--cluster', TARGET.cluster, '--addon', ADDON];

export const builtIn = (name: string): Scenario =>
  parseScenario(readFileSync(scenarioFile(name), 'utf8'), scenarioFile(name));

/** The policy of docs/plan.md. */
export const documented = (): { Statement: { Sid: string; Action: string[] }[] } => {
  const [, text = ''] = /```json\n([^]*?)```/.exec(readFileSync('docs/plan.md', 'utf8')) ?? [];
  return JSON.parse(text) as ReturnType<typeof documented>;
};
export const actionsIn = ({ Statement }: ReturnType<typeof documented>): string[] =>
  Statement.flatMap(({ Action }) => Action);

/** Adds a role with a policy, by default the documented one; `access`: to the API server. */
export const withReader = (
  scenario: Scenario,
  { without = [], access = true }: { without?: string[]; access?: boolean } = {},
): Scenario => {
  const policy = documented();
  for (const statement of policy.Statement)
    statement.Action = statement.Action.filter((action) => !without.includes(action));
  const [account] = scenario.accounts;
  account!.roles.push({
    arn: READER,
    trustPolicy: { Version: '2012-10-17', Statement: [] },
    policies: [{ name: 'reader', document: { ...policy } }],
    attachedPolicies: [],
    tags: {},
    createdAt: '2024-01-01T00:00:00.000Z',
  });
  if (!access) return scenario;
  for (const cluster of account!.clusters)
    cluster.accessEntries = [
      ...[OPERATOR, READER].map((principalArn) => ({
        principalArn,
        type: 'STANDARD' as const,
        kubernetesGroups: [],
        policies: [
          {
            policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy',
            accessScope: { type: 'cluster' as const },
          },
        ],
        tags: {},
      })),
      {
        principalArn: cluster.nodeRoleArn ?? `arn:aws:iam::${account!.id}:role/${cluster.name}-nodes`,
        type: 'EC2_LINUX' as const,
        kubernetesGroups: [],
        policies: [],
        tags: {},
      },
    ];
  return scenario;
};

/** The variables with a role's credentials. */
export const asRole = ({ backend }: AwsWorld, arn: string): Record<string, string> => {
  const { accessKeyId, secretAccessKey, sessionToken = '' } = credentialsOf(backend.sandbox.world, arn, 'ann');
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken };
};

/** Opens worlds of a file's tests, which are closed after each test at the latest. */
export const awsWorlds = () => {
  let world: AwsWorld | undefined;
  const close = async (): Promise<void> => {
    await world?.close();
    world = undefined;
  };
  afterEach(close);
  return { open: async (scenario?: Scenario): Promise<AwsWorld> => (world = await openAwsWorld(scenario)), close };
};

/** The calls of the program, without those of the service that runs in the same world. */
export const own = ({ calls }: Ran, caller: string): Ran['calls'] =>
  calls.filter((call) => call.caller.startsWith(caller));
/** Asserts that nothing was changed, in AWS, in the cluster and in the ledger. */
export const expectReadOnly = (ran: Ran, caller = OPERATOR): void => {
  const calls = own(ran, caller);
  expect(calls.length).toBeGreaterThan(5);
  expect(calls.filter(({ mutating }) => mutating)).toEqual([]);
  expect(new Set(calls.map(({ service }) => service))).toEqual(new Set(['sts', 'eks', 'iam', 'kubernetes']));
};

export const reportIn = ({ out }: Ran): MigrationReport => JSON.parse(out) as MigrationReport;
export const checkIn = (ran: Ran, id: string) => reportIn(ran).plan?.checks.find((check) => check.id === id);
