/** Tolerations as an API server has them: one that cannot be evaluated makes no pod unreadable. */
import { expect, it } from 'vitest';
import { tolerations, toTolerations } from '../../../lambdas/adapters/node-objects.ts';

it.each<[string, object, object[]]>([
  ['has the default operator', { key: 'gpu', value: 'a' }, [{ key: 'gpu', operator: 'Equal', value: 'a' }]],
  ['tolerates everything', { operator: 'Exists', key: '', effect: '' }, [{ operator: 'Exists' }]],
  ['has an operator for numbers', { key: 'sla', operator: 'Gt', value: '900', effect: 'NoSchedule' }, []],
  ['has an operator that does not exist yet', { key: 'sla', operator: 'Near' }, []],
])('a toleration that %s', (_, found, expected) => expect(toTolerations(tolerations.parse([found]))).toEqual(expected));
