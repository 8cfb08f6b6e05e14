import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonToSkip, serve, type Served } from '../../end-to-end/served.ts';
import { withStaticToken } from '../../end-to-end/static-token.ts';
import { eventually } from '../../eventually.ts';
import { words } from '../../words.ts';

const reason = reasonToSkip('kubectl');

let served: Served;
const run = (...args: string[]) => served.run('kubectl', ['--namespace', 'kube-system', ...args]);
/** Returns kubectl's output; fails the test if kubectl fails. */
const kubectl = async (...args: string[]): Promise<string> => {
  const { code, out, err } = await run(...args);
  expect({ code, err }).toEqual({ code: 0, err: expect.any(String) });
  return out;
};
const file = (name: string, text: string): string => {
  const path = join(served.directory, name);
  writeFileSync(path, text);
  return path;
};

const OBJECTS = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: mine}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: mine}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
`;

describe.skipIf(reason !== undefined)(
  `kubectl for cluster administrators${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    beforeAll(async () => {
      served = await serve([], (_, cluster) => {
        cluster.customResources.push({
          apiVersion: 'example.com/v1alpha1',
          kind: 'Widget',
          plural: 'widgets',
          namespace: 'kube-system',
          name: 'mine',
          spec: {},
        });
        const containers = [{ name: 'main', image: 'db:1', env: [] }];
        const common = {
          namespace: 'kube-system',
          serviceAccount: 'default',
          serviceAccountAnnotations: {},
          hostNetwork: false,
          paused: false,
          containers,
          createdAt: '2025-12-01T08:00:00.000Z',
        };
        cluster.workloads.push(
          { ...common, kind: 'StatefulSet', name: 'db', replicas: 3 },
          { ...common, kind: 'StatefulSet', name: 'queue', updateStrategy: 'OnDelete' },
        );
      });
      served = await withStaticToken(served);
    });
    afterAll(async () => {
      await served?.stop();
    });

    it('auth can-i and whoami', async () => {
      expect(await kubectl('auth', 'can-i', 'list', 'pods')).toBe('yes\n');
      expect(await kubectl('auth', 'can-i', '--list')).toMatch(
        /selfsubjectaccessreviews\.authorization\.k8s\.io +\[\] +\[\] +\[create\]/,
      );
      expect(await kubectl('auth', 'whoami')).toMatch(
        /Username +arn:aws:sts::\d{12}:assumed-role\/operator\/sandbox\nUID +aws-iam-authenticator:\d{12}:AROA/,
      );
    });

    it('apply creates objects, detects unchanged ones, and changes them', async () => {
      const path = file('objects.yaml', OBJECTS);
      expect(await kubectl('apply', '-f', path)).toBe(
        'serviceaccount/mine created\nrole.rbac.authorization.k8s.io/mine created\n',
      );
      expect(await kubectl('apply', '-f', path)).toBe(
        'serviceaccount/mine unchanged\nrole.rbac.authorization.k8s.io/mine unchanged\n',
      );
      const changed = file('changed.yaml', OBJECTS.replace('[get, list]', '[watch]'));
      expect(await kubectl('apply', '-f', changed)).toBe(
        'serviceaccount/mine unchanged\nrole.rbac.authorization.k8s.io/mine configured\n',
      );
      expect(await kubectl('get', 'role', 'mine', '--output', 'jsonpath={.rules[*].verbs}')).toBe('["watch"]');
      expect(await run('apply', '-f', file('bad.yaml', OBJECTS.replace('rules:', 'rule:')))).toMatchObject({
        code: 1,
        err: expect.stringContaining('strict decoding error: unknown field "rule"'),
      });
      expect(await run('apply', '--server-side', '-f', path)).toMatchObject({
        code: 1,
        err: expect.stringContaining('conflict with "kubectl-client-side-apply"'),
      });
      expect(await kubectl('apply', '--server-side', '--force-conflicts', '-f', path)).toContain(
        'role.rbac.authorization.k8s.io/mine serverside-applied\n',
      );
      expect(await kubectl('delete', '-f', path)).toBe(
        'serviceaccount "mine" deleted\nrole.rbac.authorization.k8s.io "mine" deleted\n',
      );
    });

    it('create role and rolebinding', async () => {
      await kubectl('create', 'role', 'reader', '--verb=get,list', '--resource=pods,deployments.apps');
      await kubectl('create', 'rolebinding', 'readers', '--role=reader', '--group=readers');
      expect(await kubectl('describe', 'rolebinding', 'readers')).toMatch(
        /Name: +reader\nSubjects:\n[^]*Group +readers/,
      );
    });

    it('get, describe and delete work for custom resources, found by discovery', async () => {
      expect(await kubectl('api-resources', '--api-group', 'example.com', '--no-headers')).toMatch(
        /^widgets +example\.com\/v1alpha1 +true +Widget\n$/,
      );
      expect(await kubectl('get', 'widgets')).toMatch(/^NAME +AGE\nmine +\d+d\n$/);
      expect(await kubectl('get', 'widget/mine', '--output', 'jsonpath={.apiVersion} {.kind}')).toBe(
        'example.com/v1alpha1 Widget',
      );
      expect(await run('get', 'gadgets')).toMatchObject({
        code: 1,
        err: expect.stringContaining('the server doesn\'t have a resource type "gadgets"'),
      });
      expect(await kubectl('delete', 'widget', 'mine')).toBe('widget.example.com "mine" deleted\n');
      expect(await run('get', 'widget', 'mine')).toMatchObject({
        code: 1,
        err: expect.stringContaining('widgets.example.com "mine" not found'),
      });
      expect(await run('get', '--raw', '/apis/example.com/v1/gadgets')).toMatchObject({
        code: 1,
        err: expect.stringContaining('the server could not find the requested resource'),
      });
    });

    it('shows the managers of the fields of a workload', async () => {
      const managers = async (): Promise<string[]> =>
        (
          JSON.parse(
            await kubectl('get', 'daemonset', 'ebs-csi-node', '--show-managed-fields', '--output', 'json'),
          ) as { metadata: { managedFields: { manager: string; operation: string }[] } }
        ).metadata.managedFields.map(({ manager, operation }) => `${manager} ${operation}`);
      expect(await managers()).toEqual(['eks Apply', 'kube-controller-manager Update']);
      await kubectl('rollout', 'restart', 'daemonset/ebs-csi-node');
      expect(await managers()).toEqual(['eks Apply', 'kubectl-rollout Update', 'kube-controller-manager Update']);
    });

    it('get, rollout restart and rollout status work for a StatefulSet', async () => {
      expect(await kubectl('get', 'statefulsets')).toMatch(/^NAME +READY +AGE\ndb +3\/3 +\d+d\nqueue +1\/1 +\d+d\n$/);
      expect(await kubectl('get', 'sts', 'db', '--output', 'wide')).toMatch(
        /^NAME +READY +AGE +CONTAINERS +IMAGES\ndb +3\/3 +\d+d +main +db:1\n$/,
      );
      const pods = async () =>
        (
          await kubectl(
            'get',
            'pods',
            '--selector',
            'app.kubernetes.io/name=db',
            '--output',
            'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\\n"}{end}',
          )
        )
          .trim()
          .split('\n')
          .sort();
      const before = await pods();
      expect(await kubectl('rollout', 'restart', 'statefulset/db')).toBe('statefulset.apps/db restarted\n');
      expect(await kubectl('rollout', 'status', 'statefulset/db', '--timeout', '60s')).toMatch(
        /partitioned roll out complete: 3 new pods have been updated\.\.\.\n$/,
      );
      const after = await pods();
      expect(after.map((line) => line.split(' ')[0])).toEqual(['db-0', 'db-1', 'db-2']);
      expect(after.filter((line) => before.includes(line))).toEqual([]);
      expect(await run('rollout', 'status', 'statefulset/queue')).toMatchObject({
        code: 1,
        err: expect.stringContaining('only available for RollingUpdate strategy type'),
      });
    });

    it('rollout pause pauses a Deployment until rollout resume', async () => {
      const deployment = 'deployment/ebs-csi-controller';
      expect(await kubectl('rollout', 'pause', deployment)).toBe('deployment.apps/ebs-csi-controller paused\n');
      expect(await run('rollout', 'restart', deployment)).toMatchObject({
        code: 1,
        err: expect.stringContaining("can't restart paused deployment"),
      });
      expect(await kubectl('rollout', 'resume', deployment)).toBe('deployment.apps/ebs-csi-controller resumed\n');
      await kubectl('rollout', 'restart', deployment);
      expect(await kubectl('rollout', 'status', deployment, '--timeout', '60s')).toContain('successfully rolled out');
    });

    it('scale changes replicas through the subresource, and fails if a precondition is not met', async () => {
      const deployment = 'deployment/ebs-csi-controller';
      const scaled = 'deployment.apps/ebs-csi-controller scaled\n';
      expect(await kubectl('scale', deployment, '--replicas', '3')).toBe(scaled);
      expect(await kubectl('get', deployment, '--output', 'jsonpath={.spec.replicas}')).toBe('3');
      expect(
        await kubectl('get', deployment, '--show-managed-fields', '--output', 'jsonpath={.metadata.managedFields}'),
      ).toMatch(/"manager":"kubectl","operation":"Update","subresource":"scale"/);
      expect(await run('scale', deployment, '--replicas', '4', '--current-replicas', '2')).toMatchObject({
        code: 1,
        err: expect.stringContaining('Expected replicas to be 2, was 3'),
      });
      // With a precondition, kubectl sends a PUT.
      expect(await kubectl('scale', deployment, '--replicas', '2', '--current-replicas', '3')).toBe(scaled);
      expect(await kubectl('rollout', 'status', deployment, '--timeout', '60s')).toContain('successfully rolled out');
    });

    it('drain waits because of the disruption budget, and succeeds without it', async () => {
      const ofController = words`
        get pods --selector app=ebs-csi-controller --output jsonpath={.items[*].spec.nodeName}
      `;
      const [node = ''] = (await kubectl(...ofController)).split(' ');
      await kubectl('create', 'pdb', 'guard', '--selector=app=ebs-csi-controller', '--min-available=100%');
      await eventually(async () =>
        expect(await kubectl('get', 'pdb', 'guard', '--no-headers')).toMatch(/^guard +100% +N\/A +0 /),
      );
      const drain = ['drain', node, '--ignore-daemonsets'];
      expect(await run(...drain, '--timeout=2s')).toMatchObject({
        code: 1,
        err: expect.stringContaining("Cannot evict pod as it would violate the pod's disruption budget."),
      });
      expect(await kubectl('get', 'node', node)).toContain('Ready,SchedulingDisabled');

      await kubectl('delete', 'pdb', 'guard');
      expect(await kubectl(...drain, '--timeout=60s')).toContain(`node/${node} drained\n`);
      const nodes = (await kubectl(...ofController)).split(' ');
      expect(nodes).toHaveLength(2);
      expect(nodes).not.toContain(node);
      expect(await kubectl('uncordon', node)).toBe(`node/${node} uncordoned\n`);
    });
  },
);
