/** OIDC providers in IAM: those of clusters' issuers, and those of the scenario. */
import { GetOpenIDConnectProviderCommand, ListOpenIDConnectProvidersCommand } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { buildWorld, parseScenario } from '../../../sandbox/build/load.ts';
import { ACCOUNT, clientsOf, openGateway, REGION, scenarioFile } from '../support.ts';
import { add, changed, problemOf } from '../build/problems.ts';

const OIDC_ID = '5B1C7E0F9A3D4826B7E19C40D25F8A63';
const ISSUER = `oidc.eks.${REGION}.amazonaws.com/id/${OIDC_ID}`;
const GITHUB = 'https://token.actions.githubusercontent.com';
const arnOf = (issuer: string, partition = 'aws'): string => `arn:${partition}:iam::${ACCOUNT}:oidc-provider/${issuer}`;
const account = (parts: object) => (file: ReturnType<typeof scenarioFile>) =>
  void Object.assign(file.accounts[0]!, parts);

/** Opens IAM of an account with these providers, whose cluster has these fields. */
const open = (cluster: object, oidcProviders?: object[], clients: 'direct' | 'sdk' = 'sdk') => {
  const file = changed((scenario) => {
    add(scenario, cluster);
    if (oidcProviders) account({ oidcProviders })(scenario);
  });
  const world = buildWorld(parseScenario(file, 'test'));
  return clientsOf(openGateway(world), world, undefined, clients).iam();
};
const listed = async (...parts: Parameters<typeof open>) =>
  (await open(...parts).send(new ListOpenIDConnectProvidersCommand({}))).OpenIDConnectProviderList;
const get = (issuer: string) => new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arnOf(issuer) });
const notFound = (issuer: string) => ({
  name: 'NoSuchEntityException',
  message: `OpenIDConnect Provider not found for arn ${arnOf(issuer)}`,
  $metadata: expect.objectContaining({ httpStatusCode: 404 }) as unknown,
});

describe.each(['sdk', 'direct'] as const)('OIDC providers, with clients of kind %s', (clients) => {
  it('include one for the issuer of a cluster', async () => {
    const cluster = { oidcId: OIDC_ID, createdAt: '2025-03-04T09:00:00.000Z' };
    expect(await listed(cluster, undefined, clients)).toEqual([{ Arn: arnOf(ISSUER) }]);
    const { $metadata: _, ...provider } = await open(cluster, undefined, clients).send(get(ISSUER));
    expect(provider).toEqual({
      Url: ISSUER,
      ClientIDList: ['sts.amazonaws.com'],
      ThumbprintList: ['9e99a48a9960b14926bb7f3b02e22da2b0ab7280'],
      CreateDate: new Date('2025-03-04T09:00:00.000Z'),
    });
  });

  it('do not include one for a cluster without an issuer, or if the scenario omits it', async () => {
    expect(await listed({}, undefined, clients)).toEqual([]);
    const absent = { oidcId: OIDC_ID, oidcProvider: 'absent' };
    expect(await listed(absent, undefined, clients)).toEqual([]);
    await expect(open(absent, undefined, clients).send(get(ISSUER))).rejects.toMatchObject(notFound(ISSUER));
  });

  it('include those of the scenario, with their tags', async () => {
    const tagged = { url: GITHUB, clientIds: ['sts.amazonaws.com', 'ci'], tags: { team: 'a&b' } };
    const other = { url: `https://${ISSUER}`, clientIds: [] };
    const absent = { oidcId: OIDC_ID, oidcProvider: 'absent' };
    expect(await listed(absent, [tagged, other], clients)).toEqual([
      { Arn: arnOf(ISSUER) },
      { Arn: arnOf('token.actions.githubusercontent.com') },
    ]);
    expect(await open({}, [tagged], clients).send(get('token.actions.githubusercontent.com'))).toMatchObject({
      Url: 'token.actions.githubusercontent.com',
      ClientIDList: ['sts.amazonaws.com', 'ci'],
      Tags: [{ Key: 'team', Value: 'a&b' }],
    });
    expect((await open({}, [other], clients).send(get(ISSUER))).ClientIDList).toEqual([]);
  });
});

describe('OIDC providers', () => {
  it('are in the partition of their cluster', async () =>
    expect(await listed({ region: 'cn-north-1', oidcId: OIDC_ID })).toEqual([
      { Arn: arnOf(`oidc.eks.cn-north-1.amazonaws.com.cn/id/${OIDC_ID}`, 'aws-cn') },
    ]));

  it('are not returned for an ARN that is too short, or missing', async () => {
    const { send } = {
      send: (arn?: string) => open({}).send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn })),
    };
    await expect(send('arn:aws:iam')).rejects.toMatchObject({
      name: 'ValidationError',
      message:
        "1 validation error detected: Value 'arn:aws:iam' at 'openIDConnectProviderArn' failed to satisfy constraint: Member must have length greater than or equal to 20",
    });
    await expect(send()).rejects.toMatchObject({ name: 'ValidationError' });
  });

  it('do not change the random sequence of a seed', () => {
    const idsOf = (parts: object): string[] => {
      const world = buildWorld(
        parseScenario(
          changed((file) => add(file, { oidcId: OIDC_ID, ...parts })),
          'test',
        ),
      );
      return [...world.accounts.get(ACCOUNT)!.roles.values()].map(({ roleId }) => roleId);
    };
    expect(idsOf({ oidcProvider: 'absent' })).toEqual(idsOf({}));
  });

  it.each<[string, Parameters<typeof problemOf>[0], string]>([
    [
      'a provider that a cluster already has',
      (file) => {
        add(file, { oidcId: OIDC_ID });
        account({ oidcProviders: [{ url: `https://${ISSUER}` }] })(file);
      },
      'accounts[0].oidcProviders[0].url: cluster dev has this issuer and already includes its provider. Add "oidcProvider": "absent" to the cluster, or remove this provider.',
    ],
    [
      'a provider twice',
      account({ oidcProviders: [{ url: GITHUB }, { url: GITHUB }] }),
      `accounts[0].oidcProviders[1].url: the OIDC provider ${GITHUB} occurs twice`,
    ],
    [
      'an issuer that is not an https URL',
      account({ oidcProviders: [{ url: ISSUER }] }),
      'accounts[0].oidcProviders[0].url: must be a URL such as https://token.actions.githubusercontent.com',
    ],
    [
      'an absent provider without an issuer',
      (file) => add(file, { oidcProvider: 'absent' }),
      'accounts[0].clusters[0].oidcProvider: the cluster has no issuer for a provider. Add its oidcId, or remove oidcProvider.',
    ],
    [
      'a version that EKS does not have yet',
      (file) => add(file, { version: '1.35' }),
      'accounts[0].clusters[0].version: EKS supports Kubernetes 1.35 since 2026-01-27, but the world begins before that, on 2026-01-15. Change startAt, or the version.',
    ],
  ])('reject a scenario with %s', (_what, change, message) => expect(problemOf(change)).toContain(message));

  it('accept a scenario with a version that EKS has on that day', () => {
    const file = changed((scenario) => {
      add(scenario, { version: '1.35' });
      scenario['startAt'] = '2026-01-27T00:00:00.000Z';
    });
    expect(parseScenario(file, 'test').accounts[0]?.clusters[0]?.version).toBe('1.35');
  });
});
