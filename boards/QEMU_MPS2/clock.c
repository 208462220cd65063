// The clocks: a microsecond counter, and the host's wall clock.

#include "py/mphal.h"
#include "py/runtime.h"

#define FPGAIO_COUNTER REG(0x40028018)
#define FPGAIO_PRESCALE REG(0x4002801c)

static uint64_t booted_us; // wall clock at the reset

void clock_init(void) {
    FPGAIO_PRESCALE = 24; // of 25 MHz
    booted_us = (uint64_t)host_time() * 1000000 - clock_us();
}

uint64_t clock_us(void) {
    static uint32_t last, wraps;
    uint32_t now = FPGAIO_COUNTER;
    wraps += now < last;
    last = now;
    return (uint64_t)wraps << 32 | now;
}

uint64_t clock_wall_us(void) {
    return booted_us + clock_us() + (int64_t)RETAINED->wall_offset * 1000000;
}

void clock_set_wall(uint64_t seconds) {
    RETAINED->wall_offset += (int32_t)(seconds - clock_wall_us() / 1000000);
}

mp_uint_t mp_hal_ticks_us(void) {
    return clock_us();
}

mp_uint_t mp_hal_ticks_ms(void) {
    return clock_us() / 1000;
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return clock_us();
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
    uint64_t end = clock_us() + (uint64_t)ms * 1000;
    mp_event_handle_nowait();
    while (clock_us() < end) {
        mp_event_wait_ms(1);
    }
}

uint32_t sys_now(void) {
    return mp_hal_ticks_ms();
}
