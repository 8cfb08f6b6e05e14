/**
 * Finds the issuers for which cert-manager uses the token of a service account. They name the role themselves. Issuers without
 * a service account use cert-manager's own pods, which EKS Pod Identity serves like any others.
 */
import type { Consumer } from './model.ts';
import {
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

const PRODUCT = 'cert-manager';
const ROUTE53 = 'spec.acme.solvers[].dns01.route53.auth.kubernetes.serviceAccountRef';
const VAULT = 'spec.vault.auth.aws.serviceAccountRef';

interface IssuerKind {
  resource: string;
  kind: string;
  where: string;
}

const KINDS: readonly IssuerKind[] = [
  { resource: 'issuers.cert-manager.io', kind: 'Issuer', where: '' },
  {
    resource: 'clusterissuers.cert-manager.io',
    kind: 'ClusterIssuer',
    where: ", in cert-manager's cluster resource namespace, which no object shows",
  },
];

const route53Rule = ({ resource, kind, where }: IssuerKind): ConsumerRule => ({
  product: PRODUCT,
  resource,
  kind,
  field: `\`${ROUTE53}\`${where}; the role is \`route53.role\``,
  needs: ['trust'],
  how: 'gets tokens for it (dns01.route53.auth.kubernetes)',
  instead:
    "Remove auth.kubernetes from its solver, and give the role to cert-manager's own service account by EKS Pod Identity (cert-manager 1.14.0 or later), or let that role assume it and keep route53.role. An Issuer also needs --issuer-ambient-credentials.",
  source:
    'github.com/cert-manager/cert-manager, pkg/issuer/acme/dns/dns.go and route53/session.go: calls AssumeRoleWithWebIdentity with the token and route53.role; since 1.15',
});
const vaultRule = ({ resource, kind, where }: IssuerKind): ConsumerRule => ({
  product: PRODUCT,
  resource,
  kind,
  field: `\`${VAULT}\`${where}; the role is \`aws.iamRoleArn\``,
  needs: ['trust'],
  how: 'gets tokens for it (spec.vault.auth.aws)',
  instead:
    "Remove serviceAccountRef and iamRoleArn from spec.vault.auth.aws, and give the role to cert-manager's own service account by EKS Pod Identity. An Issuer also needs --issuer-ambient-credentials.",
  source:
    'github.com/cert-manager/cert-manager, internal/vault/vault.go, getAWSCredentialsFromIRSA: calls AssumeRoleWithWebIdentity with the token and iamRoleArn',
});

function found(
  rule: ConsumerRule,
  one: SeenObject,
  reference: unknown,
  roleArn: string | undefined,
): Consumer | undefined {
  if (reference === undefined) return undefined;
  return consumerBy(rule, one, {
    serviceAccount: { namespace: one.namespace ?? ANY, name: nameAt(reference, 'name') ?? ANY },
    ...(roleArn === undefined ? {} : { roleArn }),
  });
}

const consumersIn = (seen: Seen, kind: IssuerKind): Consumer[] =>
  seen.objects(kind.resource).flatMap((one) => {
    const solvers = listAt(one.object, 'spec', 'acme', 'solvers').map((solver) => fieldAt(solver, 'dns01', 'route53'));
    const vault = fieldAt(one.object, 'spec', 'vault', 'auth', 'aws');
    return [
      ...solvers.map((route53) =>
        found(
          route53Rule(kind),
          one,
          fieldAt(route53, 'auth', 'kubernetes', 'serviceAccountRef'),
          textAt(route53, 'role'),
        ),
      ),
      found(vaultRule(kind), one, fieldAt(vault, 'serviceAccountRef'), textAt(vault, 'iamRoleArn')),
    ].filter((consumer) => consumer !== undefined);
  });

export const CERT_MANAGER: Detector = {
  rules: KINDS.flatMap((kind) => [route53Rule(kind), vaultRule(kind)]),
  find: (seen) => KINDS.flatMap((kind) => consumersIn(seen, kind)),
};
