/** A trust policy whose pattern allows more service accounts than the one that a run is about. */
import type { ServiceAccountRef } from '../../lambdas/domain/terms/subject.ts';
import { isObject } from '../../sandbox/json.ts';
import { createServiceAccount } from '../../sandbox/kubernetes/cluster-objects.ts';
import { putObject } from '../../sandbox/objects/store.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { type ClusterState, findRole } from '../../sandbox/world/world.ts';
import { ROLE_ANNOTATION } from './cluster.ts';
import type { PatternSpec } from './spec.ts';

const subjectOf = ({ namespace, name }: ServiceAccountRef): string => `system:serviceaccount:${namespace}:${name}`;

/** Returns the condition with a pattern instead of the subject; the same condition if it does not name the subject. */
function widened(condition: unknown, subject: string): unknown {
  if (!isObject(condition) || !isObject(condition['StringEquals'])) return condition;
  const { StringEquals: equals, StringLike: like } = condition;
  const key = Object.keys(equals).find((one) => one.endsWith(':sub') && [equals[one]].flat().includes(subject));
  if (key === undefined) return condition;
  const { [key]: subjects, ...others } = equals;
  // The trust of the other service accounts stays.
  const patterns = [subjects].flat().map((one) => (one === subject ? `${subject}*` : one));
  return { ...condition, StringEquals: others, StringLike: { ...(isObject(like) ? like : {}), [key]: patterns } };
}

/**
 * Widens the trust policy of a role from one service account to all whose names begin with its name, and creates others
 * that match. Returns the names by which a retirement accepts those that the spec accepts.
 */
export function addPattern(
  { world }: Sandbox,
  cluster: ClusterState,
  { account, roleArn, spec }: { account: ServiceAccountRef; roleArn: string; spec: PatternSpec },
): string[] {
  const role = findRole(world, roleArn);
  const policy: unknown = JSON.parse(role?.trustPolicy ?? '{}');
  if (!role || !isObject(policy) || !Array.isArray(policy['Statement'])) return [];
  role.trustPolicy = JSON.stringify({
    ...policy,
    Statement: policy['Statement'].map((one: unknown) =>
      isObject(one) && one['Condition'] !== undefined
        ? { ...one, Condition: widened(one['Condition'], subjectOf(account)) }
        : one,
    ),
  });
  const now = world.schedule.now();
  const { namespace } = account;
  return spec.others.flatMap(({ associated, accepted, annotated }, index) => {
    const name = `${account.name}-${index + 1}`;
    const { metadata, ...object } = createServiceAccount(cluster, namespace, name, now);
    if (annotated)
      putObject(cluster.kube, 'ServiceAccount', {
        ...object,
        metadata: { ...metadata, annotations: { [ROLE_ANNOTATION]: roleArn } },
      });
    if (associated) {
      const id = `a-pattern${String(index + 1).padStart(10, '0')}`;
      const arn = `${cluster.arn.replace(':cluster/', ':podidentityassociation/')}/${id}`;
      cluster.associations.set(id, {
        id,
        arn,
        namespace,
        serviceAccount: name,
        roleArn,
        tags: {},
        createdAt: cluster.createdAt,
        modifiedAt: cluster.createdAt,
      });
    }
    return accepted ? [`ServiceAccount/${namespace}/${name}`] : [];
  });
}
