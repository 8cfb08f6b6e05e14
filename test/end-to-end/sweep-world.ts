/** A fleet in the sandbox, and sweeps of it as the command line starts them. All of it runs in virtual time. */
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import { type Expectation, type FaultyLocation, type FleetOptions, generateFleet } from '../../cli/fleet/generate.ts';
import { directSweeps } from '../../cli/service/sweep.ts';
import type { SweepService } from '../../cli/service/sweep-service.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import type { Sweep, SweepItem } from '../../lambdas/domain/sweep/model.ts';
import { type SweepRequestInput, sweepRequest } from '../../lambdas/domain/sweep/request.ts';
import type { ReportRow, SweepReport } from '../../lambdas/domain/sweep/report.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import type { AssemblyStateMachine } from '../../sandbox/assembly/assembly.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Execution } from '../../sandbox/states/executions.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';

export const OPERATOR = 'ann@example.com';

export type Swept = { standing: SweepStanding; report: SweepReport; csv: string };
type Asked = Partial<SweepRequestInput>;
/** Location and name of an add-on. */
export type Session = Pick<Expectation, 'account' | 'region' | 'cluster' | 'addon'>;

/** `account region cluster addon`, as far as they are known. */
export const keyOf = ({
  account,
  region,
  cluster = '',
  addon = '',
}: Pick<ReportRow, 'account' | 'region' | 'cluster' | 'addon'>): string => [account, region, cluster, addon].join(' ');

/** A migration of a sweep, as Step Functions has it. */
export interface Begun extends Session {
  execution: Execution;
  id: string;
  at: number;
  /** `Infinity` while it runs. */
  until: number;
}

export class FleetWorld {
  readonly backend: SandboxBackend;
  readonly sandbox: Sandbox;
  readonly scenario: Scenario;
  readonly expected: readonly Expectation[];
  readonly faulty: readonly FaultyLocation[];
  readonly sweeps: SweepService;

  constructor(
    backend: SandboxBackend,
    scenario: Scenario,
    expected: readonly Expectation[],
    faulty: readonly FaultyLocation[],
  ) {
    this.backend = backend;
    this.sandbox = backend.sandbox;
    this.scenario = scenario;
    this.expected = expected;
    this.faulty = faulty;
    this.sweeps = directSweeps(backend, OPERATOR);
  }

  /** Runs in a thread of the clock. A failure of the sandbox's own services fails the test. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const result = await this.backend.clock.spawn(work);
    if (this.sandbox.failures.length > 0)
      throw new Error(`The sandbox itself failed: ${JSON.stringify(this.sandbox.failures)}`);
    return result;
  }

  /** Returns a request about the whole fleet, with these changes. */
  request({ selection, ...asked }: Asked = {}): ReturnType<typeof sweepRequest.parse> {
    const { accounts } = this.scenario;
    const regions = [
      ...new Set(
        accounts.flatMap(({ clusters, disabledRegions }) => [
          ...clusters.map(({ region }) => region),
          ...disabledRegions,
        ]),
      ),
    ];
    return sweepRequest.parse({
      mode: 'migrate',
      ...asked,
      selection: { accounts: accounts.map(({ id }) => id), regions, ...selection },
    });
  }

  async reported(standing: SweepStanding): Promise<Swept> {
    const { report, texts } = await this.sweeps.report(standing, ['json', 'csv']);
    return { standing, report, csv: texts.csv ?? '' };
  }

  /** Runs a sweep to its end. Must be called in a thread. */
  async sweep(asked: Asked): Promise<Swept> {
    return this.reported(await this.sweeps.sweep(this.request(asked), { update: () => undefined }));
  }

  /** Starts a sweep and does not wait for it. Must be called in a thread. */
  async start(asked: Asked): Promise<string> {
    let id = '';
    await this.sweeps.start(this.request(asked), (sweepId) => (id = sweepId));
    return id;
  }

  /** Follows a running sweep to its end. Must be called in a thread. */
  async follow(sweepId: string): Promise<Swept> {
    return this.reported(await this.sweeps.follow(sweepId, { update: () => undefined }));
  }

  /** Waits until the sweep's record meets the condition. Must be called in a thread. */
  async until(sweepId: string, isSo: (sweep: Sweep) => boolean): Promise<Sweep> {
    for (;;) {
      const sweep = await this.record(sweepId);
      if (isSo(sweep)) return sweep;
      if (sweep.status === 'ended') throw new Error(`Sweep ${sweepId} ended before: ${JSON.stringify(sweep)}`);
      await this.backend.clock.sleep(5000);
    }
  }

  async record(sweepId: string): Promise<Sweep> {
    const sweep = await this.backend.sweeping?.sweeps.get(sweepId);
    if (!sweep) throw new Error(`The ledger has no sweep ${sweepId}.`);
    return sweep;
  }

  async items(sweepId: string): Promise<SweepItem[]> {
    const items: SweepItem[] = [];
    await this.backend.sweeping?.sweeps.eachItem(sweepId, (page) => items.push(...page));
    return items;
  }

  /** Executions of MigrateAddon from that time on, in the order in which they were started. */
  begun(from = 0): Begun[] {
    const { executions, outputs } = this.sandbox;
    return executions
      .list(outputs.stateMachineArn)
      .map((execution) => {
        const { request } = JSON.parse(execution.input) as { request: { target: Target; addon: string } };
        return {
          execution,
          id: execution.name,
          ...request.target,
          addon: request.addon,
          at: execution.startedAt,
          until: execution.stoppedAt ?? Number.POSITIVE_INFINITY,
        };
      })
      .filter(({ at }) => at >= from)
      .sort((a, b) => a.at - b.at);
  }

  /** Executions of Sweep, in the order in which they were started. */
  sweepExecutions(): Execution[] {
    return this.sandbox.executions
      .list(this.sandbox.outputs.sweepStateMachineArn ?? '')
      .toSorted((a, b) => a.startedAt - b.startedAt);
  }

  /** Calls of the service's own steps with their answers, from that number on. */
  callsOf(step: string, from = 0): Call[] {
    return this.sandbox.world.log.calls.filter((call) => call.step === step && call.n > from);
  }

  /** Calls of the target's services that changed something, or tried to, from that number on. */
  changes(from = 0): Call[] {
    return this.sandbox.world.log.mutations().filter(({ n, step }) => step !== undefined && n > from);
  }

  /** Number of the last call. */
  get calls(): number {
    return this.sandbox.world.log.calls.at(-1)?.n ?? 0;
  }
}

/** The definition of Sweep, whose executions begin with this count of ticks. */
export const countingFrom =
  (ticks: number) =>
  ({ name, definition }: AssemblyStateMachine): object =>
    ticks === 0 || !name.includes('-Sweep')
      ? definition
      : (JSON.parse(JSON.stringify(definition).replace('"tick":0', `"tick":${ticks}`)) as object);

export interface FleetWorldOptions extends Omit<FleetOptions, 'seed'> {
  seed?: number;
  /** Ticks that each execution of Sweep counts at its beginning; default: none. */
  ticks?: number;
  change?: (scenario: Scenario, expected: readonly Expectation[]) => void;
}

/** Opens a fleet; the caller must close it. */
export const openFleet = async ({
  change,
  seed = 1,
  ticks = 0,
  ...options
}: FleetWorldOptions): Promise<FleetWorld> => {
  const { scenario: made, expected, faulty } = generateFleet({ ...options, seed });
  const scenario = parseScenario(made, 'of the generated fleet');
  change?.(scenario, expected);
  const backend = await openSandboxBackend(scenario, { definitionOf: countingFrom(ticks) });
  return new FleetWorld(backend, scenario, expected, faulty);
};

/** Opens a fleet, does the work in a thread of its clock, and closes it. */
export const inFleet = async <T>(options: FleetWorldOptions, work: (world: FleetWorld) => Promise<T>): Promise<T> => {
  const world = await openFleet(options);
  try {
    return await world.run(() => work(world));
  } finally {
    await world.backend.close();
  }
};

/** Returns the class of each row that is about an add-on. */
export const classesIn = ({ rows }: Pick<SweepReport, 'rows'>): Record<string, string> =>
  Object.fromEntries(rows.map((row) => [keyOf(row), row.class]));
export const classesExpected = (expected: readonly Expectation[]): Record<string, string> =>
  Object.fromEntries(expected.map((one) => [keyOf(one), one.class]));
