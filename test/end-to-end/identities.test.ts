/**
 * `identities` before and after a migration, in a sandbox that another process serves, and on a cluster with thousands
 * of pods.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSandboxBackend } from '../../cli/backend.ts';
import type { Reader } from '../../cli/identities/open.ts';
import { readIdentities } from '../../cli/identities/read.ts';
import { main } from '../../cli/program.ts';
import { report as reportSchema, type IdentitiesReport } from '../../lambdas/domain/identities/model.ts';
import { identitiesReport } from '../../lambdas/domain/identities/report.ts';
import { portsOf } from '../../lambdas/runtime/wiring.ts';
import { parseScenario } from '../../sandbox/world/load.ts';
import { ADDON, ROLE, SCENARIO, scenarioWith, TARGET } from './fixture.ts';
import { serve, type Served } from './served.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'identities-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const cli = async (...argv: string[]): Promise<{ code: number; out: string }> => {
  let out = '';
  const io = { stdout: { write: (text: string) => void (out += text) }, stderr: { write: () => undefined } };
  return { code: await main(argv, io), out };
};

const driverIn = (report: IdentitiesReport) => report.workloads.find(({ name }) => name === 'ebs-csi-controller');

/** Hides the deployed service of the sandbox: these commands need none. */
const WITHOUT_SERVICE = {
  POD_IDENTITY_STATE_MACHINE_ARN: '',
  POD_IDENTITY_TABLE_NAME: '',
  POD_IDENTITY_API_URL: '',
};

describe('identities and a migration', () => {
  it('reports irsa before it and pod-identity after it, in the same sandbox', async () => {
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
    expect(
      (
        await cli(
          'migrate',
          '--cluster',
          TARGET.cluster,
          '--addon',
          ADDON,
          '--sandbox',
          SCENARIO,
          '--state',
          state,
          '--json',
        )
      ).code,
    ).toBe(0);
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
});

describe('identities of a cluster in AWS', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
  });
  afterAll(async () => {
    await served?.stop();
  });

  it("reads them with the caller's own credentials, and changes nothing", async () => {
    const { code, out, err } = await served.run(
      process.execPath,
      [
        '--import',
        './test/only-local.ts',
        'bin/pod-identity.ts',
        'identities',
        '--cluster',
        TARGET.cluster,
        '--region',
        TARGET.region,
        '--roles',
        '--json',
      ],
      WITHOUT_SERVICE,
    );
    expect({ code, err }).toEqual({
      code: 0,
      err: expect.stringMatching(/^Reading account 111122223333 in eu-west-1 as .* Nothing is changed\.\n$/) as string,
    });
    const report = reportSchema.parse(JSON.parse(out));
    expect(report).toMatchObject({ target: TARGET, unread: [], trustedRoles: [] });
    expect(driverIn(report)).toMatchObject({ identity: 'irsa' });
    // Meanwhile the service looks for stranded migrations, in its own ledger.
    const calls = served.calls().filter(({ service }) => ['eks', 'iam', 'sts', 'kubernetes'].includes(service));
    expect(calls.filter(({ mutating }) => mutating)).toEqual([]);
    expect(new Set(calls.map(({ caller }) => caller))).toEqual(
      new Set([`arn:aws:iam::${TARGET.account}:role/operator`]),
    );
  });

  it('plans them in a process that calls nothing else, and changes nothing', async () => {
    const before = served.calls().length;
    const { code, out, err } = await served.run(
      process.execPath,
      ['--import', './test/only-local.ts', 'bin/pod-identity.ts', 'plan', '--cluster', TARGET.cluster],
      WITHOUT_SERVICE,
    );
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('Nothing is changed.') as string });
    expect(out).toMatch(/aws-ebs-csi-driver +irsa +can migrate +in place/);
    const calls = served
      .calls()
      .slice(before)
      .filter(({ caller }) => caller.endsWith(':role/operator'));
    expect(calls.length).toBeGreaterThan(10);
    expect(calls.filter(({ mutating }) => mutating)).toEqual([]);
  });
});

const LARGE = { account: TARGET.account, region: TARGET.region, cluster: 'large' };
const WORKLOADS = [
  { name: 'orders', replicas: 1500, annotated: true },
  { name: 'search', replicas: 1500, annotated: true },
  { name: 'web', replicas: 520, annotated: false },
];
const largeScenario = () => {
  const [driver] = scenarioWith().accounts[0]!.roles;
  return parseScenario(
    {
      accounts: [
        {
          id: LARGE.account,
          roles: [driver],
          clusters: [
            {
              name: LARGE.cluster,
              region: LARGE.region,
              version: '1.31',
              oidcId: '5B1C7E0F9A3D4826B7E19C40D25F8A63',
              nodes: 100,
              addons: [
                { name: 'eks-pod-identity-agent', version: 'v1.3.4-eksbuild.1', createdAt: '2025-11-20T14:02:00.000Z' },
              ],
              associations: [
                { namespace: 'shop', serviceAccount: 'search', roleArn: ROLE, createdAt: '2025-01-01T00:00:00.000Z' },
                {
                  namespace: 'shop',
                  serviceAccount: 'unused',
                  roleArn: ROLE,
                  createdAt: '2025-01-01T00:00:00.000Z',
                },
              ],
              workloads: WORKLOADS.map(({ name, replicas, annotated }) => ({
                kind: 'Deployment',
                namespace: 'shop',
                name,
                serviceAccount: name,
                replicas,
                createdAt: '2025-06-01T08:00:00.000Z',
                ...(annotated ? { serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': ROLE } } : {}),
              })),
            },
          ],
        },
      ],
    },
    'large',
  );
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
      expect(asked(/^kubernetes:.*pods$/)).toBe(8);
      expect(asked(/^eks:ListPodIdentityAssociations$/)).toBe(1);
      expect(asked(/^eks:DescribePodIdentityAssociation$/)).toBe(1);
      expect(asked(/^iam:GetRole$/)).toBe(1);
      expect(calls.length).toBeLessThan(25);
    } finally {
      await backend.close();
    }
  });
});
