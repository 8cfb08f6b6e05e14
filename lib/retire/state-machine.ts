import { Duration } from 'aws-cdk-lib';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { OF_RETIREMENT } from '../migration/errors.ts';
import { EXECUTION, FAILURE_TEXT, MIGRATION_ID, recordText, unknownFields } from '../migration/expressions.ts';
import { failWith } from '../migration/records.ts';
import type { MachineProps } from '../migration/state-machine.ts';
import { catchFailures, sparsePayload, stepTask } from '../migration/task.ts';
import { createStateMachine } from '../step-machine.ts';

/** The polls for a role's lock take 6 h together, and the retries of transient faults 12 h. */
const MACHINE_TIMEOUT = Duration.hours(24);

const INPUT = '$states.context.Execution.Input';

/**
 * Takes the OIDC trust of a migrated add-on away, or puts it back, when a person asks for it. Input: `{ migrationId,
 * action, dryRun, soakDays, requestedBy?, reason? }`, and its output what the step retire-trust answers. It fails as
 * `RetireRefused`, with nothing changed, or as `RetireFailed`: then the record says what may have been written.
 */
export class Retire extends Construct {
  readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, { steps, tableName, key }: MachineProps) {
    super(scope, id);
    const functions = steps.versions;
    const states = new Construct(this, 'States');

    const about = `'The OIDC trust of migration ' & ${MIGRATION_ID} & `;
    const refused = failWith(
      states,
      'RetireRefused',
      `${about}' was left as it is. ' & ${FAILURE_TEXT} & ' The migration: ${recordText(tableName)}.'`,
    );
    const failed = failWith(
      states,
      'RetireFailed',
      `${about}' may have been changed in part. ' & ${FAILURE_TEXT} & ' What was noted before each change: ${recordText(tableName)}. Ask for it again: it goes on from what it finds.'`,
    );

    const retireTrust = stepTask(states, 'retire-trust', {
      functions,
      payload: sparsePayload<'retire-trust'>({
        migrationId: MIGRATION_ID,
        executionArn: EXECUTION,
        executionStartedAt: '$states.context.Execution.StartTime',
        action: `${INPUT}.action`,
        dryRun: `${INPUT}.dryRun`,
        soakDays: `${INPUT}.soakDays`,
        requestedBy: `${INPUT}.requestedBy`,
        reason: `${INPUT}.reason`,
        unknownFields: unknownFields('migrationId', 'action', 'dryRun', 'soakDays', 'requestedBy', 'reason'),
      }),
    });
    catchFailures(retireTrust, OF_RETIREMENT, { RetireRefused: refused, RetireFailed: failed });
    retireTrust.next(sfn.Succeed.jsonata(states, 'Retired'));

    this.stateMachine = createStateMachine(this, {
      comment: 'Takes the OIDC trust of a migrated add-on out of its role, and puts it back.',
      start: retireTrust,
      timeout: MACHINE_TIMEOUT,
      key,
    });
    steps.grantInvoke(this.stateMachine, ['retire-trust']);
  }
}
