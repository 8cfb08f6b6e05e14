import { Duration } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { APPROVAL_HOURS } from '../../lambdas/domain/request.ts';
import { MOST_DAYS_BEFORE_BEGIN } from '../../lambdas/domain/waiting.ts';
import { createStateMachine } from '../step-machine.ts';
import type { Steps } from '../steps.ts';
import { createEndings } from './endings.ts';
import { ROAD_CATCHERS } from './errors.ts';
import { createRoad, type RoadStep } from './road.ts';
import { ROLLBACK_STEPS } from './rollback.ts';

/**
 * A machine that times out runs no Catch, so this must never come before the way back has ended; Recover would have to
 * take over. The longest that the polls and waits take together, minutes: the plan 20; the locks 60; the agent 20; a
 * way in place: purge 3 + update 3 + until ACTIVE 20.3 + three rounds of 15 and two waits for a rollout, 45.5; two ways
 * by deletion: until gone 20.3 + purge 3 + create 3 + 20.3 + 45.5 each; for a repaired trust to be seen 2 for each
 * update, create and carry-over; the way back: seven assessments of 30 + six actions of 3.3 + associations 3 + 45.5.
 * That is 646 min; the rest of 18 h is for retries of transient faults on the way. Before it begins it may wait for
 * approvals and windows: no wait begins after 30 days, and an approval's takes 7 at most.
 */
export const MACHINE_TIMEOUT = Duration.hours(18)
  .plus(Duration.days(MOST_DAYS_BEFORE_BEGIN))
  .plus(Duration.hours(APPROVAL_HOURS.most));

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
        'Moves one EKS add-on from IRSA to EKS Pod Identity, proves it on the pods, and goes back when it fails.',
      start: createRoad(states, steps.versions, endings),
      timeout: MACHINE_TIMEOUT,
      key,
    });
    steps.grantInvoke(this.stateMachine, [...(Object.keys(ROAD_CATCHERS) as RoadStep[]), ...ROLLBACK_STEPS, 'pause']);
  }
}
