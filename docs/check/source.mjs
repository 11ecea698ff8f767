// The rules that hold for a page as it was written, before any script has run:
//
//   link      each local link, request and url() leads to a file of the book,
//             and its #fragment to an id there; links to the web are http,
//             https or mailto
//   foreign   nothing that a browser would fetch lies on another host
//   id        no id stands twice
//   h1        one h1
//   weight    the page with everything it fetches is under 200 KB

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const LIMIT = 200_000;

// Links a reader may follow to the web, as against what a browser fetches by itself.
const FOLLOWED = ['http:', 'https:', 'mailto:'];

// What <link rel> may name without the browser fetching it.
const NOT_FETCHED = ['alternate', 'author', 'bookmark', 'canonical', 'contents', 'help',
  'license', 'next', 'prev', 'search', 'up'];

// Runs in the browser: the main text as it is to be seen. (innerText alone
// would give the text of a hidden element as well.)
export function mainText() {
  const main = document.querySelector('main');
  return main?.checkVisibility({ opacityProperty: true }) ? main.innerText : '';
}

// Runs in the browser: what the page refers to, and what can be referred to in it.
function references(notFetched) {
  const elements = [...document.querySelectorAll('*')];
  const found = {
    ids: elements.map((e) => e.id).filter(Boolean),
    h1: document.querySelectorAll('h1').length,
    links: [], fetched: [], css: [],
  };
  const fetching = ['src', 'poster', 'background', 'ping', 'action', 'formaction', 'data'];
  for (const e of elements) {
    const tag = e.localName;
    for (const { localName: name, value } of e.attributes) {
      if (name === 'href') {
        const follows = tag === 'a' || tag === 'area'
          || (tag === 'link' && e.rel.split(/\s+/).every((rel) => notFetched.includes(rel)));
        (follows ? found.links : found.fetched).push(value);
      } else if (name === 'srcset' || name === 'imagesrcset') {
        found.fetched.push(...value.split(/,\s/).map((part) => part.trim().split(/\s/)[0]));
      } else if (fetching.includes(name)) {
        found.fetched.push(value);
      } else if (value.includes('url(')) {
        found.css.push(value);
      }
    }
    if (tag === 'style') found.css.push(e.textContent);
    if (tag === 'meta' && /^refresh$/i.test(e.httpEquiv)) {
      found.fetched.push(e.content.replace(/^.*?url\s*=\s*/i, ''));
    }
  }
  return found;
}

export async function readFacts(tab, file) {
  await tab.goto(pathToFileURL(file).href);
  const text = await tab.evaluate(mainText);
  return { text, ...await tab.evaluate(references, NOT_FETCHED) };
}

// What a style sheet or a style attribute makes the browser fetch.
function urlsOfCss(text) {
  const css = text.replace(/\/\*[^]*?\*\//g, '');
  const pattern = /url\(\s*(?:"([^"]*)"|'([^']*)'|([^)"']*?))\s*\)|@import\s+(?:"([^"]*)"|'([^']*)')/g;
  return [...css.matchAll(pattern)].map((match) => match.slice(1).find((part) => part !== undefined));
}

// The rules over all pages at once: `pages` maps the path of a page to its facts.
export class SourceRules {
  constructor(book, pages, report) {
    this.book = path.resolve(book) + path.sep;
    this.pages = pages;
    this.report = report;
  }

  check(page) {
    const { ids, h1, links, fetched, css } = this.pages.get(page);
    this.ids(page, ids);
    if (h1 !== 1) this.report.add(page, 'h1', `${h1} h1 elements instead of one`);

    const base = pathToFileURL(page);
    for (const href of links) this.link(page, base, href);
    const files = new Set([page]);
    for (const url of [...fetched, ...css.flatMap(urlsOfCss)]) this.fetch(page, base, url, files);
    this.weight(page, files);
  }

  ids(page, ids) {
    const seen = new Set();
    for (const id of ids) {
      if (seen.has(id)) this.report.add(page, 'id', `the id '${id}' stands twice`);
      seen.add(id);
    }
  }

  link(page, base, href) {
    const url = this.parse(page, base, href);
    if (!url || FOLLOWED.includes(url.protocol)) return;
    if (url.protocol === 'file:') this.local(page, url, href);
    else this.report.add(page, 'link', `'${href}' is not a link for a book`);
  }

  // Notes in `files` what is fetched, and what a style sheet fetches in its turn.
  fetch(page, base, reference, files) {
    const url = this.parse(page, base, reference);
    if (!url || url.protocol === 'data:') return;
    if (url.protocol !== 'file:' || url.host) {
      this.report.add(page, 'foreign', `'${reference}' is fetched from elsewhere`);
      return;
    }
    const file = this.local(page, url, reference);
    if (!file || files.has(file)) return;
    files.add(file);
    if (file.endsWith('.css')) {
      const text = fs.readFileSync(file, 'utf8');
      for (const inner of urlsOfCss(text)) this.fetch(page, pathToFileURL(file), inner, files);
    }
  }

  parse(page, base, reference) {
    if (URL.canParse(reference, base)) return new URL(reference, base);
    this.report.add(page, 'link', `'${reference}' is not an address`);
    return null;
  }

  // The file a local reference leads to, or null after a report.
  local(page, url, reference) {
    const file = url.host ? '' : fileURLToPath(url);
    if (!file.startsWith(this.book)) {
      this.report.add(page, 'link', `'${reference}' leads out of the book`);
      return null;
    }
    if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) {
      this.report.add(page, 'link', `'${reference}' leads to no file`);
      return null;
    }
    const id = decodeURIComponent(url.hash.slice(1));
    if (id && !this.idsOf(file).has(id)) {
      this.report.add(page, 'link', `'${reference}' leads to no such id`);
    }
    return file;
  }

  idsOf(file) {
    if (this.pages.has(file)) return new Set(this.pages.get(file).ids);
    const text = fs.readFileSync(file, 'utf8');
    return new Set([...text.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1]));
  }

  weight(page, files) {
    const bytes = [...files].reduce((sum, file) => sum + fs.statSync(file).size, 0);
    if (bytes >= LIMIT) {
      this.report.add(page, 'weight', `${bytes} bytes with all it fetches, ${LIMIT} are too many`);
    }
  }
}
