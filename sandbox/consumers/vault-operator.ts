/**
 * Vault Secrets Operator: authentications that name a service account for AWS. The operator reads the role in its
 * annotation, and assumes it with a token. Source: hashicorp/vault-secrets-operator, credentials/vault/aws.go. A
 * VaultAuthGlobal, and one that other namespaces use, need objects that are not played.
 */
import { customObjects, nameOf, type PlayedConsumer, type Stage, textAt, withAnnotatedRole } from './stage.ts';

export const playVaultOperator = (stage: Stage): PlayedConsumer[] =>
  customObjects(stage, 'secrets.hashicorp.com', 'vaultauths').flatMap((object) => {
    const name = textAt(object.spec, 'aws', 'irsaServiceAccount');
    if (name === undefined) return [];
    const account = { namespace: object.metadata.namespace ?? 'default', name };
    return [
      {
        name: nameOf(object),
        serviceAccount: account,
        ...withAnnotatedRole(stage, account, { sessionName: 'vault-secrets-operator' }),
      },
    ];
  });
