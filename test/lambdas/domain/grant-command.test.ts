import { describe, expect, it } from 'vitest';
import { grantCommand, grantForms } from '../../../lambdas/domain/access/command.ts';
import { anAccountRequest } from '../account-fixtures.ts';
import { aRequest } from '../fixtures.ts';

describe('the command that gives the service its access', () => {
  it('for an add-on names the cluster', () =>
    expect(grantCommand(aRequest())).toBe(
      'pod-identity grant-access --cluster dev --region eu-west-1 --account 111122223333 --deployed',
    ));

  it('for a service account names that too, since the cluster alone grants nothing for it', () =>
    expect(grantCommand(anAccountRequest())).toBe(
      'pod-identity grant-access --cluster dev --region eu-west-1 --account 111122223333 --service-account payments/api --deployed',
    ));

  it('has --annotation remove only if the request removes the annotation', () =>
    expect(grantCommand(anAccountRequest({ annotation: 'remove' }))).toBe(
      'pod-identity grant-access --cluster dev --region eu-west-1 --account 111122223333 --service-account payments/api --annotation remove --deployed',
    ));

  it('says both forms where nobody knows what migrates', () =>
    expect(grantForms('dev')).toBe(
      'pod-identity grant-access --cluster dev --deployed (for a service account that does not belong to an add-on, with --service-account NAMESPACE/NAME, and --annotation remove if its annotation is to be removed)',
    ));
});
