/** Entries of add-ons in the arguments of modules, in the forms that people write. */
import { describe, expect, it } from 'vitest';
import { applyEdits, patchTerraform } from '../../../../cli/hand-off/terraform/index.ts';
import { migrated } from './fixtures.ts';

const ROLE = 'arn:aws:iam::111122223333:role/payments-prod-ebs-csi';
const code = (addons: string): string => `module "eks" {
  source  = "terraform-aws-modules/eks/aws"
  version = "21.3.1"

  name   = "payments-prod"
  addons = ${addons}
}
`;
const ASSOCIATION = `{ role_arn = "${ROLE}", service_account = "ebs-csi-controller-sa" }`;

async function patched(addons: string): Promise<string> {
  const files = [{ path: 'main.tf', text: code(addons) }];
  const { edits } = await patchTerraform(files, migrated());
  return applyEdits(files, edits)[0]!.text;
}

describe('Entries of add-ons', () => {
  it.each([
    [
      'an empty one',
      '{ aws-ebs-csi-driver = {} }',
      `{ aws-ebs-csi-driver = {
    pod_identity_association = [{
      role_arn        = "${ROLE}"
      service_account = "ebs-csi-controller-sa"
    }]
  } }`,
    ],
    [
      'one line with a comma behind',
      `{ aws-ebs-csi-driver = { service_account_role_arn = "${ROLE}", } }`,
      `{ aws-ebs-csi-driver = { pod_identity_association = [${ASSOCIATION}], } }`,
    ],
    [
      'a role that is null',
      '{ aws-ebs-csi-driver = { service_account_role_arn = null, preserve = true } }',
      `{ aws-ebs-csi-driver = { service_account_role_arn = null, preserve = true, pod_identity_association = [${ASSOCIATION}] } }`,
    ],
    [
      'a role kept in addition to the association',
      `{ aws-ebs-csi-driver = { service_account_role_arn = "${ROLE}", pod_identity_association = [${ASSOCIATION}] } }`,
      `{ aws-ebs-csi-driver = { pod_identity_association = [${ASSOCIATION}] } }`,
    ],
    [
      'another role in the association',
      `{ aws-ebs-csi-driver = { pod_identity_association = [{ role_arn = "arn:aws:iam::111122223333:role/other", service_account = "ebs-csi-controller-sa" }] } }`,
      `{ aws-ebs-csi-driver = { pod_identity_association = [${ASSOCIATION}] } }`,
    ],
    [
      'an association that the account does not have',
      `{ aws-ebs-csi-driver = { pod_identity_association = [${ASSOCIATION}, { role_arn = "${ROLE}", service_account = "other" }] } }`,
      `{ aws-ebs-csi-driver = { pod_identity_association = [${ASSOCIATION}] } }`,
    ],
  ])('%s', async (_, before, after) => {
    const result = await patched(before);
    expect(result).toBe(code(after));
    expect((await patchTerraform([{ path: 'main.tf', text: result }], migrated())).edits).toEqual([]);
  });

  it('another cluster is not edited', async () => {
    const text = code(`{ aws-ebs-csi-driver = { service_account_role_arn = "${ROLE}" } }`).replace('-prod"', '-dev"');
    expect((await patchTerraform([{ path: 'main.tf', text }], migrated())).edits).toEqual([]);
  });
});
