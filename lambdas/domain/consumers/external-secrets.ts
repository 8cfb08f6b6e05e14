/**
 * Finds the stores and generators by which the External Secrets Operator uses the token of a service account. One without
 * `auth` uses the operator's own pods, which EKS Pod Identity serves like any others. An STSSessionToken refuses `auth.jwt`
 * (generators/v1/sts/sts.go).
 */
import type { Consumer, Need } from './model.ts';
import {
  byKeys,
  ANY,
  type ConsumerRule,
  consumerBy,
  type Detector,
  fieldAt,
  listAt,
  nameAt,
  type Seen,
  type SeenObject,
  textAt,
} from './seen.ts';
import { some } from '../terms/check.ts';

const PRODUCT = 'External Secrets Operator';
const NEEDS: readonly Need[] = ['annotation', 'trust'];
const SOURCE =
  'github.com/external-secrets/external-secrets, providers/v1/aws/auth/auth.go, credsFromServiceAccount: reads the annotation and calls AssumeRoleWithWebIdentity, in all versions up to 2.9.0';
const VAULT_SOURCE =
  'github.com/external-secrets/external-secrets, providers/v1/vault/iamauth/iamauth.go, CredsFromServiceAccount: as for AWS';
const INSTEAD =
  "Remove auth.jwt, and give the role to the operator's own service account by EKS Pod Identity (External Secrets 0.9.10 or later); for another role for each store, let the operator's role assume it, and name it in spec.provider.aws.role.";
const VAULT_INSTEAD =
  "Remove auth.iam.jwt, and give the role to the operator's own service account by EKS Pod Identity; for another role for each store, let the operator's role assume it, and name it in auth.iam.role.";
const GENERATOR_INSTEAD =
  "Remove spec.auth.jwt, and give the role to the operator's own service account by EKS Pod Identity (External Secrets 0.9.10 or later); for another role, let the operator's role assume it, and name it in spec.role.";

const STORES = 'external-secrets.io';
const GENERATORS = 'generators.external-secrets.io';
const EXTERNAL_SECRETS = `externalsecrets.${STORES}`;
const PUSH_SECRETS = `pushsecrets.${STORES}`;

/** Where a store or generator names the service account: a path below the object, or below a generator in it. */
interface Place {
  path: readonly string[];
  how: string;
  instead: string;
  source: string;
}

const place = (path: string, instead: string, source: string): Place => ({
  path: path.split('.'),
  how: `gets tokens for it (${path})`,
  instead,
  source,
});

const STORE_PLACES = [
  place('spec.provider.aws.auth.jwt', INSTEAD, SOURCE),
  place('spec.provider.vault.auth.iam.jwt', VAULT_INSTEAD, VAULT_SOURCE),
];
const AWS_GENERATOR = place('spec.auth.jwt', GENERATOR_INSTEAD, SOURCE);
const VAULT_GENERATOR = place('spec.provider.auth.iam.jwt', VAULT_INSTEAD, VAULT_SOURCE);
const CLUSTER_GENERATOR_PLACES = [
  place('spec.generator.ecrAuthorizationTokenSpec.auth.jwt', GENERATOR_INSTEAD, SOURCE),
  // The first versions of ClusterGenerator (0.12) have the field with this name.
  place('spec.generator.ecrRAuthorizationTokenSpec.auth.jwt', GENERATOR_INSTEAD, SOURCE),
  place('spec.generator.codeArtifactAuthorizationTokenSpec.auth.jwt', GENERATOR_INSTEAD, SOURCE),
  place('spec.generator.vaultDynamicSecretSpec.provider.auth.iam.jwt', VAULT_INSTEAD, VAULT_SOURCE),
];

/** A kind of store or generator. `scope`: where the service account is that it names. */
interface StoreKind {
  resource: string;
  kind: string;
  places: readonly Place[];
  scope: 'own-namespace' | 'reference-or-users' | 'users';
}

const KINDS: readonly StoreKind[] = [
  { resource: `secretstores.${STORES}`, kind: 'SecretStore', places: STORE_PLACES, scope: 'own-namespace' },
  {
    resource: `clustersecretstores.${STORES}`,
    kind: 'ClusterSecretStore',
    places: STORE_PLACES,
    scope: 'reference-or-users',
  },
  {
    resource: `ecrauthorizationtokens.${GENERATORS}`,
    kind: 'ECRAuthorizationToken',
    places: [AWS_GENERATOR],
    scope: 'own-namespace',
  },
  {
    resource: `codeartifactauthorizationtokens.${GENERATORS}`,
    kind: 'CodeArtifactAuthorizationToken',
    places: [AWS_GENERATOR],
    scope: 'own-namespace',
  },
  {
    resource: `vaultdynamicsecrets.${GENERATORS}`,
    kind: 'VaultDynamicSecret',
    places: [VAULT_GENERATOR],
    scope: 'own-namespace',
  },
  {
    resource: `clustergenerators.${GENERATORS}`,
    kind: 'ClusterGenerator',
    places: CLUSTER_GENERATOR_PLACES,
    scope: 'users',
  },
];

const SCOPES: Readonly<Record<StoreKind['scope'], string>> = {
  'own-namespace': '',
  'reference-or-users': '; without `namespace`, in the namespace of each ExternalSecret and PushSecret that uses it',
  users: ', in the namespace of each ExternalSecret and PushSecret that uses it',
};

const ruleOf = ({ resource, kind, scope }: StoreKind, { path, how, instead, source }: Place): ConsumerRule => ({
  product: PRODUCT,
  resource,
  kind,
  field: `\`${path.join('.')}.serviceAccountRef\`${SCOPES[scope]}`,
  needs: NEEDS,
  how,
  instead,
  source,
});

/** An object that uses stores or generators, such as `ExternalSecret/shop/db`. */
interface User {
  namespace: string;
  text: string;
  /** What it uses, as `KIND/NAME`; `KIND/*` if a selector chooses. */
  uses: ReadonlySet<string>;
}

const storeText = (reference: unknown, kind: string | undefined): string[] => {
  const chosen = textAt(reference, 'kind') ?? kind;
  if (chosen === undefined) return [];
  return [`${chosen}/${fieldAt(reference, 'labelSelector') === undefined ? (textAt(reference, 'name') ?? '') : ANY}`];
};

function usesOf({ object }: SeenObject): Set<string> {
  const sources = [...listAt(object, 'spec', 'data'), ...listAt(object, 'spec', 'dataFrom')].map((one) =>
    fieldAt(one, 'sourceRef'),
  );
  const stores = [
    fieldAt(object, 'spec', 'secretStoreRef'),
    ...listAt(object, 'spec', 'secretStoreRefs'),
    ...listAt(object, 'spec', 'dataTo').map((one) => fieldAt(one, 'storeRef')),
    ...sources.map((one) => fieldAt(one, 'storeRef')),
  ];
  const generators = [
    fieldAt(object, 'spec', 'selector', 'generatorRef'),
    ...sources.map((one) => fieldAt(one, 'generatorRef')),
  ];
  return new Set([
    ...stores.flatMap((one) => (one === undefined ? [] : storeText(one, 'SecretStore'))),
    ...generators.flatMap((one) => storeText(one, undefined)),
  ]);
}

const findUsers = (seen: Seen): User[] =>
  [
    ['ExternalSecret', EXTERNAL_SECRETS],
    ['PushSecret', PUSH_SECRETS],
  ].flatMap(([kind = '', resource = '']) =>
    seen
      .objects(resource)
      .flatMap((one) =>
        one.namespace === undefined
          ? []
          : [{ namespace: one.namespace, text: `${kind}/${one.namespace}/${one.name}`, uses: usesOf(one) }],
      ),
  );

/** The users of stores by what was read, since each store needs all of them. */
const knownUsers = new WeakMap<Seen, ReadonlyMap<string, readonly User[]>>();

/** Returns the objects that use a store or generator, by `KIND/NAME`; those that a selector chooses by `KIND/*`. */
function usersBy(seen: Seen): ReadonlyMap<string, readonly User[]> {
  const known = knownUsers.get(seen);
  if (known) return known;
  const users = byKeys(findUsers(seen), ({ uses }) => uses);
  knownUsers.set(seen, users);
  return users;
}

/** Where a service account is looked for, and for which objects. */
interface In {
  namespace: string;
  users?: readonly string[];
}

/** Returns the namespaces of the objects that use a cluster-wide store; any namespace if they could not be read. */
function namespacesOf(seen: Seen, kind: string, name: string): In[] {
  if (seen.isUnread(EXTERNAL_SECRETS) || seen.isUnread(PUSH_SECRETS)) return [{ namespace: ANY }];
  const found = new Map<string, string[]>();
  const by = usersBy(seen);
  for (const { namespace, text } of new Set([
    ...(by.get(`${kind}/${name}`) ?? []),
    ...(by.get(`${kind}/${ANY}`) ?? []),
  ])) {
    const texts = found.get(namespace) ?? [];
    texts.push(text);
    found.set(namespace, texts);
  }
  return [...found].map(([namespace, users]) => ({ namespace, users }));
}

function placesOf(seen: Seen, { kind, scope }: StoreKind, { namespace, name }: SeenObject, jwt: unknown): In[] {
  if (scope === 'own-namespace') return [{ namespace: namespace ?? ANY }];
  const named = scope === 'users' ? undefined : nameAt(jwt, 'serviceAccountRef', 'namespace');
  return named === undefined ? namespacesOf(seen, kind, name) : [{ namespace: named }];
}

function consumersIn(seen: Seen, store: StoreKind, one: SeenObject): Consumer[] {
  return store.places.flatMap((where) => {
    const jwt = fieldAt(one.object, ...where.path);
    if (jwt === undefined) return [];
    const name = nameAt(jwt, 'serviceAccountRef', 'name') ?? ANY;
    const rule = ruleOf(store, where);
    return placesOf(seen, store, one, jwt).map(({ namespace, users }) =>
      consumerBy(rule, one, {
        serviceAccount: { namespace, name },
        ...(users === undefined ? {} : { how: `${rule.how} for ${some(users)}` }),
      }),
    );
  });
}

export const EXTERNAL_SECRETS_OPERATOR: Detector = {
  rules: KINDS.flatMap((kind) => kind.places.map((where) => ruleOf(kind, where))),
  find: (seen) => KINDS.flatMap((kind) => seen.objects(kind.resource).flatMap((one) => consumersIn(seen, kind, one))),
};
