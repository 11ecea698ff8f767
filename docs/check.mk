# Checks of the book's prose and pages.
#
#   budget        what each chapter spends of worn turns and of printed C
#   check-prose   spelling, doubled words, stock phrases, em-dashes, worn turns;
#                 whether a reader of plain CommonMark sees what was meant
#   check-pages   the pages in $(B)/book, in a browser at three widths and in
#                 both themes: half a minute
#   check-tools   the fixtures that must fail
#
# Debian packages: aspell aspell-en cmark-gfm; chromium default-jre-headless nodejs npm.

CHROMIUM   ?= /usr/bin/chromium
PAGE_CHECK := $(B)/page-check

.PHONY: budget check-prose check-pages check-tools check-tools-prose check-tools-pages

budget: ## how much of its budgets each chapter spends
	@docs/prose.py --report
	@docs/sync.py lines

check-prose:
	docs/prose.py
	docs/commonmark.py

check-pages: $(PAGE_CHECK)/installed
	node docs/check/pages.mjs $(B)/book $(PAGE_CHECK)/node_modules $(CHROMIUM)

check-tools: check-tools-prose check-tools-pages

check-tools-prose:
	python3 tests/book/test_pages_prose.py
	python3 tests/book/test_commonmark.py

check-tools-pages: $(PAGE_CHECK)/installed
	PAGE_CHECK=$(PAGE_CHECK) CHROMIUM=$(CHROMIUM) python3 tests/book/test_pages.py

# The packages live outside the tree's sources and are fetched once for each
# lock file. npm wants a cache it can write to.
$(PAGE_CHECK)/installed: docs/check/package.json docs/check/package-lock.json
	@mkdir -p $(PAGE_CHECK)
	@cp $^ $(PAGE_CHECK)/
	cd $(PAGE_CHECK) && { [ -w "$$HOME" ] || export npm_config_cache="$$PWD/cache"; } && \
	    npm ci --no-audit --no-fund --ignore-scripts \
	    --no-update-notifier --loglevel=error
	@touch $@
