/**
 * `npm run vulnerabilities` queries the npm registry for advisories about the packages in the lockfile. It fails if one
 * of at least moderate severity is not accepted. `vulnerabilities.json` has the accepted advisories, each with a reason
 * and an end date. An acceptance that has expired or is no longer needed fails too.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..');
const FILE = 'vulnerabilities.json';

/** Maximum number of days for which a finding is accepted; after that, it must be reviewed again. */
const MOST_DAYS = 90;
const DAY_MS = 86_400_000;

const ADVISORY = /GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}/;

const accepted = z.strictObject({
  accepted: z.array(
    z.strictObject({
      /** Id in the GitHub Advisory Database. */
      id: z.string().regex(new RegExp(`^${ADVISORY.source}$`), 'must be an id such as GHSA-xxxx-xxxx-xxxx'),
      /** The affected package. */
      package: z.string().min(1),
      /** Why the finding is harmless here. */
      reason: z.string().min(20, 'must explain why the finding is harmless here'),
      until: z.iso.date(),
    }),
  ),
});
export type Accepted = z.infer<typeof accepted>['accepted'][number];

const SEVERITIES = ['info', 'low', 'moderate', 'high', 'critical'] as const;
type Severity = (typeof SEVERITIES)[number];
/** Lowest severity that fails. */
const FAILS_FROM: Severity = 'moderate';
const isSerious = (severity: Severity): boolean => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(FAILS_FROM);

/**
 * The parts of `npm audit --json` that are used (npm 7 and later). `via` is an advisory, or the name of a package that
 * has one.
 */
const report = z.object({
  auditReportVersion: z.literal(2),
  vulnerabilities: z.record(
    z.string(),
    z.object({
      via: z.array(
        z.union([
          z.string(),
          z.object({
            source: z.union([z.number(), z.string()]),
            name: z.string(),
            title: z.string(),
            url: z.string(),
            severity: z.enum(SEVERITIES),
            range: z.string(),
          }),
        ]),
      ),
    }),
  ),
});

export interface Finding {
  /** Id of the advisory: GitHub's, or the registry's own number if there is none. */
  id: string;
  package: string;
  severity: Severity;
  title: string;
  range: string;
}

/**
 * Returns the advisories of a report, each once, the most severe first. Throws an `Error` if the text is not a report,
 * because a failed audit must not count as one without findings.
 */
export function findingsIn(answer: string): Finding[] {
  let parsed;
  try {
    parsed = report.parse(JSON.parse(answer));
  } catch (error) {
    throw new Error(
      `npm audit returned no report, so vulnerabilities are unknown: ${answer.trim().slice(0, 300) || 'no output'}. Use a registry that supports audits, such as https://registry.npmjs.org.`,
      { cause: error },
    );
  }
  const found = new Map<string, Finding>();
  for (const { via } of Object.values(parsed.vulnerabilities)) {
    for (const one of via) {
      if (typeof one === 'string') continue;
      const { source, name, title, url, severity, range } = one;
      const id = ADVISORY.exec(url)?.[0] ?? String(source);
      found.set(`${id} ${name}`, { id, package: name, severity, title, range });
    }
  }
  return [...found.values()].sort(
    (a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || a.id.localeCompare(b.id),
  );
}

/** Returns the accepted advisories. Throws an `Error` with the invalid fields if the file is invalid. */
export function acceptedIn(text: string): Accepted[] {
  const parsed = accepted.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data.accepted;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw new Error(`${FILE} is invalid: ${problems.join('; ')}. Correct the file.`);
}

/** Returns the problems, one line each. `today` is an ISO date. */
export function problemsOf(findings: readonly Finding[], allowed: readonly Accepted[], today: string): string[] {
  const daysTo = (until: string): number => (Date.parse(until) - Date.parse(today)) / DAY_MS;
  const isFor = (finding: Finding, one: Accepted): boolean => one.id === finding.id && one.package === finding.package;
  return [
    ...findings
      .filter((finding) => isSerious(finding.severity) && !allowed.some((one) => isFor(finding, one)))
      .map(
        ({ id, package: name, severity, title, range }) =>
          `${id}: ${name} ${range} (${severity}): ${title}. Update it, pin a fixed version under overrides, or accept it in ${FILE} with the reason.`,
      ),
    ...allowed.flatMap((one) => {
      const where = `${FILE}, ${one.id} of ${one.package}`;
      if (!findings.some((finding) => isFor(finding, one)))
        return [`${where}: no package has this finding any more. Remove the entry.`];
      if (daysTo(one.until) < 0)
        return [
          `${where}: the acceptance ended on ${one.until}. Update the package, or review the finding and set a later day.`,
        ];
      return daysTo(one.until) > MOST_DAYS
        ? [
            `${where}: the acceptance until ${one.until} is longer than the maximum of ${MOST_DAYS} days. Set an earlier day.`,
          ]
        : [];
    }),
  ];
}

/** Returns npm's output. npm exits with a non-zero status if there are findings, which is not an error here. */
function audit(): string {
  const { stdout, stderr, error } = spawnSync('npm', ['audit', '--json'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error)
    throw new Error('npm could not be started to query advisories. Install npm, then try again.', { cause: error });
  return stdout || stderr;
}

if (import.meta.main) {
  try {
    const findings = findingsIn(audit());
    const allowed = acceptedIn(readFileSync(join(ROOT, FILE), 'utf8'));
    const problems = problemsOf(findings, allowed, new Date().toISOString().slice(0, 10));
    for (const { id, package: name, severity, title } of findings) console.log(`${severity} ${name} ${id}: ${title}`);
    for (const problem of problems) console.error(problem);
    console.log(
      problems.length === 0
        ? `No finding of ${FAILS_FROM} severity or worse that is not accepted (${findings.length} findings in all).`
        : `${problems.length} problems found.`,
    );
    if (problems.length > 0) process.exitCode = 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
