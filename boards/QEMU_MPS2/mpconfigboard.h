// Upstream's qemu port, and what a board with a network has beyond it.
#include <mpconfigport.h>

#include "board.h"

#undef MICROPY_PY_TIME
#undef MICROPY_PY_SELECT
#undef MICROPY_PY_ASYNCIO
#undef MICROPY_PY_SYS_STDIO_BUFFER
#define MICROPY_PY_SYS_STDIO_BUFFER (1) // for mpremote mount
#define MICROPY_PY_TIME (1)
#define MICROPY_PY_SELECT (1)
#define MICROPY_PY_ASYNCIO (1)

#define MICROPY_EPOCH_IS_1970 (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS (1)
#define MICROPY_PY_TIME_INCLUDEFILE "modtime_board.c"

#define MICROPY_TRACKED_ALLOC (1)
#define MICROPY_ENABLE_SCHEDULER (1)
#define MICROPY_KBD_EXCEPTION (1)
#define MICROPY_PY_OS_URANDOM (1)
#define MICROPY_PY_OS_INCLUDEFILE "modos_board.c"
#define MICROPY_PY_RANDOM_SEED_INIT_FUNC (host_random_u32())

#define MICROPY_PY_NETWORK (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "mpy-qemu"
#define MICROPY_PORT_NETWORK_INTERFACES { MP_ROM_QSTR(MP_QSTR_LAN), MP_ROM_PTR(&network_lan_type) },
extern const struct _mp_obj_type_t network_lan_type;

#undef MICROPY_PY_MACHINE_INCLUDEFILE
#define MICROPY_PY_MACHINE_INCLUDEFILE "modmachine_board.c"
#define MICROPY_PY_MACHINE_BARE_METAL_FUNCS (1)
#define MICROPY_PY_MACHINE_TIMER (1)

// Timers are served between bytecodes: nothing interrupts.
#define MICROPY_PY_PENDSV_ENTER
#define MICROPY_PY_PENDSV_EXIT

#define MICROPY_PORT_INIT_FUNC board_init()
#define MICROPY_PORT_DEINIT_FUNC board_deinit()
#define MICROPY_INTERNAL_EVENT_HOOK board_poll()
#define MICROPY_INTERNAL_WFE(timeout_ms) board_wait()
#define MICROPY_VM_HOOK_LOOP board_vm_hook();
#define MICROPY_VM_HOOK_RETURN board_vm_hook();
