import { Duration } from 'aws-cdk-lib';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { OF_RETIREMENT } from '../migration/errors.ts';
import { EXECUTION, FAILURE_TEXT, MIGRATION_ID, recordText, unknownFields } from '../migration/expressions.ts';
import { failWith } from '../migration/records.ts';
import type { MachineProps } from '../migration/state-machine.ts';
import { catchFailures, sparsePayload, stepTask } from '../migration/task.ts';
import { createStateMachine } from '../step-machine.ts';

/** The polls for a role's lock take up to 6 h, and the retries of transient faults up to 12 h. */
const MACHINE_TIMEOUT = Duration.hours(24);

const INPUT = '$states.context.Execution.Input';

/**
 * Removes the OIDC trust of a migrated add-on, or reinstates it, on request. Input: `{ migrationId, action, dryRun,
 * soakDays, acceptConsumers?, requestedBy?, reason? }`. Its output is the answer of the step retire-trust. It fails as `RetireRefused` if
 * nothing was changed, or as `RetireFailed`; the record then has what may have been written.
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
      `${about}' was not changed. ' & ${FAILURE_TEXT} & ' The migration: ${recordText(tableName)}.'`,
    );
    const failed = failWith(
      states,
      'RetireFailed',
      `${about}' may have been partly changed. ' & ${FAILURE_TEXT} & ' What was recorded before each change: ${recordText(tableName)}. Repeat the request: it continues from the current state.'`,
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
        acceptConsumers: `${INPUT}.acceptConsumers`,
        requestedBy: `${INPUT}.requestedBy`,
        reason: `${INPUT}.reason`,
        unknownFields: unknownFields(
          'migrationId',
          'action',
          'dryRun',
          'soakDays',
          'acceptConsumers',
          'requestedBy',
          'reason',
        ),
      }),
    });
    catchFailures(retireTrust, OF_RETIREMENT, { RetireRefused: refused, RetireFailed: failed });
    retireTrust.next(sfn.Succeed.jsonata(states, 'Retired'));

    this.stateMachine = createStateMachine(this, {
      comment: 'Removes the OIDC trust of a migrated add-on from its role, or reinstates it.',
      start: retireTrust,
      timeout: MACHINE_TIMEOUT,
      key,
    });
    steps.grantInvoke(this.stateMachine, ['retire-trust']);
  }
}
