/** RBAC objects for the tests of access. */
import { expect } from 'vitest';
import type { Lab } from './support.ts';

export const RBAC = '/apis/rbac.authorization.k8s.io/v1';

export const rbac = (kind: string, name: string, rest: object, namespace?: string) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  metadata: { name, ...(namespace ? { namespace } : {}) },
  ...rest,
});
/** Creates a role and its binding as the administrator, in a namespace or cluster-wide. */
export const allow = async (lab: Lab, rules: object[], subject: object, namespace?: string): Promise<void> => {
  const prefix = namespace === undefined ? 'Cluster' : '';
  const path = (plural: string) =>
    namespace === undefined ? `${RBAC}/cluster${plural}` : `${RBAC}/namespaces/${namespace}/${plural}`;
  expect(
    (await lab.call('POST', path('roles'), { body: rbac(`${prefix}Role`, 'some', { rules }, namespace) })).status,
  ).toBe(201);
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: `${prefix}Role`, name: 'some' };
  expect(
    (
      await lab.call('POST', path('rolebindings'), {
        body: rbac(`${prefix}RoleBinding`, 'some', { roleRef, subjects: [subject] }, namespace),
      })
    ).status,
  ).toBe(201);
};
