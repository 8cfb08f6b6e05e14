import { App, Stack } from 'aws-cdk-lib';
import * as sns from 'aws-cdk-lib/aws-sns';
import { PodIdentityMigrator } from 'eks-pod-identity-migrator/cdk';

/** A stack of the platform team, with the service next to a resource of its own. */
class PlatformStack extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const alarms = new sns.Topic(this, 'Alarms');
    const migrator = new PodIdentityMigrator(this, 'Migrator', {
      // The roles that the service may give to add-ons and pods: yours.
      passableRoleArns: ['role/eks-addons/*'],
      alarmTopicArn: alarms.topicArn,
      approvals: { required: true },
      changeWindow: { schedule: '0 22 * * SUN', durationMinutes: 240, timeZone: 'Europe/Berlin' },
    });
    // The command line and the stacks in other accounts read these outputs.
    migrator.createOutputs();
  }
}

const app = new App();
// Deleting the stack would stop every migration midway.
new PlatformStack(app, 'Platform', { terminationProtection: true });
