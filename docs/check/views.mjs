// The rules that hold for a page as it is shown, with every fold open, at each
// width and in each theme:
//
//   axe       no violation found by axe-core: all its rules in the light theme,
//             those about colour in the dark one, and in a theme of the switch
//             where its colours are not those of its system
//   overflow  the page does not scroll sideways
//   listing   from 768 px on, no listing scrolls sideways or is cut off
//   theme     a dark system gives other colours than a light one, and the
//             page's switch (data-theme on <html>) gives the colours of its system
//   switch    clicks on button.theme set data-theme to light and to dark
//   script    the main text is there with and without JavaScript
//   console   no error on the console
//   network   no request leaves for another host

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { mainText } from './source.mjs';

export const WIDTHS = [320, 768, 1280];
const LISTING_FROM = 768;

// The system's scheme, what the switch says, and the theme to be seen then.
const THEMES = [
  { name: 'light', system: 'light', shown: 'light' },
  { name: 'dark', system: 'dark', shown: 'dark' },
  { name: 'dark by switch', system: 'light', choice: 'dark', shown: 'dark' },
  { name: 'light by switch', system: 'dark', choice: 'light', shown: 'light' },
];

// Part of a text that may be missing with or without scripts: a button's label
// or a search field that only one of them shows.
const TEXT_SHARE = 0.9;

// The rules of axe about colour that are on by default. (Its tag cat.color would
// turn on others.)
const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];

// Clicks that must reach every theme of the switch.
const CLICKS = 3;

const isLocal = (url) => /^(file|data|blob|about):/.test(String(url));

// A tab of this width that lets no request out and reports each that tried.
export async function openTab(browser, modules, report, width) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    reducedMotion: 'reduce', // a transition under way shows colours that no theme has
  });
  // Kept by the browser for every page: sending it each time takes longer than its work.
  await context.addInitScript({ path: createRequire(modules).resolve('axe-core/axe.min.js') });
  await context.route((url) => !isLocal(url), (route) => route.abort());
  const tab = await context.newPage();
  const view = { tab, width, report, page: null };
  tab.on('request', (request) => {
    if (!isLocal(request.url())) report.add(view.page, 'network', `requests ${request.url()}`);
  });
  tab.on('websocket', (socket) => {
    report.add(view.page, 'network', `opens ${socket.url()}`);
  });
  tab.on('pageerror', (error) => report.add(view.page, 'console', error.message));
  tab.on('console', (message) => {
    // A refused request is reported as such already.
    if (message.type() === 'error' && isLocal(message.location().url || 'about:')) {
      report.add(view.page, 'console', message.text());
    }
  });
  return view;
}

export async function checkView(view, page, textWithoutScript) {
  const { tab, width, report } = view;
  view.page = page;
  await tab.emulateMedia({ colorScheme: 'light' });
  await tab.goto(pathToFileURL(page).href);
  const label = `${width} px`;

  const text = await tab.evaluate(mainText);
  checkText(report, page, text, textWithoutScript);
  await tab.evaluate(unfold);
  const wide = await tab.evaluate(sidewaysScroll);
  if (wide) report.add(page, 'overflow', `${wide} makes the page scroll sideways`, label);
  if (width >= LISTING_FROM) {
    for (const listing of await tab.evaluate(wideListings)) {
      report.add(page, 'listing', `${listing} does not fit its box`, label);
    }
  }
  await checkThemes(view, page, label);
  await checkSwitch(view, page, label);
}

function checkText(report, page, withScript, withoutScript) {
  const [on, off] = [withScript, withoutScript].map((text) => text.replace(/\s+/g, '').length);
  if (on === 0) report.add(page, 'script', 'no text in <main>');
  if (off < on * TEXT_SHARE) report.add(page, 'script', 'text is missing without JavaScript');
  if (on < off * TEXT_SHARE) report.add(page, 'script', 'a script hides text');
}

async function checkThemes({ tab, report }, page, label) {
  const colours = {};
  for (const { name, system, choice, shown } of THEMES) {
    await tab.emulateMedia({ colorScheme: system });
    if (choice) await tab.evaluate((value) => { document.documentElement.dataset.theme = value; }, choice);
    const now = await tab.evaluate(coloursOfPage);
    if (name === 'dark' && now === colours.light) {
      report.add(page, 'theme', 'a dark system gives the light colours', label);
    }
    if (choice && now !== colours[shown]) {
      report.add(page, 'theme', `data-theme="${choice}" does not give the ${choice} colours`, label);
    }
    colours[name] = now;
    if (choice && now === colours[shown]) continue; // the same to axe as its system
    const rules = name === 'light' ? null : COLOUR_RULES;
    for (const violation of await tab.evaluate(violations, rules)) {
      report.add(page, 'axe', violation, `${label} ${name}`);
    }
  }
}

async function checkSwitch({ tab, report }, page, label) {
  const themes = await tab.evaluate(themesByClicks, CLICKS);
  for (const theme of ['light', 'dark']) {
    if (!themes.includes(theme)) {
      report.add(page, 'switch', `no click on button.theme sets data-theme="${theme}"`, label);
    }
  }
}

// From here on: functions that run in the browser.

async function violations(rules) {
  // Without preload: axe would fetch the style sheets, which file:// refuses.
  const options = { resultTypes: ['violations'], preload: false };
  if (rules) options.runOnly = { type: 'rule', values: rules };
  const result = await window.axe.run(document, options);
  return result.violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id} at ${node.target.flat().join(' ')}: ${help}`));
}

function unfold() {
  for (const fold of document.querySelectorAll('details')) fold.open = true;
}

// One number for all the colours of a page.
function coloursOfPage() {
  let hash = 0;
  for (const element of document.querySelectorAll('*')) {
    const { color, backgroundColor, borderTopColor, fill, stroke, opacity } = getComputedStyle(element);
    for (const letter of `${color} ${backgroundColor} ${borderTopColor} ${fill} ${stroke} ${opacity}`) {
      hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0;
    }
  }
  return hash;
}

function themesByClicks(clicks) {
  const button = document.querySelector('button.theme');
  return Array.from({ length: button ? clicks : 0 }, () => {
    button.click();
    return document.documentElement.dataset.theme;
  });
}

// What sticks out farthest to the right, if the page scrolls sideways.
function sidewaysScroll() {
  const root = document.scrollingElement;
  if (root.scrollWidth <= root.clientWidth) return null;
  const right = (e) => e.getBoundingClientRect().right;
  const widest = [...document.body.querySelectorAll('*')]
    .reduce((best, e) => (right(e) > right(best) ? e : best), document.body);
  return `<${widest.localName}>, ${Math.round(right(widest))} px wide,`;
}

function wideListings() {
  const wide = (e) => e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX !== 'visible';
  return [...document.querySelectorAll('pre')]
    .filter((pre) => [pre, pre.parentElement, ...pre.querySelectorAll('*')].some(wide))
    .map((pre) => `the listing '${pre.innerText.trim().split('\n')[0].slice(0, 40)}'`);
}
