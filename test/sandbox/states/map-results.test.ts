import { SFN } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { createStatesService } from '../../../sandbox/states/service.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { configOf, openGateway } from '../support.ts';
import { allow, fail, MACHINE, outputOf, ROLE, roleOf, tracedBy, typesOf } from './fixture.ts';
import {
  BUCKET,
  itemsUpTo,
  keep,
  kept,
  MAP_RUN,
  openMap,
  openMapService,
  PERMISSIONS,
  reader,
  rolesWith,
  runOf,
} from './map-fixture.ts';
import { containing, matching, expectError } from '../../lambdas/matchers.ts';

const work = (item: number) => (item === 1 ? fail('Bad', 'one') : [item]);
const writer = (config?: object, location: object = { Bucket: BUCKET, Prefix: 'sweeps/results' }) => ({
  ResultWriter: {
    Resource: 'arn:aws:states:::s3:putObject',
    Arguments: location,
    ...(config ? { WriterConfig: config } : {}),
  },
});

describe('items in S3', () => {
  test('are read as the role, up to the maximum', async () => {
    const states = { Work: { Type: 'Pass', End: true } };
    const bench = openMap(reader({ MaxItems: '{% $states.input.most %}' }), { states });
    const key = 'sweeps/1/locations.json';
    keep(bench, key, JSON.stringify([{ region: 'a' }, { region: 'ü' }, { region: 'c' }]));
    const execution = await bench.run({ key, most: 2 });
    expect(outputOf(execution)).toEqual([{ region: 'a' }, { region: 'ü' }]);
    const input = { Bucket: BUCKET, Key: key };
    expect(bench.world.log.calls).toMatchObject([
      { service: 's3', operation: 'GetObject', caller: ROLE, input, status: 200 },
    ]);
    expect(runOf(bench, execution).itemCounts).toMatchObject({ total: 2, succeeded: 2, resultsWritten: 2 });
  });

  test.each([
    ['that do not exist', 'gone', undefined, 'Error Code: NoSuchKey'],
    ['that are not JSON', 'text', 'not JSON', 'it is not JSON.'],
    ['that are not a list', 'object', '{}', 'it is not a JSON array.'],
  ])('%s fail the Map, which may catch it', async (_, key, text, why) => {
    const bench = openMap({ ...reader(), Catch: [{ ErrorEquals: ['States.ItemReaderFailed'], Next: 'Caught' }] });
    if (text !== undefined) keep(bench, key, text);
    expect(outputOf(await bench.run({ key }))).toMatchObject({
      Error: 'States.ItemReaderFailed',
      Cause: containing(why),
    });
  });
});

describe('a ResultWriter', () => {
  const files = async (map: object, items = 3) => {
    const bench = openMap({ ToleratedFailureCount: 1, MaxConcurrency: 1, ...map }, { handlers: { work } });
    const execution = await bench.run(itemsUpTo(items));
    return { bench, execution, files: kept(bench), run: runOf(bench, execution) };
  };

  test("exports the children's complete records, and returns the location", async () => {
    const { execution, files: made, run } = await files(writer());
    const manifest = `sweeps/results/${run.id}/manifest.json`;
    expect(outputOf(execution)).toEqual({
      MapRunArn: matching(MAP_RUN),
      ResultWriterDetails: { Bucket: BUCKET, Key: manifest },
    });
    const {
      'sweeps/results/ID/manifest.json': told,
      'sweeps/results/ID/SUCCEEDED_0.json': succeeded,
      'sweeps/results/ID/FAILED_0.json': failed,
      ...rest
    } = made;
    expect(rest).toEqual({});
    expect(succeeded).toMatchObject([
      {
        Input: '0',
        Output: '[0]',
        Status: 'SUCCEEDED',
        InputDetails: { Included: true },
        OutputDetails: { Included: true },
        StateMachineArn: `${MACHINE}/Each`,
        StartDate: '2026-01-15T09:00:00.000Z',
      },
      { Input: '2', Output: '[2]' },
    ]);
    expect(failed).toMatchObject([{ Input: '1', Status: 'FAILED', Error: 'Bad', Cause: expect.any(String) as string }]);
    const file = (name: string, what: unknown) => [
      { Key: `sweeps/results/${run.id}/${name}_0.json`, Size: JSON.stringify(what).length },
    ];
    expect(told).toEqual({
      DestinationBucket: BUCKET,
      MapRunArn: run.arn,
      ResultFiles: { FAILED: file('FAILED', failed), PENDING: [], SUCCEEDED: file('SUCCEEDED', succeeded) },
    });
  });

  test.each([
    [{ Transformation: 'COMPACT', OutputType: 'JSON' }, [[0], [2]]],
    [{ Transformation: 'FLATTEN', OutputType: 'JSON' }, [0, 2]],
  ])('transforms the results of successful children: %o', async (config, expected) => {
    const { files: made } = await files(writer(config));
    expect(made['sweeps/results/ID/SUCCEEDED_0.json']).toEqual(expected);
    expect(made['sweeps/results/ID/FAILED_0.json']).toMatchObject([{ Status: 'FAILED' }]);
  });

  test('writes lines, also without a prefix', async () => {
    const lines = writer({ Transformation: 'COMPACT', OutputType: 'JSONL' }, { Bucket: BUCKET });
    const bench = openMap(lines, { handlers: { work: (item: number) => item } });
    const run = runOf(bench, await bench.run(itemsUpTo(3)));
    const { body } = bench.world.buckets.get(BUCKET)!.objects.get(`${run.id}/SUCCEEDED_0.json`)!;
    expect(Buffer.from(body).toString()).toBe('0\n1\n2');
  });

  test('without a destination only transforms the result', async () => {
    const flatten = { WriterConfig: { Transformation: 'FLATTEN', OutputType: 'JSON' } };
    const { execution, files: made } = await files({ ResultWriter: flatten });
    expect(outputOf(execution)).toMatchObject([0, { Status: 'FAILED' }, 2]);
    expect(made).toEqual({});
  });

  test('of a failed run exports its results and the pending items', async () => {
    const { execution, files: made } = await files({ ...writer(), ToleratedFailureCount: 0 }, 4);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.ExceedToleratedFailureThreshold' });
    expect(made['sweeps/results/ID/PENDING_0.json']).toEqual(
      [2, 3].map((item) => ({ Input: String(item), InputDetails: { Included: true }, Status: 'PENDING' })),
    );
    const ResultFiles = { PENDING: [{}], SUCCEEDED: [{}], FAILED: [{}] };
    expect(made['sweeps/results/ID/manifest.json']).toMatchObject({ ResultFiles });
  });

  test('without permission to write fails before anything runs', async () => {
    let calls = 0;
    const without = PERMISSIONS.filter((each) => !JSON.stringify(each).includes('s3:PutObject'));
    const bench = openMap(writer(), { handlers: { work: () => (calls += 1) }, roles: rolesWith(...without) });
    const execution = await bench.run(itemsUpTo(2));
    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.ResultWriterFailed' });
    expect(execution.cause).toMatch(
      /^An error occurred while executing the state 'Map' \(entered at the event id #2\)\. Failed to write a test manifest into the specified output bucket\. Access denied\. Ensure the correct permissions are added to your state machine's execution role\. \| Message from S3: User: /,
    );
    expect([calls, runOf(bench, execution).children]).toEqual([0, []]);
  });
});

describe('the API', () => {
  test('describes and lists runs, and the children of a run', async () => {
    const bench = openMapService({ ToleratedFailurePercentage: 40, MaxConcurrency: 1 }, { handlers: { work } });
    const { client } = bench;
    const execution = await bench.run(itemsUpTo(3));
    const { mapRuns } = await client.listMapRuns({ executionArn: execution.arn });
    const mapRunArn = mapRuns![0]!.mapRunArn!;
    const [startDate, stopDate] = [new Date('2026-01-15T09:00:00.000Z'), new Date('2026-01-15T09:00:00.000Z')];
    expect(mapRuns).toEqual([
      { executionArn: execution.arn, mapRunArn, stateMachineArn: `${MACHINE}/Each`, startDate, stopDate },
    ]);
    const none = { pending: 0, running: 0, timedOut: 0, aborted: 0, failuresNotRedrivable: 0, pendingRedrive: 0 };
    const counts = { ...none, succeeded: 2, failed: 1, total: 3, resultsWritten: 3 };
    expect(await client.describeMapRun({ mapRunArn })).toMatchObject({
      mapRunArn,
      executionArn: execution.arn,
      status: 'SUCCEEDED',
      startDate,
      stopDate,
      maxConcurrency: 1,
      toleratedFailurePercentage: 40,
      toleratedFailureCount: 0,
      itemCounts: counts,
      executionCounts: counts,
      redriveCount: 0,
    });

    const first = await client.listExecutions({ mapRunArn, maxResults: 2 });
    const { executions: rest } = await client.listExecutions({ mapRunArn, maxResults: 2, nextToken: first.nextToken! });
    expect(
      [...first.executions!, ...rest!].map(({ status, itemCount, mapRunArn: of }) => [
        status,
        itemCount,
        of === mapRunArn,
      ]),
    ).toEqual([
      ['SUCCEEDED', 1, true],
      ['FAILED', 1, true],
      ['SUCCEEDED', 1, true],
    ]);
    expect((await client.listExecutions({ mapRunArn, statusFilter: 'FAILED' })).executions).toHaveLength(1);
    expect((await client.listExecutions({ stateMachineArn: MACHINE })).executions).toHaveLength(1);

    const { executionArn } = first.executions![0]!;
    expect(await client.describeExecution({ executionArn })).toMatchObject({
      stateMachineArn: `${MACHINE}/Each`,
      mapRunArn,
      input: '2',
      output: '[2]',
    });
    expect((await client.getExecutionHistory({ executionArn })).events!.map(({ type }) => type).at(-1)).toBe(
      'ExecutionSucceeded',
    );
    expect(
      (await client.getExecutionHistory({ executionArn: execution.arn })).events!.find(
        ({ type }) => type === 'MapRunStarted',
      ),
    ).toMatchObject({ mapRunStartedEventDetails: { mapRunArn } });
  });

  test('refuses a missing run, and a list of neither or both', async () => {
    const { client } = openMapService();
    const mapRunArn = 'arn:aws:states:eu-west-1:111122223333:mapRun:machine/Each:gone';
    await expectError(client.describeMapRun({ mapRunArn }), 'ResourceNotFound');
    for (const input of [{}, { mapRunArn, stateMachineArn: MACHINE }])
      await expectError(client.listExecutions(input), matching(/ValidationException|InvalidArn/));
  });

  test('requires permission on the run', async () => {
    const CALLER = ROLE.replace('role/machine', 'role/caller');
    const describing = allow('states:DescribeMapRun', 'arn:aws:states:eu-west-1:111122223333:mapRun:machine/Each:*');
    const caller = roleOf(CALLER, describing, allow('states:ListExecutions', MACHINE));
    const bench = openMap({}, { handlers: { work: () => 1 }, roles: [...rolesWith(...PERMISSIONS), caller] });
    const mapRunArn = runOf(bench, await bench.run(itemsUpTo(1))).arn;
    const gateway = openGateway(bench.world, { states: createStatesService(bench.world, bench.executions) });
    const client = new SFN(configOf(gateway, bench.world, credentialsOf(bench.world, CALLER)));
    expect(await client.describeMapRun({ mapRunArn })).toMatchObject({ status: 'SUCCEEDED' });
    await client.listExecutions({ stateMachineArn: MACHINE });
    await expectError(
      client.listExecutions({ mapRunArn }),
      'AccessDeniedException',
      `states:ListExecutions on resource: ${mapRunArn}`,
    );
  });
});

describe('histories of ended executions', () => {
  test('are dropped if the sandbox is configured so, except for the last event', async () => {
    const bench = openMap({}, { handlers: { work: () => 1 }, forgetHistories: true });
    const execution = await bench.run(itemsUpTo(3));
    expect(outputOf(execution)).toEqual([1, 1, 1]);
    const children = runOf(bench, execution).children.map((child) => child.execution);
    expect(children).toHaveLength(3);
    for (const each of [execution, ...children]) expect(tracedBy(each)).toBe('ExecutionSucceeded');
  });

  test('are kept otherwise', async () => {
    const bench = openMap({}, { handlers: { work: () => 1 } });
    expect(typesOf(await bench.run(itemsUpTo(1)))).toHaveLength(10);
  });
});
