/** The knobs of a scenario: likely or unknown behavior of AWS, and durations. */
import { z } from 'zod';
import { credentialKnobs } from './credential-knobs.ts';
import { webhookKnobs } from './webhook-knobs.ts';
import { apiKnobs } from './api-knobs.ts';
import { clockKnobs } from './clock-knobs.ts';
import { knob, OURS, readySeconds, seconds } from './knob.ts';

export const knobs = z
  .strictObject({
    keepIrsaRole: knob(
      z.boolean().default(false),
      'likely',
      'hashicorp/terraform-provider-aws#30645: detached (Apr 2025); a contrary report is from Dec 2025',
      'UpdateAddon with associations and without a role leaves the IRSA role set.',
    ),
    roleWithAssociations: knob(
      z.enum(['accept', 'refuse']).default('accept'),
      'likely',
      'EKS User Guide, "Assign IAM roles to add-ons": an add-on may have both; no source shows the update',
      'Whether UpdateAddon may set a role on an add-on that has associations, without changing these; `refuse`: an InvalidParameterException.',
    ),
    ownerArnAfterPreserve: knob(
      z.enum(['keep', 'clear']).default('keep'),
      'unknown',
      OURS,
      'The ownerArn of associations that remain after their add-on was deleted with preserve.',
    ),
    namespaceConfigShown: knob(
      z.enum(['always', 'chosen']).default('always'),
      'likely',
      'a plain create-addon of aws-ebs-csi-driver answered with kube-system (June 2026); in hashicorp/terraform-provider-aws the attribute is computed (#44087)',
      'Whether DescribeAddon shows namespaceConfig for every add-on, or only if a namespace was chosen on creation.',
    ),
    defaultNamespaceShown: knob(
      z.boolean().default(true),
      'likely',
      'EKS User Guide, "Custom namespace for add-ons": DescribeAddonVersions shows it; optional in the API reference, which does not document for which add-ons it is absent',
      "DescribeAddonVersions shows each add-on's defaultNamespace.",
    ),
    fixedNamespaces: knob(
      z.enum(['accept', 'refuse']).default('accept'),
      'unknown',
      'EKS User Guide, "Custom namespace for add-ons": community and AWS add-ons support one; whether add-ons that nodes need do is not documented',
      'How CreateAddon treats a namespace, even the default one, for an add-on in kube-system: accepted, or refused as an InvalidParameterException.',
    ),
    restartOnCreate: knob(
      z.boolean().default(false),
      'unknown',
      OURS,
      'Creating an add-on over preserved objects restarts its pods although nothing in them changed.',
    ),
    annotationAfterRecreate: knob(
      z.enum(['remove', 'keep']).default('remove'),
      'unknown',
      'follows from server-side apply with the same field manager, `eks`',
      "What happens to the service account's role annotation when an add-on without a role is created over preserved objects.",
    ),
    newIdOnReplace: knob(
      z.boolean().default(false),
      'unknown',
      'likely accepted; the id is not known',
      'Whether an association that an add-on owns gets a new id if an update sends it again.',
    ),
    deletedOwnedAssociation: knob(
      z.enum(['dropped', 'shown']).default('dropped'),
      'unknown',
      'EKS User Guide, "Pod Identity: considerations" of add-ons: an owned association may be deleted directly; what DescribeAddon shows then is not documented',
      'After DeletePodIdentityAssociation of an association that an add-on owns, DescribeAddon drops its ARN, or shows it until the associations are next updated.',
    ),
    ownedAssociationLagSeconds: knob(
      seconds.default(0),
      'unknown',
      OURS,
      'Time for which DescribeAddon still lists an association that the add-on owned after it was deleted, directly or by an update of the add-on. It cannot be described, and no other operation lists it.',
    ),
    podsKeepIdentityOnUpdate: knob(
      z.boolean().default(false),
      'unknown',
      'hashicorp/terraform-provider-aws#30645: pods rolled onto Pod Identity (Apr 2025); the contrary report from Dec 2025 does not cover the pods',
      "UpdateAddon with associations neither restarts the pods nor removes the service account's annotation, and the webhook does not use the associations that it created: pods stay on IRSA even after restarts, until the add-on is created again.",
    ),
    podsKeepIdentityOnPreserve: knob(
      z.boolean().default(false),
      'unknown',
      OURS,
      'The same for the associations of CreateAddon over preserved objects: pods stay on IRSA until the objects themselves are created again.',
    ),
    ...webhookKnobs,
    associationDeleteLagSeconds: knob(
      seconds.default(2),
      'likely',
      'aws-controllers-k8s/community#2684: 1 to 3 seconds',
      'Time from DeletePodIdentityAssociation until its namespace and service account can be associated again.',
    ),
    cascadeLagSeconds: knob(
      seconds.default(2),
      'unknown',
      OURS,
      "Time from the add-on's 404 until the associations that it owned are deleted.",
    ),
    deleteStaleSeconds: knob(
      seconds.default(2),
      'likely',
      'the Terraform provider waits with ACTIVE as a pending state of a delete',
      'Time for which DescribeAddon still shows the old status after DeleteAddon.',
    ),
    deletingCluster: knob(
      z.enum(['answers', 'not-found']).default('answers'),
      'unknown',
      'hashicorp/terraform-provider-aws#26528 and its sweeper of add-ons: clusters that ListClusters returns and for which ListAddons answers ResourceNotFoundException; whether these were being deleted is not documented',
      'How EKS answers calls about the add-ons, associations and access entries of a cluster that is DELETING: as before, or that the cluster does not exist. DescribeCluster and ListClusters show it either way.',
    ),
    addonCreateSeconds: knob(
      seconds.default(25),
      'placeholder',
      'upbound/configuration-aws-eks#11: 30 seconds to 4 minutes',
      'Minimum time in CREATING; after it, the add-on waits for its pods.',
    ),
    addonUpdateSeconds: knob(
      seconds.default(15),
      'placeholder',
      OURS,
      'Minimum time in UPDATING; after it, the add-on waits for its pods.',
    ),
    addonDeleteSeconds: knob(
      seconds.default(40),
      'placeholder',
      OURS,
      'Time from DeleteAddon without preserve to the 404.',
    ),
    addonPreserveDeleteSeconds: knob(
      seconds.default(15),
      'placeholder',
      OURS,
      'Time from DeleteAddon with preserve to the 404.',
    ),
    degradedAfterCreateSeconds: knob(
      seconds.default(0),
      'certain',
      'aws-ia/terraform-aws-eks-blueprints-addons#335: DEGRADED 11 seconds after the create, ACTIVE later',
      'Time in DEGRADED after a create, before ACTIVE; 0: none.',
    ),
    createEndsIn: knob(
      z.enum(['ACTIVE', 'CREATE_FAILED', 'DEGRADED']).default('ACTIVE'),
      'certain',
      'EKS API reference: AddonStatus',
      'Final status of every create. In any status other than ACTIVE the add-on stays permanently.',
    ),
    withoutAgent: knob(
      z.enum(['accept', 'refuse', 'degrade']).default('accept'),
      'unknown',
      'likely that aws-fsx-csi-driver reports it; whether as an error or as a health issue of the add-on is not known',
      'CreateAddon or UpdateAddon with associations in a cluster without the Pod Identity agent: accepted, refused, or the created add-on stays DEGRADED.',
    ),
    updateEndsIn: knob(
      z.enum(['ACTIVE', 'UPDATE_FAILED', 'DEGRADED']).default('ACTIVE'),
      'certain',
      'EKS API reference: AddonStatus',
      'Final status of every update of an add-on. In any status other than ACTIVE the update is Failed, and the add-on keeps that status until the next call.',
    ),
    updateConflictEndsIn: knob(
      z.enum(['UPDATE_FAILED', 'DEGRADED']).default('UPDATE_FAILED'),
      'likely',
      'the update is certainly Failed (nebari-dev/nebari#2537); no source reports the status of the add-on',
      'Final status of an add-on whose update conflicts with fields that another manager has changed.',
    ),
    customResourcesOnDelete: knob(
      z.enum(['remove', 'keep']).default('remove'),
      'unknown',
      OURS,
      'Whether DeleteAddon without preserve removes the custom resource definitions of the add-on, and with them all of their resources.',
    ),
    deleteEndsIn: knob(
      z.enum(['GONE', 'DELETE_FAILED']).default('GONE'),
      'certain',
      'EKS API reference: AddonStatus',
      'Final state of every delete of an add-on. With DELETE_FAILED its software and associations remain, and it can be deleted again.',
    ),
    stuckDeleting: knob(
      z.boolean().default(false),
      'certain',
      'hashicorp/terraform-provider-aws#16972 (2021)',
      'A deleted add-on stays DELETING permanently.',
    ),
    podReadySeconds: knob(
      readySeconds.default(12),
      'placeholder',
      OURS,
      'Time from the creation of a pod until it is ready.',
    ),
    podTerminationSeconds: knob(
      seconds.default(3),
      'placeholder',
      OURS,
      'Time from the deletion of a pod until it no longer exists; never longer than its grace period.',
    ),
    deleteWhileBusy: knob(
      z.enum(['accept', 'ResourceInUseException', 'InvalidRequestException']).default('ResourceInUseException'),
      'unknown',
      'the API model lists no ResourceInUseException for DeleteAddon',
      'Response of DeleteAddon while the add-on is CREATING or UPDATING.',
    ),
    eventLagSeconds: knob(
      seconds.default(1),
      'placeholder',
      'EventBridge: typical latency of half a second',
      'Time from an event, such as the end of an execution, until EventBridge invokes its targets.',
    ),
    eventsLost: knob(
      z.boolean().default(false),
      'certain',
      'EventBridge Events Reference, AWS Step Functions events: delivery type best effort',
      'Events of executions never arrive; schedules still run, and events sent with PutEvents still arrive.',
    ),
    ownEventsTwice: knob(
      z.boolean().default(false),
      'certain',
      'EventBridge User Guide, "My rule ran more than once in response to one event"',
      'Events sent with PutEvents are delivered twice, with the same id, the second time `eventLagSeconds` later.',
    ),
    schedulesTwice: knob(
      z.boolean().default(false),
      'certain',
      'EventBridge Scheduler User Guide, "What is Amazon EventBridge Scheduler?": at-least-once delivery',
      'EventBridge Scheduler delivers twice, with the same scheduled time, the second time `eventLagSeconds` later.',
    ),
    iamLagSeconds: knob(
      seconds.default(10),
      'certain',
      'hashicorp/terraform-provider-aws#34711: the text, and that the error is temporary; the seconds are a placeholder',
      'Time after its creation during which a role "does not exist" for EKS.',
    ),
    trustLagSeconds: knob(
      seconds.default(5),
      'placeholder',
      'IAM User Guide, "Changes that I make are not always immediately visible": that it takes time; the seconds are a placeholder',
      'Time after UpdateAssumeRolePolicy during which EKS and STS still use the old trust policy; IAM itself shows the new one at once.',
    ),
    trustPolicyQuota: knob(
      z.number().int().min(2048).max(4096).default(2048),
      'certain',
      'IAM User Guide, "IAM and AWS STS quotas": role trust policy length, 2,048 by default, 4,096 at most',
      'Maximum characters of a trust policy, without white space; UpdateAssumeRolePolicy refuses a longer one.',
    ),
    trustValidation: knob(
      z.enum(['structural', 'evaluated']).default('structural'),
      'likely',
      'aws/aws-cdk#31522, hashicorp/terraform-provider-aws#41483: a missing sts:TagSession is refused; no source reports a refused condition',
      "How EKS validates the trust policy of an association's role. `structural`: some statements must allow the pods' principal both actions. `evaluated`: the whole policy is evaluated for that cluster, namespace and service account; conditions that depend on a pod count as met.",
    ),
    associatedResourceArn: knob(
      z.enum(['cluster', 'absent']).default('absent'),
      'unknown',
      'the cluster\'s ARN as the value is likely (EMR on EKS Development Guide), but not that EKS always sends the key; IAM User Guide, "IAM and AWS STS condition context keys": the key, but not which services send it',
      "The key iam:AssociatedResourceArn when EKS checks iam:PassRole: the cluster's ARN, or absent.",
    ),
    passedToService: knob(
      z.enum(['pods.eks.amazonaws.com', 'eks.amazonaws.com']).default('pods.eks.amazonaws.com'),
      'unknown',
      'for associations: pods.eks.amazonaws.com (EMR on EKS Development Guide, aws-samples/appmod-blueprints#816), eks.amazonaws.com (guides of ACK and Palette); no source shows it for add-ons',
      'The key iam:PassedToService when EKS checks iam:PassRole for the role of an association. The role for IRSA is passed to eks.amazonaws.com either way.',
    ),
    tagOnCreate: knob(
      z.enum(['cluster', 'addon', 'createaddon']).default('cluster'),
      'likely',
      'the cluster: AmazonGuardDutyServiceRolePolicy v12 grants eks:TagResource there, together with eks:CreateAddon; `…:/createaddon`: a denial from December 2021, rpadovani.com/eks-iam-permissions',
      'The resource of eks:TagResource if a create has tags: the cluster, the created resource (`addon/CLUSTER/NAME/*`, `podidentityassociation/CLUSTER/*`), or the operation (`/createaddon`, `/createpodidentityassociation`).',
    ),
    updateAssociationPassesRole: knob(
      z.boolean().default(false),
      'unknown',
      'the CloudFormation schema of AWS::EKS::PodIdentityAssociation lists iam:PassRole and iam:GetRole for an update, but not for which updates',
      'Whether UpdatePodIdentityAssociation without a role requires permission to pass and read the current role of the association.',
    ),
    simulatePrincipalPolicy: knob(
      z.enum(['allow', 'deny']).default('allow'),
      'certain',
      'Service Authorization Reference, IAM: a permission of its own, which many accounts do not grant',
      'Whether callers may use iam:SimulatePrincipalPolicy; with `deny` it answers AccessDenied.',
    ),
    simulationResults: knob(
      z.enum(['action', 'resource']).default('action'),
      'likely',
      'IAM API Reference, EvaluationResult: "now returns a single EvaluationResult per action … Previously … N evaluation results, each containing the same aggregate decision"; since when, and where, is not documented',
      'Results of SimulatePrincipalPolicy for several resources: one for each action, or one for each action and resource, as formerly. The decision on each resource is in ResourceSpecificResults either way.',
    ),
    simulationMissingKeys: knob(
      z.enum(['policies', 'evaluated']).default('policies'),
      'likely',
      'boto/boto3#3111: the keys and policy variables of a statement for another action are listed; IAM API Reference, ResourceSpecificResult: "context keys that are required by the included input policies but that were not provided"',
      'Which keys MissingContextValues lists: all that any statement of the policies uses, or only those of the statements for the simulated action and resource.',
    ),
    timeoutCause: knob(
      z.enum(['empty', 'absent', 'text']).default('empty'),
      'likely',
      'aws-samples/serverless-coffee-workshop#15: `"Cause":""` for a task that waited for its token',
      'The Cause in `$states.errorOutput` of a task that timed out: an empty string, absent, or a text that reports the timeout.',
    ),
    ...apiKnobs,
    ...credentialKnobs,
    ...clockKnobs,
  })
  .meta({
    id: 'Knobs',
    description:
      'Assumptions about AWS where its behavior is uncertain, and durations. Every knob has a default; set only those that must differ.',
  });
export type Knobs = z.infer<typeof knobs>;
