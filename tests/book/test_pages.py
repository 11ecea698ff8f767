#!/usr/bin/env python3
"""Tests of docs/check/pages.mjs: good pages, and for each rule pages that must fail.

Each broken page is tests/book/pages/good.html with one passage replaced. All
of them are checked in one run, since the browser is what takes time. A page
must give all the reports expected and no other, so a rule that fires where it
should not fails here too.

Environment: PAGE_CHECK is the folder in which the packages of
docs/check/package.json are installed, CHROMIUM the browser.
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOL = HERE.parents[1] / "docs" / "check" / "pages.mjs"
GOOD = HERE / "pages"
PAGE = (GOOD / "good.html").read_text()

SHEET = (GOOD / "style.css").read_text()

PARAGRAPH = "<p>It breaks"
LINK = '<link rel="stylesheet" href="style.css">'
BAD = "https://example.org/x"
DARK_SYSTEM = "@media (prefers-color-scheme: dark)"


def added(html):
    """A replacement that puts this before the first paragraph."""
    return PARAGRAPH, html + PARAGRAPH


def styled(css):
    """A replacement that adds a style sheet."""
    return LINK, f"{LINK}<style>{css}</style>"


def scripted(code):
    """A replacement that adds a script."""
    return LINK, f"{LINK}<script>{code}</script>"


def sheet(name):
    """A replacement that takes another style sheet."""
    return 'href="style.css"', f'href="{name}"'


# The style sheets of the broken pages, besides the good one.
SHEETS = {
    "far.css": SHEET + f"@font-face {{ font-family: far; src: url({BAD}) }}",
    "broken.css": SHEET + "@font-face { font-family: gone; src: url(gone.woff2) }",
    "heavy.css": SHEET + "/*" + "x" * 200_000 + "*/",
    "no-dark.css": SHEET.replace(DARK_SYSTEM, "@media (prefers-color-scheme: none)"),
    "no-switch.css": SHEET.replace("[data-theme", "[data-no-theme"),
}

# Changes that break no rule.
HARMLESS = {
    "narrow-box": added('<div style="width: 280px">x</div>'),
    "scroll-at-320": ("static</span> int", "static</span> " + "x" * 30 + " int"),
    "inner-scroll": added('<div style="overflow-x: auto" tabindex="0">'
                          '<div style="width: 2000px">x</div></div>'),
    "data-image": added('<p><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="x"></p>'),
    "folded": added("<details><summary>Hint</summary><p>Text.</p></details>"),
    "contrast": styled("h1 { color: #717171; background: #fff }"),
    "mail": ("https://example.org/\"", "mailto:someone@example.org\""),
}

# The name of the page; what is replaced by what; the reports expected, as patterns.
BROKEN = {
    "links": (added(
        '<p><a href="gone.html">x</a> <a href="other.html#gone">x</a> <a href="#gone">x</a> '
        '<a href=".">x</a> <a href="../x.html">x</a> <a href="/x.html">x</a> '
        '<a href="//example.org/">x</a> <a href="javascript:x()">x</a></p>'
        '<svg aria-hidden="true"><path d="M0 0H9" marker-end="url(#mark)"/></svg>'),
        ["link: 'gone.html' leads to no file", "link: 'other.html#gone' leads to no such id",
         "link: '#gone' leads to no such id", r"link: '\.' leads to no file",
         r"link: '\.\./x.html' leads out of the book", "link: '/x.html' leads out of the book",
         "link: '//example.org/' leads out of the book",
         r"link: 'javascript:x\(\)' is not a link for a book",
         "link: '#mark' leads to no such id"]),
    "link-address": (("https://example.org/\"", "https://[\""),
                     ["html: .*Bad value", r"link: 'https://\[' is not an address"]),
    "link-script": (("page.js", "gone.js"),
                    ["console: Failed to load", "link: 'gone.js' leads to no file", "switch: "]),
    "link-font": (sheet("broken.css"), ["link: 'gone.woff2' leads to no file"]),
    # What the browser asks for at once: seen in the source and on its way out.
    "foreign-asked": (added(
        f'<link rel="stylesheet" href="{BAD}.css"><p style="background: url({BAD}.gif)">'
        f'<img src="{BAD}.png" alt="x"></p><style>@import "{BAD}.import";</style>'
        f'<script src="{BAD}.js"></script><iframe src="{BAD}.html" title="x"></iframe>'),
        [f"{rule}{BAD}.{kind}" for kind in ("css", "gif", "png", "import", "js", "html")
         for rule in ("foreign: '", "network: requests ")] + ["html: .*style"]),
    # What it asks for later or on another machine: seen in the source only.
    "foreign-later": (added(
        f'<p style="margin-top: 9000px"><img src="{BAD}.lazy" alt="x" loading="lazy"> '
        f'<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" srcset="page.js 1x, {BAD}.set 9x" alt="y"> '
        f'<a ping="{BAD}.ping" href="other.html">A link</a></p>'
        f'<link rel="preconnect" href="{BAD}.near">'
        f'<form action="{BAD}.form"></form>'),
        [f"foreign: '{BAD}.{kind}'" for kind in ("lazy", "set", "ping", "near", "form")]),
    "foreign-use": (added(f'<svg aria-hidden="true"><use href="{BAD}"/></svg>'),
                    ["console: Unsafe attempt", f"foreign: '{BAD}", f"network: requests {BAD}"]),
    "foreign-no-scheme": (added('<p><img src="//example.org/x" alt="x"></p>'),
                          ["console: Failed to load", "foreign: '//example.org/x'"]),
    "foreign-font": (styled(f'@font-face {{ font-family: x; src: url("{BAD}") }}'),
                     [f"foreign: '{BAD}"]),
    "foreign-in-sheet": (sheet("far.css"), [f"foreign: '{BAD}"]),
    "foreign-refresh": (added(f'<meta http-equiv="refresh" content="9999; url={BAD}">'),
                        ["axe: meta-refresh", f"foreign: '{BAD}", "html: .*meta"]),
    "id": (added('<p id="top">Twice</p>'), ["html: ", "id: the id 'top' stands twice"]),
    "h1-none": (('<h1 id="top">A good page</h1>', "<h2>A good page</h2>"),
                ["axe: page-has-heading-one", "h1: 0 h1 elements"]),
    "h1-two": (added("<h1>Again</h1>"), ["h1: 2 h1 elements instead of one"]),
    "weight-page": (added("<!-- " + "x" * 200_000 + " -->"), [r"weight: 20\d{4} bytes"]),
    "weight-sheet": (sheet("heavy.css"), [r"weight: 20\d{4} bytes"]),
    "html-nesting": (added("<p><span><div>x</div></span></p>"), ["html: line \\d+: "]),
    "html-label": (('<pre tabindex="0"', '<pre tabindex="0" aria-label="x"'),
                   ["html: line \\d+: .*aria-label"]),
    "axe-name": (added("<p><button></button></p>"), ["axe: button-name at .*button: .*320 px light"]),
    "axe-light": (styled(".kw { color: #bbb } [data-theme=dark] .kw { color: #8cf }"
                         f"{DARK_SYSTEM} {{ :root:not([data-theme=light]) .kw {{ color: #8cf }} }}"),
                  [r"axe: color-contrast at .*\(320 px light, 768 px light,"]),
    "axe-dark": (styled("[data-theme=dark] .kw { color: #222 }"
                        f"{DARK_SYSTEM} {{ :root:not([data-theme=light]) .kw {{ color: #222 }} }}"),
                 [r"axe: color-contrast at .*\(320 px dark, 768 px dark,"]),
    "axe-switch": (styled("[data-theme=dark] p { color: #222 }"),
                   [r"axe: color-contrast at .*\(320 px dark by switch,", "theme: data-theme=\"dark\" does"]),
    "switch-none": ((' src="page.js" defer', ""),
                    ['switch: no click on button.theme sets data-theme="light"',
                     'switch: no click on button.theme sets data-theme="dark"']),
    "switch-half": (scripted("onload = () => { document.querySelector('.theme').onclick = "
                             "() => { document.documentElement.dataset.theme = 'dark' } }"),
                    ['switch: no click on button.theme sets data-theme="light"']),
    "axe-narrow": (styled("@media (max-width: 400px) { h1 { background: #777; color: #888 } }"),
                   [r"axe: color-contrast at #top: .*320 px light"]),
    "overflow-narrow": (added('<div style="width: 400px">x</div>'),
                        [r"overflow: <div>, .*\(320 px\)"]),
    "overflow-wide": (added('<div style="width: 1400px">x</div>'),
                      [r"overflow: <div>, .*\(320 px, 768 px, 1280 px\)"]),
    "listing-scrolls": (("static</span> int", "static</span> " + "x" * 90 + " int"),
                        [r"listing: .*\(768 px\)"]),
    "contrast-folded": (added('<details><summary>More</summary><p id="folded">Text</p></details>'
                              "<style>#folded { color: #bbb; background: #fff }</style>"),
                        [r"axe: color-contrast at #folded: .*320 px light", "html: "]),
    "listing-cut": (('<pre tabindex="0"', '<pre style="overflow: hidden; width: 10em"'),
                    [r"listing: .*\(768 px, 1280 px\)"]),
    "theme-system": (sheet("no-dark.css"), ["theme: a dark system gives the light colours",
                                            'theme: data-theme="dark" does not give']),
    "theme-switch": (sheet("no-switch.css"), ['theme: data-theme="dark" does not give',
                                              'theme: data-theme="light" does not give']),
    "script-shows": (('<main id="main">', '<main id="main" style="display: none">'
                      '<script>document.querySelector("main").style.display = ""</script>'),
                     ["script: text is missing without JavaScript"]),
    "script-hides": (scripted("onload = () => { document.querySelector('main').innerText = 'x' }"),
                     ["axe: page-has-heading-one", "script: a script hides text"]),
    "script-none": (('<main id="main">', '<main id="main" hidden>'),
                    ["axe: page-has-heading-one", "axe: landmark-one-main", "script: no text in <main>"]),
    "console-error": (scripted("console.error('broken')"), ["console: broken"]),
    "console-throw": (scripted("throw new Error('thrown')"), ["console: thrown"]),
    "network-fetch": (scripted(f"fetch('{BAD}').catch(() => 0)"), ["network: requests .*/x"]),
    "network-socket": (scripted("new WebSocket('ws://example.org/x')"),
                       ["console: WebSocket connection", "network: opens ws://example.org/x"]),
}


def check(folder):
    """Runs the tool on the pages of a folder; gives its status and its reports by page."""
    modules = Path(os.environ["PAGE_CHECK"]) / "node_modules"
    done = subprocess.run(["node", TOOL, folder, modules, os.environ["CHROMIUM"]],
                          capture_output=True, text=True)
    reports = {}
    for line in done.stderr.splitlines():
        page, _, report = line.partition(".html: ")
        reports.setdefault(Path(page).name, []).append(report)
    return done, reports


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(GOOD, folder, dirs_exist_ok=True)
            for name, css in SHEETS.items():
                Path(folder, name).write_text(css)
            changes = {**HARMLESS, **{name: change for name, (change, _) in BROKEN.items()}}
            for name, (old, new) in changes.items():
                Path(folder, f"{name}.html").write_text(PAGE.replace(old, new))
            cls.done, cls.reports = check(folder)

    def test_fixtures_differ_from_the_good_page(self):
        for name, ((old, _), _) in BROKEN.items():
            self.assertIn(old, PAGE, name)
        for name, (old, _) in HARMLESS.items():
            self.assertIn(old, PAGE, name)
        for name in ("no-dark.css", "no-switch.css"):
            self.assertNotEqual(SHEETS[name], SHEET, name)

    def test_good_pages_pass_alone(self):
        done, reports = check(GOOD)
        self.assertEqual((done.returncode, reports), (0, {}), done.stderr)

    def test_good_pages_pass_among_broken_ones(self):
        for name in ["good", "other", *HARMLESS]:
            with self.subTest(name):
                self.assertEqual(self.reports.get(name, []), [])

    def test_broken_pages_fail(self):
        self.assertEqual(self.done.returncode, 1, self.done.stderr)
        for name, (_, expected) in BROKEN.items():
            with self.subTest(name):
                reports = self.reports.get(name, [])
                for pattern in expected:
                    self.assertTrue(any(re.match(pattern, report) for report in reports),
                                    f"no '{pattern}' in {reports}")
                for report in reports:
                    self.assertTrue(any(re.match(pattern, report) for pattern in expected),
                                    f"nobody expects '{report}'")

    def test_reports_are_of_pages(self):
        self.assertLessEqual(set(self.reports), set(BROKEN), self.done.stderr)

    def test_no_page_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            done, _ = check(folder)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no page in", done.stderr)


if __name__ == "__main__":
    unittest.main()
