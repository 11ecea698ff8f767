# Renders the book: chapters and appendices from Markdown to build/book.
#
# Wants build/book/data.lua (docs/sync.py export), whose rule stands elsewhere.
# It has a new time only when its contents change: every page depends on it.
#
#   book-pages   all pages, their stylesheet and script, links checked
#
# BOOK_SOURCE_URL stands before the path in links to files of the repository,
# for a copy that is published beside one. Without it files are named only.

B               ?= build
PANDOC          ?= pandoc
PYTHON          ?= python3
BOOK            := $(B)/book
BOOK_SOURCE_URL ?=

# The front page first, then what follows the chapters, in reading order.
BOOK_EXTRA := docs/pages/index.md docs/pages/header.md docs/pages/pool.md \
	$(wildcard docs/from-rust-to-c.md docs/kernels.md) \
	$(addprefix docs/pages/,claims.md glossary.md symbols.md)
BOOK_CHAPTERS := $(sort $(wildcard chapters/[0-9][0-9]-*.md))
BOOK_PAGES := $(patsubst %.md,$(BOOK)/%.html,$(notdir $(BOOK_CHAPTERS) $(BOOK_EXTRA)))
BOOK_FILTERS := $(addprefix docs/,book.lua inlines.lua blocks.lua appendix.lua)
BOOK_NEEDS := $(BOOK)/data.lua docs/template.html $(BOOK_FILTERS) docs/book.mk $(BOOK_EXTRA)

.PHONY: book-pages
book-pages: $(BOOK)/links.checked

# A page appears whole or not at all.
define BOOK_RENDER
@mkdir -p $(@D)
@echo "pandoc $<"
$(Q)$(PANDOC) --from markdown-implicit_figures --to html5 --wrap none --template docs/template.html \
	--lua-filter docs/book.lua --metadata book-data=$(BOOK)/data.lua \
	--metadata source-url=$(BOOK_SOURCE_URL) --metadata extra-pages="$(BOOK_EXTRA)" \
	--output $@.part $<
@mv $@.part $@
endef

$(BOOK)/%.html: chapters/%.md $(BOOK_NEEDS) $(wildcard chapters/figures/*.svg)
	$(BOOK_RENDER)

$(BOOK)/%.html: docs/pages/%.md $(BOOK_NEEDS)
	$(BOOK_RENDER)

$(BOOK)/%.html: docs/%.md $(BOOK_NEEDS)
	$(BOOK_RENDER)

# The rules of the figures' classes come from the program that draws them.
$(BOOK)/style.css: docs/style.css docs/figures.py
	@mkdir -p $(@D)
	$(Q){ cat docs/style.css; docs/figures.py style; } > $@.part
	@mv $@.part $@

$(BOOK)/theme.js: docs/theme.js
	@mkdir -p $(@D)
	@cp $< $@.part && mv $@.part $@

$(BOOK)/links.checked: $(BOOK_PAGES) $(BOOK)/style.css $(BOOK)/theme.js docs/links.py
	$(Q)$(PYTHON) docs/links.py $(BOOK_PAGES)
	@touch $@
