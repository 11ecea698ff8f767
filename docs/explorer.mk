# The explorer of schedules: tests/03-release-ordering/explorer.
#
# The code that is explored is compiled for ThreadSanitizer and linked
# with functions of ours in the place of its library. No other sanitizer
# can be in there, and the optimisation is always the same, since the
# steps of a play are those that the compiler left. Where the compiler
# has no ThreadSanitizer, a program that says so.

EXPLORE := $(B)/tests/03-release-ordering/explore
EXPLORER := tests/03-release-ordering/explorer
EXPLORED := $(addprefix code/03-release-ordering/,gate.c publisher.c \
	simkernel.c) $(addprefix $(EXPLORER)/,stage.c publishing.c gating.c)
EXPLORERS := $(filter-out $(EXPLORED),$(wildcard $(EXPLORER)/*.c))
SOURCES += $(wildcard $(EXPLORER)/*.[ch])
explorer_compile = $(call compile,$(call includes,03-release-ordering) \
	-I$(EXPLORER)) -O2 -fno-sanitize=all

$(EXPLORE): $(EXPLORED) $(EXPLORERS) $(wildcard $(EXPLORER)/*.h \
		$(foreach s,$(call upto,03-release-ordering),code/$(s)/*.h)) \
		Makefile docs/explorer.mk
	@mkdir -p $@.parts
	$(info $(CC) -fsanitize=thread $(EXPLORED))
	$(Q)if ! echo 'int word;' | $(CC) $(CFLAGS) -fno-sanitize=all \
		-fsanitize=thread -x c -c - -o $@.parts/probe.o 2>/dev/null; \
	then printf '%s\n' '#!/bin/sh' 'echo no ThreadSanitizer here >&2' \
		'exit 69' >$@ && chmod +x $@; exit; fi; \
	for source in $(EXPLORED); do \
		$(explorer_compile) -fsanitize=thread -c $$source \
			-o $@.parts/$$(basename $$source .c).o || exit; \
	done && \
	$(explorer_compile) $(LDFLAGS) -o $@ $(EXPLORERS) \
		$(patsubst %.c,$@.parts/%.o,$(notdir $(EXPLORED))) \
		-Wl,--wrap=clock_nanosleep -Wl,--wrap=__assert_fail

programs-03-release-ordering $(B)/tests/03-release-ordering/test_explorer: \
	$(EXPLORE)
