/** The runs of distributed Maps in a sandbox, and the interface through which each execution starts them. */
import { createHash } from 'node:crypto';
import { denialOfRole } from '../authorization/resource-policy.ts';
import { objectsAs, type RoleObjectsOptions } from '../s3/as-role.ts';
import type { Random } from '../random.ts';
import type { MapState } from './definition.ts';
import type { ChildExecution, StateMachine } from './child-execution.ts';
import { StateFailure } from './failure.ts';
import { MapRun } from './map-run.ts';
import type { DistributedMaps } from './scope.ts';

/** A child execution to start. */
export interface Child {
  arn: string;
  name: string;
  machine: StateMachine;
  input: string;
  mapRunArn: string;
  isExpress: boolean;
}

export interface MapRunsOptions extends RoleObjectsOptions {
  random: Random;
  start: (child: Child) => ChildExecution;
}

/** Step Functions Service Quotas: maximum duration of an Express workflow, in seconds. */
const EXPRESS_SECONDS = 300;

/** Derives a default label, the same each time; how AWS generates labels is not known. */
const labelOf = (machineArn: string, stateName: string): string =>
  createHash('sha256').update(`${machineArn}/${stateName}`).digest('hex').slice(0, 32);

/** Removes the label at the end of an ARN, if there is one. */
const unlabelled = (arn: string): string => arn.replace(/\/.*$/, '');

export class MapRuns {
  private readonly options: MapRunsOptions;
  private readonly runs = new Map<string, MapRun>();
  /** State machines of the children, by the ARN of the run. */
  private readonly machines = new Map<string, StateMachine>();

  constructor(options: MapRunsOptions) {
    this.options = options;
  }

  find(arn: string): MapRun | undefined {
    return this.runs.get(arn);
  }

  /** Returns the runs of an execution, oldest first. */
  of(executionArn: string): MapRun[] {
    return [...this.runs.values()].filter((run) => run.executionArn === executionArn);
  }

  /** Returns the interface for an execution of that state machine. */
  for(executionArn: string, machine: StateMachine): DistributedMaps {
    const { authorizer } = this.options;
    const [, , , region = ''] = machine.arn.split(':');
    return {
      open: (stateName, state, options) => this.open(executionArn, machine, stateName, state, options),
      authorize: () => {
        const denial = denialOfRole(
          authorizer,
          [],
          { action: 'states:StartExecution', resource: unlabelled(machine.arn) },
          { caller: machine.roleArn },
        );
        // The text is AWS's (serverless-operations/serverless-step-functions#543); the error name is not known.
        if (denial) throw new StateFailure('States.Permissions', denial.message);
      },
      start: (run, state, input) => this.start(run, state, input),
      objects: () => objectsAs(this.options, machine.roleArn, region),
    };
  }

  /** ARNs as in the Step Functions API Reference: DescribeMapRun, DescribeStateMachine, ListExecutions. */
  private open(
    executionArn: string,
    machine: StateMachine,
    stateName: string,
    state: MapState,
    options: Parameters<DistributedMaps['open']>[2],
  ): MapRun {
    const base = unlabelled(machine.arn);
    const label = state.Label ?? labelOf(base, stateName);
    const { StartAt, States, ProcessorConfig: config } = state.ItemProcessor;
    const isExpress = config?.Mode === 'DISTRIBUTED' && config.ExecutionType === 'EXPRESS';
    const run = new MapRun({
      ...options,
      arn: `${base.replace(':stateMachine:', ':mapRun:')}/${label}:${this.options.random.uuid()}`,
      executionArn,
      stateMachineArn: `${base}/${label}`,
      startedAt: this.options.clock.now(),
    });
    this.runs.set(run.arn, run);
    this.machines.set(run.arn, {
      ...machine,
      arn: run.stateMachineArn,
      name: `${unlabelled(machine.name)}/${label}`,
      parsed: { StartAt, States, ...(isExpress ? { TimeoutSeconds: EXPRESS_SECONDS } : {}) },
    });
    return run;
  }

  private start(run: MapRun, { ItemProcessor: { ProcessorConfig: config } }: MapState, input: string): ChildExecution {
    const { random, start } = this.options;
    const machine = this.machines.get(run.arn);
    if (!machine) throw new Error(`The Map Run ${run.arn} does not exist.`);
    const isExpress = config?.Mode === 'DISTRIBUTED' && config.ExecutionType === 'EXPRESS';
    const name = random.uuid();
    const arn = isExpress
      ? `${machine.arn.replace(':stateMachine:', ':express:')}:${name}:${random.uuid()}`
      : `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;
    return start({ arn, name, machine, input, mapRunArn: run.arn, isExpress });
  }
}
