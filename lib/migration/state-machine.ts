import { Duration } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { MOST_DAYS_WAITING } from '../../lambdas/domain/waiting/pause.ts';
import { APPROVAL_HOURS } from '../../lambdas/domain/request/request.ts';
import { MOST_DAYS_BEFORE_BEGIN } from '../../lambdas/domain/waiting/waiting.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import { createStateMachine } from '../step-machine.ts';
import type { Steps } from '../steps.ts';
import { createEndings } from './endings.ts';
import { WORKFLOW_CATCHERS, type WorkflowStep } from './errors.ts';
import { createWorkflow } from './workflow.ts';
import { ROLLBACK_STEPS } from './rollback.ts';

/**
 * Maximum duration of an execution: the maximum wait in each of its phases (the plan, the change, the rollback,
 * recording the end) and two more days of work. A state machine that times out runs no Catch; if an execution ever
 * waits longer, Recover takes the migration over.
 */
export const PHASES_TIMEOUT = Duration.days(4 * MOST_DAYS_WAITING + 2);

/**
 * Maximum wait for approvals and windows before the change: no wait starts after 30 days, and an approval takes up to
 * 7.
 */
export const MACHINE_TIMEOUT = PHASES_TIMEOUT.plus(Duration.days(MOST_DAYS_BEFORE_BEGIN)).plus(
  Duration.hours(APPROVAL_HOURS.most),
);

/**
 * Steps that only executions in flight at the upgrade still call, because they continue with the previous release's
 * definition. The next release removes these steps.
 */
export const OF_PREVIOUS_RELEASE: readonly StepName[] = [];

export interface MachineProps {
  steps: Steps;
  /** Name of the ledger's table, for texts that refer to it. */
  tableName: string;
  /** The customer's key, if there is one. */
  key?: kms.IKey | undefined;
}

/**
 * The migration of an add-on or a service account. Input: `{ migrationId, request }` (see `MigrationRequest`). The name
 * of an execution is its migration's id. State and variables have only identifiers and the attempts; the ledger has
 * everything else.
 */
export class MigrateAddon extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, { steps, tableName, key }: MachineProps) {
    super(scope, id);
    const states = new Construct(this, 'States');
    const endings = createEndings(states, steps.versions, tableName);
    this.stateMachine = createStateMachine(this, {
      comment:
        'Moves an EKS add-on or a service account from IRSA to EKS Pod Identity, verifies the pods, and rolls back if it fails.',
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
