# Upstream's qemu port on the machine mps2-an385, with a network and a clock.
QEMU_ARCH = arm
QEMU_MACHINE = mps2-an385
QEMU_EXTRA = -nic user,model=lan9118

CFLAGS += -mthumb -mcpu=cortex-m3 -mfloat-abi=soft
CFLAGS += -DQEMU_SOC_MPS2
CFLAGS += -DMICROPY_HW_MCU_NAME='"Cortex-M3"'
MPY_CROSS_FLAGS += -march=armv7m
LDSCRIPT = $(BOARD_DIR)/mps2.ld
include $(BOARD_DIR)/upstream.mk
$(BUILD)/mphalport.o: private CFLAGS += $(call upstream,mp_hal_stdio_poll)
$(BUILD)/uart.o: private CFLAGS += $(call upstream,uart_rx_chr)
$(BUILD)/py/gc.o: private CFLAGS += $(call upstream,gc_collect_start)

CFLAGS += -DMP_CONFIGFILE='<mpconfigboard.h>' -I$(BOARD_DIR)
# What upstream's files include, and its search for names does not know of.
QSTR_GLOBAL_DEPENDENCIES += $(addprefix $(BOARD_DIR)/,mpconfigboard.h modmachine_board.c modos_board.c modtime_board.c)

# A variant is a few lines more, as in upstream's ports.
ifdef BOARD_VARIANT
include $(BOARD_DIR)/mpconfigvariant_$(BOARD_VARIANT).mk
endif

# What fits here fits an ESP32.
MICROPY_HEAP_SIZE = 262144
FROZEN_MANIFEST = $(BOARD_DIR)/manifest.py
USER_C_MODULES = $(BOARD_DIR)/../../firmware

MICROPY_PY_LWIP = 1
MICROPY_PY_SSL = 1
MICROPY_SSL_MBEDTLS = 1

vpath %.c $(BOARD_DIR)
BOARD_SRC_C = \
	board.c \
	clock.c \
	host.c \
	lan9118.c \
	mbedtls_board.c \
	network_lan.c \
	retained.c \

SRC_THIRDPARTY_C += $(BOARD_SRC_C)
SRC_QSTR += $(BOARD_SRC_C) shared/runtime/mpirq.c shared/runtime/softtimer.c
SRC_BOARD_O = \
	shared/runtime/gchelper_native.o \
	shared/runtime/gchelper_thumb2.o \
	shared/runtime/mpirq.o \
	shared/runtime/softtimer.o \
	shared/timeutils/timeutils.o \

