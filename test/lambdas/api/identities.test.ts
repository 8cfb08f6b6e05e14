/** GET /clusters/{name}/identities. */
import { describe, expect, test } from 'vitest';
import { MigrationError, RoleNotAssumed } from '../../../lambdas/domain/failures/errors.ts';
import type { Fakes } from '../fakes.ts';
import { ACCOUNT, aPod, anAssociation, CLUSTER, ROLE, target } from '../fixtures.ts';
import { matching, said } from '../matchers.ts';
import { newFakes, problemIn, send, started, fieldsIn } from './gateway.ts';
import { listIdOf, type Row, tokenAfter } from '../../../lambdas/api/tokens.ts';

const it = test.extend('fakes', () => newFakes());
const path = `/clusters/${CLUSTER}/identities`;
const look = (fakes: Fakes, query: Record<string, string | string[]> = {}) =>
  send(fakes, { method: 'GET', path, query: { region: target.region, ...query } });
interface Page {
  workloads: { namespace: string; kind: string; name: string; identity: string }[];
  totals: { workloads: number };
  next?: string;
}
const podOf = (index: number) =>
  aPod(index % 2 === 0 ? 'irsa' : 'pod-identity', {
    namespace: `team-${index % 3}`,
    name: `app-${index}-0`,
    serviceAccount: `app-${index}`,
    owner: { kind: index % 4 === 0 ? 'StatefulSet' : 'Deployment', name: `app-${index}` },
  });

describe('GET /clusters/{name}/identities', () => {
  it('says of each workload how it gets its credentials, and changes nothing', async ({ fakes }) => {
    fakes.eks.associations = [anAssociation()];
    const { status, body } = await look(fakes, { account: ACCOUNT });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      target,
      cluster: { version: '1.31' },
      agent: { status: 'pass' },
      workloads: expect.arrayContaining([
        expect.objectContaining({
          name: 'ebs-csi-controller',
          identity: 'irsa',
          association: expect.objectContaining({ roleArn: ROLE }) as unknown,
        }),
      ]) as unknown,
      unread: [],
    });
    expect(started(fakes).changes).toBe(0);
  });

  it('reads page by page, in one order, and asks for the associations and roles of a page alone', async ({ fakes }) => {
    fakes.kubernetes.pods = Array.from({ length: 25 }, (_, index) => podOf(index));
    fakes.kubernetes.agentPods = [];
    const found: Page['workloads'] = [];
    let next: string | undefined;
    for (let pages = 0; pages < 10; pages += 1) {
      fakes.journal.clear();
      const page = (await look(fakes, { limit: '10', ...(next === undefined ? {} : { next }) })).body as Page;
      expect(page.totals).toEqual({ workloads: 25 });
      expect(fakes.journal.of('eks.listAssociations')).toHaveLength(page.workloads.length);
      found.push(...page.workloads);
      ({ next } = page);
      if (next === undefined) break;
    }
    const keys = found.map(({ namespace, kind, name }) => `${namespace} ${kind} ${name}`);
    expect(keys).toHaveLength(25);
    expect(keys).toEqual([...new Set(keys)].sort());
  });

  it('goes on behind a row that is gone, and ends behind the last one', async ({ fakes }) => {
    fakes.kubernetes.pods = Array.from({ length: 6 }, (_, index) => podOf(index));
    fakes.kubernetes.agentPods = [];
    const tokenOf = (row: Row): string => tokenAfter(listIdOf('identities', target), row);
    const page = (await look(fakes, { next: tokenOf(['team-1', 'Deployment', 'app-2', 'x']) })).body as Page;
    expect(page.workloads.map(({ name }) => name)).toEqual(['app-4', 'app-2', 'app-5']);
    expect((await look(fakes, { next: tokenOf(['z', '', '', '']) })).body).toMatchObject({
      workloads: [],
      totals: { workloads: 6 },
    });
  });

  it.each([
    ['no region', { region: [] as string[] }, 'query.region'],
    ['another partition', { region: 'cn-north-1' }, 'query.region'],
    ['a wrong account', { account: 'mine' }, 'query.account'],
    ['a wrong limit', { limit: '1000' }, 'query.limit'],
    ['a token that was not given', { next: 'W10' }, 'query.next'],
    ['another token', { next: Buffer.from('"01JD8Z5Q6R7S8T9V0W1X2Y3Z4A"').toString('base64url') }, 'query.next'],
    ['a parameter that is not known', { namespace: 'kube-system' }, 'query.namespace'],
  ])('refuses %s', async (_, query, field) => {
    const fakes = newFakes();
    expect([fieldsIn(await look(fakes, query)), fakes.journal.names()]).toEqual([[field], []]);
  });

  it('is for clusters that are there, in the own account, with a name', async ({ fakes }) => {
    expect(problemIn(await look(fakes, { account: '444455556666' }), 'other-account').errors).toMatchObject([
      { field: 'query.account' },
    ]);
    const odd = { method: 'GET', path: '/clusters/a b/identities', query: { region: target.region } };
    expect(fieldsIn(await send(fakes, odd))).toEqual(['path.name']);
    fakes.eks.cluster = undefined;
    expect(problemIn(await look(fakes), 'unknown-cluster')).toMatchObject({
      status: 404,
      errors: [{ field: 'path.name' }],
    });
  });

  it.each([
    ['the pods', 'kubernetes.eachPod', new MigrationError('Unauthorised', 'no entry')],
    ['the cluster', 'eks.describeCluster', new MigrationError('AccessDenied', 'no right')],
  ] as const)('says what is missing where the service may not read %s', async (_, call, error) => {
    const fakes = newFakes();
    fakes.journal.failNext(call, 'before', error);
    expect(problemIn(await look(fakes), 'no-access')).toMatchObject({
      status: 409,
      detail: matching(/no (entry|right).*KubernetesRoleArns.*docs\/kubernetes-access\.md/s),
    });
  });

  it.each(['eks.describeCluster', 'kubernetes.eachPod'])('says at %s that no role can be assumed', async (call) => {
    const fakes = newFakes();
    const message = 'The role arn:aws:iam::222233334444:role/x could not be assumed: docs/accounts.md.';
    fakes.journal.failNext(call, 'before', new RoleNotAssumed('222233334444', message));
    const found = problemIn(await look(fakes), 'no-access');
    expect(found.detail).toBe(message);
    expect(found.errors).toEqual([
      { field: 'query.account', message: 'is an account in which the service cannot assume a role' },
    ]);
  });

  it('notes what else may not be read', async ({ fakes }) => {
    fakes.journal.refuseNext('eks.listAddons', 'AccessDenied', 'no right');
    expect((await look(fakes)).body).toMatchObject({ unread: [{ what: 'the add-ons', why: 'no right' }] });
  });

  it('says which add-on a workload is of, and whether that takes an association for it', async () => {
    const found = (await look(newFakes())).body as { workloads: { name: string; addon?: object }[] };
    expect(found.workloads.find(({ name }) => name === 'ebs-csi-controller')?.addon).toMatchObject({
      takesAssociation: true,
    });
  });

  it('does not know of an agent that may not be read', async ({ fakes }) => {
    fakes.eks.addons.delete('eks-pod-identity-agent');
    fakes.journal.refuseNext('kubernetes.getWorkload', 'AccessDenied', 'no right');
    expect((await look(fakes)).body).toMatchObject({
      agent: said('unknown', 'no right'),
      unread: [{ what: 'DaemonSet kube-system/eks-pod-identity-agent', why: 'no right' }],
    });
  });

  it('is to be tried again where the cluster does not answer, or the time is up', async ({ fakes }) => {
    fakes.journal.failNext('kubernetes.listNodes');
    expect(problemIn(await look(fakes), 'unavailable').detail).toContain('ConnectionLost');
    fakes.invocation.remaining = 11_000;
    expect(problemIn(await look(fakes), 'unavailable').detail).toContain('OutOfTime');
  });
});
