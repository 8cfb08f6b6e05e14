import { EKSClient, ListClustersCommand } from '@aws-sdk/client-eks';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KUBECONFIG_MARK } from '../../cli/kubeconfig.ts';
import { main } from '../../cli/program.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import { SCENARIO, TARGET } from '../end-to-end/fixture.ts';
import { eventually } from '../eventually.ts';
import { collectingIo, keysOf, sdkOf } from './fixtures.ts';
import { words } from '../words.ts';
import { containing, matching } from '../lambdas/matchers.ts';
import { runProgram, runWith } from './run-program.ts';

/** Variables that --deployed reads to find the service. */
const SERVICE = words`
  POD_IDENTITY_STATE_MACHINE_ARN POD_IDENTITY_RECOVER_STATE_MACHINE_ARN POD_IDENTITY_RETIRE_STATE_MACHINE_ARN
  POD_IDENTITY_SWEEP_STATE_MACHINE_ARN POD_IDENTITY_SWEEP_BUCKET_NAME POD_IDENTITY_TABLE_NAME POD_IDENTITY_API_URL
  POD_IDENTITY_SIMULATED POD_IDENTITY_ALLOW_UNKNOWN_REQUESTER
`;

let directory: string;
const closing: (() => unknown)[] = [];
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'sandbox-test-'))));
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  rmSync(directory, { recursive: true });
});

/** Starts the command in this process; `stopped` stops it and returns its exit code. */
const start = async (...flags: string[]) => {
  const io = collectingIo();
  let stop: (() => void) | undefined;
  const ended = main(['sandbox', '--scenario', SCENARIO, ...flags], { ...io, onStop: (wanted) => (stop = wanted) });
  const stopped = (): Promise<number> => {
    stop?.();
    return ended;
  };
  closing.push(stopped);
  await eventually(() => expect(io.err()).toContain('Ctrl-C to stop it.'));
  return { out: () => io.out(), err: () => io.err(), stopped };
};

/** Returns the variables that `. FILE` would set. */
const exported = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => /^export (\w+)='(.*)'$/.exec(line)!.slice(1) as [string, string]),
  );

const listClusters = async (
  environment: Record<string, string>,
  options = sdkOf(environment),
): Promise<string[] | undefined> => {
  const eks = new EKSClient(options);
  try {
    return (await eks.send(new ListClustersCommand({}))).clusters;
  } finally {
    eks.destroy();
  }
};

describe('sandbox', () => {
  it('prints the environment for other programs, serves until it is stopped, and leaves no files', async () => {
    const { out, err, stopped } = await start();
    const environment = exported(out());
    expect(out()).toMatch(/^unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID /);
    expect(Object.keys(environment)).toEqual(words`
      AWS_ENDPOINT_URL AWS_EC2_METADATA_DISABLED AWS_REGION AWS_DEFAULT_REGION AWS_CONFIG_FILE
      AWS_SHARED_CREDENTIALS_FILE ${SERVICE} POD_IDENTITY_KUBERNETES_ROLE_ARNS
      POD_IDENTITY_KUBERNETES_RESTART_ROLE_ARNS POD_IDENTITY_KUBERNETES_ANNOTATE_ROLE_ARNS KUBECONFIG
    `);
    expect(err()).toMatch(
      /The sandbox is serving AWS at http:\/\/127\.0\.0\.1:\d+, in real time\. Clusters: reliability-dev\. Press Ctrl-C to stop it\.\n$/,
    );
    expect([await listClusters(environment), existsSync(environment['KUBECONFIG']!)]).toEqual([[TARGET.cluster], true]);

    const options = sdkOf(environment);
    expect(await stopped()).toBe(0);
    for (const name of ['KUBECONFIG', 'AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'])
      expect(existsSync(environment[name]!)).toBe(false);
    await expect(listClusters(environment, options)).rejects.toThrow('ECONNREFUSED');
  });

  it('writes each call to the log before it is answered', async () => {
    const log = join(directory, 'calls.jsonl');
    const { out, stopped } = await start('--log', log);
    const calls = (): Call[] =>
      readFileSync(log, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Call);
    await listClusters(exported(out()));
    expect(calls()).toEqual([
      expect.objectContaining({
        n: 1,
        service: 'eks',
        operation: 'ListClusters',
        status: 200,
        caller: `arn:aws:iam::${TARGET.account}:role/operator`,
      }),
    ]);
    await stopped();
    expect(calls()).toHaveLength(1);
  });

  it('writes a kubeconfig whose users ask aws for a token, with the environment of the sandbox', async () => {
    const file = join(directory, 'kubeconfig');
    const { out, stopped } = await start('--kubeconfig', file, '--json');
    const document = JSON.parse(out()) as {
      environment: Record<string, string>;
      unset: string[];
      clusters: { endpoint: string }[];
      stateMachineArn: string;
      recoverStateMachineArn: string;
      retireStateMachineArn: string;
      sweepStateMachineArn: string;
      sweepBucketName: string;
      tableName: string;
      apiUrl: string;
    };
    expect(document).toMatchObject({
      url: document.environment['AWS_ENDPOINT_URL'],
      unset: expect.arrayContaining(['AWS_PROFILE', 'AWS_SESSION_TOKEN']),
      environment: { KUBECONFIG: file, POD_IDENTITY_SIMULATED: '1' },
      clusters: [
        {
          context: TARGET.cluster,
          account: TARGET.account,
          region: TARGET.region,
          name: TARGET.cluster,
          endpoint: matching(/^https:\/\/127\.0\.0\.1:\d+$/),
        },
      ],
      stateMachineArn: containing(':stateMachine:'),
      recoverStateMachineArn: containing('Recover'),
      retireStateMachineArn: containing('Retire'),
      tableName: containing('Ledger'),
    });
    const [mark, ...json] = readFileSync(file, 'utf8').split('\n');
    expect(mark).toBe(KUBECONFIG_MARK);
    const aws = Object.fromEntries(Object.entries(document.environment).filter(([name]) => name.startsWith('AWS_')));
    expect(SERVICE.map((name) => document.environment[name])).toEqual([
      document.stateMachineArn,
      document.recoverStateMachineArn,
      document.retireStateMachineArn,
      document.sweepStateMachineArn,
      document.sweepBucketName,
      document.tableName,
      document.apiUrl,
      '1',
      'true',
    ]);
    const config = JSON.parse(json.join('\n')) as {
      users: { user: { exec: { env: { name: string; value: string }[] } } }[];
    };
    expect(config).toMatchObject({
      'current-context': TARGET.cluster,
      clusters: [
        { cluster: { server: document.clusters[0]!.endpoint, 'certificate-authority-data': matching(/^[\w+/=]+$/) } },
      ],
      users: [
        {
          user: {
            exec: { command: 'aws', args: expect.arrayContaining(['get-token', '--cluster-name', TARGET.cluster]) },
          },
        },
      ],
    });
    expect(Object.fromEntries(config.users[0]!.user.exec.env.map(({ name, value }) => [name, value]))).toEqual({
      ...aws,
      AWS_PROFILE: 'operator',
      AWS_ACCESS_KEY_ID: matching(/^ASIA/),
      AWS_SECRET_ACCESS_KEY: expect.any(String),
      AWS_SESSION_TOKEN: expect.any(String),
    });
    expect(statSync(file).mode & 0o077).toBe(0);
    await stopped();
    // A file named with --kubeconfig stays, and may be overwritten.
    expect(existsSync(file)).toBe(true);
    await (await start('--kubeconfig', file)).stopped();
  });

  it('uses the given port, seed and clock', async () => {
    // The system assigns none of these as a free port.
    const port = 10_000 + (process.pid % 20_000);
    const { out, err } = await start('--port', String(port), '--seed', '7', '--clock', 'scaled=50');
    expect(exported(out())['AWS_ENDPOINT_URL']).toBe(`http://127.0.0.1:${port}`);
    expect(err()).toContain('50 times as fast as real time');
    const other = exported((await start()).out());
    expect(keysOf(exported(out())).accessKeyId).not.toBe(keysOf(other).accessKeyId);
  });
});

describe('sandbox with wrong input', () => {
  const refused = async (...flags: string[]): Promise<string> => {
    const { code, out, err } = await runWith({ onStop: () => {} }, 'sandbox', ...flags);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^error: [^]*\nhint: {2}\S/);
    expect(err).not.toMatch(/\n {4}at /);
    return err;
  };

  it('reports what a flag must be', async () => {
    expect(await refused()).toContain(`--scenario is missing: specify a scenario, such as ${SCENARIO}`);
    expect(await refused('--scenario', SCENARIO, '--port', '65536')).toContain(
      '--port "65536" must be a port number from 0 to 65535',
    );
    expect(await refused('--scenario', SCENARIO, '--port', 'http')).toContain('--port "http" must be a port number');
    expect(await refused('--scenario', SCENARIO, '--clock', 'virtual')).toContain(
      '--clock "virtual" must be real or scaled=X: other programs cannot follow virtual time',
    );
    expect(await refused('--scenario', SCENARIO, '--clock', 'fast')).toContain('--clock "fast" must be');
  });

  it('reports the position of an error in a scenario', async () => {
    expect(await refused('--scenario', 'nowhere.json')).toContain(
      'The scenario nowhere.json cannot be read: the file does not exist.',
    );
    const file = join(directory, 'scenario.json');
    writeFileSync(file, '{"accounts": [{"id": "1"}]}');
    expect(await refused('--scenario', file)).toContain('accounts[0].id: ');
  });

  it('reports that a port is in use, and the flag that selects another one', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await refused('--scenario', SCENARIO, '--port', String(port))).toBe(
      `error: --port ${port}: Port ${port} on 127.0.0.1 is in use. Choose another port, or 0 for any free port.\nhint:  Omit the option to use a free port\n`,
    );
  });

  it('reports that a file cannot be written', async () => {
    mkdirSync(join(directory, 'd'));
    expect(await refused('--scenario', SCENARIO, '--log', join(directory, 'd'))).toMatch(
      /--log \S+ cannot be written: EISDIR/,
    );
    expect(await refused('--scenario', SCENARIO, '--kubeconfig', join(directory, 'none', 'kubeconfig'))).toMatch(
      /--kubeconfig \S+ cannot be written: ENOENT/,
    );
  });

  // Linux's /dev/full refuses every write.
  it.runIf(existsSync('/dev/full'))('reports once that the log cannot be written', async () => {
    const { out, err, stopped } = await start('--log', '/dev/full');
    const environment = exported(out());
    expect(await listClusters(environment)).toEqual([TARGET.cluster]);
    expect(await listClusters(environment)).toEqual([TARGET.cluster]);
    expect(err().match(/error: --log \/dev\/full cannot be written: ENOSPC/g)).toHaveLength(1);
    expect(await stopped()).toBe(0);
  });

  it('does not overwrite a kubeconfig that it did not write', async () => {
    const file = join(directory, 'config');
    writeFileSync(file, 'apiVersion: v1\nkind: Config\n');
    expect(await refused('--scenario', SCENARIO, '--kubeconfig', file)).toContain(
      'already exists and was not written by this program',
    );
    expect(readFileSync(file, 'utf8')).toBe('apiVersion: v1\nkind: Config\n');
  });

  it('reports errors as one JSON document with --json', async () => {
    const { code, out } = await runProgram('sandbox', '--json', '--scenario', 'nowhere.json');
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ error: { name: 'ScenarioError', hint: containing(SCENARIO) } });
  });
});
