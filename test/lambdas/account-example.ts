/** The names of a service account that is no add-on's, `payments/api`, and the trust policy of its role. */
import { subjectLock } from '../../lambdas/use-cases/record/lock.ts';
import { ISSUER, target } from './example.ts';
import { irsaStatement, podIdentityStatement, policyText } from './trust-examples.ts';

export const ACCOUNT_NAMESPACE = 'payments';
export const ACCOUNT_NAME = 'api';
export const SUBJECT = `${ACCOUNT_NAMESPACE}/${ACCOUNT_NAME}`;
export const SUBJECT_LOCK = subjectLock(target, SUBJECT);
export const ANNOTATION = 'eks.amazonaws.com/role-arn';
export const REF = { namespace: ACCOUNT_NAMESPACE, name: ACCOUNT_NAME };

const issuer = ISSUER.replace('https://', '');
/** Lets the service account in by IRSA, and by it alone. */
export const accountIrsaStatement = {
  ...irsaStatement,
  Condition: {
    StringEquals: {
      [`${issuer}:sub`]: `system:serviceaccount:${ACCOUNT_NAMESPACE}:${ACCOUNT_NAME}`,
      [`${issuer}:aud`]: 'sts.amazonaws.com',
    },
  },
};
export const ACCOUNT_TRUST = policyText(accountIrsaStatement, podIdentityStatement);
