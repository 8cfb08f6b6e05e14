/** Three thousand requests that nobody should send: each is answered as what it is, and starts nothing. */
import { expect, it } from 'vitest';
import { sendHostile } from './hostile-requests.ts';

it('hostile requests are 4xx with a problem that names the field, and start nothing', async () =>
  expect(await sendHostile({ runs: 3000, ofEach: 1 })).toBe(3000));
