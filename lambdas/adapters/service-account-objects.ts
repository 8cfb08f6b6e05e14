/** Converts service accounts in the API server's responses to the domain's types. */
import type { z } from 'zod';
import { IRSA_ANNOTATION } from '../domain/verification/irsa.ts';
import type { AttributedServiceAccount, ServiceAccount, ServiceAccountDetail } from '../domain/kubernetes/objects.ts';
import type { serviceAccount, serviceAccountDetail } from './kubernetes-objects.ts';
import { toManagedFields } from './managed-fields.ts';

export const toServiceAccount = ({
  metadata: { namespace, name, annotations },
}: z.infer<typeof serviceAccount>): ServiceAccount => {
  const roleArn = annotations[IRSA_ANNOTATION];
  return { namespace, name, ...(roleArn ? { roleArn } : {}) };
};

const ANNOTATION_FIELD = `.metadata.annotations.${IRSA_ANNOTATION}`;

const annotatorsOf = ({ metadata: { managedFields } }: z.infer<typeof serviceAccountDetail>): string[] =>
  toManagedFields(managedFields)
    .filter(({ fields }) => fields.includes(ANNOTATION_FIELD))
    .map(({ manager }) => manager)
    .filter((manager, index, all) => all.indexOf(manager) === index);

export const toServiceAccountDetail = (found: z.infer<typeof serviceAccountDetail>): ServiceAccountDetail => {
  const { uid, resourceVersion } = found.metadata;
  return { ...toServiceAccount(found), uid, resourceVersion, annotatedBy: annotatorsOf(found) };
};

/** Returns undefined for a service account without the IRSA annotation. */
export function toAttributedServiceAccount(
  found: z.infer<typeof serviceAccountDetail>,
): AttributedServiceAccount | undefined {
  const { roleArn, ...account } = toServiceAccount(found);
  if (roleArn === undefined) return undefined;
  return { ...account, roleArn, annotatedBy: annotatorsOf(found), labels: found.metadata.labels };
}
