/**
 * cert-manager: issuers whose Route 53 solver names a service account. cert-manager issues a token for it, and assumes
 * the role in the solver; the annotation is not read. Source: cert-manager/cert-manager, pkg/issuer/acme/dns/dns.go and
 * route53/session.go; "Cluster Resource Namespace" for the namespace of a ClusterIssuer.
 */
import {
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
  withWebIdentity,
} from './stage.ts';

/** The default of `--cluster-resource-namespace`: that of cert-manager itself, which its chart recommends. */
const CLUSTER_NAMESPACE = 'cert-manager';

const outcomeOf = (stage: Stage, account: { namespace: string; name: string }, solver: unknown): Outcome => {
  if (!findAccount(stage, account)) return missingAccount(account);
  const role = textAt(solver, 'role');
  if (role === undefined) return { works: false, why: 'role must be set when web identity token is set' };
  const own = listAt(solver, 'auth', 'kubernetes', 'serviceAccountRef', 'audiences').filter(
    (one): one is string => typeof one === 'string',
  );
  const audiences = own.length > 0 ? own : [STS_AUDIENCE];
  return withWebIdentity(stage, account, { role, audiences, sessionName: 'cert-manager' });
};

export const playCertManager = (stage: Stage): PlayedConsumer[] =>
  ['issuers', 'clusterissuers'].flatMap((plural) =>
    customObjects(stage, 'cert-manager.io', plural).flatMap((object) =>
      listAt(object.spec, 'acme', 'solvers').flatMap((one): PlayedConsumer[] => {
        const solver = at(one, 'dns01', 'route53');
        const name = textAt(solver, 'auth', 'kubernetes', 'serviceAccountRef', 'name');
        if (name === undefined) return [];
        const account = { namespace: object.metadata.namespace ?? CLUSTER_NAMESPACE, name };
        return [{ name: nameOf(object), serviceAccount: account, ...outcomeOf(stage, account, solver) }];
      }),
    ),
  );
