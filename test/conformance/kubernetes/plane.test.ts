/** What the programs of a control plane are started with. That they start is shown by `npm run conformance`. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { BUILDS, ROOT } from '../../../conformance/build/program.ts';
import { KUBERNETES_VERSIONS } from '../../../conformance/kubernetes/build/tools.ts';
import { createSecrets, writeFiles, type Secrets } from '../../../conformance/kubernetes/plane/files.ts';
import {
  apiServerFlags,
  controllerManagerFlags,
  etcdFlags,
  kwokFlags,
  schedulerFlags,
} from '../../../conformance/kubernetes/plane/flags.ts';
import type { PlaneFiles } from '../../../conformance/kubernetes/plane/flags.ts';
import type { ControlPlaneOptions } from '../../../conformance/kubernetes/plane/options.ts';
import { freePorts } from '../../../conformance/kubernetes/plane/ports.ts';
import { DELETED_AFTER, HELD, READY_AFTER, stagesOf } from '../../../conformance/kubernetes/plane/stages.ts';

const PORTS = { etcd: 1, etcdPeer: 2, apiServer: 3 };
const WEBHOOK = { url: 'https://127.0.0.1:4/webhook', ca: 'the authority' };

let directory: string;
let secrets: Secrets;
let files: PlaneFiles;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plane-test-'));
  secrets = await createSecrets();
  const authorization = { ...WEBHOOK, url: `${WEBHOOK.url}/access` };
  const options = { version: '1.35', authentication: WEBHOOK, authorization } as const;
  files = writeFiles(join(directory, 'plane'), options, secrets, PORTS);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const flagsOf = (options: Partial<ControlPlaneOptions>): string[] =>
  apiServerFlags({ version: '1.35', ...options }, PORTS, files);

describe('the flags', () => {
  it('name only files that are written', () => {
    const all = [
      ...flagsOf({ authentication: WEBHOOK, authorization: WEBHOOK }),
      ...controllerManagerFlags({ version: '1.35' }, files),
      ...schedulerFlags(files),
      ...kwokFlags(files),
    ];
    const paths = all.map((flag) => flag.slice(flag.indexOf('=') + 1)).filter((value) => value.startsWith(directory));
    expect(paths.length).toBeGreaterThan(10);
    expect(paths.filter((path) => (statSync(path).mode & 0o777) !== 0o600)).toEqual([]);
  });

  it('contain webhooks only if they are given', () => {
    expect(flagsOf({})).toContain('--authorization-mode=Node,RBAC');
    expect(flagsOf({}).join(' ')).not.toContain('webhook');
    expect(flagsOf({ authorization: WEBHOOK })).toContain('--authorization-mode=Node,RBAC,Webhook');
    expect(flagsOf({ authentication: WEBHOOK })).toContain('--authentication-token-webhook-cache-ttl=10s');
    const uncached = flagsOf({ authentication: { ...WEBHOOK, cacheSeconds: 0 } });
    expect(uncached).toContain('--authentication-token-webhook-cache-ttl=0s');
  });

  it('limit anonymous requests to the health paths in the versions that can', () => {
    const limited = KUBERNETES_VERSIONS.filter((version) =>
      flagsOf({ version }).some((flag) => flag.startsWith('--authentication-config=')),
    );
    expect(limited).toEqual(['1.35']);
    expect(parse(readFileSync(files.authentication, 'utf8'))).toMatchObject({
      anonymous: { enabled: true, conditions: [{ path: '/healthz' }, { path: '/livez' }, { path: '/readyz' }] },
    });
  });

  it('run all controllers but those of a cloud, and those that are named', () => {
    const options: ControlPlaneOptions = { version: '1.35', withoutControllers: ['taint-eviction-controller'] };
    const controllers = controllerManagerFlags(options, files).find((flag) => flag.startsWith('--controllers='));
    expect(controllers).toBe(
      '--controllers=*,-cloud-node-lifecycle-controller,-service-lb-controller,-node-route-controller,-taint-eviction-controller',
    );
  });

  it('listen on the loopback interface only', () => {
    const addresses = [...etcdFlags(PORTS, files), ...flagsOf({})].filter((flag) => /listen|bind/.test(flag));
    expect(addresses).toHaveLength(3);
    for (const flag of addresses) expect(flag).toContain('127.0.0.1');
    expect(schedulerFlags(files)).toContain('--secure-port=0');
    expect(controllerManagerFlags({ version: '1.35' }, files)).toContain('--secure-port=0');
  });
});

describe('the files', () => {
  it('give each client its own token', () => {
    const lines = readFileSync(files.tokens, 'utf8').trim().split('\n');
    const users = lines.map((line) => line.split(','));
    expect(users.map(([, user]) => user)).toContain('system:kube-controller-manager');
    expect(new Set(users.map(([token]) => token)).size).toBe(4);
    const kubeconfig = parse(readFileSync(files.scheduler, 'utf8')) as { users: { user: { token: string } }[] };
    expect(users.find(([, user]) => user === 'system:kube-scheduler')?.[0]).toBe(kubeconfig.users[0]?.user.token);
  });

  it('send no credentials to webhooks, and trust only their authority', () => {
    const { clusters, users } = parse(readFileSync(files.authorizationWebhook, 'utf8')) as Record<string, object[]>;
    expect(users).toEqual([{ name: 'conformance', user: {} }]);
    const authority = { 'certificate-authority-data': Buffer.from('the authority').toString('base64') };
    expect(clusters).toMatchObject([{ cluster: { server: 'https://127.0.0.1:4/webhook/access', ...authority } }]);
  });

  it('have a key that signs tokens of service accounts', () =>
    expect(readFileSync(files.serviceAccountKey, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/));
});

describe('the stages of KWOK', () => {
  const stages = stagesOf({ podReadySeconds: 7, podDeleteSeconds: 0 });
  const delays = Object.fromEntries(stages.map(({ metadata, spec }) => [metadata.name, spec.delay]));

  it('have the delays of the run', () =>
    expect(delays).toMatchObject({
      'node-initialize': { durationMilliseconds: 0 },
      'pod-complete': { durationMilliseconds: 1000 },
      'pod-delete': { durationMilliseconds: 0 },
      'pod-ready': { durationMilliseconds: 7000 },
    }));

  it('are only those of nodes if the caller plays the kubelets', () =>
    expect(stagesOf({ withoutPods: true }).map(({ metadata }) => metadata.name)).toEqual(['node-initialize']));

  it('can be changed by annotations', () => {
    const annotation = (name: string) => ({ durationFrom: { expressionFrom: `.metadata.annotations["${name}"]` } });
    expect(delays).toMatchObject({ 'pod-delete': annotation(DELETED_AFTER), 'pod-ready': annotation(READY_AFTER) });
    const held = stages.filter((stage) => JSON.stringify(stage.spec).includes(JSON.stringify(HELD).slice(1, -1)));
    expect(held.map(({ metadata }) => metadata.name)).toEqual(['node-initialize', 'pod-complete', 'pod-ready']);
  });

  const patches = stages.flatMap(({ spec }) => (spec['next'] as { patches?: { type: string }[] }).patches ?? []);
  it('keep the conditions that others set, such as PodScheduled', () =>
    expect(patches.map(({ type }) => type)).toEqual(['strategic', 'strategic', 'strategic']));

  it('are all in the configuration', () => {
    const text = readFileSync(files.kwokConfiguration, 'utf8');
    const documents = parseAllDocuments(text).map((one) => one.toJS() as object);
    expect(documents).toHaveLength(1 + stages.length);
    expect(documents[0]).toMatchObject({ kind: 'KwokConfiguration' });
  });
});

it('free ports differ', async () => expect(new Set(await freePorts(5)).size).toBe(5));

it('git ignores what is built', () =>
  expect(readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n')).toContain(`${relative(ROOT, BUILDS)}/`));
