# Berkeley DB is no part of Debian's source package, and nothing here needs it.
MICROPY_PY_BTREE = 0

USER_C_MODULES = $(VARIANT_DIR)/../../firmware
FROZEN_MANIFEST = $(VARIANT_DIR)/manifest.py
TLSRESUME_TLS13 ?= 1
