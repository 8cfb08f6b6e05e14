/**
 * What migrates: an add-on, or a service account that is no add-on's. In locks, in the state machine's variables and in
 * messages either is one text: the add-on's name, or `namespace/name`, which no add-on is called.
 */
import { z } from 'zod';
import { addonName, namespaceName, serviceAccountName } from '../text/names.ts';
import { schemaNames } from '../text/schemas.ts';

export const serviceAccountRef = z
  .object({
    namespace: namespaceName.describe('Kubernetes namespace of the service account.'),
    name: serviceAccountName.describe('Name of the service account.'),
  })
  .register(schemaNames, { name: 'ServiceAccount' });
export type ServiceAccountRef = z.infer<typeof serviceAccountRef>;

/** The text of either. */
export const subjectName = z
  .string()
  .refine(
    (text) => parseSubject(text) !== undefined,
    'must be an EKS add-on name such as aws-ebs-csi-driver, or a service account as namespace/name',
  );

/** Exactly one of the two. */
export interface Subject {
  addon?: string | undefined;
  serviceAccount?: ServiceAccountRef | undefined;
}

const nameOf = ({ namespace, name }: ServiceAccountRef): string => `${namespace}/${name}`;

export const subjectOf = ({ addon, serviceAccount }: Subject): string =>
  addon ?? (serviceAccount ? nameOf(serviceAccount) : '');

/** `undefined` for a text that is neither. */
export function parseSubject(text: string): Subject | undefined {
  const [namespace = '', ...rest] = text.split('/');
  if (rest.length === 0) return addonName.safeParse(text).success ? { addon: text } : undefined;
  const serviceAccount = serviceAccountRef.safeParse({ namespace, name: rest.join('/') });
  return serviceAccount.success ? { serviceAccount: serviceAccount.data } : undefined;
}

/** `add-on aws-ebs-csi-driver`, or `service account payments/api`. */
export const subjectText = (subject: string): string =>
  `${subject.includes('/') ? 'service account' : 'add-on'} ${subject}`;

/** The same at the beginning of a sentence. */
export const subjectTitle = (subject: string): string =>
  subjectText(subject).replace(/^./, (first) => first.toUpperCase());
