// What Mbed TLS asks of the board: time and entropy.

#include "py/mphal.h"
#include "shared/timeutils/timeutils.h"
#include "mbedtls/platform_time.h"

// From 1.28 on upstream's own asks mp_hal_get_random.
MP_WEAK int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen) {
    host_random(output, len);
    *olen = len;
    return 0;
}

time_t board_time(time_t *timer) {
    return clock_wall_us() / 1000000;
}

mbedtls_ms_time_t mbedtls_ms_time(void) {
    return clock_us() / 1000;
}

struct tm *gmtime(const time_t *timep) {
    static struct tm tm;
    timeutils_struct_time_t t;
    timeutils_seconds_since_epoch_to_struct_time(*timep, &t);
    tm = (struct tm) {
        .tm_sec = t.tm_sec,
        .tm_min = t.tm_min,
        .tm_hour = t.tm_hour,
        .tm_mday = t.tm_mday,
        .tm_mon = t.tm_mon - 1,
        .tm_year = t.tm_year - 1900,
        .tm_wday = t.tm_wday,
        .tm_yday = t.tm_yday - 1,
    };
    return &tm;
}
