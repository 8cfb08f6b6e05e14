/**
 * cert-manager: issuers that name a service account, for Route 53 or to log in to Vault. cert-manager issues a token for
 * it, and assumes the role that the issuer names; the annotation is not read. Sources: cert-manager/cert-manager,
 * pkg/issuer/acme/dns/dns.go and route53/session.go; internal/vault/vault.go, `getAWSCredentialsFromIRSA`; "Cluster
 * Resource Namespace" for the namespace of a ClusterIssuer.
 */
import type { KubeObject } from '../objects/objects.ts';
import {
  type Account,
  at,
  customObjects,
  findAccount,
  listAt,
  missingAccount,
  nameOf,
  type Outcome,
  type PlayedConsumer,
  type Stage,
  STS_AUDIENCE,
  textAt,
  textsAt,
  withWebIdentity,
} from './stage.ts';

/** The default of `--cluster-resource-namespace`: that of cert-manager itself, which its chart recommends. */
const CLUSTER_NAMESPACE = 'cert-manager';

/** Where an issuer names a service account, and the role for it. */
interface Place {
  reference: unknown;
  role: string | undefined;
}

const placesOf = ({ spec }: KubeObject): Place[] => {
  const vault = at(spec, 'vault', 'auth', 'aws');
  return [
    ...listAt(spec, 'acme', 'solvers').map((one) => {
      const solver = at(one, 'dns01', 'route53');
      return { reference: at(solver, 'auth', 'kubernetes', 'serviceAccountRef'), role: textAt(solver, 'role') };
    }),
    { reference: at(vault, 'serviceAccountRef'), role: textAt(vault, 'iamRoleArn') },
  ];
};

const outcomeOf = (stage: Stage, account: Account, { reference, role }: Place): Outcome => {
  if (!findAccount(stage, account)) return missingAccount(account);
  if (role === undefined) return { works: false, why: 'role must be set when web identity token is set' };
  const own = textsAt(reference, 'audiences');
  const audiences = own.length > 0 ? own : [STS_AUDIENCE];
  return withWebIdentity(stage, account, { role, audiences, sessionName: 'cert-manager' });
};

export const playCertManager = (stage: Stage): PlayedConsumer[] =>
  ['issuers', 'clusterissuers'].flatMap((plural) =>
    customObjects(stage, 'cert-manager.io', plural).flatMap((object) =>
      placesOf(object).flatMap((place): PlayedConsumer[] => {
        const name = textAt(place.reference, 'name');
        if (name === undefined) return [];
        const account = { namespace: object.metadata.namespace ?? CLUSTER_NAMESPACE, name };
        return [{ name: nameOf(object), serviceAccount: account, ...outcomeOf(stage, account, place) }];
      }),
    ),
  );
