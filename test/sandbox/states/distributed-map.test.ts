import { describe, expect, test } from 'vitest';
import { MAX_EVENTS } from '../../../sandbox/states/limits.ts';
import { allow, type BenchOptions, fail, functionArn, type Handlers, MACHINE, ofType } from './fixture.ts';
import { openBench, outputOf, ROLE, tracedBy, typesOf } from './fixture.ts';
import {
  definitionOf,
  itemsUpTo,
  keep,
  MAP_RUN,
  openMap,
  PERMISSIONS,
  reader,
  rolesWith,
  runOf,
} from './map-fixture.ts';
import { containing } from '../../lambdas/matchers.ts';

const double = { work: (item: number) => item * 2 };
const failing = (...items: number[]) => ({
  work: (item: number) => (items.includes(item) ? fail('Bad', `item ${item}`) : item),
});
const CATCH = [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }];
const EXCEEDED = {
  status: 'FAILED',
  error: 'States.ExceedToleratedFailureThreshold',
  cause: 'The specified tolerated failure threshold was exceeded',
};

describe('a distributed Map', () => {
  test('runs each item as a separate execution, and returns their outputs in order', async () => {
    const work: Handlers[string] = async (item: number, clock) => (await clock.sleep((5 - item) * 1000), item * 2);
    const bench = openMap({}, { handlers: { work } });
    const execution = await bench.run(itemsUpTo(4));
    expect(outputOf(execution)).toEqual([0, 2, 4, 6]);
    const first = 'ExecutionStarted MapStateEntered MapStateStarted MapRunStarted MapRunSucceeded';
    const then = 'MapStateSucceeded MapStateExited PassStateEntered PassStateExited ExecutionSucceeded';
    expect(tracedBy(execution)).toBe(`${first} ${then}`);
    const mapRunArn = expect.stringMatching(MAP_RUN) as string;
    expect(ofType(execution, 'MapRunStarted')[0]).toMatchObject({ mapRunStartedEventDetails: { mapRunArn } });
    expect(ofType(execution, 'MapStateStarted')[0]).toMatchObject({ mapStateStartedEventDetails: { length: 4 } });

    const { children } = runOf(bench, execution);
    expect(children.map(({ execution: { input, output, status } }) => [input, output, status])).toEqual([
      ['0', '0', 'SUCCEEDED'],
      ['1', '2', 'SUCCEEDED'],
      ['2', '4', 'SUCCEEDED'],
      ['3', '6', 'SUCCEEDED'],
    ]);
    for (const { execution: child } of children) {
      expect(child.arn).toMatch(/^arn:aws:states:eu-west-1:111122223333:execution:machine\/Each:[0-9a-f-]{36}$/);
      expect(child.machine.arn).toBe(`${MACHINE}/Each`);
      const task = 'TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited';
      expect(tracedBy(child)).toBe(`ExecutionStarted ${task} ExecutionSucceeded`);
    }
    expect(new Set(children.map(({ execution: { arn } }) => arn)).size).toBe(4);
    expect(bench.executions.list(MACHINE)).toEqual([execution]);
  });

  test('selects each item in the scope of the Map, whose variables the children cannot read', async () => {
    const shown = { got: '{% $states.input %}', id: '{% $states.context.Execution.Id %}' };
    const ItemSelector = {
      at: '{% $states.context.Map.Item.Index %}',
      value: '{% $states.context.Map.Item.Value %}',
      all: '{% $count($states.input.items) %}',
      from: '{% $states.context.Execution.Name %}',
    };
    const bench = openMap({ ItemSelector }, { states: { Work: { Type: 'Pass', Output: shown, End: true } } });
    const execution = await bench.run({ items: ['a', 'b'] });
    expect(outputOf(execution)).toEqual(
      ['a', 'b'].map((value, at) => ({
        got: { at, value, all: 2, from: execution.name },
        id: containing('execution:machine/Each:'),
      })),
    );
    const Work = { Type: 'Pass', Output: '{% [$states.input, $exists($outer)] %}', End: true };
    const { States } = definitionOf({ ItemSelector: '{% $outer %}' }, { states: { Work } });
    const set = { Type: 'Pass', Assign: { outer: 'own' }, Next: 'Map' };
    const definition = { StartAt: 'Set', States: { Set: set, ...(States as object) } };
    const scoped = openBench(definition, { roles: rolesWith(...PERMISSIONS) });
    expect(outputOf(await scoped.run(itemsUpTo(1)))).toEqual([['own', false]]);
  });

  test('respects its concurrency, and succeeds for an empty list', async () => {
    let [running, most] = [0, 0];
    const work = async (_: number, clock: { sleep(milliseconds: number): Promise<void> }) => {
      most = Math.max(most, (running += 1));
      await clock.sleep(1000);
      running -= 1;
    };
    const bench = openMap({ MaxConcurrency: '{% $states.input.most %}' }, { handlers: { work } });
    const execution = await bench.run({ ...itemsUpTo(10), most: 3 });
    expect([most, (execution.stoppedAt! - execution.startedAt) / 1000]).toEqual([3, 4]);
    expect(outputOf(await openMap({}, { handlers: double }).run({ items: [] }))).toEqual([]);
  });

  test('passes batches, by number, by size, with shared input', async () => {
    const states = { Work: { Type: 'Pass', End: true } };
    const batched = async (batcher: object, items: unknown[]) =>
      outputOf(await openMap({ ItemBatcher: batcher }, { states }).run({ items, run: 'r' }));
    expect(await batched({ MaxItemsPerBatch: 2, BatchInput: { run: '{% $states.input.run %}' } }, [1, 2, 3])).toEqual([
      { BatchInput: { run: 'r' }, Items: [1, 2] },
      { BatchInput: { run: 'r' }, Items: [3] },
    ]);
    expect(await batched({ MaxInputBytesPerBatch: 22 }, ['aaaa', 'bbbb', 'c'])).toEqual([
      { Items: ['aaaa'] },
      { Items: ['bbbb', 'c'] },
    ]);
  });

  test("has a separate limit of events for each child, and a child's end does not end the other children", async () => {
    const states = {
      Work: { Type: 'Choice', Choices: [{ Condition: '{% $states.input = 0 %}', Next: 'Loop' }], Default: 'Done' },
      Loop: { Type: 'Pass', Next: 'Work' },
      Done: { Type: 'Pass', End: true },
    };
    const bench = openMap({ ToleratedFailurePercentage: 50 }, { states });
    const execution = await bench.run(itemsUpTo(2));
    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.events.length).toBeLessThan(20);
    const [looping, other] = runOf(bench, execution).children.map((child) => child.execution);
    expect(looping).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    expect([looping!.history.events.length, other!.status]).toEqual([MAX_EVENTS, 'SUCCEEDED']);
  });

  test('ends an Express child after five minutes, without an event', async () => {
    const heard: string[] = [];
    const states = { Work: { Type: 'Wait', Seconds: '{% $states.input * 600 %}', End: true } };
    const onStatus: BenchOptions['onStatus'] = ({ arn, status }) => heard.push(`${arn.split(':')[5]} ${status}`);
    const bench = openMap({ ToleratedFailureCount: 1 }, { type: 'EXPRESS', states, onStatus });
    const execution = await bench.run(itemsUpTo(2));
    expect((execution.stoppedAt! - execution.startedAt) / 1000).toBe(300);
    const run = runOf(bench, execution);
    expect(run.itemCounts).toMatchObject({ succeeded: 1, timedOut: 1, total: 2 });
    expect(run.children[0]!.execution.arn).toMatch(/:express:machine\/Each:[0-9a-f-]{36}:[0-9a-f-]{36}$/);
    expect(() => bench.executions.execution(run.children[0]!.execution.arn)).toThrow('Execution Does Not Exist');
    expect(heard).toEqual(['execution RUNNING', 'execution SUCCEEDED']);
  });

  test('reports its children by the state machine with the label', async () => {
    const heard: [string, string][] = [];
    const onStatus: BenchOptions['onStatus'] = ({ machine, status }) => heard.push([machine.arn, status]);
    await openMap({}, { handlers: double, onStatus }).run(itemsUpTo(1));
    expect(heard).toEqual([
      [MACHINE, 'RUNNING'],
      [`${MACHINE}/Each`, 'RUNNING'],
      [`${MACHINE}/Each`, 'SUCCEEDED'],
      [MACHINE, 'SUCCEEDED'],
    ]);
  });

  test('runs the same way with the same seed', async () => {
    const once = async () => {
      const bench = openMap({}, { handlers: double, seed: 7 });
      return (await bench.run(itemsUpTo(20))).history.events;
    };
    expect(await once()).toEqual(await once());
  });
});

describe('failed children', () => {
  test.each([
    ['none is tolerated by default', {}, [2], EXCEEDED],
    ['as many as the count', { ToleratedFailureCount: 2 }, [1, 2], { status: 'SUCCEEDED' }],
    ['one more than the count', { ToleratedFailureCount: 2 }, [1, 2, 3], EXCEEDED],
    ['exactly the percentage', { ToleratedFailurePercentage: 30 }, [1, 2, 3], { status: 'SUCCEEDED' }],
    ['more than the percentage', { ToleratedFailurePercentage: '{% $states.input.share %}' }, [1, 2, 3], EXCEEDED],
    ['more than either bound', { ToleratedFailurePercentage: 90, ToleratedFailureCount: 1 }, [1, 2], EXCEEDED],
    ['all of them', { ToleratedFailurePercentage: 100 }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { status: 'SUCCEEDED' }],
  ])('%s', async (_, map, items, expected) => {
    const bench = openMap({ MaxConcurrency: 1, ...map }, { handlers: failing(...items) });
    const execution = await bench.run({ ...itemsUpTo(10), share: 29.9 });
    expect(execution).toMatchObject(expected);
    expect(typesOf(execution)).toContain(expected === EXCEEDED ? 'MapRunFailed' : 'MapRunSucceeded');
    expect(typesOf(execution)).toContain(expected === EXCEEDED ? 'MapStateFailed' : 'MapStateSucceeded');
  });

  test('stop the others, and pending children do not start', async () => {
    const work: Handlers[string] = async (item: number, clock) => (
      await clock.sleep(item === 1 ? 1000 : 60_000),
      item === 1 ? fail('Bad', 'one') : item
    );
    const bench = openMap({ MaxConcurrency: 3 }, { handlers: { work } });
    const execution = await bench.run(itemsUpTo(6));
    expect([execution, (execution.stoppedAt! - execution.startedAt) / 1000]).toMatchObject([EXCEEDED, 1]);
    const run = runOf(bench, execution);
    expect(run.children.map((child) => child.execution.status)).toEqual(['ABORTED', 'FAILED', 'ABORTED']);
    const itemCounts = { total: 6, pending: 3, running: 0, failed: 1, aborted: 2, succeeded: 0 };
    expect(run).toMatchObject({ status: 'FAILED', itemCounts });
  });

  test('that are tolerated are in the result with their complete records', async () => {
    const bench = openMap({ ToleratedFailureCount: 1 }, { handlers: failing(1) });
    const [first, second] = outputOf(await bench.run(itemsUpTo(2))) as unknown[];
    expect(first).toBe(0);
    expect(second).toMatchObject({
      Status: 'FAILED',
      Error: 'Bad',
      Input: '1',
      Name: expect.any(String) as string,
      StateMachineArn: `${MACHINE}/Each`,
      ExecutionArn: expect.any(String) as string,
    });
    expect(JSON.parse((second as { Cause: string }).Cause)).toMatchObject({ errorMessage: 'item 1' });
  });

  test('of batches count as many as the items in them', async () => {
    const work = ({ Items: [first] }: { Items: number[] }) => (first === 0 ? fail('Bad', '') : first);
    const map = { ItemBatcher: { MaxItemsPerBatch: 4 }, ToleratedFailureCount: 3 };
    const bench = openMap(map, { handlers: { work } });
    const execution = await bench.run(itemsUpTo(6));
    expect(execution).toMatchObject(EXCEEDED);
    expect(runOf(bench, execution)).toMatchObject({
      itemCounts: { total: 6, failed: 4 },
      executionCounts: { total: 2, failed: 1 },
    });
  });

  test('make Retry create a new run, and Catch handle the remaining failure', async () => {
    let calls = 0;
    const work = () => ((calls += 1) < 3 ? fail('Bad', '') : 'fine');
    const retry = [{ ErrorEquals: ['States.ExceedToleratedFailureThreshold'], IntervalSeconds: 10 }];
    const bench = openMap({ Retry: retry }, { handlers: { work } });
    const execution = await bench.run(itemsUpTo(1));
    expect(outputOf(execution)).toEqual(['fine']);
    const runs = bench.executions.mapRuns.of(execution.arn);
    expect(runs.map(({ status }) => status)).toEqual(['FAILED', 'FAILED', 'SUCCEEDED']);
    const caught = openMap({ Catch: CATCH }, { handlers: failing(0) });
    expect(outputOf(await caught.run(itemsUpTo(1)))).toEqual({ Error: EXCEEDED.error, Cause: EXCEEDED.cause });
  });

  test('that belong to a stopped execution are all stopped', async () => {
    const bench = openMap({ MaxConcurrency: 2 }, { states: { Work: { Type: 'Wait', Seconds: 60, End: true } } });
    const execution = bench.executions.start(MACHINE, JSON.stringify(itemsUpTo(5)));
    await bench.clock.spawn(() => bench.clock.sleep(1000));
    execution.stop('Enough', 'of it');
    await execution.ended;
    const run = runOf(bench, execution);
    expect(run).toMatchObject({ status: 'ABORTED', itemCounts: { pending: 3, running: 0, aborted: 2 } });
    expect(run.children.map((child) => child.execution.status)).toEqual(['ABORTED', 'ABORTED']);
    expect([bench.executions.running(), bench.clock.now() - execution.startedAt]).toEqual([[], 1000]);
  });

  test('that are stopped individually do not count as failures, and are in the result as aborted', async () => {
    const bench = openMap({}, { states: { Work: { Type: 'Wait', Seconds: 60, End: true } } });
    const execution = bench.executions.start(MACHINE, JSON.stringify(itemsUpTo(2)));
    await bench.clock.spawn(() => bench.clock.sleep(1000));
    runOf(bench, execution).children[0]!.execution.stop();
    await execution.ended;
    expect(outputOf(execution)).toMatchObject([{ Status: 'ABORTED' }, 1]);
  });

  test('a result of more than 256 KiB fails the Map', async () => {
    const bench = openMap({ Catch: CATCH }, { handlers: { work: () => 'x'.repeat(100_000) } });
    expect(await bench.run(itemsUpTo(2))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await bench.run(itemsUpTo(3))).toMatchObject({
      status: 'FAILED',
      error: 'States.DataLimitExceeded',
      cause: containing("The state/task 'Map' returned a result with a size exceeding"),
    });
  });
});

describe('the role of the state machine', () => {
  const start = allow('states:StartExecution', MACHINE);

  test('must be allowed to start executions of the state machine itself', async () => {
    const others = PERMISSIONS.filter((each) => JSON.stringify(each) !== JSON.stringify(start));
    const bench = openMap({}, { handlers: double, roles: rolesWith(...others) });
    const execution = await bench.run(itemsUpTo(2));
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'States.Permissions',
      cause: `User: arn:aws:sts::111122223333:assumed-role/machine/sandbox is not authorized to perform: states:StartExecution on resource: ${MACHINE} because no identity-based policy allows the states:StartExecution action`,
    });
    expect(runOf(bench, execution)).toMatchObject({ status: 'FAILED', children: [] });
  });

  test('must be allowed to read the items', async () => {
    const roles = rolesWith(allow('lambda:InvokeFunction', functionArn('*')), start);
    const bench = openMap(reader(), { handlers: double, roles });
    keep(bench, 'items.json', '[1]');
    const execution = await bench.run({ key: 'items.json' });
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'States.ItemReaderFailed',
      cause: containing(
        'is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::results-of-dev/items.json"',
      ),
    });
    expect(bench.world.log.calls).toMatchObject([
      { service: 's3', operation: 'GetObject', caller: ROLE, status: 403, denied: 's3:GetObject' },
    ]);
    expect(typesOf(execution).slice(-3)).toEqual(['MapRunFailed', 'MapStateFailed', 'ExecutionFailed']);
  });
});
