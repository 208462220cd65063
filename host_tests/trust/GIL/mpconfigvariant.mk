# The unix port with a board's habits: threads take turns, and Ctrl-C waits for a jump.
MICROPY_PY_BTREE = 0
TLSRESUME_TLS13 = 1
USER_C_MODULES = $(VARIANT_DIR)/../../../firmware
FROZEN_MANIFEST = $(VARIANT_DIR)/../../../boards/UNIX/manifest.py
