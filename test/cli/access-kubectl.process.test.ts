/** Applies the output of `grant-access --deployed` with the real kubectl. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Granted } from '../../cli/cluster-access/grant.ts';
import { workload } from '../../sandbox/scenario/scenario-cluster.ts';
import { TARGET } from '../end-to-end/fixture.ts';
import { reasonToSkip, serve, type Served } from '../end-to-end/served.ts';
import { withStaticToken } from '../end-to-end/static-token.ts';
import { ADMINISTRATOR } from './access-fixtures.ts';
import { runProgram as run } from './run-program.ts';
import { stubEnvironment } from './fixtures.ts';
import { words } from '../words.ts';

const reason = reasonToSkip('aws', 'kubectl');
const GRANT = ['grant-access', '--cluster', TARGET.cluster, '--addon', 'aws-ebs-csi-driver', '--deployed'];
const ROLE = 'role.rbac.authorization.k8s.io/pod-identity-migrator:restart:aws-ebs-csi-driver';

let served: Served;
beforeAll(async () => {
  served = await serve([], (_, cluster) => {
    cluster.accessEntries = [ADMINISTRATOR];
    cluster.workloads = [
      workload.parse({
        kind: 'StatefulSet',
        namespace: 'payments',
        name: 'outbox',
        serviceAccount: 'api',
        createdAt: '2025-12-03T16:20:00.000Z',
      }),
    ];
  });
  served = await withStaticToken(served);
  stubEnvironment(served.environment);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await served?.stop();
});

const grant = (...flags: string[]): Promise<string> => granted([...GRANT, ...flags]);
const granted = async (command: string[]): Promise<string> => {
  const { code, out, err } = await run(...command);
  expect({ code, err }).toEqual({ code: 0, err: expect.any(String) });
  return out;
};
const resultsOf = (out: string): { entries: string[]; objects: string[] } => {
  const { accessEntries, objects } = JSON.parse(out) as Granted;
  const each = (all: { result: string }[]): string[] => [...new Set(all.map(({ result }) => result))];
  return { entries: each(accessEntries), objects: each(objects) };
};

describe.skipIf(reason !== undefined)(
  `the printed objects${reason === undefined ? '' : ` (${reason})`}`,
  { timeout: 900_000 },
  () => {
    it('are accepted by kubectl apply and then found by grant-access, and only the access entries are missing', async () => {
      const file = join(served.directory, 'access.yaml');
      writeFileSync(file, await grant());
      const apply = () => served.run('kubectl', ['apply', '-f', file]);
      const first = await apply();
      expect(first).toMatchObject({ code: 0, err: '' });
      expect(first.out.trimEnd().split('\n')).toEqual([
        'clusterrole.rbac.authorization.k8s.io/pod-identity-migrator:read created',
        'clusterrolebinding.rbac.authorization.k8s.io/pod-identity-migrator:read created',
        `${ROLE} created`,
        'rolebinding.rbac.authorization.k8s.io/pod-identity-migrator:restart:aws-ebs-csi-driver created',
      ]);
      expect(
        (await apply()).out
          .trimEnd()
          .split('\n')
          .every((line) => line.endsWith(' unchanged')),
      ).toBe(true);
      expect(resultsOf(await grant('--json'))).toEqual({ entries: ['would-create'], objects: ['nothing'] });
      expect(resultsOf(await grant('--apply', '--json'))).toEqual({ entries: ['created'], objects: ['nothing'] });
      expect(await grant('--apply')).toMatch(/^✔ nothing to do /);

      const listed = await served.run('aws', [
        'eks',
        'describe-access-entry',
        '--cluster-name',
        TARGET.cluster,
        '--principal-arn',
        served.restartRoleArns[0]!,
        '--query',
        'accessEntry.kubernetesGroups',
        '--output',
        'text',
      ]);
      expect(listed.out).toBe('pod-identity-migrator:read\tpod-identity-migrator:restart\n');
    });

    it('are applied by grant-access over objects that kubectl created and another writer changed', async () => {
      const patched = await served.run('kubectl', [
        '--namespace',
        'kube-system',
        'patch',
        'role',
        'pod-identity-migrator:restart:aws-ebs-csi-driver',
        '--type',
        'merge',
        '--patch',
        JSON.stringify({ rules: [] }),
      ]);
      expect(patched.code).toBe(0);
      expect(resultsOf(await grant('--apply', '--json')).objects.sort()).toEqual(['nothing', 'updated']);
      const names = await served.run(
        'kubectl',
        words`
        --namespace kube-system get role pod-identity-migrator:restart:aws-ebs-csi-driver --output
        jsonpath={.rules[*].resourceNames}
      `,
      );
      expect(names.out).toBe('["ebs-csi-controller"]');
    });

    it('for a service account are accepted by kubectl too, with the empty API group', async () => {
      const file = join(served.directory, 'account.yaml');
      const command = [
        'grant-access',
        '--cluster',
        TARGET.cluster,
        '--service-account',
        'payments/api',
        '--annotation',
        'remove',
        '--deployed',
      ];
      writeFileSync(file, await granted(command));
      expect(await served.run('kubectl', ['apply', '-f', file])).toMatchObject({
        code: 0,
        err: '',
        out: expect.stringContaining(
          'role.rbac.authorization.k8s.io/pod-identity-migrator:annotate:payments:api created\n',
        ),
      });
      expect(resultsOf(await granted([...command, '--json'])).objects).toEqual(['nothing']);
      const rulesOf = async (purpose: string): Promise<unknown> => {
        const { out } = await served.run('kubectl', [
          '--namespace',
          'payments',
          'get',
          'role',
          `pod-identity-migrator:${purpose}:payments:api`,
          '--output',
          'json',
        ]);
        return (JSON.parse(out) as { rules: unknown }).rules;
      };
      const restarts = [
        { apiGroups: ['apps'], resources: ['statefulsets'], resourceNames: ['outbox'], verbs: ['patch'] },
        // For the one pod that a rollback evicts first.
        { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
      ];
      expect([await rulesOf('restart'), await rulesOf('annotate')]).toEqual([
        restarts,
        [{ apiGroups: [''], resources: ['serviceaccounts'], resourceNames: ['api'], verbs: ['patch'] }],
      ]);

      // The output without --annotation remove revokes that right, with kubectl too.
      writeFileSync(file, await granted(command.filter((word) => word !== '--annotation' && word !== 'remove')));
      expect(await served.run('kubectl', ['apply', '-f', file])).toMatchObject({
        code: 0,
        err: '',
        out: expect.stringContaining(
          'role.rbac.authorization.k8s.io/pod-identity-migrator:annotate:payments:api configured\n',
        ),
      });
      // The API server does not tell an empty list from none.
      expect([await rulesOf('restart'), await rulesOf('annotate')]).toEqual([restarts, null]);
      expect(
        resultsOf(await granted([...command.filter((word) => word !== '--annotation' && word !== 'remove'), '--json']))
          .objects,
      ).toEqual(['nothing']);
    });
  },
);
