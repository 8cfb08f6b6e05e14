import { BootstraplessSynthesizer, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { PodIdentityMigratorSpoke, type PodIdentityMigratorSpokeProps } from './pod-identity-migrator-spoke.ts';

export interface SpokeStackProps extends StackProps {
  migrator: PodIdentityMigratorSpokeProps;
}

/**
 * The stack that another account deploys so that the service can work on its clusters. The template has no assets and
 * needs no bootstrap, so that StackSets can deploy it unchanged to every account and region.
 */
export class SpokeStack extends Stack {
  constructor(scope: Construct, id: string, { migrator, ...props }: SpokeStackProps) {
    super(scope, id, {
      ...props,
      suppressTemplateIndentation: true,
      synthesizer: new BootstraplessSynthesizer(),
      description: 'Allows the Pod Identity migrator in another account to work on the EKS clusters of this account.',
    });
    // The id `Default` is not part of logical ids.
    new PodIdentityMigratorSpoke(this, 'Default', migrator).createOutputs();
  }
}
