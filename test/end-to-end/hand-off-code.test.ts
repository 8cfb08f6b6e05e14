/**
 * The Terraform code of an owner, judged by what an apply of it does to the simulated account. All scenarios:
 * `hand-off-code.grid.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import type { CodeFile } from '../../cli/hand-off/terraform/model.ts';
import { judge, retired, thereAndBack } from './hand-off-story.ts';
import { EBS } from './scenario-rows.ts';
import { codeOf } from './terraform-code.ts';
import { adopted, apply, planOf } from './terraform-plan.ts';
import { inWorld, type OpenWorld } from './world.ts';

const ACCOUNT = 'ebs-csi-controller-sa';
const API = { namespace: 'payments', name: 'api' };

describe('the code of the owner', () => {
  it.each([
    ['ebs-csi-irsa', { addon: EBS }, ['resource', 'module']],
    ['trust-repair', { addon: EBS, trust: 'repair' }, ['resource']],
    ['fsx-csi-irsa', { addon: 'aws-fsx-csi-driver' }, ['module']],
    ['service-account-irsa', { serviceAccount: API, annotation: 'remove' }, ['resource']],
  ] as const)('there and back, also if the change is reverted: %s, %j, as a %j', (scenario, asked, forms) =>
    expect(thereAndBack(scenario, asked, ...forms)).resolves.toBeUndefined(),
  );

  it('loses the statement that a retirement removes', async () =>
    expect(await retired('ebs-csi-irsa', { addon: EBS }, 'resource')).toBe(true));
});

/** Returns the add-on's identity, as EKS and its pods show it. */
const identity = (world: OpenWorld) => {
  const { addon, pods } = world.readAddon(EBS, ACCOUNT) as { addon: { role?: string; owns: number }; pods: string[] };
  return { role: addon.role !== undefined, owns: addon.owns, pods: [...new Set(pods)] };
};
const IRSA = { role: true, owns: 0, pods: ['irsa'] };
const POD_IDENTITY = { role: false, owns: 1, pods: ['pod-identity'] };

describe('an apply', () => {
  it('of the old code takes the migration back without an error, and of the patched code makes no call', () =>
    inWorld({ scenario: 'shared-role' }, async (world) => {
      const code = codeOf(world, { addon: EBS }, 'resource');
      const state = adopted(code, world);
      expect(identity(world)).toEqual(IRSA);
      const { handOff } = await world.migrate({ addon: EBS });
      expect(identity(world)).toEqual(POD_IDENTITY);
      const { after } = await judge(code, handOff);
      expect(planOf(after, state, world).calls).toEqual([]);
      await apply(planOf(code, state, world), world);
      expect(identity(world)).toEqual(IRSA);
      // From there, EKS refuses the new code.
      await expect(apply(planOf(after, state, world), world)).rejects.toThrow('Cross-account pass role is not allowed');
      expect(identity(world)).toEqual(IRSA);
    }));

  it('of the old code fails if it has the association that the migration deleted', () =>
    inWorld({ scenario: 'in-place' }, async (world) => {
      const code = codeOf(world, { addon: EBS }, 'resource');
      const state = adopted(code, world);
      await world.migrate({ addon: EBS });
      const { calls } = planOf(code, state, world);
      const create = calls.filter(({ operation }) => operation === 'CreatePodIdentityAssociation');
      await expect(apply({ calls: create, state }, world)).rejects.toThrow('Association already exists');
      expect(identity(world)).toEqual(POD_IDENTITY);
    }));

  it('without a block leaves the pods with neither', () =>
    inWorld({ scenario: 'shared-role' }, async (world) => {
      const code = codeOf(world, { addon: EBS }, 'resource');
      const { handOff } = await world.migrate({ addon: EBS });
      const bare = code.map(({ path, text }) => ({ path, text: text.replace(/^ *service_account_role_arn.*\n/m, '') }));
      expect((await judge(bare, handOff)).exitCode).toBe(3);
      await apply(planOf(bare, new Map(), world), world);
      expect(identity(world)).toEqual({ role: false, owns: 0, pods: [''] });
    }));
});

describe('what is left to a person', () => {
  it('is a trust policy that comes from a file', () =>
    inWorld({ scenario: 'trust-repair' }, async (world) => {
      const asked = { addon: EBS, trust: 'repair' } as const;
      const code = codeOf(world, asked, 'resource').map(({ path, text }) => ({
        path,
        text: text.replace(/= data\.aws_iam_policy_document.*/, '= file("${path.module}/trust.json")'),
      }));
      const { handOff } = await world.migrate(asked);
      const first = await judge(code, handOff);
      expect(first).toMatchObject({
        exitCode: 3,
        left: ['The trust policy of aws_iam_role.ebs_csi_driver was not changed.'],
      });
      expect(first.after).not.toEqual(code);
      // The rest is patched, and the exit code stays 3.
      expect(await judge(first.after, handOff)).toEqual({ ...first, after: first.after });
      // Until the person has added the statement to the file.
      const statement = handOff!.trust[0]?.statement;
      const policy = (given: unknown[]): CodeFile => ({
        path: 'trust.json',
        text: JSON.stringify({ Statement: given }),
      });
      expect(await judge([...first.after, policy([])], handOff)).toMatchObject({ exitCode: 3, left: first.left });
      expect(await judge([...first.after, policy([statement])], handOff)).toMatchObject({ exitCode: 0, left: [] });
    }));

  it('is an add-on whose code is elsewhere', () =>
    inWorld({ scenario: 'shared-role' }, async (world) => {
      const code = codeOf(world, { addon: EBS }, 'resource').filter(({ path }) => path !== 'main.tf');
      const { handOff } = await world.migrate({ addon: EBS });
      expect(await judge(code, handOff)).toMatchObject({ exitCode: 3, after: code });
    }));
});
