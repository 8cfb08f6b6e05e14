/** A TypeScript client against the served sandbox: every request is typed by the document alone. */
import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import createClient, { type Client, type Middleware } from 'openapi-fetch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { components, paths } from '../../dist/clients/api.d.ts';
import { openSandboxBackend, type SandboxBackend } from '../../cli/backend.ts';
import { issueAccessKey } from '../../sandbox/authorization/access-keys.ts';
import { eventually } from '../eventually.ts';
import { ROLES, withPeople } from './api-world.ts';
import { ADDON, scenarioWith, TARGET } from './fixture.ts';

/** As in docs/api.md: signs each request once it is complete. */
const signedBy = (signer: SignatureV4): Middleware => ({
  onRequest: async ({ request }) => {
    const { protocol, hostname, host, pathname, searchParams } = new URL(request.url);
    const body = await request.clone().text();
    const { headers } = await signer.sign(
      new HttpRequest({
        method: request.method,
        protocol,
        hostname,
        path: pathname,
        query: Object.fromEntries(searchParams),
        headers: { host, ...Object.fromEntries(request.headers) },
        body,
      }),
    );
    const { host: _host, ...sent } = headers;
    return new Request(request, { headers: sent });
  },
});

describe('the generated client', () => {
  let backend: SandboxBackend;
  let client: Client<paths>;
  beforeAll(async () => {
    backend = await openSandboxBackend(scenarioWith(withPeople), { clock: { scaled: 1000 }, listen: {} });
    const {
      accessKeyId,
      secretAccessKey,
      sessionToken = '',
    } = issueAccessKey(backend.sandbox.world, ROLES.deployer, { sessionName: 'ann' });
    // The stack's output ApiUrl without its path: paths of the document begin with the stage.
    client = createClient<paths>({ baseUrl: new URL(backend.sandbox.apiUrl!).origin });
    client.use(
      signedBy(
        new SignatureV4({
          service: 'execute-api',
          region: TARGET.region,
          credentials: { accessKeyId, secretAccessKey, sessionToken },
          sha256: Sha256,
        }),
      ),
    );
  });
  afterAll(() => backend.close());

  const ended = (id: string): Promise<components['schemas']['Migration']> =>
    eventually(async () => {
      const { data, error } = await client.GET('/v1/migrations/{id}', { params: { path: { id } } });
      expect(error).toBeUndefined();
      expect(data?.status).toBe('ended');
      return data!;
    }, 100);

  it('plans, migrates, watches, rolls back and watches', async () => {
    const planned = await client.POST('/v1/plans', { body: { target: TARGET, addon: ADDON } });
    expect(planned.response.status).toBe(202);
    const plan = await eventually(async () => {
      const { data } = await client.GET('/v1/plans/{id}', { params: { path: { id: planned.data!.migrationId } } });
      expect(data?.plan).toBeDefined();
      return data!.plan!;
    }, 100);
    expect([plan.verdict, plan.associations.map(({ serviceAccount }) => serviceAccount)]).toEqual([
      'migrate',
      ['ebs-csi-controller-sa'],
    ]);

    const { data: started } = await client.POST('/v1/migrations', {
      params: { header: { 'Idempotency-Key': 'once' } },
      body: { target: TARGET, addon: ADDON, reason: 'IRSA goes' },
    });
    const { migrationId: id, links } = started!;
    const migrated = await ended(id);
    expect([migrated.outcome, migrated.verified]).toEqual(['migrated', 'ready']);

    const back = await client.POST('/v1/migrations/{id}/rollback', {
      params: { path: { id } },
      body: { reason: 'no' },
    });
    expect(back.data).toMatchObject({ action: 'rollback', status: 'rolling-back', first: true });
    const restored = await ended(id);
    expect([restored.outcome, restored.rollback?.after]).toEqual(['rolled-back', 'migrated']);

    const listed = await client.GET('/v1/migrations', { params: { query: { cluster: TARGET.cluster, limit: 10 } } });
    expect(listed.data?.migrations.map(({ migrationId }) => migrationId)).toContain(id);
    // Links are joined with the same base as the paths.
    expect(links.self).toBe(`/v1/migrations/${id}`);
  });

  it('reports problems by their code', async () => {
    const { error, response } = await client.GET('/v1/migrations/{id}', {
      params: { path: { id: '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A' } },
    });
    expect([response.status, error?.code]).toEqual([404, 'unknown-migration']);
    // @ts-expect-error -- neither an add-on nor a service account.
    const neither = await client.POST('/v1/plans', { body: { target: TARGET } });
    expect([neither.response.status, neither.error?.errors?.map(({ field }) => field)]).toEqual([400, ['body.addon']]);
    const account = { namespace: 'payments', name: 'api' };
    const wrong = await client.POST('/v1/plans', {
      // @ts-expect-error -- a strategy is for add-ons.
      body: { target: TARGET, serviceAccount: account, strategy: 'recreate' },
    });
    expect(wrong.response.status).toBe(400);
  });
});
