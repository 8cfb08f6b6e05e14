/** What a deployment may, and must, be told by the CDK context; by the configuration file, see config-file.test.ts. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { matchesWildcard } from '../../lambdas/domain/policy/index.ts';
import { createApp } from '../../lib/app.ts';
import { synthesise } from '../../scripts/synthesise.ts';
import { Deployment, lambdaDirectory, OTHER_ACCOUNT, template, type Template } from './definition.ts';
import { REQUIRED, synthesised, synthesiseWith } from './synthesised.ts';
import { configOf } from './config-files.ts';
import { forAllIn } from '../for-all.ts';

const scratch = mkdtempSync(join(tmpdir(), 'config-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The patterns that a context comes to; `P` and `A` for this partition and account. */
const patternsOf = (passableRoleArns: unknown): string[] =>
  configOf({ passableRoleArns }).passableRoleArns.map((one) =>
    one.replace(/\$\{Token\[AWS\.Partition\.\d+\]\}/, 'P').replace(/\$\{Token\[AWS\.AccountId\.\d+\]\}/, 'A'),
  );

const KEYS = ['passableRoleArns', 'repairableRoleArns'] as const;

describe('roles', () => {
  it('must be named: without them nothing is synthesised, and the message says what to set, to what, and where', () => {
    const message =
      /cdk\.json[^\n]*-c key=value:\n {2}passableRoleArns: must name the roles[^\n]*-c 'passableRoleArns=role\/eks-addons\/\*'$/;
    expect(() => createApp({ outdir: join(scratch, 'app'), lambdaDirectory })).toThrow(message);
    expect(() => synthesise(join(scratch, 'none'), { lambdaDirectory, context: {} })).toThrow(message);
    expect(() => configOf({ passableRoleArns: [] })).toThrow(message);
  });

  it('that may be repaired can be left out, but not named as none', () => {
    expect(configOf(REQUIRED)).not.toHaveProperty('repairableRoleArns');
    expect(() => configOf({ ...REQUIRED, repairableRoleArns: [] })).toThrow(
      /repairableRoleArns: must name the roles[^\n]*left out, it may change none/,
    );
  });

  it.each([
    ['arn:aws:iam::111122223333:role/eks-addons/*', ['arn:aws:iam::111122223333:role/eks-addons/*']],
    ['role/eks-addons/*', ['arn:P:iam::A:role/eks-addons/*']],
    ['role/a, role/b', ['arn:P:iam::A:role/a', 'arn:P:iam::A:role/b']],
    [
      ['role/*-irsa', 'role/*/cni/*', 'role/ebs-csi-?'],
      ['arn:P:iam::A:role/*-irsa', 'arn:P:iam::A:role/*/cni/*', 'arn:P:iam::A:role/ebs-csi-?'],
    ],
    [
      ['arn:aws-us-gov:iam::111122223333:role/x', 'arn:*:iam::111122223333:role/x+=.@-_'],
      ['arn:aws-us-gov:iam::111122223333:role/x', 'arn:*:iam::111122223333:role/x+=.@-_'],
    ],
  ])('are taken as %j', (given, expected) => expect(patternsOf(given)).toEqual(expected));

  it.each([
    ['role/*', /matches every role/],
    ['role/**', /matches every role/],
    ['role/*/*', /matches every role/],
    ['role/?*', /matches every role/],
    ['role/*-*', /matches every role/],
    ['arn:aws:iam::111122223333:role/*', /matches every role/],
    ['arn:aws:iam::*:role/x', /every account: name the account/],
    ['arn:aws:iam:::role/x', /must be an ARN pattern/],
    ['arn:aws:iam::11112222333*:role/x', /must be an ARN pattern/],
    ['*', /must be an ARN pattern/],
    ['arn:aws:iam::111122223333:*', /must be an ARN pattern/],
    ['role/', /an empty part/],
    ['role//b', /an empty part/],
    ['role/eks-addons/', /an empty part/],
    ['role/a/../b', /the part \.\./],
    ['role/./b', /the part \./],
    ['role/eks-addons/..', /the part \.\./],
    ['my-role', /must be an ARN pattern of IAM roles such as arn:aws:iam/],
    ['Role/eks-addons/*', /must be an ARN pattern/],
    ['arn:aws:iam::111122223333:user/x', /must be an ARN pattern/],
    ['arn:aws:sts::111122223333:assumed-role/x/y', /must be an ARN pattern/],
    ['role/a b', /must be an ARN pattern/],
    ['role/${aws:username}', /must be an ARN pattern/],
    // A name may have one, but it would be two patterns where it is handed on.
    ['role/x,*', /must be an ARN pattern/],
    ['role/x\nrole/*', /must be an ARN pattern/],
    [7, /./],
  ])('are refused as %j', (pattern, message) => {
    for (const key of KEYS) {
      const refuse = (): unknown => configOf({ ...REQUIRED, [key]: [pattern] });
      expect(refuse).toThrow(message);
      expect(refuse).toThrow(`${key}.0: `);
    }
  });

  it('are refused one by one, so that all can be corrected at once', () =>
    expect(() => configOf({ passableRoleArns: 'role/*,role/a', repairableRoleArns: 'role/b,role//c' })).toThrow(
      /passableRoleArns\.0: matches every[^\n]*\n {2}repairableRoleArns\.1: has an empty part/,
    ));

  it('are never all, whatever pattern is taken', () => {
    const text = fc
      .array(fc.constantFrom('*', '?', '/', '-', '.', '..', 'role', 'a', 'arn:aws:iam::111122223333:'), {
        maxLength: 8,
      })
      .map((parts) => parts.join(''));
    const roles = ['role/+', 'role/=/@', 'role/-/_', 'role/_+=@'].map((role) => `arn:P:iam::A:${role}`);
    forAllIn(500, text, (end) => {
      let taken: string[];
      try {
        taken = patternsOf([`role/${end}`]);
      } catch {
        return;
      }
      // These have neither a letter nor a digit, so no pattern that names something can match all of them.
      expect(taken.some((pattern) => roles.every((role) => matchesWildcard(pattern, role)))).toBe(false);
    });
  });

  it("are all in the sandbox's own assembly alone, which no context can ask for", () => {
    const passed = ({ Resources }: Template): string =>
      JSON.stringify(Object.values(Resources).filter(({ Type }) => Type === 'AWS::IAM::Policy'));
    expect(passed(template)).toContain(':role/*"');
    for (const everyRole of [true, 'true'])
      expect(() => synthesiseWith({ passableRoleArns: undefined, everyRole, forEveryRole: everyRole })).toThrow(
        /passableRoleArns: must name/,
      );
    const outdir = join(scratch, 'narrow');
    synthesise(outdir, {
      lambdaDirectory,
      context: { passableRoleArns: 'role/eks-addons/*', repairableRoleArns: 'role/eks-addons/repaired/*' },
    });
    const narrow = new Deployment(
      JSON.parse(readFileSync(join(outdir, 'PodIdentityMigrator.template.json'), 'utf8')) as Template,
    );
    const rights = narrow.resourcesOf('AWS::IAM::Role').flatMap(([role]) => narrow.statementsOfRole(role));
    const on = (action: string): Set<string> =>
      new Set(rights.filter(({ actions }) => actions.includes(action)).flatMap(({ resources }) => resources));
    expect(on('iam:PassRole')).toEqual(new Set(['arn:aws:iam::111122223333:role/eks-addons/*']));
    expect(on('iam:UpdateAssumeRolePolicy')).toEqual(new Set(['arn:aws:iam::111122223333:role/eks-addons/repaired/*']));
  });

  it('are limited in the plan, in begin and for annotations, and in IAM for each step that passes, from a list or from the command line', () => {
    const one = 'arn:aws:iam::111122223333:role/addons/*';
    for (const passableRoleArns of [[one, 'role/x'], `${one}, role/x`]) {
      const deployment = synthesiseWith({ passableRoleArns });
      const passed = deployment
        .resourcesOf('AWS::IAM::Role')
        .flatMap(([role]) => deployment.statementsOfRole(role))
        .filter(({ actions }) => actions.includes('iam:PassRole'));
      expect(passed).toHaveLength(6);
      for (const { resources } of passed)
        expect(resources.toSorted()).toEqual([one, 'arn:aws:iam::111122223333:role/x']);
      expect(synthesised({ passableRoleArns }).settings).toMatchObject({ passableRoleArns: [one, 'role/x'] });
      for (const step of ['plan', 'begin', 'annotate-service-account'] as const)
        expect(deployment.variablesOf(step).SETTINGS_FILE, `of ${step}`).toBe('/opt/settings.json');
    }
  });
});

describe('the permissions boundary', () => {
  it.each([
    ['arn:aws:iam::111122223333:policy/boundary', 'arn:aws:iam::111122223333:policy/boundary'],
    ['arn:aws:iam::aws:policy/PowerUserAccess', 'arn:aws:iam::aws:policy/PowerUserAccess'],
    ['policy/boundary', 'arn:aws:iam::111122223333:policy/boundary'],
  ])('%s is on every role of the stack', (permissionsBoundaryArn, expected) => {
    const deployment = synthesiseWith(
      { permissionsBoundaryArn, repairableRoleArns: 'role/eks-addons/*' },
      { accounts: [OTHER_ACCOUNT] },
    );
    const roles = deployment.resourcesOf('AWS::IAM::Role');
    // Each step's, each state machine's, EventBridge's, and the runbook's.
    expect(roles).toHaveLength(deployment.steps().length + 4 + 1 + 1);
    expect(new Set(roles.map(([, { Properties }]) => deployment.resolve(Properties.PermissionsBoundary)))).toEqual(
      new Set([expected]),
    );
  });

  it('is none by default', () =>
    expect(JSON.stringify(synthesiseWith({}).template)).not.toContain('PermissionsBoundary'));

  it.each([
    'boundary',
    'policy/',
    'policy/*',
    'policy/a/../b',
    'policy//b',
    'arn:aws:iam::*:policy/x',
    'arn:aws:iam::111122223333:role/x',
    '',
  ])('is refused as %j', (permissionsBoundaryArn) =>
    expect(() => configOf({ ...REQUIRED, permissionsBoundaryArn })).toThrow(
      /permissionsBoundaryArn: (must be the ARN of a managed policy such as|has a part)/,
    ),
  );
});

describe('the network', () => {
  const SUBNET = 'subnet-0123456789abcdef0';
  const GROUP = 'sg-0123456789abcdef0';
  const refuse = (network: Record<string, unknown>) => () => configOf({ ...REQUIRED, ...network });

  it('is none by default', () => expect(configOf(REQUIRED)).not.toHaveProperty('network'));

  it.each([
    [SUBNET, GROUP],
    [`${SUBNET}, subnet-1a2b3c4d`, `${GROUP},sg-1a2b3c4d`],
    [[SUBNET, 'subnet-1a2b3c4d'], [GROUP]],
  ])('is taken as %j and %j', (subnetIds, securityGroupIds) => {
    const list = (value: string | string[]): string[] => [value].flat().flatMap((one) => one.split(/, ?/));
    expect(configOf({ ...REQUIRED, subnetIds, securityGroupIds })).toMatchObject({
      network: { subnetIds: list(subnetIds), securityGroupIds: list(securityGroupIds) },
    });
  });

  it('is both or neither; the message names the one that is missing, and says what to set it to', () => {
    expect(refuse({ subnetIds: SUBNET })).toThrow(
      /cdk\.json[^\n]*:\n {2}securityGroupIds: must name the security groups [^\n]* -c 'securityGroupIds=sg-0123456789abcdef0'\. Leave out both subnetIds and securityGroupIds for Lambdas in no VPC$/,
    );
    expect(refuse({ securityGroupIds: GROUP })).toThrow(
      /\n {2}subnetIds: must name the subnets, all of one VPC, [^\n]* -c 'subnetIds=subnet-0123456789abcdef0,subnet-0fedcba9876543210'\. Leave out both/,
    );
  });

  it.each([
    [{ subnetIds: [], securityGroupIds: GROUP }, /subnetIds: must name the subnets/],
    [{ subnetIds: SUBNET, securityGroupIds: [] }, /securityGroupIds: must name the security groups/],
    [{ subnetIds: '', securityGroupIds: GROUP }, /subnetIds\.0: must be an ID such as subnet-0123456789abcdef0/],
    [{ subnetIds: 'subnet-0123', securityGroupIds: GROUP }, /subnetIds\.0: must be an ID such as/],
    [{ subnetIds: `${SUBNET},${GROUP}`, securityGroupIds: GROUP }, /subnetIds\.1: must be an ID such as subnet-/],
    [
      { subnetIds: 'arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-0123456789abcdef0', securityGroupIds: GROUP },
      /subnetIds\.0: must be an ID such as/,
    ],
    [{ subnetIds: SUBNET, securityGroupIds: 'default' }, /securityGroupIds\.0: must be an ID such as sg-/],
    [{ subnetIds: SUBNET, securityGroupIds: 7 }, /securityGroupIds: must be a list, or text with commas between/],
    [{ subnetIds: `${SUBNET},${SUBNET}`, securityGroupIds: GROUP }, /subnetIds: names one more than once/],
    [
      { subnetIds: SUBNET, securityGroupIds: [GROUP, 'sg-1a2b3c4d', GROUP] },
      /securityGroupIds: names one more than once/,
    ],
    [
      { subnetIds: Array.from({ length: 17 }, (_, index) => `subnet-000000${10 + index}`), securityGroupIds: GROUP },
      /subnetIds: has 17 IDs, and Lambda takes at most 16/,
    ],
    [
      { subnetIds: SUBNET, securityGroupIds: Array.from({ length: 6 }, (_, index) => `sg-000000${10 + index}`) },
      /securityGroupIds: has 6 IDs, and Lambda takes at most 5/,
    ],
  ])('is refused as %j', (network, message) => expect(refuse(network)).toThrow(message));
});

describe('other settings', () => {
  it.each([
    'yes',
    'alias/mine',
    'arn:aws:kms:eu-west-1:111122223333:alias/mine',
    '1234abcd-12ab-34cd-56ef-1234567890ab',
    7,
  ])('a key is refused as %j', (customerKey) =>
    expect(() => configOf({ ...REQUIRED, customerKey })).toThrow(
      /customerKey: must be true, or the ARN of a key such as arn:aws:kms/,
    ),
  );

  it.each([true, 'true', 'create'])('a key is made for %j', (customerKey) =>
    expect(configOf({ ...REQUIRED, customerKey })).toMatchObject({ customerKey: 'create' }),
  );

  it.each([false, 'false', undefined])('no key is used for %j', (customerKey) =>
    expect(configOf({ ...REQUIRED, customerKey })).not.toHaveProperty('customerKey'),
  );

  it('a topic for alarms is taken by its ARN, and is none by default', () => {
    const alarmTopicArn = 'arn:aws:sns:eu-west-1:111122223333:alarms';
    expect(configOf({ ...REQUIRED, alarmTopicArn })).toMatchObject({ alarmTopicArn });
    expect(configOf(REQUIRED)).not.toHaveProperty('alarmTopicArn');
  });

  it.each([
    'alarms',
    '',
    'arn:aws:sns:eu-west-1:111122223333:alarms.fifo',
    'arn:aws:sns:eu-west-1:111122223333:*',
    'arn:aws:sqs:eu-west-1:111122223333:alarms',
    7,
  ])('a topic for alarms is refused as %j', (alarmTopicArn) =>
    expect(() => configOf({ ...REQUIRED, alarmTopicArn })).toThrow(
      /alarmTopicArn: (must be the ARN of a standard topic of SNS, in the region of the stack, such as arn:aws:sns|Invalid input)/,
    ),
  );

  it('are refused with the key and what it must be', () =>
    expect(() => configOf({ ...REQUIRED, logLevel: 'LOUD' })).toThrow(/logLevel: .*"DEBUG"/));
});
