// What boards/QEMU_MPS2/board.h asks of a board, on QEMU's RISC-V machine virt.

#include "py/mphal.h"

#include <string.h>

#define MTIME_LOW REG(0x0200bff8) // 10 MHz
#define MTIME_HIGH REG(0x0200bffc)
#define RTC_LOW REG(0x00101000) // nanoseconds since 1970; latches the high half
#define RTC_HIGH REG(0x00101004)

static uint64_t mtime(void) {
    for (;;) {
        uint32_t high = MTIME_HIGH;
        uint32_t low = MTIME_LOW;
        if (high == MTIME_HIGH) {
            return (uint64_t)high << 32 | low;
        }
    }
}

uint64_t clock_us(void) {
    return mtime() / 10;
}

uint64_t clock_wall_us(void) {
    uint64_t low = RTC_LOW;
    return ((uint64_t)RTC_HIGH << 32 | low) / 1000;
}

// The machine has no entropy: good for tests, and for nothing else.
void host_random(void *buf, size_t len) {
    static uint64_t state;
    state ^= clock_wall_us() | 1;
    for (uint8_t *p = buf; len > 0; --len) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *p++ = state;
    }
}

void mp_hal_get_random(size_t n, uint8_t *buf) {
    host_random(buf, n);
}

mp_uint_t mp_hal_ticks_us(void) {
    return clock_us();
}

mp_uint_t mp_hal_ticks_ms(void) {
    return clock_us() / 1000;
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return mtime();
}

uint64_t mp_hal_time_ns(void) {
    return clock_wall_us() * 1000;
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = clock_us() + us;
    while (clock_us() < end) {
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    mp_hal_delay_us(ms * 1000);
}
