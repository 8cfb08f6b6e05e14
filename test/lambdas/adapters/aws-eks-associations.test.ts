import {
  CreatePodIdentityAssociationCommand,
  DeletePodIdentityAssociationCommand,
  DescribePodIdentityAssociationCommand,
  EKSClient,
  ListPodIdentityAssociationsCommand,
  ResourceNotFoundException,
  UpdatePodIdentityAssociationCommand,
} from '@aws-sdk/client-eks';
import { expect, it } from 'vitest';
import { AwsEks } from '../../../lambdas/adapters/aws-eks.ts';
import { addonArn, anAssociation, CLUSTER, OTHER_ROLE, ROLE, SERVICE_ACCOUNT } from '../fixtures.ts';
import { containing, expectError } from '../matchers.ts';
import { mocked, refusal } from './mocked.ts';

const mock = mocked(EKSClient);
const eks = new AwsEks(new EKSClient({ region: 'eu-west-1' }), CLUSTER);
const inputs = (): unknown[] => mock.calls().map((call) => call.args[0].input as unknown);
const notFound = new ResourceNotFoundException({
  message: 'No association found for ID: x',
  $metadata: { httpStatusCode: 404 },
});

const whole = (id: string): object => ({
  association: {
    associationId: id,
    associationArn: `arn:${id}`,
    clusterName: CLUSTER,
    namespace: 'kube-system',
    serviceAccount: SERVICE_ACCOUNT,
    roleArn: ROLE,
    tags: { team: 'a' },
    createdAt: new Date(0),
    modifiedAt: new Date(1000),
    ownerArn: addonArn(1),
    disableSessionTags: false,
  },
});

it('lists them over all pages and describes each; one that vanished in between is left out', async () => {
  mock
    .on(ListPodIdentityAssociationsCommand)
    .resolvesOnce({ nextToken: 'more', associations: [{ associationId: 'a-1' }, { associationId: 'a-gone' }] })
    .resolvesOnce({ associations: [{ associationId: 'a-2' }] });
  mock
    .on(DescribePodIdentityAssociationCommand)
    .resolves(whole('a-1'))
    .on(DescribePodIdentityAssociationCommand, { associationId: 'a-2' })
    .resolves(whole('a-2'));
  mock.on(DescribePodIdentityAssociationCommand, { associationId: 'a-gone' }).rejects(notFound);
  const listed = await eks.listAssociations('kube-system', SERVICE_ACCOUNT);
  expect(listed.map((one) => one.id)).toEqual(['a-1', 'a-2']);
  expect(listed[0]).toEqual({
    id: 'a-1',
    arn: 'arn:a-1',
    namespace: 'kube-system',
    serviceAccount: SERVICE_ACCOUNT,
    roleArn: ROLE,
    ownerArn: addonArn(1),
    tags: { team: 'a' },
    createdAt: '1970-01-01T00:00:00.000Z',
    modifiedAt: '1970-01-01T00:00:01.000Z',
  });
  expect(mock.commandCalls(ListPodIdentityAssociationsCommand).map((call) => call.args[0].input)).toMatchObject([
    { clusterName: CLUSTER, namespace: 'kube-system', serviceAccount: SERVICE_ACCOUNT },
    { nextToken: 'more' },
  ]);
});
it('lists whose they are without a look at any, and looks at one by its id', async () => {
  mock
    .on(ListPodIdentityAssociationsCommand)
    .resolvesOnce({
      nextToken: 'more',
      associations: [{ associationId: 'a-1', namespace: 'kube-system', serviceAccount: SERVICE_ACCOUNT }, {}],
    })
    .resolvesOnce({ associations: [{ associationId: 'a-2', namespace: 'default', serviceAccount: 'other' }] });
  expect(await eks.listAssociationRefs()).toEqual([
    { id: 'a-1', namespace: 'kube-system', serviceAccount: SERVICE_ACCOUNT },
    { id: 'a-2', namespace: 'default', serviceAccount: 'other' },
  ]);
  expect(mock.calls()).toHaveLength(2);
  mock.on(DescribePodIdentityAssociationCommand, { associationId: 'a-1' }).resolves(whole('a-1'));
  mock.on(DescribePodIdentityAssociationCommand, { associationId: 'a-gone' }).rejects(notFound);
  expect(await eks.describeAssociation('a-1')).toMatchObject({ id: 'a-1', roleArn: ROLE });
  expect(await eks.describeAssociation('a-gone')).toBeUndefined();
});
it('does not take a cluster that is gone for a cluster without associations', async () => {
  mock.on(ListPodIdentityAssociationsCommand).rejects(notFound);
  await expectError(eks.listAssociations('kube-system', SERVICE_ACCOUNT), 'NotFound');
});

it('counts all of the cluster, over all pages, without a look at each', async () => {
  mock
    .on(ListPodIdentityAssociationsCommand)
    .resolvesOnce({ nextToken: 'more', associations: [{ associationId: 'a-1' }, { associationId: 'a-2' }] })
    .resolvesOnce({ associations: [{ associationId: 'a-3' }] });
  expect(await eks.countAssociations()).toBe(3);
  const asked = mock.commandCalls(ListPodIdentityAssociationsCommand).map((call) => call.args[0].input);
  expect(asked).toMatchObject([{ clusterName: CLUSTER }, { clusterName: CLUSTER, nextToken: 'more' }]);
  for (const input of asked) expect(input).not.toHaveProperty('namespace');
  expect(mock.calls()).toHaveLength(2);
});

it('lists those of the whole cluster up to a limit, and asks for no page and no association beyond it', async () => {
  const pages = [['a-1', 'a-2'], ['a-3', 'a-4'], ['a-5']].map((ids) => ({
    associations: ids.map((associationId) => ({ associationId })),
  }));
  mock
    .on(ListPodIdentityAssociationsCommand)
    .resolvesOnce({ ...pages[0], nextToken: '1' })
    .resolvesOnce({ ...pages[1], nextToken: '2' })
    .resolves(pages[2]!);
  mock
    .on(DescribePodIdentityAssociationCommand)
    .callsFake(({ associationId }: { associationId: string }) => whole(associationId));
  const { associations, more } = await eks.listAllAssociations(3);
  expect(associations.map(({ id, roleArn }) => [id, roleArn])).toEqual([
    ['a-1', ROLE],
    ['a-2', ROLE],
    ['a-3', ROLE],
  ]);
  expect(more).toBe(true);
  expect([
    mock.commandCalls(ListPodIdentityAssociationsCommand).length,
    mock.commandCalls(DescribePodIdentityAssociationCommand).length,
  ]).toEqual([2, 3]);
});
it.each([
  [2, false],
  [1, true],
])('with a limit of %d, says of two whether there are more: %j', async (limit, more) => {
  mock
    .on(ListPodIdentityAssociationsCommand)
    .resolves({ associations: [{ associationId: 'a-1' }, { associationId: 'a-2' }] });
  mock
    .on(DescribePodIdentityAssociationCommand)
    .callsFake(({ associationId }: { associationId: string }) => whole(associationId));
  expect(await eks.listAllAssociations(limit)).toMatchObject({
    more,
    associations: ['a-1', 'a-2'].slice(0, limit).map((id) => ({ id })),
  });
});

const plain = { namespace: 'kube-system', serviceAccount: SERVICE_ACCOUNT, roleArn: ROLE };
const sent = { clusterName: CLUSTER, ...plain, clientRequestToken: 't' };

it('creates one as it was, whole, and answers the new one', async () => {
  mock.on(CreatePodIdentityAssociationCommand).resolves(whole('a-new'));
  const settings = { targetRoleArn: OTHER_ROLE, disableSessionTags: true, policy: '{}', tags: { team: 'a' } };
  const was = anAssociation({ ...settings, ownerArn: undefined, externalId: 'made-by-eks' });
  expect((await eks.createAssociation(was, 't')).id).toBe('a-new');
  expect(inputs()).toStrictEqual([{ ...sent, ...settings }]);
});
it('sends nothing that a plain one does not have', async () => {
  mock.on(CreatePodIdentityAssociationCommand).resolves(whole('a-new'));
  await eks.createAssociation(anAssociation(), 't');
  expect(inputs()).toStrictEqual([sent]);
});
it('does not take an answer without an association for one', async () => {
  mock.on(CreatePodIdentityAssociationCommand).resolves({});
  await expectError(eks.createAssociation(anAssociation(), 't'), 'ServiceUnavailable');
});

it.each<[Parameters<typeof eks.updateAssociation>[1]]>([
  [{ targetRoleArn: OTHER_ROLE }],
  [{ disableSessionTags: false }],
  [{ disableSessionTags: true, policy: '{}' }],
  [{ targetRoleArn: undefined, policy: '' }],
])('changes %j, and leaves the role', async (change) => {
  mock.on(UpdatePodIdentityAssociationCommand).resolves(whole('a-1'));
  expect((await eks.updateAssociation('a-1', change, 't')).id).toBe('a-1');
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  expect(inputs()).toStrictEqual([{ clusterName: CLUSTER, associationId: 'a-1', clientRequestToken: 't', ...given }]);
});
it('does not take one that is gone for a changed one', async () => {
  mock.on(UpdatePodIdentityAssociationCommand).rejectsOnce(notFound).resolves({});
  await expectError(
    eks.updateAssociation('a-1', { policy: '{}' }, 't'),
    'NotFound',
    'eks:UpdatePodIdentityAssociation a-1',
  );
  await expectError(eks.updateAssociation('a-1', { policy: '{}' }, 't'), 'ServiceUnavailable');
});

it('repeats no policy in an error, neither of a create nor of a change', async () => {
  const policy = '{"Statement":[{"Resource":"arn:aws:s3:::secret-bucket"}]}';
  const malformed = refusal('InvalidParameterException', `Policy ${policy} is malformed`);
  mock.on(CreatePodIdentityAssociationCommand).rejects(malformed);
  mock.on(UpdatePodIdentityAssociationCommand).rejects(malformed);
  for (const call of [
    eks.createAssociation(anAssociation({ policy }), 't'),
    eks.updateAssociation('a-1', { policy }, 't'),
  ]) {
    const error = await call.catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ message: containing('is malformed') });
    expect((error as Error).message).not.toContain('secret-bucket');
  }
});

it('deletes by id, and says so where there was none', async () => {
  mock.on(DeletePodIdentityAssociationCommand).resolvesOnce({}).rejects(notFound);
  expect([await eks.deleteAssociation('a-1'), await eks.deleteAssociation('a-1')]).toEqual([true, false]);
  expect(inputs()).toStrictEqual([
    { clusterName: CLUSTER, associationId: 'a-1' },
    { clusterName: CLUSTER, associationId: 'a-1' },
  ]);
});
