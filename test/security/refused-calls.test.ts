/**
 * A call that IAM would deny is known before anything is deleted, regardless of what removed the permission: a Deny, a
 * permissions boundary, a policy changed by hand; and whether or not the plan may use IAM's policy simulation.
 */
import { describe, expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import type { Knobs, Scenario, ScenarioCluster } from '../../sandbox/scenario/scenario.ts';
import type { RoleState } from '../../sandbox/world/world.ts';
import { changesIn, hostileScenario, inHostileWorld, OWN_ROLE, ownAddon, SERVICE_ACCOUNT, stateOf } from './hostile.ts';

type Statement = Record<string, unknown>;
const document = (...Statement: Statement[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
const EVERYTHING = { Effect: 'Allow', Action: '*', Resource: '*' };
const deny = (Action: string, rest: Statement = {}): Statement => ({ Effect: 'Deny', Action, Resource: '*', ...rest });

type Change = (role: RoleState) => void;
const denying =
  (...statements: Statement[]): Change =>
  (role) =>
    void role.policies.push({ name: 'by-hand', document: document(...statements) });
const bounded =
  (...statements: Statement[]): Change =>
  (role) => {
    role.permissionsBoundary = {
      arn: 'arn:aws:iam::111122223333:policy/bound',
      document: document(EVERYTHING, ...statements),
    };
  };

interface Case {
  step: RegExp;
  change: Change;
  scenario?: (scenario: Scenario, cluster: ScenarioCluster) => void;
  request?: Partial<MigrationRequestInput>;
}

const tagged = (_: Scenario, cluster: ScenarioCluster): void => {
  ownAddon(cluster).tags = { team: 'storage' };
};
/** One association that the add-on owns, with fields that the add-on's form cannot carry, and one left over. */
const owning =
  (owner?: string) =>
  (_: Scenario, cluster: ScenarioCluster): void => {
    cluster.associations.push({
      namespace: 'kube-system',
      serviceAccount: SERVICE_ACCOUNT,
      roleArn: OWN_ROLE,
      tags: {},
      disableSessionTags: true,
      createdAt: '2025-10-01T09:00:00.000Z',
      ...(owner === undefined ? {} : { owner }),
    });
  };

const CASES: Record<string, Case> = {
  'the create, by a boundary': { step: /CreateAddon/, change: bounded(deny('eks:CreateAddon')) },
  'the create, for another region': {
    step: /CreateAddon/,
    change: denying(deny('eks:*', { Condition: { StringNotEquals: { 'aws:RequestedRegion': 'us-east-1' } } })),
  },
  'the create, for its tags': {
    step: /CreateAddon/,
    change: denying(deny('eks:CreateAddon', { Condition: { StringEquals: { 'aws:RequestTag/team': 'storage' } } })),
    scenario: tagged,
  },
  'the tags of the create': { step: /CreateAddon/, change: denying(deny('eks:TagResource')), scenario: tagged },
  'the tags of the create on one of the resources that EKS may ask for': {
    step: /CreateAddon/,
    change: denying({ ...deny('eks:TagResource'), Resource: '*:cluster/*' }),
    scenario: tagged,
  },
  'the role, to one of the services that EKS may name': {
    step: /CreateAddon/,
    change: denying(
      deny('iam:PassRole', { Condition: { StringEquals: { 'iam:PassedToService': 'pods.eks.amazonaws.com' } } }),
    ),
  },
  'what EKS does with the permissions of the role alone': {
    step: /CreateAddon/,
    change: bounded(deny('eks:*', { Condition: { Bool: { 'aws:ViaAWSService': 'true' } } })),
  },
  'the delete': { step: /DeleteAddon/, change: bounded(deny('eks:DeleteAddon')) },
  'the create of the rollback': { step: /RestoreAddon/, change: denying(deny('eks:CreateAddon')) },
  'the IRSA role of the rollback': { step: /RestoreAddon/, change: bounded(deny('iam:PassRole')) },
  'the fields of the rollback': {
    step: /RestoreAssociations/,
    change: bounded(deny('eks:UpdatePodIdentityAssociation')),
    scenario: owning('aws-ebs-csi-driver'),
  },
  'an association of the rollback, before the purge in place': {
    step: /RestoreAssociations/,
    change: denying(deny('eks:CreatePodIdentityAssociation')),
    scenario: owning(),
    request: { strategy: 'in-place' },
  },
  'the update, before the purge': {
    step: /UpdateAddon/,
    change: bounded(deny('eks:UpdateAddon')),
    scenario: owning(),
    request: { strategy: 'in-place' },
  },
};

const attempt = (
  { step, change, scenario, request = { strategy: 'recreate' } }: Case,
  knobs: Partial<Knobs>,
  when: 'before' | 'after' = 'before',
) => {
  const world = hostileScenario(scenario);
  Object.assign(world.knobs, knobs);
  return inHostileWorld({ scenario: world }, async (opened) => {
    const [account] = opened.backend.sandbox.world.accounts.values();
    const roles = [...account!.roles.values()].filter(({ name }) => step.test(name));
    expect(roles).toHaveLength(1);
    const take = (): void => change(roles[0]!);
    if (when === 'before') take();
    else opened.onFirst(({ step: name }) => name === 'begin', take);
    const before = JSON.stringify(stateOf(opened));
    const execution = await opened.ask(request);
    return {
      execution,
      record: await opened.record(execution.name),
      changes: changesIn(opened),
      unchanged: JSON.stringify(stateOf(opened)) === before,
      denials: opened.backend.sandbox.authorizer.denials.filter(
        ({ action }) => action !== 'iam:SimulatePrincipalPolicy',
      ),
    };
  });
};

const SETTINGS: Partial<Knobs>[] = [
  { simulatePrincipalPolicy: 'allow' },
  { simulatePrincipalPolicy: 'allow', simulationMissingKeys: 'policies', simulationResults: 'resource' },
  { simulatePrincipalPolicy: 'deny' },
];

describe.each(SETTINGS.map((knobs) => [JSON.stringify(knobs), knobs] as const))('with %s', (_, knobs) => {
  it.each(Object.entries(CASES))('%s: blocked, and nothing was changed', async (_name, one) => {
    const { execution, record, changes, unchanged, denials } = await attempt(one, knobs);
    expect(execution.error).toBe('Blocked');
    expect(
      record?.plan?.checks.filter(({ status }) => status === 'fail' || status === 'unknown').map(({ id }) => id),
    ).toEqual(['step-rights']);
    expect([changes, [unchanged, denials]]).toEqual([[], [true, []]]);
  });

  it('nothing denied: migrated', async () => {
    for (const [name, one] of Object.entries(CASES)) {
      if (!/^(the create, by|the tags of the create$|the fields)/.test(name)) continue;
      const { execution } = await attempt({ ...one, change: () => {} }, knobs);
      expect([name, execution.error]).toEqual([name, undefined]);
    }
  });
});

it('a denial that the plan could not foresee comes after the delete, and the add-on is created again', async () => {
  const { execution, changes } = await attempt(CASES['the create, by a boundary']!, {}, 'after');
  expect([execution.error, changes.slice(0, 1)]).toEqual(['RolledBack', ['eks:DeleteAddon']]);
});
