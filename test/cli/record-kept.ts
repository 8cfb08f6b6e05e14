/**
 * The strings that a recording contains, by what they were read from. They are names and ARNs of objects, keys of tags,
 * labels and selectors, policies without free text, versions and settings that AWS gives, images, and paths of volumes:
 * what a decision needs itself. Everything else that is read is read without being written.
 */
type Rows = readonly (readonly [kinds: string, paths: string])[];

/** Returns the paths by kind. */
export const byKind = (rows: Rows): Record<string, string> =>
  Object.fromEntries(
    rows.flatMap(([kinds, paths]) => kinds.split(/\s+/).map((kind) => [kind, paths.split(/\s+/).join(' ')] as const)),
  );

/** The groups of consumers, and their resources. */
const GROUPS = `/apis/aws.crossplane.io/v1 /apis/aws.m.upbound.io/v1 /apis/aws.upbound.io/v1 /apis/cert-manager.io/v1
      /apis/external-secrets.io/v1 /apis/fluxcd.controlplane.io/v1 /apis/generators.external-secrets.io/v1
      /apis/helm.toolkit.fluxcd.io/v1 /apis/image.toolkit.fluxcd.io/v1 /apis/keda.sh/v1
      /apis/kustomize.toolkit.fluxcd.io/v1 /apis/secrets-store.csi.x-k8s.io/v1 /apis/secrets.hashicorp.com/v1
      /apis/source.toolkit.fluxcd.io/v1`;
const CUSTOM_RESOURCES = `/apis/aws.crossplane.io/v1/providerconfigs /apis/aws.m.upbound.io/v1/clusterproviderconfigs
      /apis/aws.m.upbound.io/v1/providerconfigs /apis/aws.upbound.io/v1/providerconfigs
      /apis/cert-manager.io/v1/clusterissuers /apis/cert-manager.io/v1/issuers
      /apis/external-secrets.io/v1/clustersecretstores /apis/external-secrets.io/v1/externalsecrets
      /apis/external-secrets.io/v1/pushsecrets /apis/external-secrets.io/v1/secretstores
      /apis/fluxcd.controlplane.io/v1/resourcesetinputproviders
      /apis/generators.external-secrets.io/v1/clustergenerators
      /apis/generators.external-secrets.io/v1/codeartifactauthorizationtokens
      /apis/generators.external-secrets.io/v1/ecrauthorizationtokens
      /apis/generators.external-secrets.io/v1/vaultdynamicsecrets /apis/helm.toolkit.fluxcd.io/v1/helmreleases
      /apis/image.toolkit.fluxcd.io/v1/imagerepositories /apis/keda.sh/v1/clustertriggerauthentications
      /apis/keda.sh/v1/scaledjobs /apis/keda.sh/v1/scaledobjects /apis/keda.sh/v1/triggerauthentications
      /apis/kustomize.toolkit.fluxcd.io/v1/kustomizations /apis/secrets-store.csi.x-k8s.io/v1/secretproviderclasses
      /apis/secrets.hashicorp.com/v1/vaultauthglobals /apis/secrets.hashicorp.com/v1/vaultauths
      /apis/source.toolkit.fluxcd.io/v1/buckets /apis/source.toolkit.fluxcd.io/v1/gitrepositories
      /apis/source.toolkit.fluxcd.io/v1/ocirepositories`;

/** As the recording is. */
export const KEPT: Rows = [
  [
    `DescribeAccessEntry`,
    `accessEntry.kubernetesGroups accessEntry.principalArn accessEntry.tags.crossplane-name accessEntry.tags{key}`,
  ],
  [
    `DescribeAddon`,
    `addon.addonVersion addon.namespaceConfig.namespace addon.serviceAccountRoleArn addon.tags.crossplane-name
      addon.tags{key}`,
  ],
  [
    `DescribeAddonConfiguration`,
    `configurationSchema podIdentityConfiguration.recommendedManagedPolicies
      podIdentityConfiguration.serviceAccount`,
  ],
  [
    `DescribeAddonVersions`,
    `addons.addonVersions.addonVersion addons.defaultNamespace addons.owner addons.publisher addons.type`,
  ],
  [
    `DescribeCluster`,
    `cluster.computeConfig.nodeRoleArn cluster.platformVersion cluster.status cluster.tags.crossplane-name
      cluster.tags{key} cluster.version`,
  ],
  [
    `DescribeFargateProfile`,
    `fargateProfile.fargateProfileName fargateProfile.podExecutionRoleArn fargateProfile.selectors.labels.$
      fargateProfile.selectors.labels{key} fargateProfile.selectors.namespace`,
  ],
  [
    `DescribePodIdentityAssociation`,
    `association.associationId association.namespace association.policy.Statement.Action
      association.policy.Statement.Condition.StringEquals.aws:SourceAccount
      association.policy.Statement.Condition.StringEquals{key} association.policy.Statement.Resource
      association.policy.Statement.Sid association.roleArn association.serviceAccount
      association.tags.crossplane-name association.tags{key} association.targetRoleArn`,
  ],
  [
    `/api/v1/nodes`,
    `metadata.labels.ManagedBy metadata.labels.app metadata.labels.app.kubernetes.io/name
      metadata.labels.argocd.argoproj.io/instance metadata.labels.argocd.argoproj.io/tracking-id
      metadata.labels.authenticationSource metadata.labels.crossplane-name metadata.labels.note
      metadata.labels.secretProviderClass`,
  ],
  [`/api/v1/persistentvolumes`, `metadata.name spec.claimRef.name spec.claimRef.namespace`],
  [
    `/api/v1/pods /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations /apis/aws.crossplane.io/$
      /apis/aws.m.upbound.io/$ /apis/aws.upbound.io/$ /apis/cert-manager.io/$ /apis/external-secrets.io/$
      /apis/fluxcd.controlplane.io/$ /apis/generators.external-secrets.io/$ /apis/helm.toolkit.fluxcd.io/$
      /apis/image.toolkit.fluxcd.io/$ /apis/keda.sh/$ /apis/kustomize.toolkit.fluxcd.io/$
      /apis/secrets-store.csi.x-k8s.io/$ /apis/secrets.hashicorp.com/$ /apis/source.toolkit.fluxcd.io/$
      GetOpenIDConnectProvider GetPolicy ListAccessEntries ListFargateProfiles ListPodIdentityAssociations`,
    ``,
  ],
  [
    `/api/v1/serviceaccounts`,
    `metadata.annotations.argocd.argoproj.io/tracking-id metadata.annotations.eks.amazonaws.com/skip-containers
      metadata.labels.app metadata.labels.app.kubernetes.io/name metadata.labels.argocd.argoproj.io/instance
      metadata.name metadata.namespace`,
  ],
  [`/apis`, `groups.versions.version`],
  [
    `/apis/apps/v1/daemonsets /apis/apps/v1/deployments /apis/apps/v1/statefulsets`,
    `metadata.annotations.argocd.argoproj.io/tracking-id metadata.annotations.eks.amazonaws.com/skip-containers
      metadata.name metadata.namespace spec.template.metadata.annotations.argocd.argoproj.io/tracking-id
      spec.template.metadata.annotations.eks.amazonaws.com/skip-containers spec.template.metadata.labels.ManagedBy
      spec.template.metadata.labels.app spec.template.metadata.labels.app.kubernetes.io/name
      spec.template.metadata.labels.argocd.argoproj.io/instance
      spec.template.metadata.labels.argocd.argoproj.io/tracking-id
      spec.template.metadata.labels.authenticationSource spec.template.metadata.labels.crossplane-name
      spec.template.metadata.labels.eks.amazonaws.com/audience
      spec.template.metadata.labels.eks.amazonaws.com/role-arn
      spec.template.metadata.labels.eks.amazonaws.com/skip-containers
      spec.template.metadata.labels.eks.amazonaws.com/token-expiration
      spec.template.metadata.labels.kubernetes.io/os spec.template.metadata.labels.note
      spec.template.metadata.labels.secretProviderClass spec.template.spec.containers.env.name
      spec.template.spec.containers.image spec.template.spec.containers.name
      spec.template.spec.initContainers.env.name spec.template.spec.initContainers.image
      spec.template.spec.initContainers.name spec.template.spec.initContainers.volumeMounts.mountPath
      spec.template.spec.nodeSelector.$ spec.template.spec.nodeSelector{key} spec.template.spec.serviceAccountName
      spec.template.spec.volumes.csi.volumeAttributes.secretProviderClass
      spec.template.spec.volumes.projected.sources.serviceAccountToken.path`,
  ],
  [`/apis/autoscaling/v2/horizontalpodautoscalers`, `metadata.namespace spec.scaleTargetRef.name`],
  [GROUPS, `resources.kind`],
  [
    CUSTOM_RESOURCES,
    `metadata.name metadata.namespace spec.acme.solvers.dns01.route53.auth.kubernetes.serviceAccountRef.name
      spec.acme.solvers.dns01.route53.auth.kubernetes.serviceAccountRef.namespace
      spec.acme.solvers.dns01.route53.role spec.allowedNamespaces spec.assumeRole.roleARN spec.assumeRoleARN
      spec.assumeRoleWithWebIdentity.roleARN spec.auth.jwt.serviceAccountRef.name
      spec.auth.jwt.serviceAccountRef.namespace spec.aws.irsaServiceAccount
      spec.awsSecretManager.podIdentity.roleArn spec.credentials.webIdentity.roleARN
      spec.credentials.webIdentity.tokenConfig.fs.path spec.data.sourceRef.generatorRef.kind
      spec.data.sourceRef.generatorRef.name spec.data.sourceRef.storeRef.kind spec.data.sourceRef.storeRef.name
      spec.dataFrom.sourceRef.generatorRef.kind spec.dataFrom.sourceRef.generatorRef.name
      spec.dataFrom.sourceRef.storeRef.kind spec.dataFrom.sourceRef.storeRef.name spec.decryption.serviceAccountName
      spec.generator.ecrAuthorizationTokenSpec.auth.jwt.serviceAccountRef.name
      spec.generator.ecrAuthorizationTokenSpec.auth.jwt.serviceAccountRef.namespace
      spec.generator.stsSessionTokenSpec.auth.jwt.serviceAccountRef.name
      spec.generator.stsSessionTokenSpec.auth.jwt.serviceAccountRef.namespace
      spec.generator.vaultDynamicSecretSpec.provider.auth.iam.jwt.serviceAccountRef.name
      spec.generator.vaultDynamicSecretSpec.provider.auth.iam.jwt.serviceAccountRef.namespace
      spec.jobTargetRef.template.spec.serviceAccount spec.jobTargetRef.template.spec.serviceAccountName
      spec.kubeConfig.configMapRef.name spec.podIdentity.roleArn spec.provider.auth.iam.jwt.serviceAccountRef.name
      spec.provider.auth.iam.jwt.serviceAccountRef.namespace spec.provider.aws.auth.jwt.serviceAccountRef.name
      spec.provider.aws.auth.jwt.serviceAccountRef.namespace spec.provider.vault.auth.iam.jwt.serviceAccountRef.name
      spec.provider.vault.auth.iam.jwt.serviceAccountRef.namespace spec.scaleTargetRef.kind spec.scaleTargetRef.name
      spec.secretStoreRef.kind spec.secretStoreRef.name spec.secretStoreRefs.kind spec.secretStoreRefs.name
      spec.selector.generatorRef.kind spec.selector.generatorRef.name spec.serviceAccountName
      spec.triggers.authenticationRef.kind spec.triggers.authenticationRef.name spec.vault.auth.aws.iamRoleArn
      spec.vault.auth.aws.serviceAccountRef.name spec.vault.auth.aws.serviceAccountRef.namespace`,
  ],
  [
    `/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies /apis/cilium.io/v2/ciliumnetworkpolicies`,
    `metadata.name metadata.namespace spec.egress.toEndpoints.matchExpressions.key
      spec.egress.toEndpoints.matchExpressions.values spec.egress.toEndpoints.matchLabels.$
      spec.egress.toEndpoints.matchLabels.other spec.egress.toEndpoints.matchLabels{key}
      spec.endpointSelector.matchExpressions.key spec.endpointSelector.matchExpressions.values
      spec.endpointSelector.matchLabels.$ spec.endpointSelector.matchLabels.other
      spec.endpointSelector.matchLabels{key}`,
  ],
  [
    `/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs /apis/networking.k8s.aws/v1alpha1/policyendpoints
      /apis/opentelemetry.io/v1alpha1/instrumentations /apis/opentelemetry.io/v1alpha1/opampbridges
      /apis/opentelemetry.io/v1alpha1/opentelemetrycollectors /apis/opentelemetry.io/v1alpha1/targetallocators`,
    `kind metadata.name metadata.namespace`,
  ],
  [
    `/apis/karpenter.sh/v1/nodepools`,
    `metadata.name metadata.namespace spec.template.spec.nodeClassRef.group spec.template.spec.taints.key
      spec.template.spec.taints.value`,
  ],
  [
    `/apis/networking.k8s.io/v1/networkpolicies`,
    `metadata.name metadata.namespace spec.egress.ports.port spec.egress.to.namespaceSelector.matchExpressions.key
      spec.egress.to.namespaceSelector.matchExpressions.values spec.egress.to.namespaceSelector.matchLabels.$
      spec.egress.to.namespaceSelector.matchLabels{key} spec.egress.to.podSelector.matchExpressions.key
      spec.egress.to.podSelector.matchExpressions.values spec.egress.to.podSelector.matchLabels.$
      spec.egress.to.podSelector.matchLabels{key} spec.ingress.from.namespaceSelector.matchExpressions.key
      spec.ingress.from.namespaceSelector.matchExpressions.values spec.ingress.from.namespaceSelector.matchLabels.$
      spec.ingress.from.namespaceSelector.matchLabels{key} spec.ingress.from.podSelector.matchExpressions.key
      spec.ingress.from.podSelector.matchExpressions.values spec.ingress.from.podSelector.matchLabels.$
      spec.ingress.from.podSelector.matchLabels{key} spec.ingress.ports.port spec.podSelector.matchExpressions.key
      spec.podSelector.matchExpressions.values spec.podSelector.matchLabels.$ spec.podSelector.matchLabels{key}`,
  ],
  [`/apis/policy/v1/poddisruptionbudgets`, `metadata.name metadata.namespace`],
  [
    `GetPolicyVersion`,
    `PolicyVersion.Document.Statement.Action
      PolicyVersion.Document.Statement.Condition.StringEquals.aws:SourceAccount
      PolicyVersion.Document.Statement.Condition.StringEquals{key} PolicyVersion.Document.Statement.Resource
      PolicyVersion.Document.Statement.Sid`,
  ],
  [
    `GetRole`,
    `Role.AssumeRolePolicyDocument.Statement.Action
      Role.AssumeRolePolicyDocument.Statement.Condition.StringEquals.aws:SourceAccount
      Role.AssumeRolePolicyDocument.Statement.Condition.StringEquals{key}
      Role.AssumeRolePolicyDocument.Statement.Principal.AWS Role.AssumeRolePolicyDocument.Statement.Sid
      Role.PermissionsBoundary.PermissionsBoundaryArn Role.Tags.Key`,
  ],
  [
    `GetRolePolicy`,
    `PolicyDocument.Statement.Action PolicyDocument.Statement.Condition.StringEquals.aws:SourceAccount
      PolicyDocument.Statement.Condition.StringEquals{key} PolicyDocument.Statement.Resource
      PolicyDocument.Statement.Sid`,
  ],
  [`ListAddons`, `addons`],
  [
    `ListAssociatedAccessPolicies`,
    `associatedAccessPolicies.accessScope.namespaces associatedAccessPolicies.policyArn`,
  ],
  [`ListAttachedRolePolicies`, `AttachedPolicies.PolicyArn`],
  [`ListCapabilities`, `capabilities.capabilityName`],
  [`ListRolePolicies`, `PolicyNames`],
  [`ListRoles`, `Roles.Arn`],
];

/** Anonymised: what AWS gives, kinds and versions of objects, and the actions of policies. */
export const KEPT_ANONYMISED: Rows = [
  [
    `DescribeAccessEntry DescribeFargateProfile /api/v1/nodes /api/v1/persistentvolumes /api/v1/pods
      /api/v1/serviceaccounts /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations
      /apis/apps/v1/daemonsets /apis/apps/v1/deployments /apis/apps/v1/statefulsets
      /apis/autoscaling/v2/horizontalpodautoscalers /apis/aws.crossplane.io/$ /apis/aws.m.upbound.io/$
      /apis/aws.upbound.io/$ /apis/cert-manager.io/$ /apis/cilium.io/v2/ciliumclusterwidenetworkpolicies
      /apis/cilium.io/v2/ciliumnetworkpolicies /apis/external-secrets.io/$ /apis/fluxcd.controlplane.io/$
      /apis/generators.external-secrets.io/$ /apis/helm.toolkit.fluxcd.io/$ /apis/image.toolkit.fluxcd.io/$
      /apis/keda.sh/$ /apis/kustomize.toolkit.fluxcd.io/$ /apis/networking.k8s.io/v1/networkpolicies
      /apis/policy/v1/poddisruptionbudgets /apis/secrets-store.csi.x-k8s.io/$ /apis/secrets.hashicorp.com/$
      /apis/source.toolkit.fluxcd.io/$ GetOpenIDConnectProvider GetPolicy ListAccessEntries
      ListAssociatedAccessPolicies ListAttachedRolePolicies ListCapabilities ListFargateProfiles
      ListPodIdentityAssociations ListRolePolicies ListRoles`,
    ``,
  ],
  [`DescribeAddon`, `addon.addonVersion`],
  [
    `DescribeAddonConfiguration`,
    `configurationSchema podIdentityConfiguration.recommendedManagedPolicies
      podIdentityConfiguration.serviceAccount`,
  ],
  [
    `DescribeAddonVersions`,
    `addons.addonVersions.addonVersion addons.defaultNamespace addons.owner addons.publisher addons.type`,
  ],
  [`DescribeCluster`, `cluster.platformVersion cluster.status cluster.version`],
  [`DescribePodIdentityAssociation`, `association.policy.Statement.Action`],
  [`/apis`, `groups.versions.version`],
  [GROUPS, `resources.kind`],
  [
    CUSTOM_RESOURCES,
    `spec.data.sourceRef.generatorRef.kind spec.data.sourceRef.storeRef.kind
      spec.dataFrom.sourceRef.generatorRef.kind spec.dataFrom.sourceRef.storeRef.kind spec.scaleTargetRef.kind
      spec.secretStoreRef.kind spec.secretStoreRefs.kind spec.selector.generatorRef.kind
      spec.triggers.authenticationRef.kind`,
  ],
  [
    `/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs /apis/networking.k8s.aws/v1alpha1/policyendpoints
      /apis/opentelemetry.io/v1alpha1/instrumentations /apis/opentelemetry.io/v1alpha1/opampbridges
      /apis/opentelemetry.io/v1alpha1/opentelemetrycollectors /apis/opentelemetry.io/v1alpha1/targetallocators`,
    `kind`,
  ],
  [`/apis/karpenter.sh/v1/nodepools`, `spec.template.spec.nodeClassRef.group`],
  [`GetPolicyVersion`, `PolicyVersion.Document.Statement.Action`],
  [`GetRole`, `Role.AssumeRolePolicyDocument.Statement.Action`],
  [`GetRolePolicy`, `PolicyDocument.Statement.Action`],
  [`ListAddons`, `addons`],
];
