// What boards/QEMU_MPS2/board.h asks of a board, on QEMU's RISC-V machine virt.

#include "py/mphal.h"

#include <string.h>

#define MTIME (*(volatile uint64_t *)0x0200bff8) // 10 MHz
#define RTC_LOW (*(volatile uint32_t *)0x00101000) // nanoseconds since 1970; latches the high
#define RTC_HIGH (*(volatile uint32_t *)0x00101004)

uint64_t clock_us(void) {
    return MTIME / 10;
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

mp_uint_t mp_hal_ticks_us(void) {
    return clock_us();
}

mp_uint_t mp_hal_ticks_ms(void) {
    return clock_us() / 1000;
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return MTIME;
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
