/** CloudFormation over the deployed application. */
import {
  CloudFormationClient,
  DescribeStacksCommand,
  ListStacksCommand,
  type ListStacksCommandInput,
  paginateDescribeStacks,
  paginateListStacks,
} from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import type { AssemblyStack } from '../../../sandbox/assembly/stack-description.ts';
import { createCloudFormationService } from '../../../sandbox/cloudformation/service.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { inProcessTransport } from '../../../sandbox/transports/in-process.ts';
import type { World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, allow, FUNCTION_ROLE, newWorld, openGateway, operator, REGION } from '../support.ts';

const caught = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

const stackIn = (region: string, account = ACCOUNT): AssemblyStack => ({
  name: 'PodIdentityMigrator',
  id: `arn:aws:cloudformation:${region}:${account}:stack/PodIdentityMigrator/0`,
  account,
  region,
  description: 'Moves add-ons & more.',
  parameters: { Level: 'INFO' },
  tags: { team: 'platform' },
  outputs: [{ key: 'ApiUrl', value: 'https://api/v1', description: 'URL', exportName: 'api' }],
});

const STACKS = [stackIn(REGION), stackIn('us-east-1', '444455556666')];

const clientOf = (world: World, { region = REGION, credentials = operator(world), stacks = STACKS } = {}) => {
  const service = createCloudFormationService({ world, stacks, valueOf: (value) => value.replace('api', 'localhost') });
  const transport = inProcessTransport(openGateway(world, { cloudformation: service }), world);
  return new CloudFormationClient({
    region,
    credentials,
    maxAttempts: 1,
    ...transport,
    ...transport.settingsFor?.('cloudformation', region),
  });
};

describe('CloudFormation', () => {
  it('describes a stack by name and by id, with outputs, parameters and tags', async () => {
    const client = clientOf(newWorld());
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: 'PodIdentityMigrator' }));
    expect(Stacks).toMatchObject([
      {
        StackName: 'PodIdentityMigrator',
        StackId: stackIn(REGION).id,
        Description: 'Moves add-ons & more.',
        StackStatus: 'CREATE_COMPLETE',
        CreationTime: expect.any(Date),
        Outputs: [{ OutputKey: 'ApiUrl', OutputValue: 'https://localhost/v1', Description: 'URL', ExportName: 'api' }],
        Parameters: [{ ParameterKey: 'Level', ParameterValue: 'INFO' }],
        Tags: [{ Key: 'team', Value: 'platform' }],
      },
    ]);
    expect((await client.send(new DescribeStacksCommand({ StackName: stackIn(REGION).id }))).Stacks).toEqual(Stacks);
    expect((await client.send(new DescribeStacksCommand({}))).Stacks).toEqual(Stacks);
  });

  it('reports a stack that does not exist there as AWS does', async () => {
    const world = newWorld();
    for (const [client, name] of [
      [clientOf(world), 'eksctl-dev-cluster'],
      [clientOf(world, { region: 'us-east-1' }), 'PodIdentityMigrator'],
    ] as const) {
      const error = await caught(client.send(new DescribeStacksCommand({ StackName: name })));
      expect(error).toMatchObject({
        name: 'ValidationError',
        message: `Stack with id ${name} does not exist`,
        $metadata: { httpStatusCode: 400 },
      });
    }
  });

  it('lists stacks by status', async () => {
    const client = clientOf(newWorld());
    const names = async (input: ListStacksCommandInput) =>
      (await client.send(new ListStacksCommand(input))).StackSummaries?.map(({ StackName }) => StackName);
    expect(await names({})).toEqual(['PodIdentityMigrator']);
    expect(await names({ StackStatusFilter: ['CREATE_FAILED', 'CREATE_COMPLETE'] })).toEqual(['PodIdentityMigrator']);
    expect(await names({ StackStatusFilter: ['DELETE_FAILED'] })).toEqual([]);
    expect(await caught(names({ StackStatusFilter: ['GONE' as never] }))).toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining("at 'stackStatusFilter' failed to satisfy constraint"),
    });
  });

  it('returns stacks in pages', async () => {
    const stacks = Array.from({ length: 101 }, (_, index): AssemblyStack => {
      const id = `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/s${index}/0`;
      return { ...stackIn(REGION), name: `s${index}`, id };
    });
    const client = clientOf(newWorld(), { stacks });
    const [described, listed]: string[][] = [[], []];
    for await (const { Stacks = [] } of paginateDescribeStacks({ client }, {}))
      described!.push(...Stacks.map(({ StackName = '' }) => StackName));
    for await (const { StackSummaries = [] } of paginateListStacks({ client }, {}))
      listed!.push(...StackSummaries.map(({ StackName = '' }) => StackName));
    expect([new Set(described).size, new Set(listed).size]).toEqual([101, 101]);
    for (const command of [new ListStacksCommand({ NextToken: 'x' }), new DescribeStacksCommand({ NextToken: 'x' })])
      expect(await caught(client.send(command))).toMatchObject({ name: 'ValidationError' });
  });

  it("authorizes by the caller's policies, on the stack", async () => {
    const world = newWorld(allow('cloudformation:DescribeStacks', '*'));
    const own = clientOf(world, { credentials: credentialsOf(world, FUNCTION_ROLE) });
    expect((await own.send(new DescribeStacksCommand({ StackName: 'PodIdentityMigrator' }))).Stacks).toHaveLength(1);
    expect(await caught(own.send(new ListStacksCommand({})))).toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining(
        `cloudformation:ListStacks on resource: arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/*/* because`,
      ),
    });
    const none = newWorld(allow('eks:*', '*'));
    const denied = clientOf(none, { credentials: credentialsOf(none, FUNCTION_ROLE) });
    const messageOf = async (StackName: string) =>
      (await caught(denied.send(new DescribeStacksCommand({ StackName })))) as Error;
    expect((await messageOf('PodIdentityMigrator')).message).toContain(`on resource: ${stackIn(REGION).id} because`);
    expect((await messageOf('Other')).message).toContain(`:stack/Other/* because`);
  });
});
