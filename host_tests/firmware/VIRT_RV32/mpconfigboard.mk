# Upstream's VIRT_RV32, the instruction set of ESP32-C3 and C6, with a clock, Mbed TLS, the C
# module and the package. No network. What it can share with QEMU_MPS2 it takes from there.
include boards/VIRT_RV32/mpconfigboard.mk

# Debian's compiler has no libraries for upstream's rv32imac_zicsr, and would link 64-bit ones.
# (Later than 1.28 upstream links by LD.)
override LD = $(CC)
override LDFLAGS := -mabi=ilp32 -march=rv32imac -nostdlib -T $(LDSCRIPT) -Wl,--gc-sections
override LIBS = $(shell $(CC) -mabi=ilp32 -march=rv32imac -print-libgcc-file-name)

ROOT = $(abspath $(BOARD_DIR)/../../..)
include $(ROOT)/boards/QEMU_MPS2/upstream.mk
CFLAGS += -DMP_CONFIGFILE='<mpconfigvirt.h>' -I$(BOARD_DIR) -I$(ROOT)/boards/QEMU_MPS2
QSTR_GLOBAL_DEPENDENCIES += $(BOARD_DIR)/mpconfigvirt.h

MICROPY_HEAP_SIZE = 262144 # as QEMU_MPS2
USER_C_MODULES = $(ROOT)/firmware
FROZEN_MANIFEST = $(ROOT)/lib/manifest.py
MICROPY_PY_SSL = 1
MICROPY_SSL_MBEDTLS = 1

vpath %.c $(BOARD_DIR) $(ROOT)/boards/QEMU_MPS2
SRC_THIRDPARTY_C += virt.c mbedtls_board.c
SRC_BOARD_O += shared/timeutils/timeutils.o

