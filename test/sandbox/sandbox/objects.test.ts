import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../../cli/assembly.ts';
import { s3Documents } from '../../../lambdas/adapters/s3-documents.ts';
import { openSandbox, type Sandbox, type SandboxOptions } from '../../../sandbox/sandbox.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { readScenario } from '../../../sandbox/build/load.ts';
import { containing } from '../../lambdas/matchers.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const open = async (options: Partial<SandboxOptions> = {}): Promise<Sandbox & { bucket: string }> => {
  const { directory } = await ensureAssembly();
  const sandbox = await openSandbox({
    scenario: await readScenario('sandbox/scenarios/ebs-csi-irsa.json'),
    assemblyDirectory: directory,
    ...options,
  });
  closing.push(() => sandbox.close());
  const [bucket = ''] = sandbox.world.buckets.keys();
  return { ...sandbox, bucket };
};

/** Returns the role of a step's function. */
const roleOf = ({ world }: Sandbox, part: string): string =>
  [...world.accounts.values()]
    .flatMap(({ roles }) => [...roles.values()])
    .find(({ name }) => name.toLowerCase().includes(part))?.arn ?? '';

describe("the application's bucket", () => {
  it('exists, and its functions have the permissions from the template', async () => {
    const sandbox = await open();
    const { world, bucket } = sandbox;
    expect([...world.buckets.values()]).toEqual([
      { ...world.home, objects: new Map(), older: new Map(), deleted: new Map() },
    ]);
    const role = roleOf(sandbox, 'reportsweep');
    const documents = s3Documents(sandbox.clients(credentialsOf(world, role)), () => bucket);
    await documents.put('sweeps/one/report.json', '{}', 'application/json');
    expect(await documents.get('sweeps/one/report.json')).toBe('{}');
    expect(await documents.get('sweeps/one/inventory/gone')).toBeUndefined();
    expect(await documents.list('sweeps/one/')).toEqual({ keys: ['sweeps/one/report.json'], more: false });
    await documents.put('sweeps/one/report.json', '{"again":true}', 'application/json');
    expect(world.buckets.get(bucket)!.older!.get('sweeps/one/report.json')).toMatchObject([
      { body: Buffer.from('{}') },
    ]);
    await expect(documents.put('elsewhere', '{}', 'application/json')).rejects.toMatchObject({
      message: containing('s3:PutObject'),
    });
    expect(world.log.calls.at(-1)).toMatchObject({
      service: 's3',
      operation: 'PutObject',
      caller: role,
      status: 403,
      denied: 's3:PutObject',
    });
    expect(sandbox.failures).toEqual([]);
  });

  it('answers clients of the operator in process', async () => {
    const sandbox = await open();
    const client = sandbox.clients().one('s3', (config) => new S3Client(config));
    await client.send(new PutObjectCommand({ Bucket: sandbox.bucket, Key: 'a', Body: 'text' }));
    expect(
      await (await client.send(new GetObjectCommand({ Bucket: sandbox.bucket, Key: 'a' }))).Body!.transformToString(),
    ).toBe('text');
    expect((await client.send(new ListObjectsV2Command({ Bucket: sandbox.bucket }))).KeyCount).toBe(1);
  });

  it('works in virtual time, whose threads read streams', async () => {
    const sandbox = await open({});
    const { bucket, clock } = sandbox;
    const documents = s3Documents(sandbox.clients(), () => bucket);
    const text = await clock.spawn(async () => {
      await clock.sleep(1000);
      await documents.put('sweeps/one', 'x'.repeat(300_000), 'text/plain');
      const read = await documents.get('sweeps/one');
      await clock.sleep(1000);
      return read;
    });
    expect(text).toHaveLength(300_000);
    expect(clock.now()).toBe(Date.parse('2026-01-15T09:00:02Z'));
  });
});
