import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useWarmAws } from '../warm-aws/index.ts';
import { ROLE, TARGET } from './fixture.ts';
import { keyVariables, reasonToSkip, serve, type Served } from './served.ts';
import { withStaticToken } from './static-token.ts';

const reason = reasonToSkip('aws', 'kubectl');

/** Its kubectl calls `aws eks get-token`. */
let served: Served;
/** Its kubectl has a token. */
let known: Served;

const runIn = async (where: Served, args: string[], more: Record<string, string> = {}): Promise<string> => {
  const { code, out, err } = await where.run('kubectl', ['--namespace', 'kube-system', ...args], more);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out;
};
/** Returns what kubectl prints; fails the test if kubectl fails. */
const kubectl = (...args: string[]): Promise<string> => runIn(known, args);

const token = async (cluster: string, more: Record<string, string> = {}): Promise<string> => {
  const { out } = await served.run('aws', ['eks', 'get-token', '--cluster-name', cluster, '--output', 'json'], more);
  return (JSON.parse(out) as { status: { token: string } }).status.token;
};

const lastCaller = (): string | undefined => served.calls().findLast(({ service }) => service === 'kubernetes')?.caller;

describe.skipIf(reason !== undefined)(
  `kubectl${reason === undefined ? '' : ` (${reason})`}`,
  { timeout: 900_000 },
  () => {
    useWarmAws();
    beforeAll(async () => {
      served = await serve();
      known = await withStaticToken(served);
    });
    afterAll(async () => {
      await served?.stop();
    });

    it('finds the cluster by its name, and is authenticated by the token of aws eks get-token', async () => {
      expect(await runIn(served, ['config', 'get-contexts', '--output', 'name'])).toBe(`${TARGET.cluster}\n`);
      expect(await kubectl('version')).toMatch(/Server Version: v1\.31\./);
      expect(await runIn(served, ['get', 'pods'])).toMatch(
        /^NAME +READY +STATUS +RESTARTS +AGE\n[^]*ebs-csi-controller-\S+ +6\/6 +Running/,
      );
      expect(lastCaller()).toBe(`arn:aws:iam::${TARGET.account}:role/operator`);
    });

    it('shows how a pod gets its credentials', async () => {
      const yaml = await kubectl('get', 'pods', '--selector', 'app=ebs-csi-controller', '--output', 'yaml');
      expect(yaml).toMatch(/^apiVersion: v1\nitems:\n- apiVersion: v1\n {2}kind: Pod\n/);
      expect(yaml).toMatch(new RegExp(`- name: AWS_ROLE_ARN\n +value: ${ROLE}\n`));
      const [name = ''] = (
        await kubectl('get', 'pods', '--selector', 'app=ebs-csi-controller', '--output', 'name')
      ).split('\n');
      const described = await kubectl('describe', name);
      expect(described).toMatch(/Service Account: +ebs-csi-controller-sa\n/);
      expect(described).toMatch(
        /AWS_WEB_IDENTITY_TOKEN_FILE: +\/var\/run\/secrets\/eks\.amazonaws\.com\/serviceaccount\/token\n/,
      );
      expect(described).toMatch(/Controlled By: +ReplicaSet\/ebs-csi-controller-/);
    });

    it('annotates a service account, and restarts its workloads', async () => {
      expect(await kubectl('annotate', 'serviceaccount', 'ebs-csi-controller-sa', 'eks.amazonaws.com/role-arn-')).toBe(
        'serviceaccount/ebs-csi-controller-sa annotated\n',
      );
      expect(await kubectl('annotate', 'serviceaccount', 'ebs-csi-controller-sa', 'example.com/why=moved')).toBe(
        'serviceaccount/ebs-csi-controller-sa annotated\n',
      );
      expect(await kubectl('describe', 'serviceaccount', 'ebs-csi-controller-sa')).toMatch(
        /Annotations: +example\.com\/why: moved\n/,
      );

      const selected = ['--selector', 'app=ebs-csi-controller', '--output', 'name'];
      const before = (await kubectl('get', 'pods', ...selected)).trim().split('\n');
      expect(await kubectl('rollout', 'restart', 'deployment/ebs-csi-controller')).toBe(
        'deployment.apps/ebs-csi-controller restarted\n',
      );
      expect(await kubectl('rollout', 'status', 'deployment/ebs-csi-controller', '--timeout', '60s')).toContain(
        'deployment "ebs-csi-controller" successfully rolled out',
      );
      const after = (await kubectl('get', 'pods', ...selected)).trim().split('\n');
      expect(after).toHaveLength(before.length);
      expect(after.filter((name) => before.includes(name))).toEqual([]);
      // The left-over association is younger than the old pods; the new pods use it.
      expect(await kubectl('get', 'pods', '--selector', 'app=ebs-csi-controller', '--output', 'yaml')).toContain(
        'AWS_CONTAINER_CREDENTIALS_FULL_URI',
      );
    });

    it('works with the kubeconfig of aws eks update-kubeconfig', async () => {
      const KUBECONFIG = join(served.directory, 'own-kubeconfig');
      const made = await served.run('aws', [
        'eks',
        'update-kubeconfig',
        '--name',
        TARGET.cluster,
        '--kubeconfig',
        KUBECONFIG,
      ]);
      expect(made).toMatchObject({ code: 0, err: '' });
      expect(
        await runIn(served, ['get', 'serviceaccount', 'ebs-csi-controller-sa', '--output', 'name'], { KUBECONFIG }),
      ).toBe('serviceaccount/ebs-csi-controller-sa\n');
    });

    it('is refused with a token for another cluster, or of unknown credentials', async () => {
      const [own, other, wrong] = await Promise.all([
        token(TARGET.cluster),
        token('prod'),
        token(TARGET.cluster, { ...keyVariables(served), AWS_SECRET_ACCESS_KEY: 'guess' }),
      ]);
      const get = (bearer: string) =>
        served.run('kubectl', ['--token', bearer, '--namespace', 'kube-system', 'get', 'pods', '--output', 'name']);
      expect(await get(own)).toMatchObject({ code: 0 });
      for (const bearer of [other, wrong]) {
        const { code, err } = await get(bearer);
        expect(code).toBe(1);
        expect(err).toMatch(/You must be logged in to the server|Unauthorized/);
      }
      // Calls by the schedule may follow.
      expect(
        served
          .calls()
          .filter(({ service }) => service === 'kubernetes')
          .at(-1),
      ).toMatchObject({ service: 'kubernetes', status: 401, caller: '', error: 'Unauthorized' });
    });
  },
);
