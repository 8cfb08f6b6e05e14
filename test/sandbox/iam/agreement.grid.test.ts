/** The plan and EKS agree about the calls of a step, whatever the policies of its role and its boundary say. */
import { expect, it } from 'vitest';
import { expectAgreement } from './agreement.ts';

it.each(['exactly', 'thriftily'] as const)('where IAM is asked %s', async (asking) => {
  const seen = await expectAgreement(asking, 800);
  for (const step of ['create-addon', 'update-addon', 'delete-addon'])
    for (const end of ['allowed done', 'denied refused']) expect(seen).toContain(`${step} ${end}`);
  expect([...seen].filter((one) => one.includes('unknown'))).not.toEqual([]);
});
