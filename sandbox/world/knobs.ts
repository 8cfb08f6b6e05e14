/** The knobs of a scenario: behaviour of AWS that is likely or unknown, and how long things take. */
import { z } from 'zod';
import { credentialKnobs } from './credential-knobs.ts';
import { apiKnobs } from './api-knobs.ts';
import { clockKnobs } from './clock-knobs.ts';
import { knob, OURS, readySeconds, seconds } from './knob.ts';

export const knobs = z
  .strictObject({
    keepIrsaRole: knob(
      z.boolean().default(false),
      'likely',
      'hashicorp/terraform-provider-aws#30645: detached (Apr 2025); the contrary report is of Dec 2025',
      'UpdateAddon with associations and without a role leaves the IRSA role set.',
    ),
    roleBesideAssociations: knob(
      z.enum(['accept', 'refuse']).default('accept'),
      'likely',
      'EKS User Guide, "Assign IAM roles to add-ons": an add-on may have both; nobody shows the update',
      'Whether UpdateAddon gives a role to an add-on that has associations, where it leaves these as they are; refused as an InvalidParameterException.',
    ),
    ownerArnAfterPreserve: knob(
      z.enum(['keep', 'clear']).default('keep'),
      'unknown',
      OURS,
      'ownerArn of associations that outlive their add-on after a delete with preserve.',
    ),
    namespaceConfigShown: knob(
      z.enum(['always', 'chosen']).default('always'),
      'likely',
      'a plain create-addon of aws-ebs-csi-driver answered with kube-system (June 2026); in hashicorp/terraform-provider-aws the attribute is computed (#44087)',
      'Whether DescribeAddon shows namespaceConfig of every add-on, or only where a create chose a namespace.',
    ),
    defaultNamespaceShown: knob(
      z.boolean().default(true),
      'likely',
      'EKS User Guide, "Custom namespace for add-ons": DescribeAddonVersions shows it; the API reference has it as not required, and does not say for which add-ons it is absent',
      "DescribeAddonVersions shows each add-on's defaultNamespace.",
    ),
    fixedNamespaces: knob(
      z.enum(['accept', 'refuse']).default('accept'),
      'unknown',
      'EKS User Guide, "Custom namespace for add-ons": community and AWS add-ons take one; whether those that nodes need do is not said',
      'What CreateAddon answers where it names a namespace, even the default one, for an add-on of kube-system: accepted, or refused as an InvalidParameterException.',
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
      'that it is accepted is likely; the id is not known',
      'An add-on that sends one of its own associations again gets it under a new id.',
    ),
    deletedOwnedAssociation: knob(
      z.enum(['dropped', 'shown']).default('dropped'),
      'unknown',
      'EKS User Guide, "Pod Identity: considerations" of add-ons: an owned association may be deleted directly; what DescribeAddon shows then it does not say',
      'After DeletePodIdentityAssociation of an association that an add-on owns, DescribeAddon drops its ARN, or shows it until the associations are next updated.',
    ),
    podsKeepIdentityOnUpdate: knob(
      z.boolean().default(false),
      'unknown',
      'hashicorp/terraform-provider-aws#30645: pods rolled onto Pod Identity (Apr 2025); the contrary report of Dec 2025 leaves open what became of the pods',
      "UpdateAddon with associations neither restarts the pods nor takes the service account's annotation away, and the webhook does not use the associations that it made: pods stay on IRSA however often they restart, until the add-on is created again.",
    ),
    podsKeepIdentityOnPreserve: knob(
      z.boolean().default(false),
      'unknown',
      OURS,
      'The same for the associations of CreateAddon over preserved objects: pods stay on IRSA until the objects themselves are made anew.',
    ),
    webhookLagSeconds: knob(
      seconds.default(0),
      'likely',
      'aws/eks-pod-identity-agent#52, aws/amazon-eks-pod-identity-webhook#264: 0 to 10 seconds',
      'From the association to the webhook knowing it; pods that are admitted before go without.',
    ),
    webhookRemovalLagSeconds: knob(
      seconds.default(0),
      'likely',
      'EKS User Guide, "Pod Identity: considerations": eventually consistent, with delays of several seconds; nobody says how long the webhook knows an association that is gone',
      'From the removal of an association to the webhook no longer knowing it; pods that are admitted before get the environment of EKS Pod Identity, and no credentials.',
    ),
    associationDeleteLagSeconds: knob(
      seconds.default(2),
      'likely',
      'aws-controllers-k8s/community#2684: 1 to 3 seconds',
      'From DeletePodIdentityAssociation to its namespace and service account being free again.',
    ),
    cascadeLagSeconds: knob(
      seconds.default(2),
      'unknown',
      OURS,
      "From the add-on's 404 to the associations that it owned being gone.",
    ),
    deleteStaleSeconds: knob(
      seconds.default(2),
      'likely',
      'the Terraform provider waits with ACTIVE as a pending state of a delete',
      'How long DescribeAddon still shows the old status after DeleteAddon.',
    ),
    deletingCluster: knob(
      z.enum(['answers', 'not-found']).default('answers'),
      'unknown',
      'hashicorp/terraform-provider-aws#26528 and its sweeper of add-ons: clusters that ListClusters names and for which ListAddons answers ResourceNotFoundException; whether those were being deleted is not said',
      'What EKS answers about the add-ons, associations and access entries of a cluster that is DELETING: as before, or that it finds no such cluster. DescribeCluster and ListClusters show it either way.',
    ),
    addonCreateSeconds: knob(
      seconds.default(25),
      'placeholder',
      'upbound/configuration-aws-eks#11: 30 seconds to 4 minutes',
      'CREATING lasts so long at least; then the add-on waits for its pods.',
    ),
    addonUpdateSeconds: knob(
      seconds.default(15),
      'placeholder',
      OURS,
      'UPDATING lasts so long at least; then the add-on waits for its pods.',
    ),
    addonDeleteSeconds: knob(seconds.default(40), 'placeholder', OURS, 'From DeleteAddon without preserve to the 404.'),
    addonPreserveDeleteSeconds: knob(
      seconds.default(15),
      'placeholder',
      OURS,
      'From DeleteAddon with preserve to the 404.',
    ),
    degradedAfterCreateSeconds: knob(
      seconds.default(0),
      'certain',
      'aws-ia/terraform-aws-eks-blueprints-addons#335: DEGRADED 11 seconds after the create, ACTIVE later',
      'DEGRADED for that long after a create, before ACTIVE; 0: not at all.',
    ),
    createEndsIn: knob(
      z.enum(['ACTIVE', 'CREATE_FAILED', 'DEGRADED']).default('ACTIVE'),
      'certain',
      'EKS API reference: AddonStatus',
      'Where every create ends. In another state than ACTIVE the add-on stays for good.',
    ),
    withoutAgent: knob(
      z.enum(['accept', 'refuse', 'degrade']).default('accept'),
      'unknown',
      'only that aws-fsx-csi-driver says so is likely, not whether as an answer or as an issue of the add-on',
      'CreateAddon or UpdateAddon with associations in a cluster without the Pod Identity agent: accepted, refused, or the created add-on stays DEGRADED.',
    ),
    updateEndsIn: knob(
      z.enum(['ACTIVE', 'UPDATE_FAILED', 'DEGRADED']).default('ACTIVE'),
      'certain',
      'EKS API reference: AddonStatus',
      'Where every update of an add-on ends. In another state than ACTIVE the update is Failed, and the add-on stays there until the next call.',
    ),
    updateConflictEndsIn: knob(
      z.enum(['UPDATE_FAILED', 'DEGRADED']).default('UPDATE_FAILED'),
      'likely',
      'that the update is Failed is certain (nebari-dev/nebari#2537); the status of the add-on is not reported',
      'Where an add-on ends whose update met fields that others have changed.',
    ),
    customResourcesOnDelete: knob(
      z.enum(['remove', 'keep']).default('remove'),
      'unknown',
      OURS,
      'DeleteAddon without preserve removes the definitions of custom resources that came with the add-on, and with them all such resources.',
    ),
    deleteEndsIn: knob(
      z.enum(['GONE', 'DELETE_FAILED']).default('GONE'),
      'certain',
      'EKS API reference: AddonStatus',
      'Where every delete of an add-on ends. With DELETE_FAILED its software and associations stay, and it can be deleted again.',
    ),
    stuckDeleting: knob(
      z.boolean().default(false),
      'certain',
      'hashicorp/terraform-provider-aws#16972 (2021)',
      'A deleted add-on stays DELETING for good.',
    ),
    podReadySeconds: knob(
      readySeconds.default(12),
      'placeholder',
      OURS,
      'From the creation of a pod to its being ready.',
    ),
    podTerminationSeconds: knob(
      seconds.default(3),
      'placeholder',
      OURS,
      'From the deletion of a pod to its being gone; never longer than its grace period.',
    ),
    deleteWhileBusy: knob(
      z.enum(['accept', 'ResourceInUseException', 'InvalidRequestException']).default('ResourceInUseException'),
      'unknown',
      'the API model names no ResourceInUseException for DeleteAddon',
      'What DeleteAddon answers while the add-on is CREATING or UPDATING.',
    ),
    eventLagSeconds: knob(
      seconds.default(1),
      'placeholder',
      'EventBridge: typical latency of half a second',
      'From an event, such as the end of an execution, to what EventBridge starts because of it.',
    ),
    eventsLost: knob(
      z.boolean().default(false),
      'certain',
      'EventBridge Events Reference, AWS Step Functions events: delivery type best effort',
      'Events of executions never arrive; schedules go on, and what was put by PutEvents arrives.',
    ),
    ownEventsTwice: knob(
      z.boolean().default(false),
      'certain',
      'EventBridge User Guide, "My rule ran more than once in response to one event"',
      'What was put by PutEvents is delivered twice, with one id, the second time after `eventLagSeconds` more.',
    ),
    schedulesTwice: knob(
      z.boolean().default(false),
      'certain',
      'EventBridge Scheduler User Guide, "What is Amazon EventBridge Scheduler?": at-least-once delivery',
      'What is due by EventBridge Scheduler is delivered twice, with one scheduled time, the second time `eventLagSeconds` later.',
    ),
    iamLagSeconds: knob(
      seconds.default(10),
      'certain',
      'hashicorp/terraform-provider-aws#34711: the text and that it passes; the seconds are a placeholder',
      'A role that is younger "does not exist" yet for EKS.',
    ),
    trustLagSeconds: knob(
      seconds.default(5),
      'placeholder',
      'IAM User Guide, "Changes that I make are not always immediately visible": that it takes time; the seconds are a placeholder',
      'After UpdateAssumeRolePolicy EKS and STS still go by the old trust policy for so long; IAM itself shows the new one at once.',
    ),
    trustPolicyQuota: knob(
      z.number().int().min(2048).max(4096).default(2048),
      'certain',
      'IAM User Guide, "IAM and AWS STS quotas": role trust policy length, 2,048 by default, 4,096 at most',
      'Characters of a trust policy, without white space, over which UpdateAssumeRolePolicy refuses it.',
    ),
    trustValidation: knob(
      z.enum(['structural', 'evaluated']).default('structural'),
      'likely',
      'aws/aws-cdk#31522, hashicorp/terraform-provider-aws#41483: a missing sts:TagSession is refused; nobody reports a condition that was',
      "How EKS judges the trust policy of a role that an association gets. `structural`: some statements allow the pods' principal both actions. `evaluated`: the whole policy for that cluster, namespace and service account; what only a pod would decide is taken.",
    ),
    associatedResourceArn: knob(
      z.enum(['cluster', 'absent']).default('absent'),
      'unknown',
      'that the key has the cluster\'s ARN is likely (EMR on EKS Development Guide), not that EKS always sends it; IAM User Guide, "IAM and AWS STS condition context keys": the key, not which services send it',
      "iam:AssociatedResourceArn where EKS asks iam:PassRole: the cluster's ARN, or no such key.",
    ),
    passedToService: knob(
      z.enum(['pods.eks.amazonaws.com', 'eks.amazonaws.com']).default('pods.eks.amazonaws.com'),
      'unknown',
      'of associations: pods.eks.amazonaws.com (EMR on EKS Development Guide, aws-samples/appmod-blueprints#816), eks.amazonaws.com (guides of ACK and Palette); nobody shows it of add-ons',
      'iam:PassedToService where EKS asks iam:PassRole for the role of an association. The role that IRSA uses is passed to eks.amazonaws.com either way.',
    ),
    tagOnCreate: knob(
      z.enum(['cluster', 'addon', 'createaddon']).default('cluster'),
      'likely',
      'the cluster: AmazonGuardDutyServiceRolePolicy v12 grants eks:TagResource there, beside eks:CreateAddon; `…:/createaddon`: a denial of December 2021, rpadovani.com/eks-iam-permissions',
      'The resource of eks:TagResource where a create has tags: the cluster, what is created (`addon/CLUSTER/NAME/*`, `podidentityassociation/CLUSTER/*`), or the operation (`/createaddon`, `/createpodidentityassociation`).',
    ),
    updateAssociationPassesRole: knob(
      z.boolean().default(false),
      'unknown',
      'the CloudFormation schema of AWS::EKS::PodIdentityAssociation lists iam:PassRole and iam:GetRole for an update, and does not say for which',
      'UpdatePodIdentityAssociation that names no role wants the rights to pass and to read the one that the association has.',
    ),
    simulatePrincipalPolicy: knob(
      z.enum(['allow', 'deny']).default('allow'),
      'certain',
      'Service Authorization Reference, IAM: a right of its own, which many accounts keep for themselves',
      'Whether anybody may ask iam:SimulatePrincipalPolicy; with `deny` it answers AccessDenied.',
    ),
    simulationResults: knob(
      z.enum(['action', 'resource']).default('action'),
      'likely',
      'IAM API Reference, EvaluationResult: "now returns a single EvaluationResult per action … Previously … N evaluation results, each containing the same aggregate decision"; since when, and where, it does not say',
      'What SimulatePrincipalPolicy answers where it is asked about several resources: one result for each action, or for each action and resource, as it did before. What is decided of each resource is in ResourceSpecificResults either way.',
    ),
    simulationMissingKeys: knob(
      z.enum(['evaluated', 'policies']).default('evaluated'),
      'unknown',
      'IAM API Reference, ResourceSpecificResult: "context keys that are required by the included input policies but that were not provided": whether those of statements that are not about the action too, it does not say',
      'Which keys MissingContextValues names: those that the decision came upon, or all that any statement of the policies asks for.',
    ),
    timeoutCause: knob(
      z.enum(['empty', 'absent', 'text']).default('empty'),
      'likely',
      'aws-samples/serverless-coffee-workshop#15: `"Cause":""` of a task that waited for its token',
      'What `$states.errorOutput` has as the Cause of a task that took too long: an empty text, none at all, or one that says so.',
    ),
    ...apiKnobs,
    ...credentialKnobs,
    ...clockKnobs,
  })
  .meta({
    id: 'Knobs',
    description:
      'How AWS behaves where nobody knows for sure, and how long things take. Every knob has a default; name those that shall differ.',
  });
export type Knobs = z.infer<typeof knobs>;
