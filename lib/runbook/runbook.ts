import { Stack } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { acknowledgeGrants } from '../acknowledge.ts';
import { statementOf } from '../permissions/grant.ts';
import { executionArnOf, runbookGrants } from '../permissions/runbook.ts';
import { serviceRole } from '../service-role.ts';
import { documentOf } from './document.ts';

export interface RunbookProps {
  migrateAddon: sfn.IStateMachine;
  /** All state machines whose executions hold locks, including `migrateAddon`. */
  holders: sfn.IStateMachine[];
  table: dynamodb.ITable;
  /** The customer's key, if there is one. */
  key?: kms.IKey | undefined;
}

/** A Systems Manager Automation document that runs a migration and reports its outcome: see docs/runbook.md. */
export class Runbook extends Construct {
  readonly documentName: string;

  constructor(scope: Construct, id: string, { migrateAddon, holders, table, key }: RunbookProps) {
    super(scope, id);
    const { tableArn, tableName } = table;
    // An automation may run for longer than 12 hours only with a separate role (Systems Manager quotas), and scripts
    // have no rights without one.
    const role = serviceRole(
      this,
      'Role',
      'ssm',
      'Role of the SSM runbook, which runs MigrateAddon and reads the outcome.',
    );
    const grants = runbookGrants({ migrateAddon, holders, tableArn, tableName, keyArn: key?.keyArn });
    for (const grant of grants) role.addToPolicy(statementOf(grant));
    acknowledgeGrants(role, grants);

    const document = new ssm.CfnDocument(this, 'Document', {
      documentType: 'Automation',
      // In JSON documents a script can only be an attachment ("aws:executeScript"). JSON is also valid YAML, so this
      // works whichever of them CloudFormation writes.
      documentFormat: 'YAML',
      // A new version keeps references to the document valid, such as those of a parent runbook.
      updateMethod: 'NewVersion',
      content: documentOf({
        region: Stack.of(this).region,
        stateMachineArn: migrateAddon.stateMachineArn,
        executionArnOf: (name) => executionArnOf(migrateAddon, name),
        tableName,
        assumeRole: role.roleArn,
      }),
    });
    this.documentName = document.ref;
  }
}
