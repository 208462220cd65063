// The machine module's part of the board; included by extmod/modmachine.c.

#include "shared/timeutils/timeutils.h"

static void mp_machine_idle(void) {
    mp_event_wait_ms(1);
}

__attribute__((noreturn)) static void mp_machine_reset(void) {
    retained_reset(RESET_HARD);
}

static mp_int_t mp_machine_reset_cause(void) {
    return retained_reset_cause();
}

static mp_obj_t mp_machine_unique_id(void) {
    return mp_obj_new_bytes((const byte *)"QEMU_MPS2", 9);
}

static mp_obj_t mp_machine_get_freq(void) {
    return MP_OBJ_NEW_SMALL_INT(25000000);
}

static void mp_machine_set_freq(size_t n_args, const mp_obj_t *args) {
    mp_raise_NotImplementedError(NULL);
}

// Sleep without a network, as a chip whose radio is off.
static void sleep_ms(mp_int_t ms) {
    uint64_t end = clock_us() + (uint64_t)ms * 1000;
    while (ms < 0 || clock_us() < end) {
        board_wait();
    }
}

static void mp_machine_lightsleep(size_t n_args, const mp_obj_t *args) {
    sleep_ms(n_args == 0 ? -1 : mp_obj_get_int(args[0]));
}

__attribute__((noreturn)) static void mp_machine_deepsleep(size_t n_args, const mp_obj_t *args) {
    sleep_ms(n_args == 0 ? -1 : mp_obj_get_int(args[0]));
    retained_reset(RESET_DEEPSLEEP);
}

// idle_us(): microseconds asleep since the reset, for measurements: the rest is work.
static mp_obj_t machine_idle_us(void) {
    return mp_obj_new_int_from_ull(board_idle_us);
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_idle_us_obj, machine_idle_us);

// RTC().memory([data]) and RTC().datetime([tuple]), as on ESP32.

static const mp_obj_base_t machine_rtc = { &machine_rtc_type };

static mp_obj_t machine_rtc_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&machine_rtc);
}

static mp_obj_t machine_rtc_memory(size_t n_args, const mp_obj_t *args) {
    if (n_args == 1) {
        return mp_obj_new_bytes(RETAINED->data, RETAINED->len);
    }
    mp_buffer_info_t bufinfo;
    mp_get_buffer_raise(args[1], &bufinfo, MP_BUFFER_READ);
    if (bufinfo.len > RETAINED_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("buffer too long"));
    }
    memcpy(RETAINED->data, bufinfo.buf, bufinfo.len);
    RETAINED->len = bufinfo.len;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_rtc_memory_obj, 1, 2, machine_rtc_memory);

static mp_obj_t machine_rtc_datetime(size_t n_args, const mp_obj_t *args) {
    if (n_args == 2) {
        mp_obj_t *items;
        mp_obj_get_array_fixed_n(args[1], 8, &items); // year, month, day, weekday, h, m, s, subseconds
        clock_set_wall(timeutils_seconds_since_epoch(
            mp_obj_get_int(items[0]), mp_obj_get_int(items[1]), mp_obj_get_int(items[2]),
            mp_obj_get_int(items[4]), mp_obj_get_int(items[5]), mp_obj_get_int(items[6])));
        return mp_const_none;
    }
    uint64_t now = clock_wall_us();
    timeutils_struct_time_t tm;
    timeutils_seconds_since_epoch_to_struct_time(now / 1000000, &tm);
    mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(tm.tm_year),
        MP_OBJ_NEW_SMALL_INT(tm.tm_mon),
        MP_OBJ_NEW_SMALL_INT(tm.tm_mday),
        MP_OBJ_NEW_SMALL_INT(tm.tm_wday),
        MP_OBJ_NEW_SMALL_INT(tm.tm_hour),
        MP_OBJ_NEW_SMALL_INT(tm.tm_min),
        MP_OBJ_NEW_SMALL_INT(tm.tm_sec),
        MP_OBJ_NEW_SMALL_INT(now % 1000000),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_rtc_datetime_obj, 1, 2, machine_rtc_datetime);

static const mp_rom_map_elem_t machine_rtc_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_memory), MP_ROM_PTR(&machine_rtc_memory_obj) },
    { MP_ROM_QSTR(MP_QSTR_datetime), MP_ROM_PTR(&machine_rtc_datetime_obj) },
};
static MP_DEFINE_CONST_DICT(machine_rtc_locals_dict, machine_rtc_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    machine_rtc_type,
    MP_QSTR_RTC,
    MP_TYPE_FLAG_NONE,
    make_new, machine_rtc_make_new,
    locals_dict, &machine_rtc_locals_dict
    );

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_idle_us), MP_ROM_PTR(&machine_idle_us_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_RTC), MP_ROM_PTR(&machine_rtc_type) }, \
    { MP_ROM_QSTR(MP_QSTR_Timer), MP_ROM_PTR(&machine_timer_type) }, \
    { MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(RESET_PWRON) }, \
    { MP_ROM_QSTR(MP_QSTR_HARD_RESET), MP_ROM_INT(RESET_HARD) }, \
    { MP_ROM_QSTR(MP_QSTR_DEEPSLEEP_RESET), MP_ROM_INT(RESET_DEEPSLEEP) }, \
    { MP_ROM_QSTR(MP_QSTR_SOFT_RESET), MP_ROM_INT(RESET_SOFT) },
