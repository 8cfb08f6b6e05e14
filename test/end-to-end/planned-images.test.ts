/** Images that are too old for EKS Pod Identity, in the plans of whole worlds. */
import { describe, expect, it } from 'vitest';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { type Asked, inWorld, type WorldOptions } from './world.ts';

const ACCOUNT = { namespace: 'payments', name: 'api' };
const OLD = 'registry.k8s.io/external-dns/external-dns:v0.13.6';
const NEW = 'registry.k8s.io/external-dns/external-dns:v0.14.1';

const withImage = (image: string): WorldOptions => ({
  scenario: 'service-account-irsa',
  change: (scenario) => {
    for (const workload of scenario.accounts[0]!.clusters[0]!.workloads)
      if (workload.serviceAccount === 'api') workload.containers = [{ name: workload.name, image, env: [] }];
  },
});
const plan = (image: string, asked: Asked = {}): Promise<MigrationReport> =>
  inWorld(withImage(image), (world) => world.migrate({ serviceAccount: ACCOUNT, dryRun: true, ...asked }));
const sdkOf = ({ plan: made }: MigrationReport): string | undefined =>
  made?.checks.find(({ id }) => id === 'aws-sdk-version')?.status;

describe('an image in a plan', () => {
  it('that is too old blocks, until it is accepted', async () => {
    const blocked = await plan(OLD);
    expect([blocked.outcome, sdkOf(blocked)]).toEqual(['blocked', 'fail']);
    const { message } = blocked.plan!.checks.find(({ id }) => id === 'aws-sdk-version')!;
    // Both workloads of the service account, and the image once.
    expect(message).toContain(`${OLD} in container api of Deployment api and container outbox of StatefulSet outbox`);
    const accepted = await plan(OLD, { accept: [`image:${OLD}`] });
    expect([accepted.outcome, sdkOf(accepted)]).toEqual(['planned', 'warn']);
  });

  it('that is new enough passes', async () => {
    const planned = await plan(NEW);
    expect([planned.outcome, sdkOf(planned)]).toEqual(['planned', 'pass']);
  });
});

it.each([
  ['ebs-csi-irsa', 'aws-ebs-csi-driver'],
  ['adot-three-service-accounts', 'adot'],
  ['community-addon', 'external-dns'],
  ['s3-csi-irsa', 'aws-mountpoint-s3-csi-driver'],
  ['vpc-cni-irsa', 'vpc-cni'],
  ['fsx-csi-irsa', 'aws-fsx-csi-driver'],
])('in the scenario %s add-on %s passes', async (scenario, addon) =>
  expect(
    (await inWorld({ scenario }, (world) => world.migrate({ addon, dryRun: true }))).plan?.checks.find(
      ({ id }) => id === 'aws-sdk-version',
    ),
  ).toMatchObject({ status: 'pass' }),
);
