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
  /** All whose executions hold locks, `migrateAddon` among them. */
  holders: sfn.IStateMachine[];
  table: dynamodb.ITable;
  /** The customer's, where there is one. */
  key?: kms.IKey | undefined;
}

/** An Automation document of Systems Manager that runs one migration, and reports it: see docs/runbook.md. */
export class Runbook extends Construct {
  readonly documentName: string;

  constructor(scope: Construct, id: string, { migrateAddon, holders, table, key }: RunbookProps) {
    super(scope, id);
    const { tableArn, tableName } = table;
    // An automation may run for longer than 12 hours only with a role of its own (Systems Manager quotas), and scripts
    // have no rights without one.
    const role = serviceRole(
      this,
      'Role',
      'ssm',
      'What the SSM runbook may do: run MigrateAddon, and read how it ended.',
    );
    const grants = runbookGrants({ migrateAddon, holders, tableArn, tableName, keyArn: key?.keyArn });
    for (const grant of grants) role.addToPolicy(statementOf(grant));
    acknowledgeGrants(role, grants);

    const document = new ssm.CfnDocument(this, 'Document', {
      documentType: 'Automation',
      // In JSON documents a script can only be an attachment ("aws:executeScript"); JSON is YAML too, whichever of them
      // CloudFormation makes of this.
      documentFormat: 'YAML',
      // Whoever names the document, such as a parent runbook, goes on to.
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
