/** Checks whether the caller may read the objects by which other software may use a web identity. */
import { resourceName } from '../../lambdas/domain/kubernetes/objects.ts';
import { z } from 'zod';
import { apiGroups } from '../../lambdas/adapters/kubernetes-objects.ts';
import { type KubernetesApi, unlessNotFound } from '../../lambdas/adapters/kubernetes-api.ts';
import { type Check, pass, some, warn } from '../../lambdas/domain/terms/check.ts';
import { counted } from '../../lambdas/domain/text/text.ts';
import type { CustomResourceKind } from '../../lambdas/ports/kubernetes.ts';
import { readConsumers } from '../../lambdas/use-cases/facts/read-consumers.ts';

/** Lists one object of each resource, in the place of all. */
const briefly = (api: Pick<KubernetesApi, 'call'>) => ({
  listApiGroups: async () => {
    const { groups } = await api.call({ what: 'list API groups', method: 'GET', path: '/apis' }, apiGroups);
    return groups.map(({ name, versions }) => ({ name, versions: versions.map(({ version }) => version) }));
  },
  listObjects: ({ group, version, plural }: CustomResourceKind): Promise<unknown[] | undefined> =>
    unlessNotFound(async () => {
      const path = `/apis/${[group, version, plural].map(encodeURIComponent).join('/')}?limit=1`;
      const what = `list ${resourceName({ group, plural })}`;
      const { items } = await api.call({ what, method: 'GET', path }, z.looseObject({ items: z.array(z.unknown()) }));
      return items;
    }),
});

/** Reads one object of each resource that the API server serves, and returns the check. */
export async function checkConsumerAccess(api: Pick<KubernetesApi, 'call'>): Promise<Check> {
  const id = 'consumers-access';
  const { objects, unread } = await readConsumers(
    { ...briefly(api), listPods: async () => [] },
    { pods: [], removes: false },
  );
  const read = Object.keys(objects).length;
  if (unread.length === 0)
    return pass(
      id,
      read === 0
        ? 'The API server serves none of the resources by which other software may use a web identity.'
        : `The API server lets you list the ${counted(read, 'resource')} by which other software may use a web identity.`,
    );
  return warn(
    id,
    `${counted(unread.length, 'resource')} could not be listed by which other software may use a web identity: ${some(unread.map(({ resource }) => resource))}. A plan that removes an annotation, and retire, would block.`,
    'Let the access policy or the RBAC rules of your access entry list them. The service gets its own rules by grant-access.',
    'docs/kubernetes-access.md',
  );
}
