/** Replaces words of names by others, consistently, so that equal names stay equal and patterns still match. */

/** Words that are no one's own: of AWS, Kubernetes, and tools. */
const COMMON = `
  amazon amazonaws api app apps arn assumed autoscaling aws audience bearer boolean bucket c2s ci client cloudformation
  cluster cn com component container controller csi default deploy deployment dev driver ec2 eks eksctl elasticfilesystem
  eu eusc external false federated file fluxcd full gov group helm http https iam id identity instance io irsa is key k8s
  kube kubectl kubernetes kustomize kustomization linux managed meta migrator my namespace node nodes no oidc operator part
  path pod pods policy principal prod provider proxy public read region release request reserved resource restart role
  root s3 saml sandbox secret service serviceaccount session sso sts system tag tags target terraform test toolkit tracking
  true user uri url value web windows annotate account accounts name names of all any sa write argocd argoproj not recorded
  AWSReservedSSO AWSServiceRole PrincipalTag RequestTag ResourceTag TagKeys SourceArn SourceAccount PrincipalArn PrincipalAccount
  PrincipalOrgID ExternalId userid username sub aud amr RoleSessionName SourceIp CurrentTime SecureTransport
  AWS ROLE ARN WEB IDENTITY TOKEN FILE ACCESS KEY ID SECRET SESSION NAME REGION DEFAULT HTTP HTTPS ALL NO PROXY CONTAINER
  CREDENTIALS FULL URI AUTHORIZATION RELATIVE PROFILE CONFIG SHARED STS REGIONAL ENDPOINTS EC2 METADATA DISABLED
  Terraform Pulumi Crossplane CloudFormation Eksctl pulumi crossplane ManagedBy Provisioner ManagedBy IaC iac alpha
  Deployment DaemonSet StatefulSet ServiceAccount spec template annotations labels containers initContainers env image args
  replicas command volumes volumeMounts mountPath tolerations affinity nodeSelector resources limits requests cpu memory
  strategy rollingUpdate maxSurge maxUnavailable updateStrategy type hostNetwork securityContext ports imagePullPolicy
  serviceAccountName livenessProbe readinessProbe terminationGracePeriodSeconds priorityClassName valueFrom
  addon iamserviceaccount podidentityrole Role Role1 nodegroup NodeInstanceRole ServiceRole stack kro crossplane providerconfig
  Exists Equal NoSchedule NoExecute PreferNoSchedule enableNetworkPolicy cilium karpenter metadata host
  EKS Helm edit apply side manager server create update set scale rollout Go HashiCorp
`
  .trim()
  .split(/\s+/);

/** Replaces the hash at the end of a logical ID. */
const HASH = 'A0000000';

const WORD = /[A-Za-z0-9]+/g;
const wordsIn = (text: string): string[] => text.match(WORD) ?? [];

/** Returns the parts of words that stand before a wildcard. */
const fragmentsIn = (texts: readonly string[]): string[] =>
  texts.flatMap((text) => [...text.matchAll(/([A-Za-z0-9]+)[*?]/g)].map(([, fragment = '']) => fragment));

export class Words {
  private readonly kept: ReadonlySet<string>;
  private readonly fragments: readonly string[];
  private readonly codes = new Map<string, string>();
  private readonly accounts = new Map<string, string>();
  private readonly issuers = new Map<string, string>();
  private next = 1;

  /** `known`: texts whose words are kept. `all`: all texts, in whose patterns words may be cut off. */
  constructor(known: readonly string[], all: readonly string[]) {
    this.kept = new Set([...COMMON, ...known.flatMap(wordsIn)]);
    this.fragments = [...new Set(fragmentsIn(all))].sort((a, b) => b.length - a.length);
  }

  private isKept(word: string): boolean {
    // A code is longer than a letter, and names of roles that CloudFormation has cut off are as long as IAM allows.
    return this.kept.has(word) || /^(\d{1,3}|v\d{1,2}|[a-wyzA-Z])$/.test(word);
  }

  /** Returns a code of the length of the word, if there is room: quotas on the length of policies matter. */
  private newCode(length: number): string {
    // No kept word begins with x, and no code begins with another one: patterns match nothing else.
    const code = `x${this.next}y`;
    this.next += 1;
    return code.padEnd(length, 'x');
  }

  /**
   * Returns a code that still looks like what CloudFormation and the CDK add to the names of roles: a random part, or a
   * logical ID that ends with a hash. The service recognizes these owners by it.
   */
  private shapedCode(word: string): string {
    if (word.length > HASH.length + 3 && /^[A-Za-z][A-Za-z0-9]*[0-9A-F]{8}$/.test(word))
      return `${this.newCode(word.length - HASH.length)}${HASH}`;
    const code = this.newCode(word.length);
    return /^(?=[A-Za-z]*\d)(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{12,13}$/.test(word)
      ? code.replace(/x+$/, (rest) => rest.toUpperCase())
      : code;
  }

  private codeOf(word: string): string {
    if (this.isKept(word) || (this.fragments.includes(word) && this.beginsKeptWord(word))) return word;
    const known = this.codes.get(word);
    if (known !== undefined) return known;
    // A pattern that cuts the word off must match its code as well.
    const fragment = this.fragments.find((one) => one.length < word.length && word.startsWith(one));
    const code =
      fragment === undefined
        ? this.shapedCode(word)
        : `${this.fragmentOf(fragment)}${this.newCode(word.length - fragment.length)}`;
    this.codes.set(word, code);
    return code;
  }

  private fragmentOf(fragment: string): string {
    return this.beginsKeptWord(fragment) ? fragment : this.codeOf(fragment);
  }

  private beginsKeptWord(fragment: string): boolean {
    return [...this.kept].some((word) => word.startsWith(fragment));
  }

  private accountOf(account: string): string {
    const known = this.accounts.get(account) ?? String(100_000_000_001 + this.accounts.size);
    this.accounts.set(account, known);
    return known;
  }

  private issuerOf(id: string): string {
    const known = this.issuers.get(id) ?? String(this.issuers.size + 1).padStart(32, '0');
    this.issuers.set(id, known);
    return known;
  }

  /** Returns the text with its own words, account ids and issuers replaced. Names of regions are kept. */
  replace(text: string): string {
    const pattern =
      /\b(?:us|eu|ap|sa|ca|me|af|il|mx|cn|eusc)(?:-[a-z]+)+-\d\b|\b[0-9A-F]{32}\b|\b\d{12}\b|[A-Za-z0-9]+(?=[*?])|[A-Za-z0-9]+/g;
    return text.replaceAll(pattern, (word, offset: number) => {
      if (word.includes('-')) return word;
      if (/^[0-9A-F]{32}$/.test(word)) return this.issuerOf(word);
      if (/^\d{12}$/.test(word)) return this.accountOf(word);
      return /[*?]/.test(text[offset + word.length] ?? '') ? this.fragmentOf(word) : this.codeOf(word);
    });
  }
}
