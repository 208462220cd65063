# Upstream's VIRT_RV32, the instruction set of ESP32-C3 and C6, with a clock, Mbed TLS, the C
# module and the package. No network. What it can share with QEMU_MPS2 it takes from there.
include boards/VIRT_RV32/mpconfigboard.mk

# Debian's compiler has no libraries for upstream's rv32imac_zicsr, and would link 64-bit ones.
override LDFLAGS := -mabi=ilp32 -march=rv32imac -nostdlib -T $(LDSCRIPT) -Wl,--gc-sections
LIBS = $(shell $(CC) -mabi=ilp32 -march=rv32imac -print-libgcc-file-name)

ROOT = $(abspath $(BOARD_DIR)/../../..)
CFLAGS += -DMP_CONFIGFILE='<mpconfigvirt.h>' -I$(BOARD_DIR) -I$(ROOT)/boards/QEMU_MPS2
QSTR_GLOBAL_DEPENDENCIES += $(BOARD_DIR)/mpconfigvirt.h

MICROPY_HEAP_SIZE = 262144 # as QEMU_MPS2
USER_C_MODULES = $(ROOT)/firmware
FROZEN_MANIFEST = $(ROOT)/lib/manifest.py
MICROPY_PY_SSL = 1
MICROPY_SSL_MBEDTLS = 1
MBEDTLS_CONFIG_FILE = \"mbedtls_config_board.h\"

vpath %.c $(BOARD_DIR) $(ROOT)/boards/QEMU_MPS2
SRC_THIRDPARTY_C += virt.c mbedtls_board.c
SRC_BOARD_O += shared/timeutils/timeutils.o

