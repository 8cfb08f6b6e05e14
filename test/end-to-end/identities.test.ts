/** `identities` before and after a migration, and on a cluster with thousands of pods. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSandboxBackend } from '../../cli/backend.ts';
import type { Reader } from '../../cli/identities/open.ts';
import { readIdentities } from '../../cli/identities/read.ts';
import { report as reportSchema, type IdentitiesReport } from '../../lambdas/domain/identities/model.ts';
import { identitiesReport } from '../../lambdas/domain/identities/report.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import { ADDON, ROLE, SCENARIO, scenarioWith, TARGET } from './fixture.ts';
import { scratchDirectory } from '../scratch.ts';
import { runProgram as cli } from '../cli/run-program.ts';
import { words } from '../cli/fixtures.ts';

const directory = scratchDirectory();

const driverIn = (report: IdentitiesReport) => report.workloads.find(({ name }) => name === 'ebs-csi-controller');

it('identities and a migration reports irsa before it and pod-identity after it, in the same sandbox', async () => {
  const state = join(directory, 'state.json');
  const read = async (...more: string[]): Promise<IdentitiesReport> => {
    const { code, out } = await cli('identities', '--cluster', TARGET.cluster, ...more, '--json');
    expect(code).toBe(0);
    return reportSchema.parse(JSON.parse(out));
  };
  expect(driverIn(await read('--sandbox', SCENARIO))).toMatchObject({
    identity: 'irsa',
    roles: [{ by: 'irsa', roleArn: ROLE }],
  });
  const subject = words`--cluster ${TARGET.cluster} --addon ${ADDON}`;
  expect(await cli('migrate', ...subject, '--sandbox', SCENARIO, '--state', state, '--json')).toMatchObject({
    code: 0,
  });
  const after = driverIn(await read('--state', state));
  expect(after).toMatchObject({
    identity: 'pod-identity',
    roles: [{ by: 'association', roleArn: ROLE, pods: 2 }],
    obstacles: [],
  });
  expect(after?.association?.ownerArn).toContain(`/${ADDON}/`);
  // The command only reads: the file is as the migration left it.
  expect(driverIn(await read('--state', state))).toEqual(after);
});

const LARGE = { account: TARGET.account, region: TARGET.region, cluster: 'large' };
const WORKLOADS = [
  { name: 'orders', replicas: 1500, annotated: true },
  { name: 'search', replicas: 1500, annotated: true },
  { name: 'web', replicas: 520, annotated: false },
];
const largeScenario = () => {
  const [driver] = scenarioWith().accounts[0]!.roles;
  const createdAt = '2025-01-01T00:00:00.000Z';
  const cluster = {
    name: LARGE.cluster,
    region: LARGE.region,
    version: '1.31',
    oidcId: '5B1C7E0F9A3D4826B7E19C40D25F8A63',
    nodes: 100,
    addons: [{ name: 'eks-pod-identity-agent', version: 'v1.3.4-eksbuild.1', createdAt }],
    associations: ['search', 'unused'].map((serviceAccount) => ({
      namespace: 'shop',
      serviceAccount,
      roleArn: ROLE,
      createdAt,
    })),
    workloads: WORKLOADS.map(({ name, replicas, annotated }) => ({
      kind: 'Deployment',
      namespace: 'shop',
      name,
      serviceAccount: name,
      replicas,
      createdAt: '2025-06-01T08:00:00.000Z',
      ...(annotated ? { serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': ROLE } } : {}),
    })),
  };
  return parseScenario({ accounts: [{ id: LARGE.account, roles: [driver], clusters: [cluster] }] }, 'large');
};

describe('identities of 3,620 pods', () => {
  it('are read in pages of 500, each counted and released, with one call for each association in use', async () => {
    const backend = await openSandboxBackend(largeScenario(), {});
    try {
      const clients = backend.sandbox.clients(undefined, LARGE.region);
      const ports = portsOf(clients, LARGE);
      const pages: number[] = [];
      const reader: Reader = {
        target: LARGE,
        eksClient: clients.eks(),
        iamClient: clients.iam(),
        clock: backend.clock,
        ...ports,
        kubernetes: {
          ...ports.kubernetes,
          listAllPods: () => Promise.reject(new Error('All pods at once are never asked for.')),
          listPods: () => Promise.reject(new Error('All pods of a namespace are not either.')),
          eachPod: (visit) =>
            ports.kubernetes.eachPod((pods) => {
              pages.push(pods.length);
              visit(pods);
            }),
        },
      };
      const report = reportSchema.parse(
        identitiesReport(
          await backend.clock.spawn(() => readIdentities(reader, { namespace: undefined, roles: false })),
        ),
      );
      expect(report.totals).toEqual({
        workloads: 4,
        pods: 3620,
        byWorkloads: { 'pod-identity': 1, irsa: 1, 'node-role': 2 },
        byPods: { 'pod-identity': 1500, irsa: 1500, 'node-role': 620 },
      });
      expect(pages).toEqual([500, 500, 500, 500, 500, 500, 500, 120]);
      const { calls } = backend.sandbox.world.log;
      const asked = (operation: RegExp): number =>
        calls.filter((call) => operation.test(`${call.service}:${call.operation}`)).length;
      const once = [/^eks:ListPodIdentityAssociations$/, /^eks:DescribePodIdentityAssociation$/, /^iam:GetRole$/];
      expect([asked(/^kubernetes:.*pods$/), ...once.map(asked)]).toEqual([8, 1, 1, 1]);
      expect(calls.length).toBeLessThan(25);
    } finally {
      await backend.close();
    }
  });
});
