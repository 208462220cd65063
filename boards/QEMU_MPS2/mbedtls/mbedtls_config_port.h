// Mbed TLS on the board: upstream's common configuration, with the board's clock.
#ifndef MICROPY_INCLUDED_QEMU_MPS2_MBEDTLS_CONFIG_PORT_H
#define MICROPY_INCLUDED_QEMU_MPS2_MBEDTLS_CONFIG_PORT_H

#include <time.h>
time_t board_time(time_t *timer);
#define MBEDTLS_PLATFORM_TIME_MACRO board_time
#define MBEDTLS_PLATFORM_MS_TIME_ALT

#define MICROPY_MBEDTLS_CONFIG_BARE_METAL (1)
#include "extmod/mbedtls/mbedtls_config_common.h"

#endif // MICROPY_INCLUDED_QEMU_MPS2_MBEDTLS_CONFIG_PORT_H
