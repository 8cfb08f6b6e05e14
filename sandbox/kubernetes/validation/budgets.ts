/** Rules of PodDisruptionBudgets (k8s.io/kubernetes, apis/policy/validation). */
import type { BudgetSpec, KubeObject } from '../../objects/objects.ts';
import { invalid, notSupported, type FieldError } from './field-errors.ts';
import { atMost100Percent, intOrPercentErrors, selectorErrors } from './values.ts';

const POLICIES = ['AlwaysAllow', 'IfHealthyBudget'];

export const budgetErrors = (budget: KubeObject): FieldError[] => {
  const spec = (budget.spec ?? {}) as BudgetSpec;
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
  return [
    ...(minAvailable !== undefined && maxUnavailable !== undefined
      ? [
          invalid(
            'spec',
            { value: spec, type: 'PodDisruptionBudgetSpec' },
            'minAvailable and maxUnavailable cannot be both set',
          ),
        ]
      : []),
    ...intOrPercentErrors(minAvailable, 'spec.minAvailable'),
    ...atMost100Percent(minAvailable, 'spec.minAvailable'),
    ...intOrPercentErrors(maxUnavailable, 'spec.maxUnavailable'),
    ...atMost100Percent(maxUnavailable, 'spec.maxUnavailable'),
    ...selectorErrors(selector, 'spec.selector'),
    ...(unhealthyPodEvictionPolicy === undefined || POLICIES.includes(unhealthyPodEvictionPolicy)
      ? []
      : [notSupported('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, POLICIES)]),
  ];
};
