# What a buffer costs, beside the same with liburing by hand.
#
#   bench           instructions, and times in alternating slices: some
#                   seconds for each row, SECONDS=5
#   bench-counts    the instructions alone
#   check-bench     the instructions against those that are stored for the
#                   compiler, in tests/bench/baseline; that the times can be
#                   measured, whatever they are
#   bench-baseline  accept the instructions as they are now, gcc's and clang's
#
# Debian packages: valgrind binutils.

BENCH_STAGE := $(lastword $(STAGES))
BENCH_COUNT = tests/bench/count.py $(1) $(B)/count "$(CC)" "$(CFLAGS) $(SAN)" \
	"$(shell $(PKG_CONFIG) --modversion liburing)"

$(B)/tests/bench/%.o: tests/bench/%.c Makefile
	@mkdir -p $(@D)
	$(info $(CC) $<)
	$(Q)$(call compile,$(call includes,$(BENCH_STAGE))) -MMD -MP -c $< -o $@

# Static, so that an address in a count is one in the disassembly, and without
# DWARF, which valgrind 3.19 does not read as clang writes it. Nothing is built
# where that cannot be; count.py then says so.
$(B)/count: tests/bench/count.c tests/bench/hand.h $(B)/$(BENCH_STAGE)/layers.a
	@rm -f $@
	@! printf '%s\n' '#include <valgrind/callgrind.h>' \
		'int main(void) { return 0; }' | $(LINK) -static -x c - \
		-o $@.probe $(LIBURING) -pthread 2>/dev/null || \
		$(call compile,$(call includes,$(BENCH_STAGE))) $(LDFLAGS) -static \
		-Wl,--strip-debug -o $@ $< $(B)/$(BENCH_STAGE)/layers.a $(LIBURING) \
		-pthread

BENCH_RATIO := $(patsubst %,$(B)/tests/bench/%.o,ratio file ingest threads \
	create)

$(B)/ratio: $(BENCH_RATIO) $(B)/$(BENCH_STAGE)/layers.a
	$(Q)$(LINK) -o $@ $^ $(LIBURING) -lm -pthread

SECONDS ?= 5

.PHONY: bench bench-counts bench-compare bench-accept bench-baseline check-bench \
	check-tools-bench
bench: want-code $(B)/ratio bench-counts ## what a buffer costs beside liburing by hand
	@echo
	@$(B)/ratio $(SECONDS)

bench-counts: $(B)/count
	@$(call BENCH_COUNT,print)

bench-compare: $(B)/count
	@$(call BENCH_COUNT,compare)

bench-accept: $(B)/count
	@$(call BENCH_COUNT,accept)

bench-baseline:
	$(SUB) bench-accept
	$(SUB) B=$(B)/clang CC=clang bench-accept

check-bench:
	$(SUB) bench-compare $(B)/ratio
	$(SUB) B=$(B)/clang CC=clang bench-compare
	$(B)/ratio 0 >$(B)/ratio.log

check-tools: check-tools-bench
check-tools-bench:
	python3 -B tests/bench/test_count.py
