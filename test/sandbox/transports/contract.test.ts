import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { DescribeAddonCommand, DescribeClusterCommand, EKSClient, ListAddonsCommand, ListTagsForResourceCommand, UntagResourceCommand } from '@aws-sdk/client-eks';
import { GetRoleCommand, IAMClient, ListRolesCommand, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, describe, expect, it } from 'vitest';
import { createDynamoDb } from '../../../sandbox/dynamodb/service.ts';
import { createEksService } from '../../../sandbox/eks/service.ts';
import { openLoopback } from '../../../sandbox/transports/loopback.ts';
import type { World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, REGION, ROLE, configOf, newWorld, openDoor, operator, podIdentityTrust } from '../support.ts';

type Config = ReturnType<typeof configOf> | { endpoint: string; region: string; credentials: ReturnType<typeof operator>; maxAttempts: number };
interface Clients {
  eks: EKSClient;
  iam: IAMClient;
  sts: STSClient;
  dynamodb: DynamoDBClient;
}

const TableName = 'Ledger';
const Key = { pk: { S: 'a/b c' } };
const clusterArn = `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/dev`;

/** One corpus: reads, writes, refusals; paths, queries and bodies that need care on the wire. */
const corpus: Record<string, (clients: Clients) => Promise<unknown>> = {
  'a cluster': ({ eks }) => eks.send(new DescribeClusterCommand({ name: 'dev' })),
  'a cluster that is not there': ({ eks }) => eks.send(new DescribeClusterCommand({ name: 'prod' })),
  'a query parameter': ({ eks }) => eks.send(new ListAddonsCommand({ clusterName: 'dev', maxResults: 1 })),
  'an add-on that is not there': ({ eks }) => eks.send(new DescribeAddonCommand({ clusterName: 'dev', addonName: 'none' })),
  'an encoded path': ({ eks }) => eks.send(new ListTagsForResourceCommand({ resourceArn: clusterArn })),
  'a query parameter several times': ({ eks }) => eks.send(new UntagResourceCommand({ resourceArn: clusterArn, tagKeys: ['b', 'a', 'c d'] })),
  'a role': ({ iam }) => iam.send(new GetRoleCommand({ RoleName: 'ebs-csi' })),
  'a role that is not there': ({ iam }) => iam.send(new GetRoleCommand({ RoleName: 'ä' })),
  'a form': ({ iam }) => iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'ebs-csi', PolicyDocument: JSON.stringify(podIdentityTrust) })),
  'a refused form': ({ iam }) => iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'ebs-csi', PolicyDocument: 'a=b&c' })),
  'a list': ({ iam }) => iam.send(new ListRolesCommand({})),
  'the caller': ({ sts }) => sts.send(new GetCallerIdentityCommand({})),
  'an item put': ({ dynamodb }) => dynamodb.send(new PutItemCommand({ TableName, Item: { ...Key, text: { S: 'ünïcode' } } })),
  'an item': ({ dynamodb }) => dynamodb.send(new GetItemCommand({ TableName, Key })),
  'a condition that fails': ({ dynamodb }) => dynamodb.send(new PutItemCommand({ TableName, Item: Key, ConditionExpression: 'attribute_not_exists(pk)' })),
  'a query': ({ dynamodb }) => dynamodb.send(new QueryCommand({ TableName, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: 'a/b c' } } })),
  'an item deleted': ({ dynamodb }) => dynamodb.send(new DeleteItemCommand({ TableName, Key, ReturnValues: 'ALL_OLD' })),
};

const worldWithDoor = async () => {
  const world = newWorld();
  const { service, createTable } = createDynamoDb(world);
  await createTable({ name: TableName, keySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }], attributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }] });
  return { world, door: openDoor(world, { dynamodb: service, eks: createEksService(world) }) };
};

const run = async (config: Config): Promise<Record<string, unknown>> => {
  const clients = { eks: new EKSClient(config), iam: new IAMClient(config), sts: new STSClient(config), dynamodb: new DynamoDBClient(config) };
  const answers: Record<string, unknown> = {};
  for (const [name, call] of Object.entries(corpus)) {
    answers[name] = await call(clients).catch((error: Error) => Object.assign({}, error, { name: error.name, message: error.message }));
  }
  for (const client of Object.values(clients)) client.destroy();
  return JSON.parse(JSON.stringify(answers)) as Record<string, unknown>;
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** The loopback transport puts its own address and authority into the clusters: that much must differ. */
const withoutAddresses = (answers: Record<string, unknown>, world: World): unknown => {
  const cluster = world.accounts.get(ACCOUNT)!.clusters.get(`${REGION}/dev`)!;
  const encoded = Buffer.from(cluster.certificateAuthority).toString('base64');
  return JSON.parse(JSON.stringify(answers).replaceAll(cluster.endpoint, 'ENDPOINT').replaceAll(encoded, 'AUTHORITY'));
};

describe('both transports', () => {
  it('give the same answers to the same calls', async () => {
    const direct = await worldWithDoor();
    const inProcess = await run(configOf(direct.door, direct.world));

    const remote = await worldWithDoor();
    const loopback = await openLoopback({ ...remote, credentials: operator(remote.world) });
    closing.push(loopback.close);
    const overHttp = await run({ endpoint: loopback.url, region: REGION, credentials: operator(remote.world), maxAttempts: 1 });

    expect(withoutAddresses(overHttp, remote.world)).toEqual(withoutAddresses(inProcess, direct.world));
    expect(remote.world.log.calls).toEqual(direct.world.log.calls);
    // The corpus is what it says: answers and refusals, from services that did not fail.
    expect(inProcess['a role']).toMatchObject({ Role: { Arn: ROLE } });
    expect(inProcess['an item']).toMatchObject({ Item: { text: { S: 'ünïcode' } } });
    expect(inProcess['a query parameter']).toMatchObject({ addons: ['aws-ebs-csi-driver'] });
    expect(Object.entries(inProcess).flatMap(([name, answer]) => ('name' in (answer as object) ? [name] : []))).toEqual([
      'a cluster that is not there',
      'an add-on that is not there',
      'a role that is not there',
      'a refused form',
      'a condition that fails',
    ]);
    expect([...direct.door.failures, ...remote.door.failures]).toEqual([]);
  });
});
