import { App, Stack } from 'aws-cdk-lib';
import * as sns from 'aws-cdk-lib/aws-sns';
import { PodIdentityMigrator } from '@eks-pod-identity-migrator/pod-identity/cdk';

// A stack of the platform team, with the service next to a resource of its own. Deleting the stack would stop every
// migration midway, so it is protected.
const stack = new Stack(new App(), 'Platform', { terminationProtection: true });
const alarms = new sns.Topic(stack, 'Alarms');

const migrator = new PodIdentityMigrator(stack, 'Migrator', {
  // The roles that the service may give to add-ons and pods: yours.
  passableRoleArns: ['role/eks-addons/*'],
  alarmTopicArn: alarms.topicArn,
  approvals: { required: true },
  changeWindow: { schedule: '0 22 * * SUN', durationMinutes: 240, timeZone: 'Europe/Berlin' },
});
// The command line and the stacks in other accounts read these outputs.
migrator.createOutputs();
