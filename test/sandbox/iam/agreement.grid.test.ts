/** The plan and EKS agree about the calls of a step, with any policies and any boundary of its role. */
import { expect, it } from 'vitest';
import { expectAgreement } from './agreement.ts';

it.each(['exactly', 'thriftily'] as const)('if IAM is asked %s', async (asking) => {
  const seen = await expectAgreement(asking, 800);
  for (const step of ['create-addon', 'update-addon', 'delete-addon'])
    for (const end of ['allowed done', 'denied refused']) expect(seen).toContain(`${step} ${end}`);
  expect([...seen].filter((outcome) => outcome.includes('unknown'))).not.toEqual([]);
});
