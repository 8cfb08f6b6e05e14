import type { PlanStep } from '../record/plan.ts';
import type { ServiceAccountRequest } from '../request/request.ts';
import { subjectOf } from '../terms/subject.ts';
import type { Decision } from './finish.ts';
import { installSteps, repairSteps, verifySteps } from './steps.ts';

export interface ServiceAccountStepsInput extends Decision {
  request: ServiceAccountRequest;
  /** ID of its existing association. */
  existing: string | undefined;
}

const UNDO = 'delete the association, and restart its pods, which then use IRSA again';

/** Returns the steps of a service account's migration, as text and as API calls, and how each is undone. */
export function serviceAccountSteps({ request, existing, ...decision }: ServiceAccountStepsInput): PlanStep[] {
  const [only] = decision.planned;
  if (decision.attempts.length === 0 || !only) return [];
  const name = subjectOf(request);
  return [
    {
      name: 'begin',
      what: 'take the locks and store a snapshot in the ledger',
      calls: [],
      disruption: 'none',
      undo: 'release the locks',
    },
    ...installSteps(decision),
    ...repairSteps(decision),
    existing === undefined
      ? {
          name: 'create-association',
          what: `associate ${name} with ${only.roleArn}; running pods keep their identity`,
          calls: ['eks:CreatePodIdentityAssociation'],
          disruption: 'none',
          undo: UNDO,
        }
      : {
          name: 'create-association',
          what: `make sure that association ${existing} still gives ${name} role ${only.roleArn}`,
          calls: [],
          disruption: 'none',
          undo: 'none needed',
        },
    ...verifySteps(
      { verification: request.verification, settleSeconds: decision.settleSeconds },
      existing === undefined ? UNDO : 'restart its pods',
    ),
    ...(request.annotation === 'remove'
      ? [
          {
            name: 'annotate-service-account',
            what: `remove the annotation eks.amazonaws.com/role-arn from ${name}`,
            calls: ['kubernetes: patch of the service account'],
            disruption: 'none' as const,
            undo: 'set it again from the snapshot',
          },
        ]
      : []),
    {
      name: 'finish',
      what: 'record the outcome and release the locks',
      calls: [],
      disruption: 'none',
      undo: 'none needed',
    },
  ];
}
