/** Finds the authentications of the Vault Secrets Operator that use the token of a service account. */
import type { Consumer } from './model.ts';
import {
  ANY,
  type ConsumerRule,
  consumerBy,
  type Detector,
  listAt,
  nameAt,
  type Seen,
  type SeenObject,
  textAt,
} from './seen.ts';

const SHARED = {
  product: 'Vault Secrets Operator',
  needs: ['annotation', 'trust'],
  how: 'gets tokens for it (spec.aws.irsaServiceAccount)',
  instead:
    "Remove spec.aws.irsaServiceAccount, so that the operator's own pods log in, and give the operator's service account a role by EKS Pod Identity that the Vault role allows; or use another method of Vault, such as kubernetes.",
  source:
    'github.com/hashicorp/vault-secrets-operator, credentials/vault/aws.go: reads the annotation, requests a token and assumes the role with it',
} as const;

const AUTH: ConsumerRule = {
  ...SHARED,
  resource: 'vaultauths.secrets.hashicorp.com',
  kind: 'VaultAuth',
  field: '`spec.aws.irsaServiceAccount`, in its namespace and in those of `spec.allowedNamespaces`, in any with `*`',
};
const GLOBAL: ConsumerRule = {
  ...SHARED,
  resource: 'vaultauthglobals.secrets.hashicorp.com',
  kind: 'VaultAuthGlobal',
  field: '`spec.aws.irsaServiceAccount`, in the namespace of any VaultAuth that uses it',
};

/** Returns where the service account may be: any namespace if each may use it. */
function namespacesOf(rule: ConsumerRule, { object, namespace = ANY }: SeenObject): string[] {
  const allowed = listAt(object, 'spec', 'allowedNamespaces').map((one) => textAt({ one }, 'one') ?? ANY);
  return rule === GLOBAL || allowed.includes(ANY) ? [ANY] : [...new Set([namespace, ...allowed])];
}

function consumersIn(seen: Seen, rule: ConsumerRule): Consumer[] {
  return seen.objects(rule.resource).flatMap((one) => {
    const name = nameAt(one.object, 'spec', 'aws', 'irsaServiceAccount');
    if (name === undefined) return [];
    return namespacesOf(rule, one).map((namespace) => consumerBy(rule, one, { serviceAccount: { namespace, name } }));
  });
}

export const VAULT_SECRETS_OPERATOR: Detector = {
  rules: [AUTH, GLOBAL],
  find: (seen) => [AUTH, GLOBAL].flatMap((rule) => consumersIn(seen, rule)),
};
