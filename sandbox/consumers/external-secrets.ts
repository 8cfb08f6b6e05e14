/**
 * External Secrets: stores and generators with `auth.jwt`. The operator reads the role in the annotation of the service
 * account, and assumes it with a token for the audience of the annotation `eks.amazonaws.com/audience` and those of the
 * reference; with `role`, it then assumes that role, which is not played. Source: external-secrets/external-secrets,
 * providers/v1/aws/auth/auth.go, `credsFromServiceAccount`, and providers/v1/vault/iamauth/iamauth.go; generators/v1/sts.
 */
import type { KubeObject } from '../objects/objects.ts';
import {
  at,
  audienceOf,
  customObjects,
  listAt,
  nameOf,
  type Outcome,
  type PlayedConsumer,
  type Stage,
  textAt,
  textsAt,
  withAnnotatedRole,
} from './stage.ts';

const STORES = 'external-secrets.io';
const GENERATORS = 'generators.external-secrets.io';

const STORE_PATHS = [
  ['provider', 'aws', 'auth', 'jwt'],
  ['provider', 'vault', 'auth', 'iam', 'jwt'],
];

/** Where the reference to a service account is, by plural. */
const PATHS: Record<string, { group: string; paths: string[][]; scope: 'namespace' | 'reference' | 'users' }> = {
  secretstores: { group: STORES, paths: STORE_PATHS, scope: 'namespace' },
  clustersecretstores: { group: STORES, paths: STORE_PATHS, scope: 'reference' },
  ecrauthorizationtokens: { group: GENERATORS, paths: [['auth', 'jwt']], scope: 'namespace' },
  stssessiontokens: { group: GENERATORS, paths: [['auth', 'jwt']], scope: 'namespace' },
  vaultdynamicsecrets: { group: GENERATORS, paths: [['provider', 'auth', 'iam', 'jwt']], scope: 'namespace' },
  clustergenerators: {
    group: GENERATORS,
    paths: [
      ['generator', 'ecrAuthorizationTokenSpec', 'auth', 'jwt'],
      ['generator', 'stsSessionTokenSpec', 'auth', 'jwt'],
      ['generator', 'vaultDynamicSecretSpec', 'provider', 'auth', 'iam', 'jwt'],
    ],
    scope: 'users',
  },
};

/** Returns whether an ExternalSecret or PushSecret uses a cluster-scoped store or generator. */
const uses = ({ spec }: KubeObject, kind: string, name: string): boolean => {
  const sources = [...listAt(spec, 'data'), ...listAt(spec, 'dataFrom')].map((one) => at(one, 'sourceRef'));
  const references = [
    at(spec, 'secretStoreRef'),
    ...listAt(spec, 'secretStoreRefs'),
    at(spec, 'selector', 'generatorRef'),
    ...sources.flatMap((one) => [at(one, 'storeRef'), at(one, 'generatorRef')]),
  ];
  return references.some((one) => textAt(one, 'kind') === kind && textAt(one, 'name') === name);
};

const namespacesOf = (stage: Stage, { kind, metadata }: KubeObject): string[] => [
  ...new Set(
    [...customObjects(stage, STORES, 'externalsecrets'), ...customObjects(stage, STORES, 'pushsecrets')]
      .filter((user) => uses(user, kind, metadata.name))
      .flatMap((user) => user.metadata.namespace ?? []),
  ),
];

/** The operator refuses this itself: a token of STS cannot be used to get another one. */
const REFUSED: Outcome = { works: false, why: 'jwt auth cannot be used for STS Session Token generation' };

const outcomeOf = (stage: Stage, account: { namespace: string; name: string }, jwt: unknown): Outcome =>
  withAnnotatedRole(stage, account, {
    sessionName: 'external-secrets-provider-aws',
    audiences: (object) => [audienceOf(object), ...textsAt(jwt, 'serviceAccountRef', 'audiences')],
  });

export const playExternalSecrets = (stage: Stage): PlayedConsumer[] =>
  Object.entries(PATHS).flatMap(([plural, { group, paths, scope }]) =>
    customObjects(stage, group, plural).flatMap((object) =>
      paths.flatMap((path) => {
        const jwt = at(object.spec, ...path);
        const name = textAt(jwt, 'serviceAccountRef', 'name');
        if (name === undefined) return [];
        const named = scope === 'reference' ? textAt(jwt, 'serviceAccountRef', 'namespace') : undefined;
        const own = scope === 'namespace' ? object.metadata.namespace : named;
        const isRefused = plural === 'stssessiontokens' || path.includes('stsSessionTokenSpec');
        return (own === undefined ? namespacesOf(stage, object) : [own]).map((namespace) => ({
          name: nameOf(object),
          serviceAccount: { namespace, name },
          ...(isRefused ? REFUSED : outcomeOf(stage, { namespace, name }, jwt)),
        }));
      }),
    ),
  );
