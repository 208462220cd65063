# Mbed TLS's ssl_server2 with its library, as upstream configures it. MBEDTLS: its sources.
FOLDERS = library framework/tests/src framework/tests/src/drivers tests/src tests/src/test_helpers
PROGRAM = programs/ssl/ssl_server2.c programs/ssl/ssl_test_lib.c programs/test/query_config.c
SOURCES = $(wildcard $(FOLDERS:%=$(MBEDTLS)/%/*.c)) $(PROGRAM:%=$(MBEDTLS)/%)
INCLUDES = include library tests/include framework/tests/include framework/tests/programs
VPATH = $(MBEDTLS)

ssl_server2: $(SOURCES:$(MBEDTLS)/%.c=%.o)
	@$(CC) -o $@ $^

%.o: %.c
	@echo CC $<
	@mkdir -p $(@D)
	@$(CC) -O1 $(INCLUDES:%=-I$(MBEDTLS)/%) -c -o $@ $<
