import { ulid } from 'ulid';
import type { Clock, Ids } from '../ports/runtime.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

export const systemIds: Ids = { ulid: () => ulid() };
