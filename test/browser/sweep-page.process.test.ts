/** Opens the page of a sweep's report from a file, in a browser without network. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReportRow } from '../../lambdas/domain/sweep/report.ts';
import { outcomeOf, STATUSES, statusOf, TONES } from '../../lambdas/domain/sweep/statuses.ts';
import { reportPage } from '../../lambdas/report-page/page.ts';
import { fleetReport } from '../lambdas/domain/sweep-report-fixtures.ts';
import { Files, type Opened, PATIENCE, reasonToSkip } from './chromium.ts';
import { cells, contrasts, focused, nameless, rolesIn, sticksOut } from './measure.ts';

/** The page reacts to an action in tasks of its own, so assertions are polled. */
const SOON = { timeout: PATIENCE };
/** A folder for screenshots of the page, for people to review. */
const PICTURES = process.env['PICTURES'];

const reason = reasonToSkip();
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

const report = fleetReport();
const html = reportPage(report);
const rowsWhere = (test: (row: ReportRow) => boolean): number => report.rows.filter(test).length;
const back = report.rows.find(({ outcome }) => outcome === 'rolled-back')!;
const ANCHOR = `#a-${back.account}/${back.region}/${back.cluster}/${back.addon}`;
const COMMAND = `pod-identity show ${back.migrationId} --state FILE`;

let files: Files;
const opened: Opened[] = [];
const open = async (...given: Parameters<Files['open']>) => {
  const one = await files.open(...given);
  opened.push(one);
  return one.page;
};
const title = { dialog: '#detail[open] h2' };

describe.skipIf(reason !== undefined)(
  `the page of a sweep in Chromium${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    beforeAll(async () => void (files = await Files.begin()));
    afterAll(async () => {
      await files?.end();
    });
    // Called at the end of each test, so that late console messages are recorded too.
    const quiet = async (): Promise<void> => {
      for (const { page, heard } of opened.splice(0)) {
        await page.context().close();
        expect(heard).toEqual([]);
      }
    };

    it('has a cell for each row, with its sign and its label', async () => {
      const page = await open(html);
      const links = page.locator('#matrix tbody a');
      await expect.poll(() => links.count(), SOON).toBe(report.rows.length);
      const texts = await links.allInnerTexts();
      const labels = report.rows.map((row) => `${STATUSES[statusOf(row)].sign} ${STATUSES[statusOf(row)].label}`);
      expect(texts.toSorted()).toEqual(labels.toSorted());
      // Find the cell by its row and its column.
      const column = (await page.locator('#matrix thead th').allInnerTexts()).indexOf(back.addon!);
      const row = page
        .locator('#matrix tbody tr')
        .filter({ hasText: back.cluster! })
        .filter({ hasText: `${back.account} · ${back.region}` });
      expect(
        await row
          .locator('td')
          .nth(column - 1)
          .innerText(),
      ).toBe('↺ Rolled back');
      await expect.poll(() => page.locator('#list tbody tr').count(), SOON).toBe(report.rows.length);
      await quiet();
    });

    it('filters by class, outcome, location and text, and keeps the filters in its URL', async () => {
      const page = await open(html);
      const shown = page.getByRole('status');
      await page.getByLabel('Outcome').selectOption('Rolled back');
      const failed = rowsWhere((row) => outcomeOf(row) === 'rolled-back');
      await expect
        .poll(() => shown.innerText(), SOON)
        .toMatch(new RegExp(`^Showing ${failed} of ${report.rows.length} rows, in \\d+ clusters\\.$`));
      expect(new Set(await cells(page, 'Outcome'))).toEqual(new Set(['↺ Rolled back']));
      await expect.poll(() => page.locator('#matrix tbody a').count(), SOON).toBe(failed);
      await page.getByRole('combobox', { name: 'Location' }).selectOption(`${back.account} ${back.region}`);
      expect(new Set(await cells(page, 'Region'))).toEqual(new Set([back.region]));
      await page.reload();
      await expect.poll(() => page.getByLabel('Outcome').inputValue(), SOON).toBe('rolled-back');
      expect(new Set(await cells(page, 'Account'))).toEqual(new Set([back.account]));
      await page.getByRole('button', { name: 'Show all' }).click();
      await expect.poll(() => shown.innerText(), SOON).toContain(`Showing ${report.rows.length} of`);
      await page.getByRole('searchbox', { name: 'Search' }).pressSequentially('AGENT blocked ');
      await expect
        .poll(() => page.locator('#list tbody tr').count(), SOON)
        .toBe(rowsWhere(({ checks }) => checks.some(({ id }) => id === 'agent')));
      await page.getByRole('searchbox', { name: 'Search' }).fill('no such thing');
      await expect.poll(() => shown.innerText(), SOON).toBe(`Showing 0 of ${report.rows.length} rows, in 0 clusters.`);
      // A tile links to the rows that it counts.
      await page.getByRole('link', { name: 'Node role' }).first().click();
      await expect.poll(async () => new Set(await cells(page, 'Found')), SOON).toEqual(new Set(['◇ Node role']));
      await expect.poll(() => page.locator('#list tbody tr').count(), SOON).toBe(report.totals.byClass['node-role']);
      await page.goBack();
      await page.waitForFunction('document.querySelector("[name=q]").value === "no such thing"');
      await expect.poll(() => page.locator('#list tbody tr').count(), SOON).toBe(0);
      await quiet();
    });

    it('sorts by any column in both orders, with empty values last', async () => {
      const page = await open(html);
      const head = page.getByRole('columnheader', { name: 'Duration' });
      const took = async (): Promise<(number | undefined)[]> =>
        (await cells(page, 'Duration')).map((text) =>
          text === ''
            ? undefined
            : text
                .split(' ')
                .reduce(
                  (sum, part, at, all) => (at % 2 === 0 ? sum + Number(part) * (all[at + 1] === 'min' ? 60 : 1) : sum),
                  0,
                ),
        );
      const seconds = report.rows.flatMap((row) => row.seconds ?? []).toSorted((a, b) => a - b);
      const rest = Array.from<undefined>({ length: report.rows.length - seconds.length });
      await head.getByRole('button').click();
      await expect.poll(() => head.getAttribute('aria-sort'), SOON).toBe('ascending');
      await expect.poll(() => took(), SOON).toEqual([...seconds, ...rest]);
      await head.getByRole('button').press('Enter');
      await expect.poll(() => head.getAttribute('aria-sort'), SOON).toBe('descending');
      await expect.poll(() => took(), SOON).toEqual([...seconds.toReversed(), ...rest]);
      const cluster = page.getByRole('columnheader', { name: 'Cluster' }).and(page.locator('[data-sort]'));
      await cluster.getByRole('button').press('Space');
      await expect.poll(() => head.getAttribute('aria-sort'), SOON).toBeNull();
      const names = await cells(page, 'Cluster');
      expect(names.filter(Boolean)).toEqual(names.filter(Boolean).toSorted());
      await quiet();
    });

    it('opens the details of an add-on, and returns focus to the link when they are closed', async () => {
      const page = await open(html);
      const link = page.locator(`#matrix a[href="${ANCHOR}"]`);
      await link.click();
      await expect.poll(() => page.locator(title.dialog).innerText(), SOON).toBe(`${back.addon} on ${back.cluster}`);
      expect(page.url()).toContain(ANCHOR);
      const detail = page.getByRole('dialog', { name: `${back.addon} on ${back.cluster}` });
      for (const text of [
        COMMAND,
        back.failure!.message,
        back.migrationId!,
        '59 s (simulated)',
        'Rolled back',
        '2026-01-15 09:11:59 UTC',
      ])
        await expect.poll(() => detail.innerText(), SOON).toContain(text);
      await page.keyboard.press('Escape');
      await expect.poll(() => page.locator('#detail').isVisible(), SOON).toBe(false);
      await expect.poll(async () => (await focused(page)).href, SOON).toBe(ANCHOR);
      // The blocking checks, with their remedies.
      await page
        .getByRole('link', { name: /^Blocked, / })
        .first()
        .click();
      await expect.poll(() => page.locator('#detail').innerText(), SOON).toContain('What to do: ');
      await page.getByRole('button', { name: 'Close' }).click();
      await expect.poll(() => page.locator('#detail').isVisible(), SOON).toBe(false);
      await quiet();
    });

    it('opens the details of an add-on from a URL, and closes them when the user navigates back', async () => {
      const page = await open(html, { hash: `${ANCHOR}?outcome=rolled-back` });
      await expect.poll(() => page.locator(title.dialog).innerText(), SOON).toBe(`${back.addon} on ${back.cluster}`);
      expect(new Set(await cells(page, 'Outcome'))).toEqual(new Set(['↺ Rolled back']));
      await page.keyboard.press('Escape');
      await page.locator('#list tbody a').last().click();
      await expect.poll(() => page.locator('#detail').isVisible(), SOON).toBe(true);
      await page.goBack();
      await page.waitForFunction('!document.getElementById("detail").open');
      expect(new Set(await cells(page, 'Outcome'))).toEqual(new Set(['↺ Rolled back']));
      await quiet();
    });

    it('can be used with the keyboard alone', async () => {
      const page = await open(html);
      await page.keyboard.press('Tab');
      await expect.poll(async () => (await focused(page)).text, SOON).toBe('Skip to the fleet');
      await page.keyboard.press('Enter');
      // The tab stops up to the matrix: four filters, a button, the box that scrolls, and its first cell.
      const stops: string[] = [];
      while (!(await focused(page)).inMatrix && stops.length < 10) {
        await page.keyboard.press('Tab');
        stops.push((await focused(page)).tag);
      }
      expect(stops).toEqual(['SELECT', 'SELECT', 'SELECT', 'INPUT', 'BUTTON', 'DIV', 'A']);
      const { href } = await focused(page);
      await page.keyboard.press('Enter');
      await page.locator(title.dialog).waitFor();
      await expect.poll(async () => (await focused(page)).tag, SOON).toBe('H2');
      // Nothing behind the dialog can be reached while it is open.
      for (let presses = 0; presses < 6; presses += 1) {
        await page.keyboard.press('Tab');
        await expect.poll(async () => (await focused(page)).inMatrix, SOON).toBe(false);
      }
      await page.keyboard.press('Escape');
      await expect.poll(async () => (await focused(page)).href, SOON).toBe(href);
      expect(await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
      await quiet();
    });

    it.each([
      ['1280', WIDE],
      ['390', NARROW],
    ] as const)(
      'has landmarks, headings, captions and roles for assistive technology, %s pixels wide',
      async (_, viewport) => {
        const page = await open(html, { viewport });
        const landmarks = ['banner', 'main', 'contentinfo', 'search', 'status'] as const;
        await expect
          .poll(() => Promise.all(landmarks.map((role) => page.getByRole(role).count())), SOON)
          .toEqual([1, 1, 1, 1, 1]);
        const levels = await page.evaluate<number[]>(
          '[...document.querySelectorAll("h1,h2,h3")].filter((one) => one.checkVisibility()).map((one) => Number(one.tagName[1]))',
        );
        expect(levels[0]).toBe(1);
        levels.forEach((level, at) => expect(level - (levels[at - 1] ?? 0)).toBeLessThanOrEqual(1));
        expect(levels.filter((level) => level === 1)).toHaveLength(1);
        const captions = await page.evaluate<number>(
          '[...document.querySelectorAll("table")].filter((one) => one.caption && one.caption.textContent).length',
        );
        expect(captions).toBe(await page.locator('table').count());
        const roles = await rolesIn(page);
        expect(roles['table']).toBe(captions);
        const [rows, clusters] = [
          await page.locator('#list tbody tr').count(),
          await page.locator('#matrix tbody tr').count(),
        ];
        expect(roles['rowheader']).toBeGreaterThanOrEqual(rows + clusters);
        expect(roles['cell']).toBeGreaterThan(rows * 3);
        await expect.poll(() => nameless(page), SOON).toEqual([]);
        expect(
          await page.getByRole('link', { name: `Rolled back, ${back.addon} on ${back.cluster}` }).count(),
        ).toBeGreaterThan(0);
        await quiet();
      },
    );

    it.each([
      ['light', '1280', WIDE],
      ['dark', '1280', WIDE],
      ['light', '390', NARROW],
      ['dark', '390', NARROW],
    ] as const)(
      'has readable contrast and fits the screen, %s, %s pixels wide',
      async (colorScheme, width, viewport) => {
        const page = await open(html, { colorScheme, viewport });
        const all = await contrasts(page);
        // Without an element of each tone, the assertion on contrast would check nothing of that tone.
        expect(TONES.filter((tone) => !all.some(({ text }) => text.startsWith(`s s-${tone}`)))).toEqual([]);
        expect(all.filter(({ ratio, least }) => ratio < least)).toEqual([]);
        await expect.poll(() => sticksOut(page), SOON).toEqual({ wider: 0, elements: [] });
        if (PICTURES !== undefined)
          await page.screenshot({ path: join(PICTURES, `${colorScheme}-${width}.png`), fullPage: true });
        await page.locator('#matrix a', { hasText: 'Rolled back' }).first().click();
        await page.locator(title.dialog).waitFor();
        await expect
          .poll(async () => (await contrasts(page)).filter(({ ratio, least }) => ratio < least), SOON)
          .toEqual([]);
        await expect.poll(() => sticksOut(page), SOON).toEqual({ wider: 0, elements: [] });
        await quiet();
      },
    );

    it('is no wider than a small screen with names of the maximum length', async () => {
      const long = (letter: string): string => letter.repeat(100);
      const rows = report.rows.map((row) => ({
        ...row,
        ...(row.cluster === undefined ? {} : { cluster: long('c') }),
        ...(row.addon === undefined ? {} : { addon: row.addon + long('a') }),
        reason: long('r'),
        checks: row.checks.map((check) => ({ ...check, id: long('i'), message: long('m') })),
      }));
      const page = await open(
        reportPage({
          ...report,
          rows,
          blockers: [{ id: long('i'), addons: 1, example: long('e'), remedy: long('w') }],
          request: { ...report.request, reason: long('y').repeat(9) },
        }),
        { viewport: NARROW },
      );
      await expect.poll(() => sticksOut(page), SOON).toEqual({ wider: 0, elements: [] });
      await quiet();
    });

    it('has the totals and the add-ons without JavaScript', async () => {
      const page = await open(html, { javaScriptEnabled: false });
      await expect.poll(() => page.getByText('need JavaScript').isVisible(), SOON).toBe(true);
      await expect.poll(() => page.locator('#list tbody tr').count(), SOON).toBe(report.rows.length);
      await expect.poll(() => page.locator('#filters').isVisible(), SOON).toBe(false);
      await expect.poll(() => page.locator('#matrix').isVisible(), SOON).toBe(false);
      await expect.poll(() => page.getByRole('link', { name: '42' }).isVisible(), SOON).toBe(true);
      await quiet();
    });

    it('has no columns for outcomes in the report of an inventory', async () => {
      const page = await open(reportPage(fleetReport({ mode: 'inventory' })));
      await expect
        .poll(
          async () => (await page.locator('#list thead th:visible').allInnerTexts()).map((text) => text.trim()),
          SOON,
        )
        .toEqual(['Add-on', 'Cluster', 'Account', 'Region', 'Found', 'Reason']);
      await expect.poll(() => page.getByRole('combobox').count(), SOON).toBe(2);
      await expect.poll(() => page.getByRole('heading', { name: 'What the sweep did' }).count(), SOON).toBe(0);
      await quiet();
    });

    it('shows third-party text as text, and runs none of it', async () => {
      const text = '</script><img src=x onerror=alert(1)>\u202e';
      const page = await open(
        reportPage({
          ...report,
          rows: report.rows.map((row) => ({
            ...row,
            ...(row.cluster === undefined ? {} : { cluster: text }),
            reason: text,
          })),
        }),
      );
      await expect
        .poll(async () => (await cells(page, 'Cluster'))[0], SOON)
        .toBe('</script><img src=x onerror=alert(1)>\\u202e');
      await page.locator('#matrix td[data-label] a').first().click();
      await expect.poll(() => page.locator(title.dialog).innerText(), SOON).toContain('<img src=x onerror=alert(1)>');
      await expect.poll(() => page.locator('img').count(), SOON).toBe(0);
      await quiet();
    });

    it('does not run injected markup, because of its Content Security Policy', async () => {
      const { page, heard } = await files.open(
        html.replace(
          '<main>',
          '<main><script>document.title = "taken"</script><img src="https://example.com/x" onerror="document.title = \'taken\'" alt="">',
        ),
      );
      await expect.poll(() => page.title(), SOON).toBe(`Fleet sweep ${report.sweepId} (simulated)`);
      const refusals = heard.filter((one) => one.includes('Content Security Policy'));
      expect(['script-src', 'img-src'].filter((directive) => !refusals.some((one) => one.includes(directive)))).toEqual(
        [],
      );
      await page.context().close();
    });

    it('stays usable with ten thousand rows', async () => {
      const large = fleetReport({ clusters: 340 });
      expect(large.rows.length).toBeGreaterThan(10_000);
      const page = await open(reportPage(large));
      await expect
        .poll(() => page.getByRole('status').innerText(), SOON)
        .toContain(`Showing ${large.rows.length.toLocaleString('en')} of`);
      await expect.poll(() => page.locator('#list tbody tr').count(), SOON).toBe(200);
      await page.getByRole('button', { name: /more rows/ }).click();
      await expect.poll(() => page.locator('#list tbody tr').count(), SOON).toBe(400);
      const clusters = await page.locator('#matrix tbody tr').count();
      await page.getByRole('button', { name: /more clusters/ }).click();
      await expect.poll(() => page.locator('#matrix tbody tr').count(), SOON).toBe(clusters * 2);
      await page.getByRole('searchbox').fill('search-prod-331');
      await expect
        .poll(() => page.locator('#list tbody tr').count(), SOON)
        .toBe(large.rows.filter(({ cluster }) => cluster === 'search-prod-331').length);
      expect((await page.pdf()).subarray(0, 5).toString()).toBe('%PDF-');
      await quiet();
    });
  },
);
