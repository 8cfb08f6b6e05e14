/** What commands with the caller's own credentials may send: nothing that changes anything. */
import * as eks from '@aws-sdk/client-eks';
import * as iam from '@aws-sdk/client-iam';
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { readingClients, readingPorts } from '../../cli/aws/reading.ts';
import type { PlainHttpRequest } from '../../lambdas/adapters/clients.ts';
import { EKS_KINDS, KUBERNETES_KINDS, ROLES_KINDS } from '../../lambdas/ports/kinds.ts';
import { FakeClock } from '../lambdas/fakes.ts';
import { onlyLocal } from '../only-local.ts';

const sent: string[] = [];
const http = ({ method }: PlainHttpRequest) => {
  sent.push(method);
  return Promise.resolve({ status: 200, headers: {}, body: '' });
};
const clients = () =>
  readingClients({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'x' },
    transport: {
      http,
      requestHandler: {
        handle: () => {
          sent.push('sdk');
          return Promise.reject(new Error('sent'));
        },
      },
    },
  });

/** All commands of an SDK package. */
const commandsIn = (module: object): [string, new (input: object) => never][] =>
  Object.entries(module).filter(([name]) => /^[A-Z]\w+Command$/.test(name)) as [string, new (input: object) => never][];

describe.each([
  ['EKS', commandsIn(eks), () => clients().eks()],
  ['IAM', commandsIn(iam), () => clients().iam()],
] as const)('a client of %s', (_service, commands, open) => {
  it('sends no command that does not read', async () => {
    const changing = commands.filter(([name]) => !/^(Get|List|Describe|Simulate)/.test(name));
    expect(changing.length).toBeGreaterThan(10);
    const client = open() as unknown as { send(command: never): Promise<unknown> };
    sent.length = 0;
    for (const [name, Command] of changing)
      await expect(client.send(new Command({}))).rejects.toThrow(`${name} was not sent: this command only reads.`);
    expect(sent).toEqual([]);
  });

  it('sends commands that read', async () => {
    const [, Command] = commands.find(([name]) => /^List(Clusters|Roles)Command$/.test(name))!;
    const client = open() as unknown as { send(command: never): Promise<unknown> };
    sent.length = 0;
    await expect(client.send(new Command({}))).rejects.toThrow('sent');
    expect(sent).toContain('sdk');
  });
});

it('an API server receives only GET requests', () => {
  const { transport } = clients().config;
  sent.length = 0;
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
    expect(() => transport.http({ method, url: 'https://example.test/api', headers: {} })).toThrow('was not sent');
  expect(sent).toEqual([]);
  void transport.http({ method: 'GET', url: 'https://example.test/api', headers: {} });
  expect(sent).toEqual(['GET']);
});

describe('ports', () => {
  const called: string[] = [];
  const port = (kinds: object): never =>
    Object.fromEntries(
      Object.keys(kinds).map((name) => [
        name,
        () => {
          called.push(name);
          return Promise.resolve();
        },
      ]),
    ) as never;
  const all = { eks: EKS_KINDS, roles: ROLES_KINDS, kubernetes: KUBERNETES_KINDS };

  it('call only the methods that read', async () => {
    const ports = readingPorts(
      { eks: port(EKS_KINDS), roles: port(ROLES_KINDS), kubernetes: port(KUBERNETES_KINDS) },
      new FakeClock(),
    );
    for (const [which, kinds] of Object.entries(all)) {
      for (const [name, kind] of Object.entries(kinds)) {
        called.length = 0;
        const method = Reflect.get(ports[which as keyof typeof all], name) as () => Promise<void>;
        const answer = await Promise.resolve()
          .then(method)
          .catch((error: unknown) => String(error));
        expect(answer).toEqual(
          kind === 'write' ? `BadInput: ${name} was not sent: this command only reads.` : undefined,
        );
        expect(called).toEqual(kind === 'write' ? [] : [name]);
      }
    }
  });
});

it('the guard of these tests refuses other hosts, and counts them', async () => {
  const guard = onlyLocal();
  try {
    const socket = createConnection({ host: '192.0.2.1', port: 443 });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('allows no connection to 192.0.2.1');
    expect(guard.elsewhere).toEqual(['192.0.2.1']);
  } finally {
    guard.end();
  }
});
