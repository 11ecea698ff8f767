# Mistakes made in the library on purpose, each of which a test must notice.
#
#   mutants   all of tests/mutants/list, some minutes; WORD= chooses those
#             with that word

WORD ?=

.PHONY: mutants check-tools-mutants
mutants: ## make mistakes in the library and see that its tests notice
	@tests/mutants/mutants.py $(B)/mutants tests/mutants/list $(WORD)

check-tools: check-tools-mutants
check-tools-mutants:
	python3 -B tests/mutants/test_mutants.py
