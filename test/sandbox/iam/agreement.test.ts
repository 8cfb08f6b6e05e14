/** A sample of `agreement.grid.test.ts`. */
import { expect, it } from 'vitest';
import { expectAgreement } from './agreement.ts';

it.each(['exactly', 'thriftily'] as const)('the plan and EKS agree about a step if IAM is asked %s', async (asking) =>
  expect(await expectAgreement(asking, 50)).not.toEqual(new Set()),
);
