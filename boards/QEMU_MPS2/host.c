// What the host gives by semihosting: its clock, and entropy.

#include "py/mphal.h"

// Arm's "Semihosting for AArch32 and AArch64".
#define SYS_OPEN (0x01)
#define SYS_READ (0x06)
#define SYS_TIME (0x11)
#define OPEN_MODE_RB (1)

static uint32_t call(uint32_t number, const void *arguments) {
    register uint32_t r0 __asm__ ("r0") = number;
    register const void *r1 __asm__ ("r1") = arguments;
    __asm volatile ("bkpt 0xab" : "+r" (r0) : "r" (r1) : "memory");
    return r0;
}

uint32_t host_time(void) {
    return call(SYS_TIME, NULL);
}

void host_random(void *buf, size_t len) {
    static uint32_t file;
    if (file == 0) {
        static const char name[] = "/dev/urandom";
        uint32_t open[] = { (uint32_t)name, OPEN_MODE_RB, sizeof(name) - 1 };
        file = call(SYS_OPEN, open);
    }
    uint32_t read[] = { file, (uint32_t)buf, len };
    call(SYS_READ, read);
}

// MicroPython's source of entropy from 1.28 on.
void mp_hal_get_random(size_t n, uint8_t *buf) {
    host_random(buf, n);
}

uint32_t host_random_u32(void) {
    uint32_t value = 0;
    host_random(&value, sizeof(value));
    return value;
}
