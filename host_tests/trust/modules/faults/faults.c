// The faults module: the n-th allocation from now fails, or collects garbage first; or the n-th call
// of Mbed TLS's random generator fails.
//
// Counted apart are MicroPython's heap and Mbed TLS's, which may lie within it, and what is
// allocated within upstream's calls (theirs) and outside them (ours).

#include "py/gc.h"
#include "py/obj.h"
#include "py/runtime.h"
#include "mbedtls/ctr_drbg.h"

enum { FAIL, COLLECT };
enum { PYTHON, MBEDTLS, RANDOM };

static struct {
    mp_int_t action, heap, n, seen;
    bool armed, theirs, theirs_now;
    bool within; // Mbed TLS's allocator, which calls MicroPython's
} plan;

static mp_int_t blocks; // blocks that Mbed TLS holds

// Whether the allocation that is asked for now is to fail.
static bool faults_strike(mp_int_t heap) {
    if (!plan.armed || plan.heap != heap || plan.theirs != plan.theirs_now || gc_is_locked()) {
        return false;
    }
    if (++plan.seen != plan.n) {
        return false;
    }
    if (plan.action == COLLECT) {
        plan.armed = false; // finalisers are no part of it
        gc_collect();
        plan.armed = true;
        return false;
    }
    return true;
}

void *__real_gc_alloc(size_t n_bytes, unsigned int alloc_flags);
void *__wrap_gc_alloc(size_t n_bytes, unsigned int alloc_flags);
void *__wrap_gc_alloc(size_t n_bytes, unsigned int alloc_flags) {
    return !plan.within && faults_strike(PYTHON) ? NULL : __real_gc_alloc(n_bytes, alloc_flags);
}

void *__real_gc_realloc(void *ptr, size_t n_bytes, bool allow_move);
void *__wrap_gc_realloc(void *ptr, size_t n_bytes, bool allow_move);
void *__wrap_gc_realloc(void *ptr, size_t n_bytes, bool allow_move) {
    bool grows = ptr == NULL || n_bytes > gc_nbytes(ptr);
    return grows && !plan.within && faults_strike(PYTHON) ? NULL : __real_gc_realloc(ptr, n_bytes, allow_move);
}

#if defined(__unix__)
#define MBEDTLS_CALLOC(prefix) prefix##calloc
#define MBEDTLS_FREE(prefix) prefix##free
#else
#define MBEDTLS_CALLOC(prefix) prefix##m_tracked_calloc
#define MBEDTLS_FREE(prefix) prefix##m_tracked_free
#endif

void *MBEDTLS_CALLOC(__real_)(size_t nmemb, size_t size);
void *MBEDTLS_CALLOC(__wrap_)(size_t nmemb, size_t size);
void *MBEDTLS_CALLOC(__wrap_)(size_t nmemb, size_t size) {
    if (faults_strike(MBEDTLS)) {
        return NULL;
    }
    plan.within = true;
    void *ptr = MBEDTLS_CALLOC(__real_)(nmemb, size);
    plan.within = false;
    blocks += ptr != NULL;
    return ptr;
}

void MBEDTLS_FREE(__real_)(void *ptr);
void MBEDTLS_FREE(__wrap_)(void *ptr);
void MBEDTLS_FREE(__wrap_)(void *ptr) {
    blocks -= ptr != NULL;
    MBEDTLS_FREE(__real_)(ptr);
}

int __real_mbedtls_ctr_drbg_random(void *p_rng, unsigned char *out, size_t len);
int __wrap_mbedtls_ctr_drbg_random(void *p_rng, unsigned char *out, size_t len);
int __wrap_mbedtls_ctr_drbg_random(void *p_rng, unsigned char *out, size_t len) {
    if (faults_strike(RANDOM)) {
        return MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
    }
    return __real_mbedtls_ctr_drbg_random(p_rng, out, len);
}

// arm(action, heap, theirs, n): let the n-th allocation of that heap fail or collect; 0: none.
static mp_obj_t faults_arm(size_t n_args, const mp_obj_t *args) {
    plan.action = mp_obj_get_int(args[0]);
    plan.heap = mp_obj_get_int(args[1]);
    plan.theirs = mp_obj_is_true(args[2]);
    plan.n = mp_obj_get_int(args[3]);
    plan.seen = 0;
    plan.theirs_now = false;
    plan.armed = true;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(faults_arm_obj, 4, 4, faults_arm);

// disarm() -> how many such allocations there were.
static mp_obj_t faults_disarm(void) {
    plan.armed = false;
    return MP_OBJ_NEW_SMALL_INT(plan.seen);
}
static MP_DEFINE_CONST_FUN_OBJ_0(faults_disarm_obj, faults_disarm);

// theirs(bool): what is allocated from now on is upstream's, or ours.
static mp_obj_t faults_theirs(mp_obj_t theirs) {
    plan.theirs_now = mp_obj_is_true(theirs);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(faults_theirs_obj, faults_theirs);

// blocks() -> how many blocks Mbed TLS holds.
static mp_obj_t faults_blocks(void) {
    return MP_OBJ_NEW_SMALL_INT(blocks);
}
static MP_DEFINE_CONST_FUN_OBJ_0(faults_blocks_obj, faults_blocks);

static const mp_rom_map_elem_t faults_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_faults) },
    { MP_ROM_QSTR(MP_QSTR_FAIL), MP_ROM_INT(FAIL) },
    { MP_ROM_QSTR(MP_QSTR_COLLECT), MP_ROM_INT(COLLECT) },
    { MP_ROM_QSTR(MP_QSTR_PYTHON), MP_ROM_INT(PYTHON) },
    { MP_ROM_QSTR(MP_QSTR_MBEDTLS), MP_ROM_INT(MBEDTLS) },
    { MP_ROM_QSTR(MP_QSTR_RANDOM), MP_ROM_INT(RANDOM) },
    { MP_ROM_QSTR(MP_QSTR_arm), MP_ROM_PTR(&faults_arm_obj) },
    { MP_ROM_QSTR(MP_QSTR_disarm), MP_ROM_PTR(&faults_disarm_obj) },
    { MP_ROM_QSTR(MP_QSTR_theirs), MP_ROM_PTR(&faults_theirs_obj) },
    { MP_ROM_QSTR(MP_QSTR_blocks), MP_ROM_PTR(&faults_blocks_obj) },
};
static MP_DEFINE_CONST_DICT(faults_globals, faults_globals_table);

const mp_obj_module_t faults_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&faults_globals,
};

MP_REGISTER_MODULE(MP_QSTR_faults, faults_module);
