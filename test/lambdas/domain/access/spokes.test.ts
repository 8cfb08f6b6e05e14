import { describe, expect, it } from 'vitest';
import { wantedEntries } from '../../../../lambdas/domain/access/entries.ts';
import {
  CAPABILITIES,
  capabilitiesOf,
  EVERY_ACCOUNT,
  externalIdOf,
  isServed,
  isSpokeRole,
  isSpokeStep,
  rolesOfStep,
  settingsFor,
  SPOKE_STEPS,
  spokeKubernetesRoles,
  spokeRoleArn,
  spokeRoleName,
  spokeSessionName,
  stepsWith,
} from '../../../../lambdas/domain/access/spokes.ts';
import { ACCESS_OF_STEPS, ROLE_OF_STEPS } from '../../../../lambdas/domain/steps/work.ts';
import { stepSchemas } from '../../../../lambdas/steps/schemas.ts';
import { targetEnvironment } from '../../../../lambdas/runtime/step.ts';
import { accountId, roleArn } from '../../../../lambdas/domain/text/names.ts';

const HUB = '111122223333';
const OTHER = '444455556666';

describe('the roles in other accounts', () => {
  it.each(CAPABILITIES)('have a name that IAM accepts, without a path: %s', (capability) => {
    expect(spokeRoleName(capability)).toMatch(/^[\w-]{1,64}$/);
    expect(roleArn.parse(spokeRoleArn(OTHER, capability, 'aws-us-gov'))).toBe(
      `arn:aws-us-gov:iam::${OTHER}:role/pod-identity-migrator-${capability}`,
    );
    expect(isSpokeRole(spokeRoleArn(OTHER, capability))).toBe(true);
  });

  it('are recognised by their complete name', () => {
    for (const arn of [
      `arn:aws:iam::${OTHER}:role/my-pod-identity-migrator-read`,
      `arn:aws:iam::${OTHER}:role/team/pod-identity-migrator-read`,
      `arn:aws:iam::${OTHER}:role/pod-identity-migrator-reader`,
    ])
      expect(isSpokeRole(arn)).toBe(false);
  });

  it.each(SPOKE_STEPS)('get a session name and an external id that STS accepts from step %s', (step) => {
    expect(spokeSessionName(step)).toMatch(/^[\w+=,.@-]{2,64}$/);
    expect(spokeSessionName(step)).toContain(step);
    expect(externalIdOf(HUB)).toMatch(/^[\w+=,.@:/-]{2,1224}$/);
  });

  it('are in access entries with the groups for their purpose', () =>
    expect(
      wantedEntries(spokeKubernetesRoles(OTHER)).map(({ principalArn, groups }) => [
        principalArn.split('/')[1],
        groups.map((group) => group.split(':')[1]),
      ]),
    ).toEqual([
      ['pod-identity-migrator-kubernetes-read', ['read']],
      ['pod-identity-migrator-kubernetes-restart', ['read', 'restart']],
      ['pod-identity-migrator-kubernetes-annotate', ['read', 'annotate']],
    ]));
});

describe('the roles of a step', () => {
  it('include a role for API servers exactly if the step calls them, for its purpose there', () => {
    for (const step of SPOKE_STEPS) {
      const access: readonly string[] = (ACCESS_OF_STEPS as Record<string, readonly string[]>)[step] ?? [];
      const last = access.at(-1);
      expect(rolesOfStep(step).kubernetes, `of ${step}`).toBe(last === undefined ? undefined : `kubernetes-${last}`);
    }
    for (const step of Object.keys(ACCESS_OF_STEPS)) expect(isSpokeStep(step)).toBe(true);
  });

  it('are one for EKS and one for IAM, the same unless two are named', () => {
    expect(rolesOfStep('plan')).toEqual({ eks: 'read', iam: 'read', kubernetes: 'kubernetes-read' });
    expect(rolesOfStep('retire-trust')).toEqual({ eks: 'read', iam: 'trust', kubernetes: 'kubernetes-read' });
    expect(rolesOfStep('restart-pods')).toEqual({ eks: 'read', iam: 'read', kubernetes: 'kubernetes-restart' });
    expect(rolesOfStep('create-addon')).toEqual({ eks: 'change', iam: 'change' });
    expect(capabilitiesOf('retire-trust')).toEqual(['read', 'trust', 'kubernetes-read']);
  });

  it('may be assumed by every step that has them, and by no other', () => {
    for (const capability of CAPABILITIES) {
      expect(stepsWith(capability).length).toBeGreaterThan(0);
      for (const step of SPOKE_STEPS)
        expect(stepsWith(capability).includes(step)).toBe(capabilitiesOf(step).includes(capability));
    }
    expect(stepsWith('trust')).toEqual(['repair-trust', 'retire-trust']);
  });

  it('belong to existing steps, each of which knows the account of the service', () => {
    for (const step of Object.keys(ROLE_OF_STEPS)) {
      expect(Object.keys(stepSchemas)).toContain(step);
      expect(Object.keys(stepSchemas[step as keyof typeof ROLE_OF_STEPS].environment.shape)).toEqual(
        expect.arrayContaining(Object.keys(targetEnvironment.shape)),
      );
    }
  });
});

describe('isServed', () => {
  it.each([
    [HUB, { account: HUB }, true],
    [OTHER, { account: HUB }, false],
    [OTHER, { account: HUB, accounts: [] }, false],
    [OTHER, { account: HUB, accounts: [OTHER] }, true],
    ['777788889999', { account: HUB, accounts: [OTHER] }, false],
    ['777788889999', { account: HUB, accounts: [EVERY_ACCOUNT] }, true],
    [OTHER, {}, false],
  ])('%s, by %j: %s', (account, served, expected) => expect(isServed(account, served)).toBe(expected));

  it('has a value for all accounts that no configuration can contain', () =>
    expect(accountId.safeParse(EVERY_ACCOUNT).success).toBe(false));
});

describe('settingsFor', () => {
  const full = `arn:aws:iam::${HUB}:role/exact`;
  const settings = {
    account: HUB,
    passableRoleArns: ['role/eks-addons/*', full],
    repairableRoleArns: ['role/repaired'],
    actingRoles: { 'create-addon': 'arn:create', 'restore-addon': 'arn:restore' },
  };

  it("takes a pattern without an account for the cluster's own, and leaves one with", () => {
    expect(settingsFor(settings, { account: OTHER, region: 'eu-west-1' })).toMatchObject({
      passableRoleArns: [`arn:aws:iam::${OTHER}:role/eks-addons/*`, full],
      repairableRoleArns: [`arn:aws:iam::${OTHER}:role/repaired`],
    });
    expect(settingsFor(settings, { account: HUB, region: 'cn-north-1' })).toMatchObject({
      passableRoleArns: [`arn:aws-cn:iam::${HUB}:role/eks-addons/*`, full],
      repairableRoleArns: [`arn:aws-cn:iam::${HUB}:role/repaired`],
    });
  });

  it("takes the roles of roleGrants for the cluster's own too, and nothing else of them", () => {
    const grant = { roles: ['role/dns', full], clusters: ['cluster/prod'], serviceAccounts: ['dns/dns'] };
    const found = settingsFor({ ...settings, roleGrants: [grant] }, { account: OTHER, region: 'eu-west-1' }).roleGrants;
    expect(found).toEqual([{ ...grant, roles: [`arn:aws:iam::${OTHER}:role/dns`, full] }]);
  });

  it('says which role passes others there: its own at home, the one that it assumes elsewhere', () => {
    expect(settingsFor(settings, { account: HUB, region: 'eu-west-1' }).actingRoles).toEqual(settings.actingRoles);
    const change = spokeRoleArn(OTHER, 'change');
    expect(settingsFor(settings, { account: OTHER, region: 'eu-west-1' }).actingRoles).toEqual({
      'create-addon': change,
      'restore-addon': change,
    });
    const { account: _, ...nowhere } = settings;
    expect(settingsFor(nowhere, { account: OTHER, region: 'eu-west-1' }).actingRoles).toEqual(settings.actingRoles);
  });
});
