/** Hundreds of hostile requests through the gateway. */
import { describe, it } from 'vitest';
import { expectHostileAnswered } from './api-hostile.ts';

describe('hostile requests through the gateway', () => {
  it('that are signed are answered, and never by a 5xx; everything but a success is a problem, and starts nothing', () =>
    expectHostileAnswered(300));
});
