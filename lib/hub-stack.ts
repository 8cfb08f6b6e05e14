import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { PodIdentityMigrator, type PodIdentityMigratorProps } from './pod-identity-migrator.ts';

export interface HubStackProps extends StackProps {
  migrator: PodIdentityMigratorProps;
}

/** The stack of the service, with the outputs that the command line and the stacks in other accounts need. */
export class HubStack extends Stack {
  readonly migrator: PodIdentityMigrator;

  constructor(scope: Construct, id: string, { migrator, ...props }: HubStackProps) {
    // Deleting the stack would stop every migration midway, and remove what could roll it back.
    super(scope, id, { terminationProtection: true, ...props, suppressTemplateIndentation: true });
    // The id `Default` is not part of logical ids.
    this.migrator = new PodIdentityMigrator(this, 'Default', migrator);
    this.migrator.createOutputs();
  }
}
