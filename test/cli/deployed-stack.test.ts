/** `--deployed` without variables: the service is found by its stack. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { outputsByName } from '../../cli/deployed-stack.ts';
import { addPrincipals } from '../../sandbox/sts/principals.ts';
import { ADDON, TARGET, scenarioWith } from '../end-to-end/fixture.ts';
import { PACE, serveHere, type ServedHere } from '../end-to-end/served.ts';
import { stubEnvironment } from './fixtures.ts';
import { runProgram } from './run-program.ts';
import { expectExit } from '../lambdas/matchers.ts';

const ADDON_FLAGS = ['--cluster', TARGET.cluster, '--addon', ADDON];

let served: ServedHere;
beforeAll(async () => void (served = await serveHere(scenarioWith(), PACE)));
afterAll(() => served.close());
afterEach(() => vi.unstubAllEnvs());

/** The environment of a caller that has nothing but credentials. */
const point = (change: Record<string, string | undefined> = {}): void =>
  stubEnvironment({
    ...Object.fromEntries(Object.entries(served.variables).filter(([name]) => name.startsWith('AWS_'))),
    ...change,
  });

const run = (...argv: string[]) => runProgram(...argv, '--deployed');
const lookups = (): string[] =>
  served.backend.sandbox.world.log.calls
    .filter(({ service }) => service === 'cloudformation')
    .map(({ region, operation }) => `${region} ${operation}`);
const since = async (work: () => Promise<unknown>): Promise<string[]> => {
  const before = lookups().length;
  await work();
  return lookups().slice(before);
};

describe('a deployed service without variables', () => {
  it('is found by its stack, and used by its API', async () => {
    point();
    expect(
      await since(async () => {
        const planned = await run('plan', ...ADDON_FLAGS, '--json');
        expect(JSON.parse(planned.out)).toMatchObject({ outcome: 'planned', target: TARGET });
        expect(planned).toMatchObject({ code: 0, err: '' });
      }),
    ).toEqual(['eu-west-1 DescribeStacks']);
    expect(served.backend.sandbox.world.log.calls.some(({ service }) => service === 'execute-api')).toBe(true);
  });

  it('is called directly if the variable of the API is set to nothing', async () => {
    point({ POD_IDENTITY_API_URL: '' });
    const before = served.backend.sandbox.world.log.calls.length;
    expect((await run('migrations', '--json')).code).toBe(0);
    const calls = served.backend.sandbox.world.log.calls.slice(before).map(({ service }) => service);
    expect(calls).toContain('dynamodb');
    expect(calls).not.toContain('execute-api');
  });

  it('is found for a command that the API does not have, and for the roles of grant-access', async () => {
    point();
    expect((await run('release', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', '--yes')).err).toContain('01JD8Z5Q6R7S8T9V0W1X2Y3Z4A');
    const granted = await run('grant-access', '--cluster', TARGET.cluster, '--json');
    expect(granted.code).toBe(0);
    expect(JSON.parse(granted.out)).toMatchObject({
      accessEntries: expect.arrayContaining([
        expect.objectContaining({ principalArn: served.backend.sandbox.outputs.kubernetesRoleArns[0] }),
      ]),
    });
  });

  it('is not searched if the variables are set, unless a stack is named', async () => {
    point({ POD_IDENTITY_API_URL: served.backend.sandbox.apiUrl! });
    expect(await since(() => run('migrations'))).toEqual([]);
    expect(await since(() => run('migrations', '--stack', 'PodIdentityMigrator'))).toEqual([
      'eu-west-1 DescribeStacks',
    ]);
  });

  it("is searched in the region of the environment, then in the cluster's", async () => {
    point({ AWS_REGION: 'us-east-1', AWS_DEFAULT_REGION: undefined });
    expect(
      await since(async () => expect((await run('plan', ...ADDON_FLAGS, '--region', TARGET.region)).code).toBe(0)),
    ).toEqual(['us-east-1 DescribeStacks', 'eu-west-1 DescribeStacks']);
    expect(
      await since(async () => expect((await run('migrations', '--stack-region', TARGET.region)).code).toBe(0)),
    ).toEqual(['eu-west-1 DescribeStacks']);
  });

  it('reports where it was searched, and what to do', async () => {
    point({ AWS_REGION: 'us-east-1' });
    const { code, err } = await run('migrations');
    expect(code).toBe(2);
    expect(err).toContain(`account ${TARGET.account} has no stack PodIdentityMigrator in us-east-1`);
    expect(err).toContain('--stack NAME or --stack-region REGION');
    expect(err).toContain('aws cloudformation list-stacks --region us-east-1');
    expect(err).toContain('POD_IDENTITY_API_URL: output ApiUrl');
    point();
    expect((await run('migrations', '--stack', 'Mine')).err).toContain('has no stack Mine in eu-west-1');
  });

  it('reports a missing permission, with the variables to set instead', async () => {
    const { world } = served.backend.sandbox;
    const { approver: keys } = addPrincipals(world);
    const role = world.accounts.get(TARGET.account)!.roles.get('approver')!;
    const kept = role.policies.splice(0);
    point({
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_SESSION_TOKEN: keys.sessionToken,
    });
    const { code, err } = await run('release', '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A', '--yes');
    role.policies.push(...kept);
    expect(code).toBe(2);
    expect(err).toMatch(
      /the outputs of stack PodIdentityMigrator cannot be read: User: \S+approver\/\S+ is not authorized to perform: cloudformation:DescribeStacks/,
    );
    expect(err).toContain('POD_IDENTITY_STATE_MACHINE_ARN: output StateMachineArn');
    expect(err).not.toContain('POD_IDENTITY_API_URL');
  });

  it('refuses the options that locate it without --deployed', async () => {
    const misplaced = runProgram('migrations', '--state', 'world.json', '--stack', 'Mine');
    await expectExit(misplaced, 2, '--stack works only with --deployed');
  });
});

describe('outputs of a stack', () => {
  const names = ['StateMachineArn', 'RecoverStateMachineArn', 'ApiUrl'];
  const found = (...keys: string[]) =>
    Object.fromEntries(
      outputsByName(
        keys.map((OutputKey) => ({ OutputKey, OutputValue: OutputKey })),
        names,
      ),
    );

  it('are found by their names, also with the path of a construct and a hash', () => {
    expect(found('StateMachineArn', 'RecoverStateMachineArn', 'Other')).toEqual({
      StateMachineArn: ['StateMachineArn'],
      RecoverStateMachineArn: ['RecoverStateMachineArn'],
    });
    expect(found('MineRecoverStateMachineArn0A1B2C3D', 'MineStateMachineArn4E5F6A7B')).toEqual({
      RecoverStateMachineArn: ['MineRecoverStateMachineArn0A1B2C3D'],
      StateMachineArn: ['MineStateMachineArn4E5F6A7B'],
    });
  });

  it('are ambiguous if the stack has the service twice', () =>
    expect(found('OneApiUrl0A1B2C3D', 'TwoApiUrl0A1B2C3D')).toEqual({
      ApiUrl: ['OneApiUrl0A1B2C3D', 'TwoApiUrl0A1B2C3D'],
    }));
});
