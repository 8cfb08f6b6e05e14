/** The policies of every kind of deployment are as the Service Authorization Reference has them. */
import { expect, it } from 'vitest';
import { CONFIGURATIONS } from '../lib/configurations.ts';
import { policiesOf } from './policies.ts';
import { EXCEPTIONS } from './reference-exceptions.ts';
import { findingsIn, withExceptions } from './reference.ts';

it.each(Object.entries(CONFIGURATIONS))('in a deployment with %s', async (name, configuration) => {
  const policies = policiesOf(name, configuration);
  expect(policies.length).toBeGreaterThan(50);
  expect(withExceptions(await findingsIn(policies), EXCEPTIONS).left).toEqual([]);
});
