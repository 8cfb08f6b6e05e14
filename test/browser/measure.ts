/** Measurements inside a page, as text that the page runs: the tests themselves have no DOM types. */
import type { Page } from 'playwright-core';
import { words } from '../words.ts';

export interface Contrast {
  text: string;
  ratio: number;
  /** WCAG 2.2, 1.4.3: 4.5, and 3 for large text. */
  least: number;
}

/**
 * Returns, for each visible text, the contrast of its colour with its background, by WCAG's formula for relative
 * luminance.
 */
export const contrasts = (page: Page): Promise<Contrast[]> =>
  page.evaluate<Contrast[]>(`(() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const [red, green, blue, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
        if (alpha === 1) return [red, green, blue];
        if (alpha !== 0) throw new Error('half transparent: ' + at.className);
      }
      throw new Error('nothing is behind ' + element.tagName);
    };
    const luminance = (rgb) => {
      const [red, green, blue] = rgb.slice(0, 3).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    // Texts whose ancestors have the same tags and classes are measured once.
    const likeness = (element) => (element === document.body ? '' : likeness(element.parentElement) + '>' + element.tagName + '.' + element.className);
    const found = new Map();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement;
      const key = likeness(element);
      if (!texts.currentNode.data.trim() || found.has(key) || element.closest('option,script') || !element.checkVisibility()) continue;
      const style = getComputedStyle(element);
      const [light, dark] = [luminance(channels(style.color)), luminance(behind(element))].sort((a, b) => b - a);
      const size = parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      found.set(key, { text: element.className + ': ' + texts.currentNode.data.trim().slice(0, 40), ratio: (light + 0.05) / (dark + 0.05), least: isLarge ? 3 : 4.5 });
    }
    return [...found.values()];
  })()`);

/**
 * Returns by how much the page is wider than the window, and which elements stick out, except those that scroll inside
 * a box of their own.
 */
export const sticksOut = (page: Page): Promise<{ wider: number; elements: string[] }> =>
  page.evaluate(`(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const out = [...document.body.querySelectorAll('*')].filter((one) => !one.closest('.box,pre,.skip,.hidden') && one.checkVisibility() && one.getBoundingClientRect().right > clientWidth + 1);
    return { wider: scrollWidth - clientWidth, elements: out.map((one) => one.tagName + ' ' + one.className) };
  })()`);

/** Returns the texts of a column's cells. */
export const cells = (page: Page, column: string): Promise<string[]> =>
  page.locator(`#list tbody td[data-label="${column}"]`).allInnerTexts();

/** Returns the tag, the text and the link of the element that has the focus. */
export const focused = (page: Page): Promise<{ tag: string; text: string; inMatrix: boolean; href: string | null }> =>
  page.evaluate(`(() => {
    const one = document.activeElement;
    return { tag: one.tagName, text: one.textContent.trim(), inMatrix: Boolean(one.closest('#matrix')), href: one.getAttribute('href') };
  })()`);

/** Returns how many nodes have each role in the tree that the browser exposes to assistive technology. */
export const rolesIn = async (page: Page): Promise<Record<string, number>> => {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const roles: Record<string, number> = {};
  for (const { ignored, role } of nodes)
    if (!ignored && typeof role?.value === 'string') roles[role.value] = (roles[role.value] ?? 0) + 1;
  return roles;
};

/** Returns the roles of the interactive elements that have no name. */
export const nameless = async (page: Page): Promise<string[]> => {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const operated = new Set(words`link button combobox searchbox textbox dialog region table search`);
  return nodes.flatMap(({ ignored, role, name }) =>
    !ignored && operated.has(String(role?.value)) && !name?.value ? [String(role?.value)] : [],
  );
};
