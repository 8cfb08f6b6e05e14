/** Code in JSON syntax: what stays as it is, and what templates mean. */
import { describe, expect, it } from 'vitest';
import { applyEdits, patchTerraform } from '../../../../cli/hand-off/terraform/index.ts';
import { migrated } from './fixtures.ts';

const ROLE = 'arn:aws:iam::111122223333:role/payments-prod-ebs-csi';

async function patched(text: string): Promise<string> {
  const files = [{ path: 'main.tf.json', text }];
  const { edits } = await patchTerraform(files, migrated());
  return applyEdits(files, edits)[0]!.text;
}

const addon = (more: object): object => ({
  resource: {
    aws_eks_addon: { ebs_csi: { cluster_name: 'payments-prod', addon_name: 'aws-ebs-csi-driver', ...more } },
  },
});
const ASSOCIATIONS = [{ role_arn: ROLE, service_account: 'ebs-csi-controller-sa' }];

describe('Code in JSON syntax', () => {
  it('keeps a byte order mark, Windows line ends, and members that it does not know', async () => {
    const text = JSON.stringify(
      { '//': 'Größe: 💾', check: { a: 1 }, ...addon({ service_account_role_arn: ROLE }) },
      null,
      4,
    );
    const windows = `\uFEFF${text.replaceAll('\n', '\r\n')}\r\n`;
    const result = await patched(windows);
    expect(
      result.startsWith('\uFEFF{\r\n    "//": "Größe: 💾",\r\n    "check": {\r\n        "a": 1\r\n    },\r\n'),
    ).toBe(true);
    expect(result.replaceAll('\r\n', '')).not.toContain('\n');
    expect(JSON.parse(result.slice(1))).toEqual({
      '//': 'Größe: 💾',
      check: { a: 1 },
      ...addon({ pod_identity_association: ASSOCIATIONS }),
    });
  });

  it('patches one line, and keeps templates and escapes of other values', async () => {
    const values = '{"a":"\\\\ \\" $${x} %%{y}","b":"${jsonencode({ c = "}" })}"}';
    const result = await patched(
      JSON.stringify(
        addon({ configuration_values: values, service_account_role_arn: ROLE, tags: { a: '${var.x}-$${y}' } }),
      ),
    );
    expect(JSON.parse(result)).toEqual(
      addon({ configuration_values: values, pod_identity_association: ASSOCIATIONS, tags: { a: '${var.x}-$${y}' } }),
    );
  });

  it('adds the block to an add-on without a role, once', async () => {
    const code = JSON.stringify(addon({ tags: {} }), null, 2);
    const once = await patched(code);
    expect(JSON.parse(once)).toEqual(addon({ tags: {}, pod_identity_association: ASSOCIATIONS }));
    expect(await patched(once)).toBe(once);
  });

  it('edits only the right one of several blocks in lists', async () => {
    const other = { cluster_name: 'payments-dev', addon_name: 'aws-ebs-csi-driver', service_account_role_arn: ROLE };
    const own = { cluster_name: 'payments-prod', addon_name: 'aws-ebs-csi-driver' };
    const code = (body: object): object => ({
      resource: [{ aws_eks_addon: { dev: other } }, { aws_eks_addon: [{ prod: [body] }] }],
    });
    const result = await patched(JSON.stringify(code({ ...own, service_account_role_arn: ROLE })));
    expect(JSON.parse(result)).toEqual(code({ ...own, pod_identity_association: ASSOCIATIONS }));
  });
});
