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

const numbered = (count: number, nameOf: (number: string) => string): string[] =>
  Array.from({ length: count }, (_, index) => nameOf(String(index + 1).padStart(3, '0')));
/** Role patterns of a team each. */
export const patternsOf = (count: number, kind: string, middle = ''): string[] =>
  numbered(count, (number) => `role/eks-addons/${middle}${kind}-team-${number}-*`);
export const accountsOf = (count: number): string[] => numbered(count, (number) => `222233334${number}`);
/** Names that regions could have: there are not yet as many as a configuration takes. */
const REGIONS = ['ap', 'eu', 'us', 'ca', 'sa', 'me', 'af', 'mx', 'il', 'cn'].flatMap((location) =>
  ['northeast', 'northwest', 'southeast', 'southwest', 'central'].map((side) => `${location}-${side}-1`),
);

/** Every list as long as the configuration takes it, and everything switched on. */
export const LIST_MAXIMA: Configuration = {
  context: {
    ...EVERYTHING.context,
    passableRoleArns: patternsOf(100, 'passed'),
    repairableRoleArns: patternsOf(100, 'repaired'),
    subnetIds: numbered(16, (number) => `subnet-0123456789abcd${number}`).join(','),
    securityGroupIds: numbered(5, (number) => `sg-0123456789abcd${number}`).join(','),
  },
  settings: {
    ...switchedOn,
    accounts: accountsOf(100),
    regions: REGIONS,
    sweeps: numbered(50, (number) => `weekly-sweep-of-production-${number}`).map((name) => ({
      name,
      schedule: 'cron(0 6 ? * MON *)',
      timeZone: 'America/Argentina/ComodRivadavia',
      request: { mode: 'inventory', reason: 'r'.repeat(900) },
    })),
    notifications: { emails: numbered(50, (number) => `platform-team-${number}@${'x'.repeat(60)}.example.com`) },
    changeWindow: {
      schedule: '0 22 * * SUN',
      durationMinutes: 240,
      timeZone: 'America/Argentina/ComodRivadavia',
      waitAtMostHours: 336,
    },
  },
};

export const CONFIGURATIONS: Record<string, Configuration> = {
  'the default': DEFAULT,
  everything: EVERYTHING,
  'every list at its longest': LIST_MAXIMA,
  'Lambdas in a VPC': { context: { ...REQUIRED, ...network } },
  'an access log, and a topic that is made': { context: REQUIRED, settings: switchedOn },
  'a key that is there already': {
    context: {
      ...REQUIRED,
      customerKey: 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    },
  },
  'whole roles': { context: { passableRoleArns: 'arn:aws:iam::111122223333:role/x', repairableRoleArns: 'role/x' } },
  'every role, as in the sandbox': { context: {}, everyRole: true },
};
