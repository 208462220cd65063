// The os module's part of the board; included by extmod/modos.c.

#include "py/runtime.h"

#if MICROPY_VERSION < MICROPY_MAKE_VERSION(1, 28, 0) // then upstream's asks mp_hal_get_random
static mp_obj_t mp_os_urandom(mp_obj_t num) {
    vstr_t vstr;
    vstr_init_len(&vstr, mp_obj_get_int(num));
    host_random(vstr.buf, vstr.len);
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
#endif
