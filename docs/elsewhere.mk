# The README's commands on other systems, each in a chroot of its own.
#
#   elsewhere   DIST is a suite of Debian's, bookworm, trixie or sid; ARCH is
#               amd64 for both commands, i386 or arm64 for the stages' tests
#
# Needs root and Debian's own debootstrap. The chroots, a few GB each, are
# kept in $(B)/elsewhere.

DIST ?= trixie
ARCH ?= amd64

.PHONY: elsewhere
elsewhere: ## DIST=trixie ARCH=amd64: the README's commands in a chroot
	@tests/elsewhere/elsewhere.sh $(B)/elsewhere $(DIST) $(ARCH)
