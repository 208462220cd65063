# The unix port with Clang's sanitizers, which see the stack and the memory of Mbed TLS, but
# nothing within MicroPython's own heap; and with libFuzzer.
MICROPY_PY_BTREE = 0
TLSRESUME_TLS13 = 1
USER_C_MODULES = $(VARIANT_DIR)/../../../firmware
FROZEN_MANIFEST = $(VARIANT_DIR)/../../../boards/UNIX/manifest.py

CC = clang
STRIP =
SANITIZE = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
# MicroPython calls functions by types that are not theirs, which Clang 17 and later look for.
SANITIZE += -fno-sanitize=function
# MicroPython measures its stack, and collects garbage, by the addresses of local variables: these
# stay there. Clang 15 and later would move them onto a heap.
SANITIZE += -fsanitize-address-use-after-return=never
SANITIZE += -fsanitize-ignorelist=$(VARIANT_DIR)/ignore.txt
CFLAGS += $(SANITIZE)
LDFLAGS += $(SANITIZE) -lstdc++
LDFLAGS += $(shell $(CC) -print-file-name=libclang_rt.fuzzer_no_main-$(shell uname -m).a)
