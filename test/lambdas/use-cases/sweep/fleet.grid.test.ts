/** What must hold of every sweep, over many of them. */
import { describe, expect, it } from 'vitest';
import { checkSweeps } from './stories.ts';

describe('a sweep', () => {
  it('keeps its promises through crashes, commands and failures', async () =>
    expect(await checkSweeps('fake', 300)).toBeGreaterThan(100));

  it('keeps them over DynamoDB, where it breaks off between any two writes', async () =>
    expect(await checkSweeps('dynamo', 15)).toBeGreaterThan(5));
});
