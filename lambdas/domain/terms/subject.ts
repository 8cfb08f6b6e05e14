/**
 * The subject of a migration: an add-on, or a service account that belongs to no add-on. In locks, in the state
 * machine's
 * variables and in messages a subject is one text: the add-on's name, or `namespace/name`, which cannot be the name of
 * an
 * add-on.
 */
import { z } from 'zod';
import { accountId, addonName, clusterName, namespaceName, regionName, serviceAccountName } from '../text/names.ts';
import { schemaNames } from '../text/schemas.ts';

export const target = z
  .object({
    account: accountId.describe('AWS account of the cluster: 12 digits.'),
    region: regionName.describe('AWS region of the cluster.'),
    cluster: clusterName.describe('Name of the EKS cluster.'),
  })
  .register(schemaNames, { name: 'Target' });
export type Target = z.infer<typeof target>;

export const serviceAccountRef = z
  .object({
    namespace: namespaceName.describe('Kubernetes namespace of the service account.'),
    name: serviceAccountName.describe('Name of the service account.'),
  })
  .register(schemaNames, { name: 'ServiceAccount' });
export type ServiceAccountRef = z.infer<typeof serviceAccountRef>;

/** The text of a subject. */
export const subjectName = z
  .string()
  .refine(
    (text) => parseSubject(text) !== undefined,
    'must be an EKS add-on name such as aws-ebs-csi-driver, or a service account as namespace/name',
  );

/** Exactly one of the two fields is set. */
export interface Subject {
  addon?: string | undefined;
  serviceAccount?: ServiceAccountRef | undefined;
}

/** Returns `namespace/name` of the service account of an association, a pod or a workload. */
export const accountOf = ({ namespace, serviceAccount }: { namespace: string; serviceAccount: string }): string =>
  `${namespace}/${serviceAccount}`;

const nameOf = ({ namespace, name }: ServiceAccountRef): string => `${namespace}/${name}`;

export const subjectOf = ({ addon, serviceAccount }: Subject): string =>
  addon ?? (serviceAccount ? nameOf(serviceAccount) : '');

/** Parses the text of a subject. Returns `undefined` if the text is neither an add-on name nor `namespace/name`. */
export function parseSubject(text: string): Subject | undefined {
  const [namespace = '', ...rest] = text.split('/');
  if (rest.length === 0) return addonName.safeParse(text).success ? { addon: text } : undefined;
  const serviceAccount = serviceAccountRef.safeParse({ namespace, name: rest.join('/') });
  return serviceAccount.success ? { serviceAccount: serviceAccount.data } : undefined;
}

/** Returns the subject with its kind: `add-on aws-ebs-csi-driver`, or `service account payments/api`. */
export const subjectText = (subject: string): string =>
  `${subject.includes('/') ? 'service account' : 'add-on'} ${subject}`;

/** Returns the same with a capital letter, for the beginning of a sentence. */
export const subjectTitle = (subject: string): string =>
  subjectText(subject).replace(/^./, (first) => first.toUpperCase());
