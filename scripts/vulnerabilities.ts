/**
 * `npm run vulnerabilities`: asks the npm registry for advisories about what the lockfile has, and fails where one of
 * them is moderate or worse and nobody has accepted it. `vulnerabilities.json` has those that were accepted, each with
 * its reason and the day on which the acceptance ends; one that is over, or that nothing needs any more, fails too.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..');
const FILE = 'vulnerabilities.json';

/** Longest time for which a finding is accepted, days: then somebody looks again. */
const MOST_DAYS = 90;
const DAY_MS = 86_400_000;

const ADVISORY = /GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}/;

const accepted = z.strictObject({
  accepted: z.array(
    z.strictObject({
      /** Of the GitHub Advisory Database. */
      id: z.string().regex(new RegExp(`^${ADVISORY.source}$`), 'must be an id such as GHSA-xxxx-xxxx-xxxx'),
      /** The package that has it. */
      package: z.string().min(1),
      /** Why it does no harm here. */
      reason: z.string().min(20, 'must say why the finding does no harm here'),
      until: z.iso.date(),
    }),
  ),
});
export type Accepted = z.infer<typeof accepted>['accepted'][number];

const SEVERITIES = ['info', 'low', 'moderate', 'high', 'critical'] as const;
type Severity = (typeof SEVERITIES)[number];
/** From here on a finding fails. */
const FAILS_FROM: Severity = 'moderate';
const isSerious = (severity: Severity): boolean => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(FAILS_FROM);

/** What is read of `npm audit --json`, of npm 7 and later. `via`: an advisory, or the name of a package that has one. */
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
  /** Of the advisory; the registry's own number where it names none of GitHub's. */
  id: string;
  package: string;
  severity: Severity;
  title: string;
  range: string;
}

/**
 * The advisories of a report, each once, the worst first. Throws where it is no report: an audit that could not be made
 * has found nothing, and must not pass for one that was.
 */
export function findingsIn(answer: string): Finding[] {
  let parsed;
  try {
    parsed = report.parse(JSON.parse(answer));
  } catch (error) {
    throw new Error(
      `npm audit gave no report, so nothing is known about vulnerabilities: ${answer.trim().slice(0, 300) || 'it said nothing'}. Run it against a registry that answers audits, such as https://registry.npmjs.org.`,
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

/** Throws where the file is not as it should be, by field. */
export function acceptedIn(text: string): Accepted[] {
  const parsed = accepted.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data.accepted;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw new Error(`${FILE} is not as it should be: ${problems.join('; ')}. Correct it.`);
}

/** What stands in the way, one line each; none where all is well. `today`: ISO date. */
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
        return [`${where}: nothing has this finding any more. Take it out.`];
      if (daysTo(one.until) < 0)
        return [
          `${where}: the acceptance ended on ${one.until}. Update the package, or look again and say until when.`,
        ];
      return daysTo(one.until) > MOST_DAYS
        ? [`${where}: it is accepted until ${one.until}, and ${MOST_DAYS} days is the longest. Name an earlier day.`]
        : [];
    }),
  ];
}

/** npm's answer; it fails by its status where it has found something, which is not an error here. */
function audit(): string {
  const { stdout, stderr, error } = spawnSync('npm', ['audit', '--json'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error)
    throw new Error('npm could not be run to ask for advisories. Install npm, then try again.', { cause: error });
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
        : `${problems.length} to look at.`,
    );
    if (problems.length > 0) process.exitCode = 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
