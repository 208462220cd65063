# _tlsresume, and next to it a module that makes allocations fail: USER_C_MODULES=.../modules.
FAULTS_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(FAULTS_DIR)/faults.c
# Upstream's qemu port links by ld itself, later than 1.28.
comma := ,
FAULTS_WRAP := $(if $(shell grep -F '$$(LD) $$(LDFLAGS)' Makefile),,-Wl$(comma))--wrap=
LDFLAGS_USERMOD += $(addprefix $(FAULTS_WRAP),gc_alloc gc_realloc mbedtls_ctr_drbg_random)

# Mbed TLS's heap is the C library's on the unix port, MicroPython's on a board.
ifeq ($(notdir $(CURDIR)),unix)
LDFLAGS_USERMOD += $(addprefix $(FAULTS_WRAP),calloc free)
else
LDFLAGS_USERMOD += $(addprefix $(FAULTS_WRAP),m_tracked_calloc m_tracked_free)
endif

USERMOD_DIR := $(abspath $(FAULTS_DIR)/../../../../firmware/tlsresume)
include $(USERMOD_DIR)/micropython.mk
