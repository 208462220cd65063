# The _tlsresume module for make ports: USER_C_MODULES=.../firmware.
# TLSRESUME_TLS13=1 adds Mbed TLS's TLS 1.3 client, where Mbed TLS is built from MicroPython's tree.
TLSRESUME_TLS13 ?= 0
# TLSRESUME_SERVER=0 leaves out the tickets that a server gives.
TLSRESUME_SERVER ?= 1

TLSRESUME_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(addprefix $(TLSRESUME_DIR)/,\
	adopt.c \
	attributes.c \
	configure.c \
	connection.c \
	harvest.c \
	modtlsresume.c \
	nagle.c \
	seal.c \
	server.c \
	session.c \
	sslsocket.c \
	ticket.c \
	)

CFLAGS_USERMOD += -I$(TLSRESUME_DIR)
CFLAGS_USERMOD += -DMBEDTLS_USER_CONFIG_FILE=\"mbedtls_config_tlsresume.h\"
CFLAGS_USERMOD += -DTLSRESUME_WITH_TLS13=$(TLSRESUME_TLS13)
CFLAGS_USERMOD += -DTLSRESUME_SERVER=$(TLSRESUME_SERVER)

ifeq ($(TLSRESUME_TLS13),1)
SRC_THIRDPARTY_C += $(addprefix lib/mbedtls/library/,\
	ssl_tls13_client.c \
	ssl_tls13_generic.c \
	ssl_tls13_keys.c \
	ssl_tls13_server.c \
	)
# Mbed TLS 4 has its cryptography elsewhere, and is not built without PSA.
ifeq ($(wildcard $(TOP)/lib/mbedtls/tf-psa-crypto),)
SRC_THIRDPARTY_C += $(addprefix lib/mbedtls/library/,\
	block_cipher.c \
	hkdf.c \
	$(notdir $(wildcard $(TOP)/lib/mbedtls/library/psa_crypto*.c)) \
	psa_util.c \
	sha3.c \
	threading.c \
	)
endif
endif
