# _tlsresume, and next to it a module that makes allocations fail: USER_C_MODULES=.../modules.
FAULTS_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(FAULTS_DIR)/faults.c
LDFLAGS_USERMOD += -Wl,--wrap=gc_alloc -Wl,--wrap=mbedtls_ctr_drbg_random,--wrap=gc_realloc

# Mbed TLS's heap is the C library's on the unix port, MicroPython's on a board.
ifeq ($(notdir $(CURDIR)),unix)
LDFLAGS_USERMOD += -Wl,--wrap=calloc,--wrap=free
else
LDFLAGS_USERMOD += -Wl,--wrap=m_tracked_calloc,--wrap=m_tracked_free
endif

USERMOD_DIR := $(abspath $(FAULTS_DIR)/../../../../firmware/tlsresume)
include $(USERMOD_DIR)/micropython.mk
