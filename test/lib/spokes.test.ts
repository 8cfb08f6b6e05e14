/** The template for other accounts: what StackSets can deploy, with the values that the service's own stack gives. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aws } from 'aws-cdk-lib';
import { afterAll, describe, expect, it } from 'vitest';
import {
  CAPABILITIES,
  SPOKE_STACK,
  SPOKE_STEPS,
  spokeRoleName,
  stepsWith,
} from '../../lambdas/domain/access/spokes.ts';
import { capabilityGrants, patternsThere, spokeGrantsOf } from '../../lib/permissions/spokes.ts';
import { targetGrants } from '../../lib/permissions/targets.ts';
import { pascalCase } from '../../lib/names.ts';
import { loadAssembly } from '../../sandbox/assembly/assembly.ts';
import { loadSpokes } from '../../sandbox/assembly/spokes.ts';
import { directory, OTHER_ACCOUNT } from './definition.ts';
import { type SpokeTemplate, synthesised } from './synthesised.ts';
import { words } from '../words.ts';

const HUB = { account: '111122223333', region: 'eu-west-1' };

const scratch = mkdtempSync(join(tmpdir(), 'spokes-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const narrow = synthesised({}, { accounts: [OTHER_ACCOUNT], repairableRoleArns: ['role/repaired/*'] });
/** Its cloud assembly. */
const assembly = join(scratch, 'narrow');
narrow.writeTo(assembly);
const least = synthesised({}, { accounts: [OTHER_ACCOUNT], deploy: { denialRule: false, api: false } });
const none = synthesised({});
const template = narrow.spoke();
const text = JSON.stringify(template);
const rolesIn = ({ Resources }: SpokeTemplate): Record<string, Record<string, unknown>> =>
  Object.fromEntries(
    Object.values(Resources)
      .filter(({ Type }) => Type === 'AWS::IAM::Role')
      .map(({ Properties }) => [JSON.stringify(Properties['RoleName']), Properties]),
  );

/** In one place, with the service's own outputs pasted. */
const deployedTo = (outdir: string, account: string, region: string, rolesRegion = region) => {
  const { outputs } = loadAssembly(outdir, HUB);
  return loadSpokes(outdir, { locations: [{ account, region }], outputs, rolesRegion });
};

describe('the template for other accounts', () => {
  it('is there where the configuration names some, and in the sandbox; the service tells its parameters then alone', () => {
    expect(none.files).not.toContain(`${SPOKE_STACK}.template.json`);
    expect(Object.keys(none.hub.Outputs ?? {}).filter((name) => name.startsWith('Hub'))).toEqual([]);
    expect(readdirSync(directory)).toContain(`${SPOKE_STACK}.template.json`);
  });

  it('can be deployed by StackSets: no bootstrap, no assets, no account and no region in it', () => {
    expect(Object.keys(template.Parameters).filter((name) => /BootstrapVersion|AssetParameters/.test(name))).toEqual(
      [],
    );
    expect(template.Rules).toBeUndefined();
    expect(narrow.files).not.toContain(`${SPOKE_STACK}.assets.json`);
    expect(text).not.toMatch(/cdk-hnb659fds|S3Bucket|\b\d{12}\b|(eu|us)-\w+-\d/);
    expect(Buffer.byteLength(text)).toBeLessThan(51_200);
  });

  it.each([
    ['with all', narrow],
    ['with the least', least],
  ])('has the outputs of the service as parameters, but for where the roles are made: %s', (_, { hub, spoke }) => {
    const { Parameters } = spoke();
    const outputs = Object.keys(hub.Outputs ?? {}).filter((name) => name.startsWith('Hub'));
    expect(outputs.length).toBeGreaterThan(4);
    expect(Object.keys(Parameters).toSorted()).toEqual([...outputs, 'RolesRegion'].toSorted());
    expect(Object.values(Parameters).every(({ Default }) => Default === undefined)).toBe(true);
  });

  it('makes the roles of the capabilities under their names, in one region, and what forwards in each', () => {
    const conditionOf = Object.fromEntries(
      Object.entries(template.Resources).map(([name, { Condition }]) => [
        name.replace(/[0-9A-F]{8}$/, ''),
        Condition?.replace(/[0-9A-F]{8}$/, ''),
      ]),
    );
    expect(conditionOf).toEqual({
      ...Object.fromEntries(CAPABILITIES.map((capability) => [`${pascalCase(capability)}Role`, 'RolesHere'])),
      ForwardRole: 'ForwardElsewhere',
      ForwardRoleDefaultPolicy: 'ForwardElsewhere',
      ForwardDeniedUpdate: 'ForwardElsewhere',
    });
    for (const capability of CAPABILITIES)
      expect(rolesIn(template)[JSON.stringify(spokeRoleName(capability))]).toMatchObject({ MaxSessionDuration: 3600 });
    const names = ({ roles }: ReturnType<typeof deployedTo>) => roles.map(({ arn }) => arn.split('/')[1]!).toSorted();
    expect(names(deployedTo(assembly, OTHER_ACCOUNT, 'eu-west-1'))).toEqual(
      [...CAPABILITIES.map(spokeRoleName), 'pod-identity-migrator-forward-eu-west-1'].toSorted(),
    );
    expect(names(deployedTo(assembly, OTHER_ACCOUNT, 'us-east-1', 'eu-west-1'))).toEqual([
      'pod-identity-migrator-forward-us-east-1',
    ]);
  });

  it('forwards nothing where the service itself is, or its events would go in a circle', () => {
    expect(deployedTo(assembly, HUB.account, HUB.region).rules).toEqual([]);
    for (const [account, region] of [
      [HUB.account, 'us-east-1'],
      [OTHER_ACCOUNT, HUB.region],
    ] as const) {
      const [rule] = deployedTo(assembly, account, region).rules;
      expect(rule?.targets).toMatchObject([
        {
          arn: `arn:aws:events:${HUB.region}:${HUB.account}:event-bus/default`,
          roleArn: `arn:aws:iam::${account}:role/pod-identity-migrator-forward-${region}`,
        },
      ]);
    }
  });

  it('has no role that changes trust policies, and no rule, where that is not deployed', () => {
    expect(Object.keys(least.spoke().Parameters)).not.toContain('HubTrustRoleArns');
    expect(JSON.stringify(least.spoke())).not.toMatch(/pod-identity-migrator-trust|UpdateAssumeRolePolicy|AWS::Events/);
    expect(JSON.stringify(least.hub)).not.toMatch(/EventBusPolicy|role\/pod-identity-migrator-trust/);
  });

  it.each([
    ['policy/boundary', true],
    ['arn:aws:iam::aws:policy/PowerUserAccess', true],
    ['arn:aws:iam::111122223333:policy/boundary', false],
  ])('has the permissions boundary %s on each role where it can be: %s', (permissionsBoundaryArn, expected) => {
    const roles = rolesIn(
      synthesised(
        { permissionsBoundaryArn, repairableRoleArns: 'role/eks-addons/*' },
        { accounts: [OTHER_ACCOUNT] },
      ).spoke(),
    );
    expect(Object.values(roles).map((role) => role['PermissionsBoundary'] !== undefined)).toEqual(
      Object.values(roles).map(() => expected),
    );
  });
});

describe('the trust of each role', () => {
  const { roles } = deployedTo(assembly, OTHER_ACCOUNT, 'eu-west-1');
  const hub = loadAssembly(assembly, HUB);
  const trustOf = (capability: (typeof CAPABILITIES)[number]) =>
    roles.find(({ arn }) => arn.endsWith(`/${spokeRoleName(capability)}`))!.trustPolicy as {
      Statement: Record<string, unknown>[];
    };

  it.each(CAPABILITIES)("is in exactly the roles of the service's steps, with the external id: %s", (capability) => {
    const roleArns = stepsWith(capability).map(
      (step) => hub.functions.find(({ handler }) => handler === `${step}.handler`)!.roleArn,
    );
    expect(trustOf(capability).Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { AWS: roleArns },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': `pod-identity-migrator-${HUB.account}` } },
      },
    ]);
  });

  /**
   * IAM User Guide, "IAM and AWS STS quotas": role trust policies have 2,048 characters, white space left out; names of
   * roles 64.
   */
  it.each(CAPABILITIES)('fits, and its parameter too, however long the names of roles: %s', (capability) => {
    const longest = `arn:aws-us-gov:iam::${HUB.account}:role/${'x'.repeat(64)}`;
    const {
      Statement: [statement],
    } = trustOf(capability);
    const arns = stepsWith(capability).map(() => longest);
    expect(
      JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, Principal: { AWS: arns } }] }).length,
    ).toBeLessThanOrEqual(2048);
    expect(arns.join(',').length).toBeLessThanOrEqual(4096);
  });
});

describe('the rights of each role', () => {
  const options = {
    passableRoleArns: ['arn:passable'],
    repairableRoleArns: ['arn:repairable'],
    comparesApprovers: false,
  };

  it('are those that the steps have in their own account, each of them and no other', () => {
    const key = (action: string, conditions: unknown): string => JSON.stringify([action, conditions]);
    // Another step of that role needs the same without a condition.
    const covered = (action: string, conditions: unknown) => action === 'eks:TagResource' && conditions !== undefined;
    const ofSteps = new Set(
      SPOKE_STEPS.flatMap((step) => targetGrants[step](options)).flatMap(({ actions, conditions }) =>
        actions.filter((action) => !covered(action, conditions)).map((action) => key(action, conditions)),
      ),
    );
    const ofRoles = (['read', 'change', 'trust'] as const).flatMap((capability) =>
      capabilityGrants(capability, SPOKE_STEPS, options),
    );
    expect(new Set(ofRoles.map(({ actions: [action = ''], conditions }) => key(action, conditions)))).toEqual(ofSteps);
    for (const { why, resources } of ofRoles) expect([why.length > 15, resources.length > 0]).toEqual([true, true]);
    const tags = ofRoles.filter(({ actions }) => actions.includes('eks:TagResource'));
    expect(tags.map(({ resources }) => resources.map((arn) => arn.split(':')[5] ?? '').toSorted())).toEqual([
      ['/createaddon', '/createpodidentityassociation', 'addon/*/*/*', 'cluster/*', 'podidentityassociation/*/*'],
    ]);
    expect(tags[0]!.why).toContain('create-association tags that association with its migration');
  });

  it('to write trust policies are of one role, and to change EKS of another', () => {
    const changes = (capability: 'read' | 'change' | 'trust'): string[] =>
      capabilityGrants(capability, SPOKE_STEPS, options)
        .flatMap(({ actions }) => actions)
        .filter((action) => !/:(Get|List|Describe|Simulate)/.test(action))
        .toSorted();
    expect([changes('read'), changes('trust')]).toEqual([[], ['iam:UpdateAssumeRolePolicy']]);
    expect(new Set(changes('change'))).toEqual(
      new Set(words`
        eks:CreateAddon eks:CreatePodIdentityAssociation eks:DeleteAddon eks:DeletePodIdentityAssociation
        eks:TagResource eks:UpdateAddon eks:UpdatePodIdentityAssociation iam:PassRole
      `),
    );
  });

  it('are of the account that they are in', () => {
    for (const { policies } of deployedTo(assembly, OTHER_ACCOUNT, 'eu-west-1').roles.filter(
      ({ arn }) => !arn.includes('-forward-'),
    )) {
      for (const { document } of policies) {
        const { Statement } = document as { Statement: { Action: string | string[]; Resource: string | string[] }[] };
        const wide = Statement.filter(({ Resource }) => [Resource].flat().includes('*')).flatMap(
          ({ Action }) => Action,
        );
        expect(
          wide.filter((action) => !/^eks:(ListClusters|DescribeAddon(Versions|Configuration))$/.test(action)),
        ).toEqual([]);
        expect(
          Statement.flatMap(({ Resource }) => Resource).filter(
            (resource) => resource !== '*' && resource.split(':')[4] !== OTHER_ACCOUNT,
          ),
        ).toEqual([]);
        // IAM User Guide, "IAM and AWS STS quotas": a role's inline policies have 10,240 characters.
        expect(JSON.stringify(document).length).toBeLessThan(10_240);
      }
    }
  });

  it('to pass roles are by the patterns without an account, and those of that account', () => {
    const of = (account: string): string => `arn:aws:iam::${account}:role/x`;
    const own = `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:role/x`;
    expect(patternsThere([own, of(OTHER_ACCOUNT), of('777788889999')], [OTHER_ACCOUNT])).toEqual([
      own,
      of(OTHER_ACCOUNT),
    ]);
    const passed = JSON.stringify(
      synthesised(
        { passableRoleArns: undefined },
        { accounts: [OTHER_ACCOUNT], passableRoleArns: ['role/y', of(OTHER_ACCOUNT), of(HUB.account)] },
      ).spoke(),
    );
    expect([passed.includes(of(OTHER_ACCOUNT)), passed.includes(of(HUB.account)), passed.includes(':role/y')]).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe("the service's own rights to become them", () => {
  it('are none where no other account is configured', () => {
    expect(JSON.stringify(none.hub)).not.toMatch(/sts:AssumeRole".*pod-identity-migrator-read/);
    for (const step of SPOKE_STEPS) expect(spokeGrantsOf(step, [])).toEqual([]);
  });

  it.each(SPOKE_STEPS)('are of %s for its own roles, in the configured accounts alone', (step) => {
    const [grant, ...others] = spokeGrantsOf(step, [OTHER_ACCOUNT, '777788889999']);
    expect(others).toEqual([]);
    expect(grant).toMatchObject({
      actions: ['sts:AssumeRole'],
      conditions: { StringEquals: { 'aws:ResourceAccount': [OTHER_ACCOUNT, '777788889999'] } },
    });
    const capabilities = CAPABILITIES.filter((capability) => stepsWith(capability).includes(step));
    expect(grant!.resources).toEqual(
      capabilities.map((capability) => `arn:${Aws.PARTITION}:iam::*:role/${spokeRoleName(capability)}`),
    );
  });

  it('fit into the policy of a role with a hundred accounts', () => {
    const accounts = Array.from({ length: 100 }, (_, index) => String(100_000_000_000 + index));
    const { hub } = synthesised(
      { customerKey: true, subnetIds: 'subnet-0123456789abcdef0', securityGroupIds: 'sg-0123456789abcdef0' },
      { accounts, repairableRoleArns: ['role/repaired/*'] },
    );
    const sizes = Object.values(hub.Resources)
      .filter(({ Type }) => Type === 'AWS::IAM::Policy')
      .map(
        ({ Properties }) =>
          JSON.stringify(Properties['PolicyDocument']).replaceAll(
            /\{"(Ref|Fn::GetAtt)":("[^"]*"|\["[^"]*","[^"]*"\])\}/g,
            '"111122223333"',
          ).length,
      );
    expect(Math.max(...sizes)).toBeLessThan(10_240);
  });
});
