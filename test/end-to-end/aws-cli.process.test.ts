import { DescribeAddonCommand, EKSClient, UpdateAddonCommand } from '@aws-sdk/client-eks';
import { ulid } from 'ulid';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { ADDON, ROLE, TARGET } from './fixture.ts';
import { keyVariables, reasonToSkip, serve, type Result, type Served } from './served.ts';
import { keysOf } from '../cli/fixtures.ts';
import { useWarmAws } from '../warm-aws/index.ts';

const reason = reasonToSkip('aws');
const CLUSTER = ['--cluster-name', TARGET.cluster];
const THE_ADDON = [...CLUSTER, '--addon-name', ADDON];
const POD_IDENTITY = ['--pod-identity-associations', `serviceAccount=ebs-csi-controller-sa,roleArn=${ROLE}`];

let served: Served;
const closing: Served[] = [];
const aws = (...args: string[]): Promise<Result> => served.run('aws', [...args, '--output', 'json']);

/** Returns the JSON of a command's answer; a refused command fails the test with its output. */
const answer = async (...args: string[]): Promise<Record<string, never>> => {
  const { code, out, err } = await aws(...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as Record<string, never>;
};

/**
 * Version 2 has different exit codes for what it refuses itself and for what AWS refuses; version 1 has one for all.
 */
const REFUSED_BY_ITSELF = [252, 255];
const REFUSED_BY_AWS = [254, 255];

/** Returns a command's output when AWS refuses it. */
const refusal = async (args: string[], change: Record<string, string> = {}): Promise<string> => {
  const { code, out, err } = await served.run('aws', args, change);
  expect(out).toBe('');
  expect(REFUSED_BY_AWS).toContain(code);
  return err.trim();
};

const mutations = (): string[] =>
  served
    .calls()
    .filter(({ service, mutating }) => service === 'eks' && mutating)
    .map(({ operation, error }) => `${operation}${error === undefined ? '' : ` ${error}`}`);

/** How often a waiter asked; more than once would mean that it has slept. The service's own schedule ticks as well. */
const asked = async (...args: string[]): Promise<number> => {
  const reads = (): number => served.calls().filter(({ operation }) => operation === 'DescribeAddon').length;
  const before = reads();
  expect(await aws(...args)).toEqual({ code: 0, out: '', err: '' });
  return reads() - before;
};

describe.skipIf(reason !== undefined)(
  `the aws command line${reason === undefined ? '' : ` (${reason})`}`,
  { timeout: 900_000 },
  () => {
    useWarmAws();
    beforeAll(async () => void (served = await serve()));
    afterEach(async () => {
      for (const one of closing.splice(0)) await one.stop();
    });
    afterAll(async () => {
      await served?.stop();
    });

    it('finds the network of the cluster in EC2', async () => {
      const shown = ['--name', TARGET.cluster, '--query', 'cluster.resourcesVpcConfig'];
      const network: Record<string, unknown> = await answer('eks', 'describe-cluster', ...shown);
      const vpcId = String(network['vpcId']);
      expect(await answer('ec2', 'describe-vpcs', '--query', 'Vpcs[].VpcId')).toEqual([vpcId]);
      const inVpc = ['--filters', `Name=vpc-id,Values=${vpcId}`];
      const found = await answer('ec2', 'describe-subnets', ...inVpc, '--query', 'sort(Subnets[].SubnetId)');
      expect(found).toEqual([...(network['subnetIds'] as string[])].sort());
      expect(await refusal(['ec2', 'describe-vpcs', '--vpc-ids', 'vpc-1'])).toContain(
        "(InvalidVpcID.NotFound) when calling the DescribeVpcs operation: The vpc ID 'vpc-1' does not exist",
      );
    });

    it('performs a manual migration: from the 403 to an add-on on Pod Identity', async () => {
      // Terraform's request. The command line itself refuses an empty role, so another client sends it.
      const empty = await aws('eks', 'update-addon', ...THE_ADDON, '--service-account-role-arn', '', ...POD_IDENTITY);
      expect(REFUSED_BY_ITSELF).toContain(empty.code);
      expect(empty.err).toContain('Invalid length for parameter serviceAccountRoleArn, value: 0, valid min length: 1');
      const sdk = new EKSClient({
        endpoint: served.url,
        region: TARGET.region,
        credentials: keysOf(served.environment),
        maxAttempts: 1,
      });
      const asTerraform = new UpdateAddonCommand({
        clusterName: TARGET.cluster,
        addonName: ADDON,
        serviceAccountRoleArn: '',
        podIdentityAssociations: [{ serviceAccount: 'ebs-csi-controller-sa', roleArn: ROLE }],
      });
      await expect(sdk.send(asTerraform)).rejects.toMatchObject({
        name: 'AccessDeniedException',
        message: 'Cross-account pass role is not allowed.',
        $metadata: { httpStatusCode: 403 },
      });
      // On a busy machine the world is slower than usual: a waiter that asks too early sleeps for seconds.
      const untilSettled = (wanted: string): Promise<void> =>
        eventually(async () => {
          const command = new DescribeAddonCommand({ clusterName: TARGET.cluster, addonName: ADDON });
          const found = await sdk.send(command).then(
            ({ addon }) => addon?.status,
            ({ name }: Error) => name,
          );
          expect(found).toBe(wanted);
        });

      const { addon: before } = await answer('eks', 'describe-addon', ...THE_ADDON);
      expect(before).toMatchObject({ status: 'ACTIVE', serviceAccountRoleArn: ROLE });

      expect((await answer('eks', 'delete-addon', ...THE_ADDON))['addon']).toMatchObject({
        addonName: ADDON,
        status: 'DELETING',
      });
      await untilSettled('ResourceNotFoundException');
      expect(await asked('eks', 'wait', 'addon-deleted', ...THE_ADDON)).toBe(1);
      expect(await refusal(['eks', 'describe-addon', ...THE_ADDON])).toContain(
        `An error occurred (ResourceNotFoundException) when calling the DescribeAddon operation: No addon: ${ADDON} found in cluster: ${TARGET.cluster}`,
      );

      // An association of an earlier attempt conflicts.
      const create = ['eks', 'create-addon', ...THE_ADDON, ...POD_IDENTITY];
      const { associations } = await answer(
        'eks',
        'list-pod-identity-associations',
        ...CLUSTER,
        '--namespace',
        'kube-system',
      );
      const [{ associationId: left }] = associations as unknown as [{ associationId: string }];
      expect(await refusal(create)).toContain(
        `An error occurred (ResourceInUseException) when calling the CreateAddon operation: Association already exists: ${left}`,
      );
      const described = await answer('eks', 'describe-pod-identity-association', ...CLUSTER, '--association-id', left);
      expect(described['association']).toMatchObject({
        associationId: left,
        serviceAccount: 'ebs-csi-controller-sa',
        roleArn: ROLE,
      });
      expect(described['association']).not.toHaveProperty('ownerArn');
      await answer('eks', 'delete-pod-identity-association', ...CLUSTER, '--association-id', left);
      expect(
        await refusal(['eks', 'describe-pod-identity-association', ...CLUSTER, '--association-id', left]),
      ).toContain('(ResourceNotFoundException)');

      expect((await answer(...create))['addon']).toMatchObject({ status: 'CREATING' });
      await untilSettled('ACTIVE');
      sdk.destroy();
      expect(await asked('eks', 'wait', 'addon-active', ...THE_ADDON)).toBe(1);
      const { addon: after } = await answer('eks', 'describe-addon', ...THE_ADDON);
      expect(after).toMatchObject({
        status: 'ACTIVE',
        podIdentityAssociations: [expect.stringContaining(':podidentityassociation/reliability-dev/a-')],
      });
      expect(after).not.toHaveProperty('serviceAccountRoleArn');
      expect((await answer('eks', 'list-pod-identity-associations', ...CLUSTER))['associations']).toEqual([
        expect.objectContaining({ ownerArn: (after as unknown as { addonArn: string }).addonArn }),
      ]);

      expect(mutations()).toEqual([
        'UpdateAddon AccessDeniedException',
        'DeleteAddon',
        'CreateAddon ResourceInUseException',
        'DeletePodIdentityAssociation',
        'CreateAddon',
      ]);
    });

    it.each<[string, string[], string]>([
      [
        'a missing cluster',
        ['eks', 'describe-cluster', '--name', 'prod'],
        '(ResourceNotFoundException) when calling the DescribeCluster operation: No cluster found for name: prod.',
      ],
      [
        'a version that is not offered',
        [
          'eks',
          'create-addon',
          ...CLUSTER,
          '--addon-name',
          'aws-efs-csi-driver',
          '--addon-version',
          'v9.9.9-eksbuild.9',
        ],
        '(InvalidParameterException) when calling the CreateAddon operation: Addon version specified is not supported',
      ],
      [
        'an existing add-on',
        ['eks', 'create-addon', ...CLUSTER, '--addon-name', 'vpc-cni'],
        '(ResourceInUseException) when calling the CreateAddon operation: Addon already exists.',
      ],
      [
        'a missing role',
        ['iam', 'get-role', '--role-name', 'unknown'],
        '(NoSuchEntity) when calling the GetRole operation: The role with name unknown cannot be found.',
      ],
    ])('reads the refusal of %s', async (_what, args, text) =>
      expect(await refusal(args)).toContain(`An error occurred ${text}`),
    );

    it.each<[string, Record<string, string>, string, string]>([
      [
        'a wrong secret',
        { AWS_SECRET_ACCESS_KEY: 'guess' },
        'InvalidSignatureException',
        'The request signature we calculated does not match the signature you provided.',
      ],
      [
        'an unknown key',
        { AWS_ACCESS_KEY_ID: 'ASIANOBODY0123456789' },
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
      ],
      [
        'a wrong session token',
        { AWS_SESSION_TOKEN: 'old' },
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
      ],
    ])('is refused with %s', async (_what, change, name, text) =>
      expect(await refusal(['eks', 'list-clusters'], { ...keyVariables(served), ...change })).toContain(
        `An error occurred (${name}) when calling the ListClusters operation: ${text}`,
      ),
    );

    it('starts the deployed state machine, and reads its ledger', async () => {
      // Slow enough for functions to end before their time-outs.
      const slower = await serve(['--clock', 'scaled=20']);
      closing.push(slower);
      const ask = async (...args: string[]): Promise<Record<string, unknown>> =>
        JSON.parse((await slower.run('aws', [...args, '--output', 'json'])).out) as Record<string, unknown>;
      const migrationId = ulid();
      const input = JSON.stringify({ migrationId, request: { target: TARGET, addon: ADDON, dryRun: true } });
      const { executionArn } = await ask(
        'stepfunctions',
        'start-execution',
        '--state-machine-arn',
        slower.stateMachineArn,
        '--name',
        migrationId,
        '--input',
        input,
      );
      let execution: Record<string, unknown>;
      do execution = await ask('stepfunctions', 'describe-execution', '--execution-arn', String(executionArn));
      while (execution['status'] === 'RUNNING');
      expect(execution['status']).toBe('SUCCEEDED');
      const key = JSON.stringify({ pk: { S: `MIGRATION#${migrationId}` }, sk: { S: 'RECORD' } });
      const { Item: item } = await ask('dynamodb', 'get-item', '--table-name', slower.tableName, '--key', key);
      expect(item).toMatchObject({ outcome: { S: 'planned' } });
      expect(await ask('sts', 'get-caller-identity')).toMatchObject({
        Account: TARGET.account,
        Arn: expect.stringContaining(':assumed-role/operator/'),
      });
    });
  },
);
