/** Where IRSA is the better fit: a service account that only a SecretStore uses, on both sides of the decision. */
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/migration/model.ts';
import { consumersIn } from '../../sandbox/credentials/consumers/index.ts';
import { type Asked, inWorld, type OpenWorld } from './world.ts';

const READER = { namespace: 'payments', name: 'secret-reader' };
const STORE = 'SecretStore/payments/aws';

const inVault = (work: (world: OpenWorld) => Promise<void>): Promise<void> =>
  inWorld({ scenario: 'secret-store-only' }, work);
const move = (world: OpenWorld, asked: Asked = {}): Promise<MigrationReport> =>
  world.migrate({ serviceAccount: READER, ...asked });
/** Whether each consumer gets credentials now. */
const working = ({ backend, cluster }: OpenWorld): Record<string, boolean> =>
  Object.fromEntries(consumersIn(backend.sandbox.world, cluster).map(({ name, works }) => [name, works]));

describe('a service account that only a SecretStore uses', () => {
  it.each(['keep', 'remove'] as const)('keeps IRSA, and nothing is changed (annotation: %s)', (annotation) =>
    inVault(async (world) => {
      const report = await move(world, { annotation });
      expect([report.outcome, report.plan?.verdict, report.verified]).toEqual(['blocked', 'keep-irsa', 'none']);
      expect(report.plan?.checks[0]).toMatchObject({
        id: 'consumers-fit',
        keepIrsa: true,
        message: expect.stringContaining(STORE) as string,
        remedy: expect.stringMatching(/^Keep IRSA for it\. .* --accept-consumer SecretStore\/payments\/aws$/) as string,
      });
      expect(world.changes()).toEqual([]);
      expect(working(world)).toEqual({ [STORE]: true });
    }),
  );

  it('is migrated once the SecretStore is accepted by name, which keeps its access with the annotation', () =>
    inVault(async (world) => {
      const report = await move(world, { acceptConsumers: [STORE], verification: 'api' });
      expect([report.outcome, report.plan?.verdict]).toEqual(['migrated', 'migrate']);
      expect(report.plan?.checks.find(({ id }) => id === 'consumers-fit')).toMatchObject({ status: 'warn' });
      expect(working(world)).toEqual({ [STORE]: true });
    }));
});
