/** Deployments that differ in what they are made of: each rule of CloudFormation's and of cdk-nag's must hold in all. */
import { type Configuration, REQUIRED } from './synthesised.ts';
import { SWITCHED_ON } from './definition.ts';

export const ALARM_TOPIC = 'arn:aws:sns:eu-west-1:111122223333:alarms';
const network = { subnetIds: 'subnet-0123456789abcdef0', securityGroupIds: 'sg-0123456789abcdef0' };
const switchedOn = {
  ...SWITCHED_ON,
  sweeps: [{ name: 'weekly', schedule: 'rate(7 days)', request: { mode: 'inventory' } }],
};

export const DEFAULT: Configuration = { context: REQUIRED };

export const EVERYTHING: Configuration = {
  context: {
    ...REQUIRED,
    repairableRoleArns: ['role/eks-addons/*', 'role/x'],
    customerKey: true,
    permissionsBoundaryArn: 'policy/boundary',
    alarmTopicArn: ALARM_TOPIC,
    ...network,
  },
  settings: switchedOn,
};

export const CONFIGURATIONS: Record<string, Configuration> = {
  'the default': DEFAULT,
  everything: EVERYTHING,
  'Lambdas in a VPC': { context: { ...REQUIRED, ...network } },
  'an access log, and a topic that is made': { context: REQUIRED, settings: switchedOn },
  'a key that is there already': {
    context: {
      ...REQUIRED,
      customerKey: 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    },
  },
  'whole roles': {
    context: { passableRoleArns: 'arn:aws:iam::111122223333:role/x', repairableRoleArns: 'role/x' },
  },
  'every role, as in the sandbox': { context: {}, everyRole: true },
};
