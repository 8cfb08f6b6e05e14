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

type Marks = Pick<ServiceAccountDetail, 'annotatedBy' | 'labels' | 'annotations' | 'managers'>;

/** Returns what shows who owns the service account, and its annotation. */
const marksOf = ({ metadata }: z.infer<typeof serviceAccountDetail>): Marks => {
  const managed = toManagedFields(metadata.managedFields);
  const ofAnnotation = managed.filter(({ fields }) => fields.includes(ANNOTATION_FIELD));
  const names = (fields: typeof managed): string[] => [...new Set(fields.map(({ manager }) => manager))];
  return {
    annotatedBy: names(ofAnnotation),
    labels: metadata.labels,
    annotations: metadata.annotations,
    managers: names(managed),
  };
};

export const toServiceAccountDetail = (found: z.infer<typeof serviceAccountDetail>): ServiceAccountDetail => {
  const { uid, resourceVersion } = found.metadata;
  return { ...toServiceAccount(found), uid, resourceVersion, ...marksOf(found) };
};

/** Returns undefined for a service account without the IRSA annotation. */
export function toAttributedServiceAccount(
  found: z.infer<typeof serviceAccountDetail>,
): AttributedServiceAccount | undefined {
  const { roleArn, ...account } = toServiceAccount(found);
  if (roleArn === undefined) return undefined;
  return { ...account, roleArn, ...marksOf(found) };
}
