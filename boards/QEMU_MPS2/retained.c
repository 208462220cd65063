// Memory that survives a reset: QEMU loads the image anew, and leaves the machine's 16 MB of
// external RAM as they are.

#include "py/mphal.h"

#define MAGIC (0x746c7372)
#define AIRCR REG(0xe000ed0c)

static int cause;

void retained_init(void) {
    if (RETAINED->magic != MAGIC || RETAINED->len > RETAINED_MAX) {
        *RETAINED = (retained_t) { .magic = MAGIC, .cause = RESET_PWRON };
    }
    cause = RETAINED->cause;
    RETAINED->cause = RESET_HARD; // unless said otherwise
}

int retained_reset_cause(void) {
    return cause;
}

void retained_reset(int why) {
    RETAINED->cause = why;
    AIRCR = 0x05fa0004; // SYSRESETREQ
    for (;;) {
    }
}
