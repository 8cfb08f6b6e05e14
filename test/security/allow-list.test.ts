/**
 * The plan refuses to use, or to rewrite the trust of, a role that the deployment does not name. For what IAM denies,
 * see `pass-role.test.ts`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScenarioCluster, Scenario } from '../../sandbox/scenario/scenario.ts';
import {
  ADMIN,
  changesIn,
  deploy,
  type Deployment,
  hostileScenario,
  inHostileWorld,
  NARROW,
  OTHER_ACCOUNT,
  OWN_ROLE,
  ownAddon,
  roleArn,
  SERVICE_ACCOUNT,
  stateOf,
} from './hostile.ts';

let narrow: Deployment;
let readingTrust: Deployment;
beforeAll(async () => {
  narrow = await deploy(NARROW);
  readingTrust = await deploy({ passableRoleArns: NARROW.passableRoleArns });
});
afterAll(() => {
  narrow.remove();
  readingTrust.remove();
});

interface Refused {
  scenario?: Scenario;
  deployment?: Deployment;
  request?: Record<string, unknown>;
}

/** Returns the result, and asserts that nothing else was changed. */
const refused = ({ scenario = hostileScenario(), deployment = narrow, request = {} }: Refused) =>
  inHostileWorld({ scenario, deployment }, async (world) => {
    const before = stateOf(world);
    const execution = await world.ask(request);
    expect([stateOf(world), changesIn(world), await world.backend.ledger.listHeldLocks()]).toEqual([before, [], []]);
    const record = await world.record(execution.name);
    expect({ status: execution.status, error: execution.error }).toEqual({ status: 'FAILED', error: 'Blocked' });
    return {
      cause: execution.cause ?? '',
      record,
      blocking: (record?.plan?.checks ?? []).filter(({ status }) => status === 'fail' || status === 'unknown'),
    };
  });

/** Returns the text of the plan's blocking check with that id. */
async function refusalBy(id: string, given: Refused): Promise<string | undefined> {
  const { blocking, record } = await refused(given);
  expect(record).toMatchObject({ status: 'ended', outcome: 'blocked' });
  return blocking.find((check) => check.id === id)?.message;
}

it('in the same world an ordinary request is migrated', async () => {
  const { error, changes } = await inHostileWorld({ deployment: narrow }, async (world) => {
    const execution = await world.ask();
    return { error: execution.cause, changes: changesIn(world) };
  });
  expect(error).toBeUndefined();
  expect(changes).toContain('eks:UpdateAddon');
});

describe('a role outside the allow-list', () => {
  const roles: [string, string, string][] = [
    ['of another path', ADMIN, 'pass-role'],
    ['whose path differs only in case', roleArn('EKS-Addons/shouting'), 'pass-role'],
    ['whose path only has the same beginning', roleArn('eks-addons-evil/neighbour'), 'pass-role'],
    ['of another account', roleArn('eks-addons/elsewhere', OTHER_ACCOUNT), 'role-account'],
    ['of another partition', OWN_ROLE.replace('arn:aws:', 'arn:aws-cn:'), 'role-account'],
    ['that does not exist under an allowed path', roleArn('eks-addons/admin'), 'role-exists'],
    ['whose name differs only in case', roleArn('eks-addons/OTHER'), 'role-exists'],
  ];
  it.each(roles)('%s is refused as the role of all service accounts', async (_, arn, check) =>
    expect(await refusalBy(check, { request: { roleArn: arn } })).toContain(arn),
  );
  it.each(roles.slice(0, 1))('%s is refused as the role of one service account', async (_, arn, check) =>
    expect(await refusalBy(check, { request: { roles: { [SERVICE_ACCOUNT]: arn } } })).toContain(arn),
  );
  it.each(roles.slice(0, 4))("%s is refused as the add-on's own", async (_, arn, check) => {
    const scenario = hostileScenario((__, cluster) => void (ownAddon(cluster).serviceAccountRoleArn = arn));
    expect(await refusalBy(check, { scenario })).toContain(arn);
  });
  it('is refused if only the rollback would pass it: the add-on has it, and the request names another one', async () => {
    const scenario = hostileScenario((_, cluster) => void (ownAddon(cluster).serviceAccountRoleArn = ADMIN));
    expect(await refusalBy('pass-role', { scenario, request: { roleArn: roleArn('eks-addons/other') } })).toContain(
      ADMIN,
    );
  });
  it('is refused if an association has it that a rollback would restore', async () => {
    const scenario = hostileScenario((_, cluster: ScenarioCluster) => void (cluster.associations[0]!.roleArn = ADMIN));
    expect(await refusalBy('pass-role', { scenario })).toContain(ADMIN);
  });
});

describe('an ARN that resembles an allowed one', () => {
  const tricks: [string, string][] = [
    ['..', roleArn('eks-addons/../admin')],
    ['an encoded ..', roleArn('eks-addons/%2e%2e/admin')],
    ['a newline and a second ARN', `${OWN_ROLE}\n${ADMIN}`],
    ['ten thousand characters', roleArn(`eks-addons/${'a/'.repeat(5000)}admin`)],
  ];
  it.each(tricks)('%s is not accepted as the role of all service accounts or of one', async (_, arn) => {
    for (const request of [{ roleArn: arn }, { roles: { [SERVICE_ACCOUNT]: arn } }]) {
      const { cause, record } = await refused({ request });
      expect(cause).toMatch(
        /BadInput: The input of step plan is wrong: request\.role(Arn|s\.ebs-csi-controller-sa): must /,
      );
      expect(cause.length).toBeLessThan(2000);
      expect(record?.plan?.verdict).not.toBe('migrate');
    }
  });
  it('a comma does not separate two roles', async () => {
    const { cause, record } = await refused({ request: { roleArn: `${OWN_ROLE},x` } });
    // A role name may contain a comma, but this role does not exist.
    expect(cause).toContain('ChecksFailed');
    expect(record?.plan?.verdict).toBe('blocked');
  });
  it.each(['targetRoleArn', 'serviceAccountRoleArn', 'passableRoleArns', 'PASSABLE_ROLE_ARNS'])(
    'an unknown field %s of a request is refused, not ignored',
    async (field) =>
      expect((await refused({ request: { [field]: ADMIN } })).cause).toContain(
        `BadInput: The input of step plan is wrong: request: has unknown fields: ${field}`,
      ),
  );
});

describe('a repair of trust', () => {
  const withoutPods = (arn: string) =>
    hostileScenario((scenario, cluster) => {
      const [account] = scenario.accounts;
      const [own] = account!.roles;
      const trust = structuredClone(own!.trustPolicy) as { Statement: { Sid: string }[] };
      const repairable = {
        ...structuredClone(own!),
        arn,
        trustPolicy: { ...trust, Statement: trust.Statement.filter(({ Sid }) => Sid !== 'PodIdentity') },
      };
      account!.roles = [...account!.roles.filter((role) => role.arn !== arn), repairable];
      ownAddon(cluster).serviceAccountRoleArn = arn;
      cluster.associations = [];
    });
  const INSIDE = roleArn('eks-addons/repairable-ebs');

  it('is made if the deployment names the role', async () => {
    const scenario = withoutPods(INSIDE);
    const changes = await inHostileWorld({ scenario, deployment: narrow }, async (world) => {
      await world.ask({ trust: 'repair' });
      return changesIn(world);
    });
    expect(changes).toContain('iam:UpdateAssumeRolePolicy');
  });
  it.each([
    ['of a role that may be passed, not repaired', OWN_ROLE],
    ['of a role whose name differs in case', roleArn('eks-addons/Repairable-ebs')],
    ['of a role that only begins alike', roleArn('eks-addons/unrepairable-ebs')],
  ])('%s is refused', async (_, arn) =>
    expect(await refusalBy('trust-repair', { scenario: withoutPods(arn), request: { trust: 'repair' } })).toContain(
      arn.split('/').at(-1)!,
    ),
  );
  it('is refused if nothing that repairs is deployed', async () =>
    expect(
      await refusalBy('trust-repair', {
        deployment: readingTrust,
        scenario: withoutPods(INSIDE),
        request: { trust: 'repair' },
      }),
    ).toContain('does not have the repair of trust policies enabled'));
  it("of another account's role is refused", async () => {
    const arn = roleArn('eks-addons/repairable-ebs', OTHER_ACCOUNT);
    expect(
      await refusalBy('role-account', { scenario: withoutPods(INSIDE), request: { trust: 'repair', roleArn: arn } }),
    ).toContain(arn);
  });
});
