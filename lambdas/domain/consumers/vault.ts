/** Finds the authentications of the Vault Secrets Operator that use the token of a service account. */
import type { Consumer } from './model.ts';
import { ANY, type ConsumerRule, consumerBy, type Detector, listAt, nameAt, type Seen } from './seen.ts';

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
  field:
    '`spec.aws.irsaServiceAccount`, in its namespace, or with `spec.allowedNamespaces` in that of any object that uses it',
};
const GLOBAL: ConsumerRule = {
  ...SHARED,
  resource: 'vaultauthglobals.secrets.hashicorp.com',
  kind: 'VaultAuthGlobal',
  field: '`spec.aws.irsaServiceAccount`, in the namespace of any VaultAuth that uses it',
};

function consumersIn(seen: Seen, rule: ConsumerRule): Consumer[] {
  return seen.objects(rule.resource).flatMap((one) => {
    const name = nameAt(one.object, 'spec', 'aws', 'irsaServiceAccount');
    if (name === undefined) return [];
    const shared = rule === GLOBAL || listAt(one.object, 'spec', 'allowedNamespaces').length > 0;
    return [consumerBy(rule, one, { serviceAccount: { namespace: shared ? ANY : (one.namespace ?? ANY), name } })];
  });
}

export const VAULT_SECRETS_OPERATOR: Detector = {
  rules: [AUTH, GLOBAL],
  find: (seen) => [AUTH, GLOBAL].flatMap((rule) => consumersIn(seen, rule)),
};
