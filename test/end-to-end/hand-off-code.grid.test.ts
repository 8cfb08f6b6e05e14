/** Every scenario that migrates, with the Terraform code of its owner: there and back, and to the end. */
import { describe, expect, it } from 'vitest';
import { retired, thereAndBack } from './hand-off-story.ts';
import { rows } from './scenario-rows.ts';

const MIGRATING = rows
  .filter(([, , { outcome }]) => outcome === 'migrated')
  .map(([name, asked]) => [name, asked] as const);

/** Their roles are still used by IRSA, or the migration was not verified on the pods. A kept annotation is refused, too. */
const REFUSED = ['api-only', 'auto-mode', 'efs-csi-irsa', 'shared-role', 'shared-role-fleet'];

describe('the code of the owner', () => {
  it.each(MIGRATING)(
    '%s, %j: there and back, with a revert of the commit, and in the arguments of a module',
    (name, asked) =>
      expect(
        thereAndBack(name, asked, 'resource', ...(asked.addon === undefined ? [] : ['module' as const])),
      ).resolves.toBeUndefined(),
  );

  it.each(MIGRATING)('%s, %j: to the retirement', async (name, asked) => {
    const isKept = asked.serviceAccount !== undefined && asked.annotation !== 'remove';
    expect(await retired(name, asked, 'resource')).toBe(!isKept && !REFUSED.includes(name));
  });
});
