import { Duration } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { MOST_DAYS_WAITING } from '../../lambdas/domain/waiting/pause.ts';
import { APPROVAL_HOURS } from '../../lambdas/domain/migration/request.ts';
import { MOST_DAYS_BEFORE_BEGIN } from '../../lambdas/domain/waiting/waiting.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import { createStateMachine } from '../step-machine.ts';
import type { Steps } from '../steps.ts';
import { createEndings } from './endings.ts';
import { WORKFLOW_CATCHERS, type WorkflowStep } from './errors.ts';
import { createWorkflow } from './workflow.ts';
import { ROLLBACK_STEPS } from './rollback.ts';

/**
 * What an execution may take that waits as long as may be for one thing in each of its phases (the plan, the change, the
 * way back, the record of its end), and is at work for two days more. A machine that times out runs no Catch: should an
 * execution ever wait for more than that, Recover takes over what it has left.
 */
export const PHASES_TIMEOUT = Duration.days(4 * MOST_DAYS_WAITING + 2);

/** Before it begins it may wait for approvals and windows: no wait begins after 30 days, and an approval's takes 7. */
export const MACHINE_TIMEOUT = PHASES_TIMEOUT.plus(Duration.days(MOST_DAYS_BEFORE_BEGIN)).plus(
  Duration.hours(APPROVAL_HOURS.most),
);

/**
 * Steps that no state calls any more but those of executions in flight at the upgrade, which go on with the previous
 * release's definition. They go with the next release.
 */
export const OF_PREVIOUS_RELEASE: readonly StepName[] = [];

export interface MachineProps {
  steps: Steps;
  /** Name of the ledger's table, for the texts that say where to look. */
  tableName: string;
  /** The customer's, where there is one. */
  key?: kms.IKey | undefined;
}

/**
 * The migration of one add-on. Input: `{ migrationId, request }` (see `MigrationRequest`); an execution has its
 * migration's id as its name. State and variables carry identifiers and the ladder only; everything else is in the
 * ledger.
 */
export class MigrateAddon extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, { steps, tableName, key }: MachineProps) {
    super(scope, id);
    const states = new Construct(this, 'States');
    const endings = createEndings(states, steps.versions, tableName);
    this.stateMachine = createStateMachine(this, {
      comment:
        'Moves one EKS add-on from IRSA to EKS Pod Identity, verifies it on the pods, and goes back when it fails.',
      start: createWorkflow(states, steps.versions, endings),
      timeout: MACHINE_TIMEOUT,
      key,
    });
    steps.grantInvoke(this.stateMachine, [
      ...(Object.keys(WORKFLOW_CATCHERS) as WorkflowStep[]),
      ...ROLLBACK_STEPS,
      ...OF_PREVIOUS_RELEASE,
      'pause',
    ]);
  }
}
