import { accountOf } from '../terms/subject.ts';
import { AGENT_ADDON } from '../addons/registry.ts';
import { parseRoleArn } from '../aws/arn.ts';
import { ownedOf, standaloneOf, unportableFields } from '../associations/associations.ts';
import type { CarriedOver, PlannedAssociation } from '../terms/planned.ts';
import type { PlanStep, Attempt } from '../record/plan.ts';
import type { VerificationMode } from '../request/request.ts';
import type { TrustRepair } from '../terms/trust.ts';
import { MAX_SETTLINGS } from '../rollout/settling.ts';
import { durationText } from '../rollout/text.ts';
import { isRecreate, removesSoftware } from './attempts.ts';

export interface StepsInput {
  addon: string;
  /** At least one. */
  attempts: readonly Attempt[];
  planned: readonly PlannedAssociation[];
  /** IDs of the associations that the first attempt deletes, and that EKS deletes or replaces with the add-on. */
  purge: readonly string[];
  goWithAddon: readonly string[];
  carryOver: readonly CarriedOver[];
  trustRepairs: readonly TrustRepair[];
  verification: VerificationMode;
  /** How long the pods are observed. Absent if they are not, or no pod could be read. */
  settleSeconds?: number | undefined;
  /** Version of the Pod Identity agent that is installed first. Absent if none is installed. */
  installAgent?: { version: string };
}

const UNDO_UPDATE = 'restore the IRSA role of the add-on from the snapshot';
const UNDO_CREATE = 'create the add-on again with its IRSA role, from the snapshot';
const UNDO_PURGE = 'create the conflicting associations again, from the snapshot';

const accountsOf = (planned: readonly PlannedAssociation[]): string => planned.map(accountOf).join(', ');

const consent = ({ resolveConflicts }: Attempt): string =>
  resolveConflicts === 'OVERWRITE'
    ? "; fields that others changed are reset to EKS's values"
    : resolveConflicts === 'PRESERVE'
      ? '; fields that others changed are kept'
      : '';

export const installSteps = ({ installAgent }: Pick<StepsInput, 'installAgent'>): PlanStep[] =>
  installAgent === undefined
    ? []
    : [
        {
          name: 'install-agent',
          what: `install add-on ${AGENT_ADDON} ${installAgent.version}, which gives pods their credentials, and wait until it is ready`,
          calls: [`eks:CreateAddon (${AGENT_ADDON})`],
          disruption: 'none',
          undo: 'none: it stays installed',
        },
      ];

export function repairSteps({ trustRepairs, planned }: Pick<StepsInput, 'trustRepairs' | 'planned'>): PlanStep[] {
  if (trustRepairs.length === 0) return [];
  const what = trustRepairs
    .map(
      ({ roleArn }) =>
        `role ${parseRoleArn(roleArn)?.name ?? roleArn} (for ${accountsOf(planned.filter((one) => one.roleArn === roleArn))})`,
    )
    .join(' and of ');
  return [
    {
      name: 'repair-trust',
      what: `add one statement that allows EKS Pod Identity to the trust policy of ${what}; keep the other statements, and read the policy back`,
      calls: ['iam:UpdateAssumeRolePolicy'],
      disruption: 'none',
      undo: 'remove the statement',
    },
  ];
}

/** Returns the steps that run before the IRSA role is removed, so that no new pod is ever without an identity. */
function standaloneSteps({ planned }: StepsInput): PlanStep[] {
  const standalone = standaloneOf(planned);
  if (standalone.length === 0) return [];
  const which = standalone
    .map((one) => `${one.namespace}/${one.serviceAccount} with role ${parseRoleArn(one.roleArn)?.name ?? one.roleArn}`)
    .join(', ');
  return [
    {
      name: 'create-association',
      what: `create a standalone association for each service account that loses the add-on's role and gets no association through it: ${which}`,
      calls: ['eks:CreatePodIdentityAssociation'],
      disruption: 'none',
      undo: 'delete it once the add-on has its IRSA role again',
    },
  ];
}

/** Describes what the same step deletes directly before the change that replaces it. */
const purgeText = ({ purge }: StepsInput): string =>
  purge.length > 0 ? `delete the conflicting associations (${purge.join(', ')}), and immediately ` : '';
const purgeCalls = ({ purge }: StepsInput): string[] => (purge.length > 0 ? ['eks:DeletePodIdentityAssociation'] : []);
const undoPurge = ({ purge }: StepsInput): string => (purge.length > 0 ? `${UNDO_PURGE}; ` : '');

const updateSteps = (attempt: Attempt, input: StepsInput): PlanStep[] => [
  {
    name: 'update-addon',
    what: `${purgeText(input)}update ${input.addon} in place, with the same version and configuration: Pod Identity for ${accountsOf(ownedOf(input.planned))} instead of its role${consent(attempt)}${input.goWithAddon.length > 0 ? `; EKS replaces ${input.goWithAddon.join(', ')}` : ''}`,
    calls: [...purgeCalls(input), 'eks:UpdateAddon'],
    disruption: 'rolling',
    undo: `${undoPurge(input)}${UNDO_UPDATE}`,
  },
];

function recreateSteps(attempt: Attempt, input: StepsInput): PlanStep[] {
  const { addon, planned, goWithAddon } = input;
  const { preserve } = attempt;
  const cascade = goWithAddon.length > 0 ? `, and with it ${goWithAddon.join(', ')}` : '';
  return [
    {
      name: 'delete-addon',
      what: preserve
        ? `delete ${addon} in EKS, preserving its software, which keeps running`
        : `delete ${addon} and its software${cascade}`,
      calls: [`eks:DeleteAddon${preserve ? ' (preserve)' : ''}`],
      disruption: preserve ? 'none' : 'outage',
      undo: UNDO_CREATE,
    },
    {
      name: 'await-deleted',
      what: 'wait until EKS no longer lists it',
      calls: [],
      disruption: preserve ? 'none' : 'outage',
      undo: UNDO_CREATE,
    },
    {
      name: 'create-addon',
      what: `${purgeText(input)}create ${addon} with the same version, configuration and tags, and Pod Identity for ${accountsOf(ownedOf(planned))}${preserve ? consent(attempt) : ''}`,
      calls: [...purgeCalls(input), 'eks:CreateAddon'],
      disruption: preserve ? 'rolling' : 'outage',
      undo: `${undoPurge(input)}delete it and create it again with its IRSA role, from the snapshot`,
    },
  ];
}

/** Returns the names of the fields that are carried over, such as `targetRoleArn, tags (team)`. */
const fieldsOf = (carried: CarriedOver): string[] => [
  ...unportableFields(carried),
  ...(Object.keys(carried.tags).length > 0 ? [`tags (${Object.keys(carried.tags).join(', ')})`] : []),
];

const carryOverCalls = (carryOver: readonly CarriedOver[]): string[] => [
  ...(carryOver.some((one) => unportableFields(one).length > 0) ? ['eks:UpdatePodIdentityAssociation'] : []),
  ...(carryOver.some((one) => Object.keys(one.tags).length > 0) ? ['eks:TagResource'] : []),
];

function carryOverSteps({ carryOver }: StepsInput, undo: string): PlanStep[] {
  if (carryOver.length === 0) return [];
  const what = carryOver
    .map((one) => `${fieldsOf(one).join(', ')} of ${one.from} for ${one.namespace}/${one.serviceAccount}`)
    .join('; ');
  return [
    {
      name: 'carry-over',
      what: `set on the new associations what cannot be set through the add-on: ${what}`,
      calls: carryOverCalls(carryOver),
      disruption: 'none',
      undo,
    },
  ];
}

/** Returns the steps of the verification, with the level of evidence that each reaches. */
export function verifySteps(
  { verification, settleSeconds }: Pick<StepsInput, 'verification' | 'settleSeconds'>,
  undo: string,
): PlanStep[] {
  if (verification === 'api')
    return [
      {
        name: 'verify-pods',
        what: 'check in EKS that it is healthy and has its associations as planned; check and restart no pods',
        calls: [],
        disruption: 'none',
        undo,
      },
    ];
  const injected: PlanStep = {
    name: 'verify-pods',
    what: 'check every pod; replace one that kept the old identity, then restart all others that did, at most twice, and check again (level injected)',
    calls: ["kubernetes: eviction of a pod, and patch of the workload's pod template, if a restart is needed"],
    disruption: 'rolling',
    undo,
  };
  if (verification === 'injected') return [injected];
  return [
    injected,
    {
      name: 'confirm-ready',
      what: `wait ${settleSeconds === undefined ? 'for the settling time' : durationText(settleSeconds)}, then check that the pods stayed ready and no container restarted (level ready); observe again if not, at most ${MAX_SETTLINGS} times`,
      calls: [],
      disruption: 'none',
      undo,
    },
  ];
}

/** Returns a later attempt as one step. It runs only if the pods did not get the new identity by the attempts before it. */
function laterStep(attempt: Attempt, index: number, { addon, carryOver }: StepsInput): PlanStep {
  const removes = removesSoftware(attempt);
  const how = isRecreate(attempt)
    ? `${removes ? `delete ${addon} and its software` : `delete ${addon} in EKS, preserving its software,`} then create it again with the same version, configuration and tags`
    : `update ${addon} in place`;
  return {
    name: `${attempt.strategy}.${index + 1}`,
    what: `if the pods do not get the new identity: ${how}${removes ? '' : consent(attempt)}, and check the pods again`,
    calls: [
      ...(isRecreate(attempt)
        ? [`eks:DeleteAddon${removes ? '' : ' (preserve)'}`, 'eks:DeletePodIdentityAssociation', 'eks:CreateAddon']
        : ['eks:UpdateAddon']),
      ...carryOverCalls(carryOver),
    ],
    disruption: attempt.disruption,
    undo: UNDO_CREATE,
  };
}

/**
 * Returns the steps of the migration, as text and as API calls, and how each is undone. The first attempt is described in
 * full, later attempts in short.
 */
export function planSteps(input: StepsInput): PlanStep[] {
  const [first, ...later] = input.attempts;
  if (!first) return [];
  const down = removesSoftware(first);
  const undo = isRecreate(first) ? UNDO_CREATE : UNDO_UPDATE;
  return [
    {
      name: 'begin',
      what: 'take the locks and store a snapshot in the ledger',
      calls: [],
      disruption: 'none',
      undo: 'release the locks',
    },
    ...installSteps(input),
    ...repairSteps(input),
    ...standaloneSteps(input),
    ...(isRecreate(first) ? recreateSteps(first, input) : updateSteps(first, input)),
    { name: 'await-active', what: 'wait until it is ACTIVE', calls: [], disruption: down ? 'outage' : 'none', undo },
    ...carryOverSteps(input, undo),
    ...verifySteps(input, undo),
    ...later.map((attempt, index) => laterStep(attempt, index + 1, input)),
    {
      name: 'finish',
      what: 'record the outcome and release the locks',
      calls: [],
      disruption: 'none',
      undo: 'none needed',
    },
  ];
}
