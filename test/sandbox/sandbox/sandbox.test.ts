import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { EKSClient, ListClustersCommand } from '@aws-sdk/client-eks';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../../cli/assembly.ts';
import { openSandbox, type Sandbox, type SandboxOptions } from '../../../sandbox/sandbox.ts';
import { eventually } from '../../eventually.ts';
import { ADDON, MIGRATION_ID, openApplication, run, scenarioOf, target } from './fixture.ts';
import { containing, expectError, matching } from '../../lambdas/matchers.ts';
import { scratchDirectory } from '../../scratch.ts';

const scratch = scratchDirectory();
const opened: Sandbox[] = [];
afterEach(async () => {
  for (const sandbox of opened.splice(0)) await sandbox.close();
});
const open = async (options?: Partial<SandboxOptions>): Promise<Sandbox> => {
  const sandbox = await openApplication(options);
  opened.push(sandbox);
  return sandbox;
};

interface Migrated {
  sandbox: Sandbox;
  status: string | undefined;
}
/** Shared by several tests, none of which changes it. */
let recreated: Migrated;
let inPlace: Migrated;
beforeAll(async () => {
  const migrated = async (strategy: string): Promise<Migrated> => {
    const sandbox = await openApplication();
    return { sandbox, status: await run(sandbox, { strategy }) };
  };
  recreated = await migrated('recreate');
  inPlace = await migrated('in-place');
});
afterAll(async () => {
  for (const { sandbox } of [recreated, inPlace]) await sandbox.close();
});

const functionCallers = (sandbox: Sandbox): string[] => {
  const aws = sandbox.world.log.calls.filter((call) => !['states', 'lambda'].includes(call.service));
  return [...new Set(aws.map((call) => call.caller))];
};

const IDLE = 60_000;

describe('openSandbox', () => {
  it('deploys the application into the world of the scenario', async () => {
    const sandbox = await open();
    expect(sandbox.clock.kind).toBe('virtual');
    expect(sandbox.clock.now()).toBe(Date.parse('2026-01-15T09:00:00Z'));
    for (const arn of [sandbox.outputs.stateMachineArn, sandbox.outputs.recoverStateMachineArn])
      expect(arn).toMatch(/^arn:aws:states:eu-west-1:111122223333:stateMachine:/);
    const ledger = new DescribeTableCommand({ TableName: sandbox.outputs.tableName });
    const { Table: table } = await sandbox.clients().dynamodb().send(ledger);
    const KeySchema = [{ AttributeName: 'pk' }, { AttributeName: 'sk' }];
    expect(table).toMatchObject({ TableStatus: 'ACTIVE', KeySchema });
    expect(sandbox.environment).toBeUndefined();
  });

  it('returns clients of the operator by default, and of another role or region on request', async () => {
    const sandbox = await open();
    expect((await sandbox.clients().eks().send(new ListClustersCommand({}))).clusters).toEqual(['reliability-dev']);
    const [, , key] = [...sandbox.world.accessKeys.values()];
    const { config } = sandbox.clients(key, 'us-east-1');
    const sts = new STSClient({
      region: config.region,
      credentials: config.credentials!,
      requestHandler: config.transport.requestHandler as never,
    });
    // The call requires no permission.
    expect((await sts.send(new GetCallerIdentityCommand({}))).Arn).toContain(
      `:assumed-role/${key!.principalArn.split('/').at(-1)}/`,
    );
    expect(sandbox.world.log.calls.map(({ caller, region }) => [caller, region])).toEqual([
      ['arn:aws:iam::111122223333:role/operator', 'eu-west-1'],
      [key!.principalArn, 'us-east-1'],
    ]);
  });

  it('runs the deployed definition, each function with the credentials of its own role', async () => {
    const { sandbox, status } = recreated;
    expect([status, sandbox.failures]).toEqual(['SUCCEEDED', []]);
    const callers = functionCallers(sandbox);
    expect(callers.length).toBeGreaterThan(5);
    const deletes = sandbox.world.log.calls.filter((call) => call.operation === 'DeleteAddon');
    expect(deletes.map((call) => call.caller)).toEqual([matching(/^arn:aws:iam::111122223333:role\/.*DeleteAddon/)]);
    expect(callers).not.toContain('arn:aws:iam::111122223333:role/operator');
    const counted = { level: 'COUNT', message: 'AddonStillThere', fields: { value: 1 } };
    expect(sandbox.logs()).toContainEqual(
      expect.objectContaining({ functionName: containing('AwaitDeleted'), ...counted }),
    );
  });

  it('records the time of every call, in order', async () => {
    const { sandbox } = recreated;
    const times = sandbox.world.log.calls.filter((call) => call.service !== 'lambda').map((call) => call.at);
    expect([...times].sort()).toEqual(times);
    const begin = sandbox.world.log.calls.find((call) => call.operation === 'DescribeCluster')!;
    const change = sandbox.world.log.calls.find((call) => call.operation === 'DeleteAddon')!;
    expect(Date.parse(change.at)).toBeGreaterThan(Date.parse(begin.at));
  });

  it('denies what a role may not do, and records what each permission was used for', async () => {
    const { sandbox, status } = inPlace;
    expect([status, sandbox.authorizer.denials]).toEqual(['SUCCEEDED', []]);
    const uses = sandbox.authorizer
      .uses()
      .map(({ principalArn, action, resource }) => `${principalArn.split('/').at(-1)} ${action} ${resource}`);
    expect(uses).toContainEqual(matching(/MigrateAddonRole\w+ lambda:InvokeFunction \S+:function:\S*StepsPlan\w+:1$/));
    expect(uses).toContainEqual(matching(/StepsBegin\w+ dynamodb:UpdateItem \S+:table\/\S+$/));
  });

  it('fails with the name of a missing permission: of the state machine, and of a function', async () => {
    const rob = (sandbox: Sandbox, role: RegExp): void => {
      const all = [...sandbox.world.accounts.get(target.account)!.roles.values()];
      const roles = all.filter(({ name }) => role.test(name));
      expect(roles).toHaveLength(1);
      roles[0]!.policies = [];
    };
    // A function that cannot be invoked is retried: twice is enough here.
    const twice: SandboxOptions['definitionOf'] = ({ definition }) =>
      JSON.parse(JSON.stringify(definition).replace(/\$pauses >= \d+/, '$pauses >= 2')) as object;
    const [machine, step] = [await open({ definitionOf: twice }), await open()];
    rob(machine, /MigrateAddonRole/);
    expect(await run(machine, {})).toBe('FAILED');
    expect(new Set(machine.authorizer.denials.map(({ action }) => action))).toEqual(new Set(['lambda:InvokeFunction']));
    // Rules tick while the state machine waits.
    const own = machine.world.log.calls.filter(({ step: by }) => by !== 'publish-events' && by !== 'find-stranded');
    expect(own.filter(({ service }) => !['lambda', 'states'].includes(service))).toEqual([]);

    rob(step, /StepsBeginRole/);
    expect(await run(step, { strategy: 'in-place' })).toBe('FAILED');
    const [denial] = step.authorizer.denials;
    // Like Lambda, the session is named after the function.
    expect(denial!.message).toMatch(
      /^User: arn:aws:sts::111122223333:assumed-role\/\S*StepsBeginRole\w+\/\S*StepsBeginFunction\w+ is not authorized to perform: dynamodb:\w+ on resource: /,
    );
    expect(step.world.log.mutations().filter(({ service }) => service === 'eks')).toEqual([]);
  });

  it('refuses an application whose roles their services cannot use', async () => {
    const { directory } = await ensureAssembly();
    const copy = scratch;
    for (const file of readdirSync(directory).filter((name) => name.endsWith('.json'))) {
      writeFileSync(
        join(copy, file),
        readFileSync(join(directory, file), 'utf8').replace(
          /"Service": ?"events\.amazonaws\.com"(?=[^{}]*}[^{}]*}[^{}]*],[^{}]*"Version")/,
          '"Service":"s3.amazonaws.com"',
        ),
      );
    }
    await expect(open({ assemblyDirectory: copy } as Partial<SandboxOptions>)).rejects.toThrow(
      /^The sandbox cannot deploy the application: events\.amazonaws\.com may not assume the role \S*StartsRecover\w+ of the rule /,
    );
  });

  it('behaves the same with both kinds of clients', async () => {
    const [direct, sdk] = [await open(), await open({ clients: 'sdk' })];
    for (const sandbox of [direct, sdk]) expect(await run(sandbox, {})).toBe('SUCCEEDED');
    expect(direct.world.log.toJsonLines()).toBe(sdk.world.log.toJsonLines());
    expect(direct.failures).toEqual([]);
  });

  it('accepts the keys that its clients name, and verifies signed calls', async () => {
    const sandbox = await open();
    const stranger = { accessKeyId: 'ASIAXXXXXXXXXXXXXXXX', secretAccessKey: 's' };
    await expectError(sandbox.clients(stranger).eks().send(new ListClustersCommand({})), 'UnrecognizedClientException');
    const wrong = { ...[...sandbox.world.accessKeys.values()][0]!, secretAccessKey: 'wrong' };
    const outside = new EKSClient({
      region: 'eu-west-1',
      credentials: wrong,
      maxAttempts: 1,
      requestHandler: sandbox.clients().config.transport.requestHandler as never,
    });
    await expectError(outside.send(new ListClustersCommand({})), 'InvalidSignatureException');
  });

  it("verifies its own clients if they are the SDK's", async () => {
    const sandbox = await open({ clients: 'sdk' });
    const wrong = { ...[...sandbox.world.accessKeys.values()][0]!, secretAccessKey: 'wrong' };
    await expectError(sandbox.clients(wrong).eks().send(new ListClustersCommand({})), 'InvalidSignatureException');
  });

  it("injects the scenario's faults into the calls of functions", async () => {
    const faults = [{ operation: 'UpdateAddon', call: 1, times: 1, kind: 'throttled' as const }];
    const sandbox = await open({ scenario: { ...(await scenarioOf()), faults } });
    expect(await run(sandbox, { strategy: 'in-place' })).toBe('SUCCEEDED');
    const updates = sandbox.world.log.calls.filter(({ operation }) => operation === 'UpdateAddon');
    expect(updates.map(({ status, error }) => [status, error])).toEqual([
      [429, 'ThrottlingException'],
      [200, undefined],
    ]);
    const { seen } = sandbox.world.faults;
    const logged = sandbox.world.log.calls.filter(
      ({ caller, service }) => /role\/PodIdentityMigrator-Steps/.test(caller) && service !== 'lambda',
    );
    // The gateway determined beforehand what the services themselves recorded.
    expect(seen.map(({ service, operation, mutating }) => [service, operation, mutating])).toEqual(
      logged.map(({ service, operation, mutating }) => [service, operation, mutating]),
    );
    const executionArn = `${sandbox.outputs.stateMachineArn.replace(':stateMachine:', ':execution:')}:${MIGRATION_ID}`;
    // Functions that a schedule starts during the settling time belong to no execution.
    expect(new Set(seen.flatMap((call) => call.executionArn ?? []))).toEqual(new Set([executionArn]));
    expect(new Set(seen.map((call) => call.step))).toContain('update-addon');
  });

  it('repeats a run with faults byte for byte, and another seed has a different run', async () => {
    const logOf = async (seed: number): Promise<string> => {
      const sandbox = await open({ seed });
      sandbox.world.faults.add({ call: 30, kind: 'time-out-before' });
      sandbox.world.faults.add({ step: 'await-active', kind: 'crash-after' });
      await run(sandbox, {});
      return sandbox.world.log.toJsonLines();
    };
    const seven = await logOf(7);
    expect(await logOf(7)).toBe(seven);
    expect(await logOf(8)).not.toBe(seven);
  });

  it('keeps only the latest calls if configured, and counts them all', async () => {
    const sandbox = await open({ keepCalls: 5 });
    expect(await run(sandbox, { dryRun: true })).toBe('SUCCEEDED');
    const { log, faults } = sandbox.world;
    const total = log.counts().reduce((sum, { calls }) => sum + calls, 0);
    expect(total).toBeGreaterThan(30);
    expect(log.calls.at(-1)?.n).toBe(total);
    expect(Math.max(log.calls.length, faults.seen.length, sandbox.logs().length)).toBeLessThanOrEqual(10);
    const { account, region } = target;
    expect(log.counts().filter(({ operation }) => operation === 'DescribeCluster')).toEqual([
      { service: 'eks', operation: 'DescribeCluster', account, region, calls: expect.any(Number), errors: {} },
    ]);
  });

  it('runs the schedule that finds stranded work, and the clock stops if nothing else waits', async () => {
    const sandbox = await open();
    await sandbox.clock.spawn(() => sandbox.clock.sleep(601_000));
    const ticksOf = (name: string): unknown[] =>
      sandbox.world.log.calls
        .filter(({ service, input }) => service === 'lambda' && JSON.stringify(input).includes(name))
        .map(({ at, caller, error }) => [at, caller, error]);
    expect(ticksOf('FindStranded')).toEqual([
      ['2026-01-15T09:05:00.000Z', 'events.amazonaws.com', undefined],
      ['2026-01-15T09:10:00.000Z', 'events.amazonaws.com', undefined],
    ]);
    expect(ticksOf('PublishEvents')).toHaveLength(10);
    const queries = sandbox.world.log.calls.filter(({ operation }) => operation === 'Query');
    const queriesOf = (by: string): unknown[] => queries.filter(({ step }) => step === by);
    // The held locks, the requested rollbacks and retirements, and the waiting migrations.
    const held = { input: { IndexName: 'HeldLocks' } };
    expect(queriesOf('find-stranded')).toMatchObject([held, held, held, {}, held, held, held, {}]);
    expect(queriesOf('publish-events')).toHaveLength(20);
  });

  it('starts Recover for a stopped execution, a moment later', async () => {
    const sandbox = await open();
    sandbox.world.faults.add({ step: 'update-addon', operation: 'UpdateAddon', kind: 'abort-after' });
    expect(await run(sandbox, { strategy: 'in-place' })).toBe('ABORTED');
    await sandbox.clock.spawn(() => sandbox.clock.sleep(5000));
    expect(sandbox.executions.list(sandbox.outputs.recoverStateMachineArn)).toMatchObject([
      { input: JSON.stringify({ migrationId: MIGRATION_ID, cause: 'stranded' }) },
    ]);
  });

  it('stops running executions when it is closed', async () => {
    const sandbox = await open();
    const stepFunctions = sandbox.clients().stepFunctions();
    const input = JSON.stringify({ migrationId: MIGRATION_ID, request: { target, addon: ADDON } });
    const { executionArn } = await stepFunctions.send(
      new StartExecutionCommand({ stateMachineArn: sandbox.outputs.stateMachineArn, input }),
    );
    await sandbox.close();
    expect((await stepFunctions.send(new DescribeExecutionCommand({ executionArn }))).status).toBe('ABORTED');
  });

  it("passes an external event to the application's rules", async () => {
    const sandbox = await open();
    const { recoverStateMachineArn, stateMachineArn } = sandbox.outputs;
    const detail = { stateMachineArn, name: MIGRATION_ID, status: 'ABORTED' };
    sandbox.deliver({
      id: 'e-1',
      'detail-type': 'Step Functions Execution Status Change',
      source: 'aws.states',
      account: target.account,
      region: target.region,
      time: '2026-01-15T09:00:00Z',
      detail,
    });
    await sandbox.clock.spawn(() => sandbox.clock.sleep(IDLE));
    expect(sandbox.executions.list(recoverStateMachineArn).map(({ input }) => JSON.parse(input) as unknown)).toEqual([
      { migrationId: MIGRATION_ID, cause: 'stranded' },
    ]);
    expect(() => sandbox.deliver({ detail })).toThrow('This value cannot be delivered as an event: id: ');
  });

  it.each(['direct', 'sdk'] as const)('accepts custom events, and keeps them (%s)', async (clients) => {
    const sandbox = await open({ clients });
    const entry = { Source: 'my.app', DetailType: 'Done', Detail: '{"a":1}' };
    const client = sandbox.clients().eventBridge();
    const { Entries: [answer] = [] } = await client.send(new PutEventsCommand({ Entries: [entry] }));
    expect(sandbox.world.events).toMatchObject([
      { id: answer!.EventId, source: 'my.app', detail: { a: 1 }, account: target.account, region: target.region },
    ]);
  });

  it('leaves nothing open if opening fails', async () => {
    await expect(open({ lambdas: 'bundled', clock: 'virtual' })).rejects.toThrow(
      'Open the sandbox with a real or scaled clock.',
    );
    await eventually(() => expect(process.getActiveResourcesInfo()).not.toContain('TCPServerWrap'));
  });

  it('refuses a state machine that AWS would not create', async () => {
    // Like Sweep in an earlier version: its Map assigned one of Sweep's own variables.
    const definitionOf = ({ definition }: { definition: object }): object =>
      JSON.parse(JSON.stringify(definition).replaceAll('locationFailure', 'failure')) as object;
    await expect(open({ definitionOf })).rejects.toThrow(
      /PodIdentityMigrator-Sweep\w+: Invalid State Machine Definition: 'DUPLICATE_VARIABLE_NAME: The variable 'failure' is also assigned in an outer scope, at \/States\/BeginSweep/,
    );
  });

  it("reports that an application lacks the service's outputs", async () => {
    const directory = join(scratch, 'other');
    mkdirSync(directory);
    const stack = {
      type: 'aws:cloudformation:stack',
      environment: 'aws://unknown-account/unknown-region',
      properties: { templateFile: 'Other.template.json' },
    };
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify({ version: '48.0.0', artifacts: { Other: stack } }));
    writeFileSync(join(directory, 'Other.template.json'), JSON.stringify({ Resources: {} }));
    await expect(openSandbox({ scenario: await scenarioOf(), assemblyDirectory: directory })).rejects.toThrow(
      `The application in ${directory} has no output StateMachineArn. Build the project again (npm run build).`,
    );
  });
});
