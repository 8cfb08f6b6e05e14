/** Ten thousand requests that nobody should send: each is answered as what it is, and starts nothing. */
import { expect, it } from 'vitest';
import { sendHostile } from './hostile-requests.ts';

it('hostile requests are 4xx with a problem that names the field, and start nothing', async () =>
  expect(await sendHostile({ runs: 10_000, ofEach: 6 })).toBe(10_000));
