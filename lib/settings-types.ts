// Made by scripts/settings-types.ts from lib/settings.ts: do not edit it.

/**
 * The settings of a deployment, as in its configuration file (docs/configuration.md). Where a setting names another
 * resource (`alarmTopicArn`, `customerKey`, `network`, `notifications.topicArn`, `permissionsBoundaryArn`), its value
 * may be an attribute of that resource, such as `topic.topicArn`.
 */
export interface MigratorSettings {
  /**
   * The roles that add-ons have and will get, by ARN or path, with wildcards, such as `role/eks-addons/*`. No other
   * role can be given to an add-on, or to pods. At most 100 patterns.
   */
  passableRoleArns: string[];
  /**
   * The roles whose trust policy the service may change, by ARN or path: for `trust: repair` and `retire`. If omitted,
   * it may change none, and nothing that could is deployed. At most 100 patterns.
   */
  repairableRoleArns?: string[];
  /**
   * Which roles may be given to which service accounts although neither a trust policy nor an association is evidence
   * for it: for new roles (`roleArn`), and for trust repairs without session tags (ADR 41). Each entry gives every one
   * of its roles to every one of its service accounts in every one of its clusters. At most 100 entries.
   */
  roleGrants?: {
    /** Roles, by ARN or path, with wildcards, such as `role/eks-addons/dns`. */
    roles: string[];
    /** Clusters, by ARN, or by name as `cluster/NAME` for clusters in every account and region, with wildcards. */
    clusters: string[];
    /** Service accounts, as `namespace/name`, with wildcards; the namespace is never only a wildcard. */
    serviceAccounts: string[];
  }[];
  /**
   * For how many days after a migration a requested rollback gives a service account back the role of an association
   * that the migration deleted, while the role's trust policy is unchanged: from 0 to 3650. Later it needs a trust
   * policy that names the service account, or `roleGrants`. Default: `30`.
   */
  rollbackClaimDays?: number;
  /**
   * A managed policy that limits every role of the service, by its ARN, or `policy/NAME` for a policy of this account.
   */
  permissionsBoundaryArn?: string;
  /**
   * `true` to create a KMS key with the stack for all stored data, or the ARN of an existing key. If omitted, AWS's own
   * keys are used.
   */
  customerKey?: boolean | string;
  /**
   * The VPC of the Lambdas that call API servers, for clusters whose API server has a private endpoint only. If
   * omitted, they are in no VPC.
   */
  network?: {
    /** Their subnets, all of one VPC. */
    subnetIds: string[];
    /** Their security groups. */
    securityGroupIds: string[];
  };
  /** Level from which the Lambdas write log lines. Default: `"INFO"`. */
  logLevel?: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  /**
   * A standard SNS topic, in the region of the stack, to which every alarm is sent. If omitted, alarms are visible in
   * CloudWatch only.
   */
  alarmTopicArn?: string;
  /** What is deployed in addition to the state machines. */
  deploy?: {
    /** The HTTP API. Default: `true`. */
    api?: boolean;
    /**
     * The HTTP API's access log. It needs the account's CloudWatch role of API Gateway (docs/api.md); without that role
     * a deployment with it fails. Default: `false`.
     */
    apiAccessLog?: boolean;
    /** The Systems Manager Automation document (docs/runbook.md). Default: `true`. */
    runbook?: boolean;
    /** The rule for CloudTrail's events of denied UpdateAddon calls. Default: `true`. */
    denialRule?: boolean;
  };
  /**
   * Other accounts whose clusters the service works on, and whose denied calls it accepts, by their 12 digits, in
   * quotes; all others are refused. Each needs the stack PodIdentityMigratorSpoke (docs/accounts.md). The stack's own
   * account is always included.
   */
  accounts?: string[];
  /** Regions of a sweep whose request names none. If omitted, the stack's own region. */
  regions?: string[];
  /** Sweeps that start automatically on a schedule (docs/sweeps.md). */
  sweeps?: {
    /** The unique name of the schedule. */
    name: string;
    /**
     * When the sweep is started: `cron(minutes hours day-of-month month day-of-week year)` or `rate(value unit)`, in
     * the syntax of EventBridge Scheduler.
     */
    schedule: string;
    /** Time zone of the schedule, by its name in the IANA database. Default: `"UTC"`. */
    timeZone?: string;
    /** The request of the sweep: see docs/sweeps.md. */
    request: {
      /**
       * What the sweep does. `inventory`: it inspects and classifies. `plan`: it also plans each add-on that is ready.
       * `migrate`: it migrates them in waves.
       */
      mode: 'inventory' | 'plan' | 'migrate';
      /** Which add-ons of the fleet to include. */
      selection?: {
        /** AWS accounts. Default: the service's own account, and all accounts of its configuration. */
        accounts?: string[];
        /** AWS regions. Default: those of the deployment's configuration. */
        regions?: string[];
        /** Patterns of cluster names, of which one must match. `*` stands for any text, `?` for any one character. */
        clusters?: string[];
        /** Tags that a cluster must have, all of them. */
        clusterTags?: Record<string, string>;
        /** Names of add-ons. Default: all. */
        addons?: string[];
        /**
         * What the tag `pod-identity-migration` of clusters and add-ons decides. `opt-out`: all except those tagged
         * `exclude`. `opt-in`: only those tagged `include`. Default: `"opt-out"`.
         */
        tagging?: 'opt-out' | 'opt-in';
      };
      /** How many migrations run at the same time, and when no more are started. */
      limits?: {
        /**
         * Number of migrations in the first wave. Each next wave is twice as large, up to `concurrency`. Default: `1`.
         */
        canary?: number;
        /** Maximum number of migrations that run at the same time. Default: `20`. */
        concurrency?: number;
        /** Maximum number of migrations that run at the same time in one account. Default: `5`. */
        perAccount?: number;
        /** Maximum number of migrations that run at the same time in one region of one account. Default: `5`. */
        perRegion?: number;
        /**
         * Number of failures after which no more migrations start. `rolled-back`, `needs-human` and an end without an
         * outcome are failures. Default: `3`.
         */
        stopAfterFailures?: number;
        /**
         * The same limit as a percentage of the migrations that have ended, once at least `concurrency` have ended.
         * Default: `10`.
         */
        stopAtFailurePercent?: number;
      };
      /** Options of each migration. */
      options?: {
        /** How add-ons are changed, as in a request for a migration. Default: `"auto"`. */
        strategy?: 'auto' | 'in-place' | 'recreate';
        /** Whether Kubernetes objects are kept while an add-on is deleted. Default: `false`. */
        preserve?: boolean;
        /** The maximum disruption that is allowed. */
        maxDisruption?: 'rolling' | 'outage';
        /** The longest allowed forecast for the change of one add-on, in minutes. */
        maxDurationMinutes?: number;
        /** What EKS does with fields that another field manager changed. */
        resolveConflicts?: 'NONE' | 'OVERWRITE' | 'PRESERVE';
        /** What happens to a trust policy that does not allow EKS Pod Identity. Default: `"validate"`. */
        trust?: 'validate' | 'repair';
        /** What must not block a migration, as `KIND:NAME`, as in a request for a migration. */
        accept?: string[];
        /**
         * The tool whose code defines the fleet's add-ons, for what shows no owner, as in a request for a migration.
         */
        iac?:
          | 'terraform'
          | 'pulumi'
          | 'cloudformation'
          | 'cdk'
          | 'eksctl'
          | 'ack'
          | 'crossplane'
          | 'cluster-api'
          | 'kro'
          | 'argo-cd'
          | 'flux'
          | 'helm';
        /** How pods are verified. Default: `"ready"`. */
        verification?: 'injected' | 'ready' | 'api';
        /** What happens to a cluster without the Pod Identity agent. Default: `"require"`. */
        agent?: 'require' | 'install';
        /** Whether each plan must be approved first. Default: `"none"`. */
        approval?: 'none' | 'required';
        /** When migrations may begin. None begins outside the window. */
        changeWindow?: {
          /**
           * When the window opens: a cron schedule of five fields (minute, hour, day of the month, month, day of the
           * week). It must open at least once every year.
           */
          schedule: string;
          /** How long it stays open each time, in minutes: from 15 to 10080 (a week). */
          durationMinutes: number;
          /** Time zone of the schedule, by its name in the IANA database, such as `Europe/Berlin` or `UTC`. */
          timeZone: string;
          /**
           * The longest time that a migration waits for the window, in hours: up to 336 (two weeks). After that it ends
           * `blocked`. Default: `336`.
           */
          waitAtMostHours?: number;
        };
      };
      /** Maximum number of EKS calls per second that the inventory makes in one region of one account. Default: `5`. */
      callsPerSecond?: number;
      reason?: string;
    };
  }[];
  /** Approvals before a change. */
  approvals?: {
    /**
     * `true`: every migration, retirement and reinstatement needs an approval, even if its request requires none.
     * Rollbacks need none (docs/approvals.md). Default: `false`.
     */
    required?: boolean;
    /**
     * Who may approve a request: `anyone` with the right to approve, including the requester; `another-session`, of the
     * same role or not, whose name is chosen when the role is assumed; or `another-role`: another role or user, or
     * another user of IAM Identity Center. Default: `"another-role"`.
     */
    approver?: 'anyone' | 'another-session' | 'another-role';
    /**
     * `true`: a change may be approved although its requester was not authenticated, for example if an execution was
     * started by hand or by the runbook. Only the principal that the request itself names is excluded then. `false`:
     * unless the rule is `anyone`, nobody may approve it. Default: `false`.
     */
    allowUnknownRequester?: boolean;
  };
  /**
   * When migrations and retirements may begin. A request may narrow it with its own window, and never widen it. A
   * reinstatement needs an approval outside of it, and rollbacks do not wait for it (docs/approvals.md). If omitted,
   * changes may begin at any time.
   */
  changeWindow?: {
    /**
     * When the window opens: a cron schedule of five fields (minute, hour, day of the month, month, day of the week).
     * It must open at least once every year.
     */
    schedule: string;
    /** How long it stays open each time, in minutes: from 15 to 10080 (a week). */
    durationMinutes: number;
    /** Time zone of the schedule, by its name in the IANA database, such as `Europe/Berlin` or `UTC`. */
    timeZone: string;
    /**
     * The longest time that a migration waits for the window, in hours: up to 336 (two weeks). After that it ends
     * `blocked`. Default: `336`.
     */
    waitAtMostHours?: number;
  };
  /** The recipients of notifications. */
  notifications?: {
    /** An existing standard SNS topic, in the region of the stack. */
    topicArn?: string;
    /**
     * E-mail addresses: a topic is created, to which each is subscribed once its owner has confirmed it. Not together
     * with `topicArn`.
     */
    emails?: string[];
    /** The events to send. Default: `["approval-needed","waiting","resumed","rolled-back","needs-human"]`. */
    events?: (
      | 'started'
      | 'approval-needed'
      | 'waiting'
      | 'resumed'
      | 'migrated'
      | 'already-migrated'
      | 'planned'
      | 'blocked'
      | 'rolled-back'
      | 'needs-human'
    )[];
  };
  /** What follows a denied UpdateAddon. */
  denials?: {
    /**
     * What follows an UpdateAddon that was denied as a cross-account pass role: `notify` plans and sends a
     * notification; `ask` starts a migration that waits for an approval; `migrate` starts a migration. Default:
     * `"notify"`.
     */
    action?: 'notify' | 'ask' | 'migrate';
    /** For how long further denials of the same add-on are ignored, in hours: from 1 to 720. Default: `24`. */
    quietHours?: number;
  };
  /**
   * How many migrations may wait for an approval or a change window. Beyond that, the API refuses a request (429), and
   * any other execution ends `blocked`.
   */
  waiting?: {
    /**
     * The most migrations of one principal that may wait at once, from 1 to 1000. All sessions of a role are one
     * principal, and so are all requests whose requester was not authenticated. Default: `50`.
     */
    perPrincipal?: number;
    /** Most migrations that wait at once in all, from 1 to 1000. Default: `200`. */
    perDeployment?: number;
  };
  /** What a request to retire the OIDC trust must observe. */
  retirement?: {
    /**
     * The least days (`soakDays`) between the end of a migration and the retirement of its OIDC trust, from 0 to 365. A
     * request with fewer is refused, however it is started. With 0, the request decides. Default: `0`.
     */
    leastSoakDays?: number;
  };
  /**
   * Concurrent executions of the account that are reserved for Lambdas of the service. None by default: Lambda refuses
   * a reservation that leaves an account less than 100, so the service could not be deployed to an account that is
   * limited to ten. The setting `waiting` limits callers.
   */
  reservedConcurrency?: {
    /** Name of the step, as in its Lambda. */
    step:
      | 'plan'
      | 'request-approval'
      | 'await-window'
      | 'begin'
      | 'install-agent'
      | 'repair-trust'
      | 'delete-addon'
      | 'await-deleted'
      | 'create-addon'
      | 'update-addon'
      | 'create-association'
      | 'await-active'
      | 'carry-over'
      | 'verify-pods'
      | 'restart-pods'
      | 'annotate-service-account'
      | 'assess-rollback'
      | 'restore-addon'
      | 'restore-associations'
      | 'pause'
      | 'take-over'
      | 'find-stranded'
      | 'finish'
      | 'retire-trust'
      | 'api'
      | 'publish-events'
      | 'diagnose-denial'
      | 'start-sweep'
      | 'begin-sweep'
      | 'take-inventory'
      | 'dispatch-sweep'
      | 'report-sweep';
    /** How many executions are reserved for it, and the most that it may have at once. */
    executions: number;
  }[];
}
